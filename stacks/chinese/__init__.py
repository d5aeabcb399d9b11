"""The Chinese texts, a file per part of the program: the code of a message → its text with the same {values}.

The words are those of README.zh-CN.md. Keys, commands, paths and names stay as they are.
"""

from __future__ import annotations

from stacks.chinese import host, program, values

TEXTS = {**program.TEXTS, **values.TEXTS, **host.TEXTS}
