"""How long a container is waited for."""

from __future__ import annotations

from typing import Any

import pytest

from cli.docker_runner import wait_until_healthy


class FakeContainer:
    """One that has run before, and whose state goes on at each look."""

    name = "photos-demo-mariadb"

    def __init__(self, *states: tuple[str, int]) -> None:
        self._states = iter(states)
        self.attrs: dict[str, Any] = {"RestartCount": 5}
        self.looks = 0

    def reload(self) -> None:
        self.looks += 1
        health, restarts = next(self._states)
        self.attrs = {"RestartCount": restarts, "State": {"Health": {"Status": health}}}

    def logs(self, **_: object) -> bytes:
        return b"the first start of this database was cut short"


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.docker_runner.time.sleep", lambda _: None)


def test_a_container_that_ends_again_and_again_is_not_waited_for() -> None:
    container: Any = FakeContainer(("starting", 5), ("starting", 6), ("starting", 7), ("starting", 8), ("healthy", 8))

    with pytest.raises(RuntimeError, match="cut short"):
        wait_until_healthy(container, 300)
    assert container.looks == 4


def test_a_container_that_ended_once_and_comes_up_is_healthy() -> None:
    container: Any = FakeContainer(("starting", 6), ("starting", 7), ("healthy", 7))
    wait_until_healthy(container, 300)

    assert container.looks == 3
