"""What the tests of restores ask for, in the words of a test."""

from __future__ import annotations

import pytest

from keeper.errors import KeeperError
from keeper.restore.restore import Request, RestoreReport, restore
from tests.keeper.home import Home


def bring(home: Home, *paths: str, **more: object) -> RestoreReport:
    """Restore these paths, or what else is asked for."""
    return restore(home.settings, Request(paths=list(paths), **more))


def refused(home: Home, *paths: str, **more: object) -> KeeperError:
    """Return the error with which the same ends."""
    with pytest.raises(KeeperError) as caught:
        bring(home, *paths, **more)
    return caught.value
