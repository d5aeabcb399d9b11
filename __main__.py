"""The program that `pulumi up` runs: read the stack file, check the host, declare the photo system."""

from stacks.program import run

run()
