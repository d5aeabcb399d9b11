"""What the keeper's tests share: a real MariaDB for all of them, and a home of its own for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("zstandard", reason="keeper tier: pip install -r requirements-dev.txt")

from keeper import rclone
from tests.keeper.home import Home
from tests.keeper.server import Server, lacking, running


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    if reason := lacking():
        pytest.skip(reason)
    with running() as made:
        yield made


@pytest.fixture(params=[0, 10**9], ids=["folders are listed", "each file is asked for"])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a test with both ways in which rclone finds the files that it is told of."""
    monkeypatch.setattr(rclone, "LISTING_PAYS", request.param)


@pytest.fixture
def home(server: Server, tmp_path: Path) -> Home:
    server.fresh_album()
    return Home(tmp_path, server)
