"""The name of a stack, which begins the names of its containers."""

from __future__ import annotations

import re

from components.messages import Message, message

NAME_LENGTH = 40


def stack_name_problem(name: str) -> Message | None:
    """Say why a stack cannot have this name, which begins the names of its containers; None when it can."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    plain = re.sub(r"^[0-9-]+", "", plain)[:NAME_LENGTH].rstrip("-")
    meant = plain or "home"
    if not name:
        return message(
            "stack_name_missing",
            "a name is needed. Write up to {most} small letters, digits and -, e.g. {meant}",
            most=NAME_LENGTH,
            meant=meant,
        )
    if re.search(r"[^a-z0-9-]", name):
        return message(
            "stack_name_letters",
            "only small letters a-z, digits and - can stand in it. Write e.g. {meant}",
            meant=meant,
        )
    if not name[0].isalpha():
        return message(
            "stack_name_begin",
            'it begins with "{first}", a name begins with a letter. Write e.g. {meant}',
            first=name[0],
            meant=meant,
        )
    if len(name) > NAME_LENGTH:
        return message(
            "stack_name_too_long",
            "it has {size} characters, at most {most} are possible. Write e.g. {meant}",
            size=len(name),
            most=NAME_LENGTH,
            meant=meant,
        )
    return None
