"""What the keeper's tests share: a real MariaDB for all of them, and a home of its own for each.

Nothing of the keeper is imported before a test asks: its packages may be missing, and then its tests are skipped by name.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.keeper import restic as restic_tool
from tests.keeper.server import Server, lacking, running

if TYPE_CHECKING:
    from tests.keeper.home import Home


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    if reason := lacking():
        pytest.skip(reason)
    with running() as made:
        yield made


@pytest.fixture(scope="session")
def restic(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The real restic, with repositories that open at once; the keeper finds it through its variable."""
    if reason := restic_tool.lacking():
        pytest.skip(reason)
    os.environ["KEEPER_RESTIC"] = str(restic_tool.light(tmp_path_factory.mktemp("restic")))
    return os.environ["KEEPER_RESTIC"]


@pytest.fixture
def home(server: Server, restic: str, tmp_path: Path) -> Home:  # noqa: ARG001 - the keeper runs it
    from tests.keeper.home import Home  # noqa: PLC0415 - needs the keeper's packages

    server.fresh_album()
    return Home(tmp_path, server)
