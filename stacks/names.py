"""Names that the program and the commands have to agree on.

Imports nothing: a command that needs only these does not wait for Pulumi and pydantic.
"""

NAMESPACE = "photos:"
"""What all keys of ours in a stack file begin with."""

PLACEHOLDER_ID = "00000000-0000-0000-0000-000000000000"
"""The stack's identity in a preview before the first run."""

DESTROYING = "PHOTOS_DESTROY"
"""Set by `./photos destroy`: what is on its way out needs no healthy host."""

DATABASE_WRITTEN = "PHOTOS_DATABASE_WRITTEN"
"""Set by `./photos`: which MariaDB wrote the data of the stack, and when its volume was made, "11.8.8-MariaDB 2026-…"."""

OWN_GROUP = "PHOTOS_OWN_GROUP"
"""The group of the person's files, where this process has joined the group docker and would give them that one."""

RESTORE = "restore"
"""The service of the container in which the keeper's restore runs. It comes and goes by itself."""
