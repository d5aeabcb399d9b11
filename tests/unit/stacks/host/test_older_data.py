"""A service that was placed by hand where it has no data, or older data than where it runs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from example_stack import changed, example, secret_keys, sections

from stacks.config import StackConfig, parse
from stacks.host import where_data_is

VOLUME = "photos-home-mariadb"


class FakeDocker:
    """A host with these volumes, on which these services run."""

    def __init__(self, volumes: list[str], running: list[str]) -> None:
        self.volumes = SimpleNamespace(list=lambda **_: [SimpleNamespace(name=name) for name in volumes])
        there = [SimpleNamespace(labels={"photos.service": name}) for name in running]
        self.containers = SimpleNamespace(list=lambda **_: there)

    def connect(self, _: int) -> FakeDocker:
        return self

    def close(self) -> None:
        """Say goodbye."""


def config(place: str) -> StackConfig:
    listed = {"nas": {"address": "192.168.1.10"}, "gpu": {"docker": "ssh://a@gpu.lan", "address": "192.168.1.20"}}
    values = changed(example("home"), {"hosts": listed, "place": {"mariadb": place}})
    keys = {key.removeprefix("photos:") for key in secret_keys(values)}
    return parse("home", sections(values), secret_keys=keys)


@pytest.mark.parametrize(
    ("nas", "gpu", "place", "found"),
    [
        (([VOLUME], ["mariadb"]), ([], []), "nas", None),
        (([VOLUME], ["mariadb"]), ([], []), "gpu", "data_elsewhere"),
        (([VOLUME], []), ([VOLUME], ["mariadb"]), "gpu", None),
        (([VOLUME], []), ([VOLUME], ["mariadb"]), "nas", "data_older"),
        (([VOLUME], []), ([VOLUME], []), "gpu", None),
        (([VOLUME], []), ([VOLUME], []), "nas", None),
        (([], []), ([], []), "gpu", None),
    ],
)
def test_where_its_data_is_and_where_it_runs_decide(
    monkeypatch: pytest.MonkeyPatch, nas: Any, gpu: Any, place: str, found: str | None
) -> None:
    monkeypatch.setattr(where_data_is, "endpoints", lambda _: {"nas": FakeDocker(*nas), "gpu": FakeDocker(*gpu)})
    findings = list(where_data_is.check_where_data_is(config(place)))

    assert [getattr(finding.text, "code", "") for finding in findings] == ([found] if found else [])
    assert all(f"./photos move mariadb {place} --stack home" in str(finding.fix) for finding in findings)
