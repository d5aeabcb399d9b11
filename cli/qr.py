"""A QR code in the terminal, for a phone's camera."""

from __future__ import annotations

import io

import segno
from rich.text import Text

from cli.console import out

PAPER = "bright_white on black"
"""Its blocks are the light squares. Without colours of its own it would be a negative in a light terminal."""


def show(content: str) -> None:
    """Print the code of `content`."""
    drawn = io.StringIO()
    segno.make(content, micro=False).terminal(drawn, compact=True)
    for line in drawn.getvalue().splitlines():
        out.print(Text(line, PAPER))
