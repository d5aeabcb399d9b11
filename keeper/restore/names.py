"""Names as restic tells them, as a person types them, and as restic's patterns take them; and times to the nanosecond."""

from __future__ import annotations

import os
import re
import unicodedata
from datetime import UTC, datetime, timedelta

NO_TEXT = "\ufffd"
"""What stands in JSON for each byte that is no UTF-8."""
SURROGATES = re.compile("[\udc80-\udcff]")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def shown(path: str | bytes | os.PathLike[str]) -> str:
    """Return a path of the disk as restic's JSON tells it."""
    return SURROGATES.sub(NO_TEXT, os.fsdecode(path))


def key(name: str) -> str:
    """Return what is the same for all ways of typing a name: capital or small, Mac's letters with loose accents or not."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def escaped(path: str) -> str:
    r"""Return a pattern in a file of patterns that fits a path of a snapshot; where that has no way to say a sign, any sign.

    restic cuts lines at both ends, fills in variables, and takes `[ \ * ?` for its own (internal/filter/exclude.go).
    """
    pattern = re.sub(r"[\[\\*?]", r"\\\g<0>", path).replace("$", "[$]")
    pattern = SURROGATES.sub("?", pattern)
    pattern = re.sub(rf"[\n{NO_TEXT}]", "?", pattern)
    return f"{pattern[:-1]}[{pattern[-1]}]" if pattern[-1].isspace() else pattern


def can_be_said(path: str) -> bool:
    """Whether a pattern fits this path and no other."""
    return not re.search(rf"[\n{NO_TEXT}]", path) and not SURROGATES.search(path)


def loose(name: str) -> str:
    """Return a pattern that fits whatever is named so, or a part of it; more may fit: compare `key`."""
    typed = unicodedata.normalize("NFC", name.strip("/"))
    signs = ("*" if len(unicodedata.normalize("NFD", sign)) > 1 or len(sign.casefold()) > 1 else sign for sign in typed)
    pattern = "".join(sign if sign in "*/" or sign.isalnum() else "?" for sign in signs)
    return f"*{pattern}*"


def nanoseconds(text: str) -> int:
    """Return a time as restic tells it in nanoseconds since 1970; 0 for none."""
    found = re.fullmatch(r"(.{19})(?:\.(\d+))?(Z|[+-]\d\d:\d\d)", text)
    if not found:
        return 0
    whole, fraction, zone = found.groups()
    seconds = (datetime.fromisoformat(whole + zone) - EPOCH) // timedelta(seconds=1)
    return seconds * 10**9 + int((fraction or "").ljust(9, "0"))
