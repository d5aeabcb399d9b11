"""What may be forgotten in a night, whatever restic's policy would drop: the limits of our own, and what must be left after."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from keeper.backup import retention
from keeper.copies.repository import Repository
from keeper.errors import Exit, KeeperError
from keeper.settings import KeepSettings
from keeper.state import CopyState, Snapshot

NOW = datetime(2026, 11, 29, 4, tzinfo=UTC)
KEEP = KeepSettings(all_days=30)


class Dropping:
    """A copy whose policy would drop every snapshot; `takes_too` are those that vanish beside what is forgotten."""

    def __init__(self, held: list[Snapshot], takes_too: int = 0, refuses: bool = False) -> None:
        self.held, self._takes_too, self._refuses = held, takes_too, refuses
        self.restic, self.pruned = self, 0

    def to_forget(self, *_policy: str) -> list[str]:
        return [each.id for each in self.held]

    def forget(self, going: list[str]) -> None:
        if not self._refuses:
            self.held = [each for each in self.held if each.id not in going][self._takes_too :]

    def snapshots(self) -> list[Snapshot]:
        return self.held

    def prune(self, _snapshots: list[Snapshot], *_flags: str) -> None:
        self.pruned += 1


def nights(count: int, *, oldest: int = 400) -> list[Snapshot]:
    """Return one whole snapshot a night, the oldest so many days ago."""
    return [
        Snapshot(id=f"s{number:03}", number=number, time=NOW - timedelta(days=oldest - number))
        for number in range(count)
    ]


def going(snapshots: list[Snapshot]) -> list[str]:
    return retention.too_old(cast("Repository", Dropping(snapshots)), snapshots, KEEP)


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "now", lambda: NOW)


@pytest.mark.parametrize(("there", "may_go"), [(100, 20), (20, 4), (15, 3), (8, 3), (5, 2), (4, 1), (3, 0), (1, 0)])
def test_a_night_takes_a_fifth_at_most_the_oldest_first_and_never_the_newest_three(there: int, may_go: int) -> None:
    snapshots = nights(there)

    assert going(snapshots) == [each.id for each in snapshots[:may_go]]


def test_nothing_goes_while_nothing_is_older_than_what_is_kept_whole() -> None:
    assert going(nights(20, oldest=29)) == []


def test_what_is_held_stays_and_another_one_does_not_go_in_its_place_beyond_the_limit() -> None:
    snapshots = nights(20)
    snapshots[0].held = True

    assert going(snapshots) == [each.id for each in snapshots[1:5]]


def test_parts_of_a_first_upload_stay_until_a_whole_one_follows_them() -> None:
    parts = [Snapshot(id=f"p{number}", number=number, time=NOW, whole=False) for number in (1, 2)]
    whole = Snapshot(id="w", number=3, time=NOW)
    again = Snapshot(id="p4", number=4, time=NOW, whole=False)

    assert going(parts) == []
    assert going([*parts, whole, again]) == ["p1", "p2"]


@pytest.mark.parametrize(
    ("hours", "code"),
    [
        ([0, 24, 48], None),
        ([0, 24, 24 + 45 * 24], None),
        ([0, 24, 24 + 46 * 24], "clock.ahead"),
        ([0, 400 * 24, 24], "clock.ahead"),
        ([400 * 24, 24], "clock.back"),
        ([0, 24, 23.5], None),
        ([48, 24, 72, 96, 120], "clock.back"),
        ([0], None),
    ],
)
def test_a_clock_that_jumped_within_the_last_nights_is_doubted(hours: list[float], code: str | None) -> None:
    start = NOW - timedelta(days=500)
    *before, moment = [start + timedelta(hours=each) for each in hours]
    snapshots = [Snapshot(id=str(each), time=each) for each in before]

    doubt = retention.clock_doubt(snapshots, moment)

    assert (doubt.code if doubt else None) == code


def test_after_a_week_of_nights_an_old_jump_is_over() -> None:
    jumped = [NOW - timedelta(days=300), *(NOW - timedelta(days=day) for day in range(9, 0, -1))]
    snapshots = [Snapshot(id=str(each), time=each) for each in jumped]

    assert retention.clock_doubt(snapshots[:3], NOW - timedelta(days=7)) is not None
    assert retention.clock_doubt(snapshots, NOW) is None


@pytest.mark.parametrize("copy", [Dropping(nights(9), takes_too=1), Dropping(nights(9), refuses=True)])
def test_a_copy_that_lost_more_or_less_than_it_was_told_to_is_damaged(copy: Dropping) -> None:
    with pytest.raises(KeeperError) as caught:
        retention.forget(cast("Repository", copy), nights(9), ["s000"])

    assert (caught.value.exit, caught.value.problem.code) == (Exit.VERIFY, "retention.differs")


def test_what_stays_is_told() -> None:
    left = retention.forget(cast("Repository", Dropping(nights(9))), nights(9), ["s000"])

    assert [each.id for each in left] == [each.id for each in nights(9)[1:]]


@pytest.mark.parametrize(
    ("pruned", "prunes"),
    [(None, 1), (NOW - timedelta(days=7), 1), (NOW - timedelta(days=1), 0), (NOW + timedelta(days=300), 1)],
)
def test_what_was_forgotten_is_removed_once_a_week_though_the_clock_was_ahead_then(
    pruned: datetime | None, prunes: int
) -> None:
    copy = Dropping([])

    moment = retention.prune_when_due(cast("Repository", copy), CopyState(pruned=pruned), [])

    assert copy.pruned == prunes
    assert moment == (NOW if prunes else pruned)
