"""The data of MariaDB knows who wrote it, also while no container is there: an older image is refused before anything is made."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from example_stack import OTHER_ID, STACK_ID
from fake_host import FakeHost

from stacks.names import DATABASE_WRITTEN


def kept_volume(host: FakeHost, identity: str = STACK_ID) -> None:
    """Let the volume of a stack be there that was destroyed."""
    attrs = {"Labels": {"photos.id": identity}}
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
    monkeypatch.setenv(DATABASE_WRITTEN, written)
    said, recorder = host.run(host.config({"database.image": "mariadb:11.8.8"}))

    assert told in said
    assert recorder.resources == [], "nothing is created"


@pytest.mark.parametrize("written", ["11.8.9-MariaDB", "11.4.2-MariaDB", "10.11.14-MariaDB", "", "nonsense"])
def test_what_it_can_read_is_accepted(host: FakeHost, monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    kept_volume(host)
    monkeypatch.setenv(DATABASE_WRITTEN, written)

    assert host.run(host.config({"database.image": "mariadb:11.8.8"}))[0] == ""


def test_without_the_volume_the_database_begins_anew(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATABASE_WRITTEN, "12.3.2-MariaDB")

    assert host.run(host.config({"database.image": "mariadb:11.8.8"}))[0] == ""


def test_a_volume_of_another_stack_is_told_as_that(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    kept_volume(host, OTHER_ID)
    monkeypatch.setenv(DATABASE_WRITTEN, "12.3.2-MariaDB")
    said, _ = host.run(host.config({"database.image": "mariadb:11.8.8"}))

    assert "cannot read the data" not in said
    assert OTHER_ID in said


def test_the_data_counts_also_where_an_older_image_was_written_by_hand_and_made_a_container(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept_volume(host)
    host.add_container("photos-dev-mariadb", {"photos.id": STACK_ID}, image="mariadb:11.8.8")
    monkeypatch.setenv(DATABASE_WRITTEN, "12.3.2-MariaDB")

    assert "12.3 → 11.8 cannot read the data" in host.run(host.config({"database.image": "mariadb:11.8.8"}))[0]
