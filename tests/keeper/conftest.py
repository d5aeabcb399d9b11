"""What the keeper's tests share: a real MariaDB for all of them, and a home of its own for each.

Nothing of the keeper is imported before a test asks: its packages may be missing, and then its tests are skipped by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.keeper.server import Server, lacking, running

if TYPE_CHECKING:
    from tests.keeper.home import Home


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    if reason := lacking():
        pytest.skip(reason)
    with running() as made:
        yield made


@pytest.fixture(params=[0, 10**9], ids=["folders are listed", "each file is asked for"])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a test with both ways in which rclone finds the files that it is told of."""
    monkeypatch.setattr("keeper.rclone.LISTING_PAYS", request.param)


@pytest.fixture
def home(server: Server, tmp_path: Path) -> Home:
    from tests.keeper.home import Home  # noqa: PLC0415 - needs the keeper's packages

    server.fresh_album()
    return Home(tmp_path, server)
