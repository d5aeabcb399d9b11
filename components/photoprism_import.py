"""Where PhotoPrism's import puts a photo: a pattern that a person can read, and the layout that PhotoPrism wants.

Layout and rules: internal/config/customize/import.go in photoprism/photoprism.
"""

from __future__ import annotations

import re

from components.refusals import refusal

IMPORT_PATTERN = "YYYY/MM/YYYYMMDD_HHMMSS_CRC32.ext"
PARTS = {
    "YYYY": "2006", "HHMMSS": "150405", "HH-MM-SS": "15-04-05", "HH.MM.SS": "15.04.05", "MM": "01", "DD": "02",
    "CRC32": "82F63B78", "ext": "jpg",
}  # fmt: skip
"""What a person writes → Go's way to write it; MM beside hours are minutes."""
TAKEN = re.compile(r"\D*\d{2,14}[-/_].*\d{2,14}.*[0-9a-fA-F]{8}\.[0-9a-zA-Z]{2,8}")
"""What PhotoPrism takes; anything else it takes for its own pattern, without a word."""
PLAIN = re.compile(r"(YYYY|MM|DD|HHMMSS|HH[-.]MM[-.]SS|[/_.-])+CRC32\.ext")


def import_pattern(value: str) -> str:
    """Return a pattern that PhotoPrism understands."""
    folders = value.split("/")
    if (
        not PLAIN.fullmatch(value)
        or not TAKEN.fullmatch(go_layout(value))
        or len(folders) < 2  # noqa: PLR2004 - a folder and a name
        or any(not part.strip(".") for part in folders)
    ):
        raise refusal(
            "import_pattern_unreadable",
            '"{value}" is no pattern for imported photos. Write folders and a name of YYYY, MM, DD and HHMMSS, at the '
            "end _CRC32.ext, e.g. {example}",
            value=value,
            example=IMPORT_PATTERN,
        )
    return value


def go_layout(pattern: str) -> str:
    """Return a pattern as PhotoPrism's settings hold it."""
    return re.sub("|".join(map(re.escape, PARTS)), lambda found: PARTS[found[0]], pattern)
