"""The name of a stack, which begins the names of its containers."""

from __future__ import annotations

import re

NAME_LENGTH = 40


def stack_name_problem(name: str) -> str | None:
    """Say why a stack cannot have this name, which begins the names of its containers; None when it can."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    plain = re.sub(r"^[0-9-]+", "", plain)[:NAME_LENGTH].rstrip("-")
    meant = f"e.g. {plain or 'home'}"
    if not name:
        return f"a name is needed. Write up to {NAME_LENGTH} small letters, digits and -, {meant}"
    if re.search(r"[^a-z0-9-]", name):
        return f"only small letters a-z, digits and - can stand in it. Write {meant}"
    if not name[0].isalpha():
        return f'it begins with "{name[0]}", a name begins with a letter. Write {meant}'
    if len(name) > NAME_LENGTH:
        return f"it has {len(name)} characters, at most {NAME_LENGTH} are possible. Write {meant}"
    return None
