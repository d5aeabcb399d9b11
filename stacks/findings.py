"""What a look at the stack file and at this machine found, one thing each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from components.messages import Message, Said, message


@dataclass(frozen=True)
class Finding:
    """What one check saw. `fix` says what to do; an error stops `up` and `preview`, a warning does not."""

    level: Literal["ok", "warning", "error"]
    check: Said
    text: Said
    fix: Said = ""

    @property
    def line(self) -> Message:
        """The finding as one line."""
        if not self.fix:
            return message("finding", "{check}: {text}", check=self.check, text=self.text)
        return message("finding_with_fix", "{check}: {text}. {fix}", check=self.check, text=self.text, fix=self.fix)

    def __str__(self) -> str:
        """Return the line in English."""
        return str(self.line)


def at_host(check: Said, host: str) -> Said:
    """Return the name of a check of one host of several; "" where there is only one."""
    return message("check_of_host", "{check} ({host})", check=check, host=host) if host else check


def ok(check: Said, text: Said) -> Finding:
    """Return a finding that needs nothing."""
    return Finding("ok", check, text)


def warning(check: Said, text: Said, fix: Said = "") -> Finding:
    """Return a finding to know about."""
    return Finding("warning", check, text, fix)


def error(check: Said, text: Said, fix: Said = "") -> Finding:
    """Return a finding that stops `up`."""
    return Finding("error", check, text, fix)


def advice(code: str, text: str, fix: str, /, **values: object) -> tuple[Message, Message]:
    """Return what is wrong and what to do, each with its values; the second has the code of the first with `_fix`."""
    wrong, remedy = (
        {name: value for name, value in values.items() if f"{{{name}}}" in english} for english in (text, fix)
    )
    return Message(code, text, wrong), Message(f"{code}_fix", fix, remedy)
