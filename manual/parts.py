"""The list of the parts that are written: page, marker, and what writes it in a language."""

from __future__ import annotations

from collections.abc import Callable

from manual import configuration, troubleshooting

PARTS: tuple[tuple[str, str, Callable[[str], str]], ...] = (
    ("configuration", "configuration", configuration.tables),
    ("troubleshooting", "endings", troubleshooting.endings),
    ("troubleshooting", "findings", troubleshooting.findings),
    ("troubleshooting", "alerts", troubleshooting.alerts),
)
