"""The data of MariaDB knows who wrote it, also while no container is there: an older image is refused before anything is made."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from example_stack import STACK_ID
from fake_host import FakeHost

from stacks.names import DATABASE_WRITTEN

MADE = "2026-11-29T20:15:00Z"


def kept_volume(host: FakeHost, made: str = MADE) -> None:
    """Let the volume of a stack be there that was destroyed."""
    attrs = {"Labels": {"photos.id": STACK_ID}, "CreatedAt": made}
    host.volumes.append(SimpleNamespace(name="photos-dev-mariadb", attrs=attrs))


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("12.3.2-MariaDB", "12.3 → 11.8 cannot read the data"),
        ("12.0.2-MariaDB-deb13", "12.0 → 11.8 cannot read the data"),
        ("9.4.1-MariaDB", "9.4 → 11.8 skips a major version"),
    ],
)
def test_after_destroy_an_image_that_cannot_read_the_data_is_refused(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch, written: str, told: str
) -> None:
    kept_volume(host)
    monkeypatch.setenv(DATABASE_WRITTEN, f"{written} {MADE}")
    said, recorder = host.run(host.config({"database.image": "mariadb:11.8.8"}))

    assert told in said
    assert recorder.resources == [], "nothing is created"


@pytest.mark.parametrize("written", ["11.8.9-MariaDB", "11.4.2-MariaDB", "10.11.14-MariaDB", "", "nonsense"])
def test_what_it_can_read_is_accepted(host: FakeHost, monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    kept_volume(host)
    monkeypatch.setenv(DATABASE_WRITTEN, f"{written} {MADE}")

    assert host.run(host.config({"database.image": "mariadb:11.8.8"}))[0] == ""


@pytest.mark.parametrize("there", [True, False], ids=["another volume under that name", "no volume"])
def test_a_volume_that_was_made_anew_knows_nothing(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    if there:
        kept_volume(host, made="2027-01-01T00:00:00Z")
    monkeypatch.setenv(DATABASE_WRITTEN, f"12.3.2-MariaDB {MADE}")

    assert host.run(host.config({"database.image": "mariadb:11.8.8"}))[0] == ""


def test_the_data_counts_also_where_an_older_image_was_written_by_hand_and_made_a_container(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept_volume(host)
    host.add_container("photos-dev-mariadb", {"photos.id": STACK_ID}, image="mariadb:11.8.8")
    monkeypatch.setenv(DATABASE_WRITTEN, f"12.3.2-MariaDB {MADE}")

    assert "12.3 → 11.8 cannot read the data" in host.run(host.config({"database.image": "mariadb:11.8.8"}))[0]
