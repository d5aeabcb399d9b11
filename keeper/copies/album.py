"""A copy to look at."""

from __future__ import annotations

from collections.abc import Callable

from keeper.settings import CopySettings, Settings
from keeper.state import RunReport


def copy_album(settings: Settings, copy: CopySettings, progress: Callable[[str, int, int], None] | None) -> RunReport:
    """Copy the originals as plain files."""
    raise NotImplementedError
