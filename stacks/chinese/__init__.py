"""The Chinese texts, a file per part of the program: the code of a message → its text with the same {values}.

The words are those of docs/zh/. Keys, commands, paths and names stay as they are.
"""

from __future__ import annotations

from stacks.chinese import (
    backup,
    commands,
    demo,
    host,
    hosts,
    keys,
    moving,
    program,
    publish,
    services,
    ssh,
    stack_file,
    stack_yaml,
    takeover,
    upgrade,
    values,
)

PARTS = (
    program,
    stack_file,
    stack_yaml,
    values,
    services,
    publish,
    backup,
    host,
    ssh,
    hosts,
    moving,
    commands,
    takeover,
    upgrade,
    demo,
)
TEXTS = {code: text for part in (*PARTS, keys) for code, text in part.TEXTS.items()}
