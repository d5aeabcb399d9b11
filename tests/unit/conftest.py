"""Fixtures of the unit tests: example stacks and a made-up host. Nothing here needs Docker or a network."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_host import FakeHost


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeHost:
    """Return a healthy machine with a marked library; the checks see nothing of the real one."""
    return FakeHost(tmp_path, monkeypatch)
