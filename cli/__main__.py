"""`python -m cli`, what the file `photos` runs."""

from cli.app import main

main()
