"""The language that a person reads: messages become text here, at the edge of the program, and nowhere else.

Only what is shown is translated. What is kept (outputs, labels, files in containers) stays English: it must not change
with the terminal that `up` is run from.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from typing import Literal

from components.messages import Said

Language = Literal["en", "zh"]
VARIABLE = "PHOTOS_LANGUAGE"
GETTEXT_VARIABLES = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
"""The order in which other programs look for the language."""
WITHOUT_CHINESE = "linux"
"""TERM on the bare text console, whose font has no Chinese characters."""
CONFIG_COMMAND = re.compile(r"\./photos config (?:set --secret|rm) [\w:-]+(?![\w:-]| --stack)", re.ASCII)


def language() -> Language:
    """Return Chinese where PHOTOS_LANGUAGE, else the first variable of the locale that is set, begins with zh."""
    if wanted := os.environ.get(VARIABLE):
        return "zh" if wanted.lower().startswith("zh") else "en"
    if os.environ.get("TERM") == WITHOUT_CHINESE:
        return "en"
    locale = next(filter(None, map(os.environ.get, GETTEXT_VARIABLES)), "")
    return "zh" if locale.lower().startswith("zh") else "en"


def text(said: Said, *, stack: str = "") -> str:
    """Return the text in the person's language.

    Its commands name the `stack`, where one is given: without it they reach the one that was used last.
    """
    line = said if isinstance(said, str) else said.text(_catalogue(language()))
    return CONFIG_COMMAND.sub(lambda command: f"{command[0]} --stack {shlex.quote(stack)}", line) if stack else line


def _catalogue(name: Language) -> Mapping[str, str]:
    if name == "en":
        return {}
    # Here and not above: who reads English does not load it.
    from stacks.chinese import TEXTS  # noqa: PLC0415

    return TEXTS
