"""The program that `pulumi up` runs: read the stack file, check the host, declare the photo system."""

import os
import signal

from stacks.program import run

# When a resource fails, the engine interrupts the program: its traceback would bury the one line that says why.
signal.signal(signal.SIGINT, lambda *_: os._exit(1))

run()
