"""Volumes carried between two real Dockers: everything is the same, only the target is written to, and what differs is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from uuid import uuid4

import pytest

from cli.moving import volumes
from cli.moving.volumes import Side, carry
from cli.upgrade.copying import CopyError
from tests.hosts.conftest import REGISTRY
from tests.hosts.daemons import Daemon

TOOL = f"{REGISTRY}/library/mariadb:11.8.8"
NAME = "photos-carried-mariadb"
FILL = r"""
umask 022; cd /v; mkdir -p cache/t 'ä b' $'line\nbreak' .hidden; echo 1 > cache/t/x
echo 2 > $'line\nbreak/tab\t"quote'; echo 3 > 'ä b/ -rf'; echo 4 > $'\xff\xfe bytes'; touch .hidden/empty
ln -s nowhere dangling; ln -s 'ä b' link; ln cache/t/x hard; mkfifo pipe; truncate -s 200M sparse
head -c 50000000 /dev/urandom > large; printf x | dd of=sparse bs=1 seek=100000000 conv=notrunc 2>/dev/null
long=$(printf 'n%.0s' $(seq 200)); mkdir -p $long/$long; echo 5 > $long/$long/$long
touch -d '1999-12-31 23:59:59.123456789' large; touch -h -d 2001-01-01 dangling
chown -R 999:999 cache; chown 1000:4242 large; chown -h 7:8 dangling; chmod 4711 hard; chmod 2775 'ä b'; chmod 0400 large
touch -d '2011-11-11 11:11:11.5' cache/t .; chmod 750 .; chown 999:999 .
"""


class Hosts:
    """Two Dockers with a filled volume on the first."""

    def __init__(self, source: Side, target: Side) -> None:
        self.source, self.target = source, target

    def sh(self, side: Side, script: str) -> str:
        done = side.client.containers.run(
            TOOL, ["-c", script], entrypoint=["/bin/bash"], user="0:0", network_mode="none", remove=True,
            volumes={NAME: {"bind": "/v"}},
        )  # fmt: skip
        return bytes(done).decode(errors="replace")


@pytest.fixture
def two(hosts: dict[str, Daemon]) -> Iterator[Hosts]:
    stack_id = str(uuid4())
    with closing(hosts["nas"].connect()) as nas, closing(hosts["gpu"].connect()) as gpu:
        made = Hosts(*(Side(client, "carried", stack_id, TOOL) for client in (nas, gpu)))
        made.source.make(NAME)
        made.sh(made.source, FILL)
        yield made
        for side in (made.source, made.target):
            side.clear()
            side.remove(NAME)


def test_a_carried_volume_is_the_same_in_everything(two: Hosts) -> None:
    before = two.source.digest(NAME)
    carry(two.source, two.target, NAME)

    look = "cd /v; find . -printf '%y %m %U:%G %T@ %l %p\\0' | LC_ALL=C sort -z | sha256sum; cat 'ä b/ -rf'"
    assert two.sh(two.target, look) == two.sh(two.source, look)
    assert two.target.digest(NAME) == before == two.source.digest(NAME)
    assert int(two.sh(two.target, "du -sk /v").split()[0]) < 60000, "holes stay holes"
    assert two.target.owns(NAME)
    assert two.target.content(NAME).entries == two.source.content(NAME).entries > 15
    assert [each.name for side in (two.source, two.target) for each in side.client.containers.list(all=True)] == []


def test_what_was_there_before_is_replaced_and_nothing_of_it_left(two: Hosts) -> None:
    two.target.make(NAME)
    two.sh(two.target, "mkdir -p /v/old/d /v/cache/t; echo half > /v/cache/t/y; echo half > /v/large")
    carry(two.source, two.target, NAME)

    assert two.sh(two.target, "ls -A /v") == two.sh(two.source, "ls -A /v")


@pytest.mark.parametrize(
    "change",
    [
        "chmod 644 /v/large", "chown 1:1 /v/cache/t/x", "touch /v/cache/t/x", "echo 9 > /v/.hidden/new", "rm /v/link",
        "rmdir /v/empty", "printf y | dd of=/v/large bs=1 seek=9 conv=notrunc 2>/dev/null; touch -d '1999-12-31 23:59:59.123456789' /v/large",
    ],
)  # fmt: skip
def test_any_difference_is_seen(two: Hosts, change: str) -> None:
    two.sh(two.source, "mkdir -p /v/empty")
    carry(two.source, two.target, NAME)
    two.sh(two.target, change)

    assert two.target.digest(NAME) != two.source.digest(NAME)


def test_a_stream_that_loses_something_is_no_copy(two: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volumes, "RECEIVE", f"{volumes.RECEIVE}; rm /to/hard")
    with pytest.raises(CopyError, match="is not what was sent"):
        carry(two.source, two.target, NAME)


def test_a_target_that_cannot_take_it_says_why(two: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volumes, "RECEIVE", "head -c 1000000 >/dev/null; echo 'No space left on device' >&2; exit 1")
    with pytest.raises(CopyError, match="No space left"):
        carry(two.source, two.target, NAME)


def test_a_source_that_cannot_be_read_says_why(two: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volumes, "SEND", f"{volumes.SEND}; echo 'Input/output error' >&2; exit 2")
    with pytest.raises(CopyError, match="Input/output error"):
        carry(two.source, two.target, NAME)


def test_what_is_free_and_when_it_was_written_is_seen_without_making_a_volume(two: Hosts) -> None:
    assert two.target.free() > 0
    assert not two.target.holds(NAME)
    seen = two.source.content(NAME)
    assert seen.size > 250_000_000
    assert seen.written
    assert seen.written.year >= 2026


def test_who_uses_a_volume_is_named(two: Hosts) -> None:
    assert two.source.users(NAME) == []
    made = two.source.client.containers.run(
        TOOL, ["-c", "sleep 60"], entrypoint=["/bin/bash"], detach=True, volumes={NAME: {"bind": "/v"}}
    )
    try:
        assert two.source.users(NAME) == [made.name]
    finally:
        made.remove(force=True)
