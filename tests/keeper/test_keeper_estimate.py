"""What a copy costs in traffic, told before it is switched on, and what it then really costs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from keeper.backup import estimate as estimating
from keeper.backup.estimate import Estimate, estimate
from keeper.copies import transport
from keeper.settings import CopySettings
from tests.keeper.home import Home
from tests.keeper.proxy import proxied, webdav

GB = 10**9
RUNS = 4


def copy(**more: object) -> CopySettings:
    return CopySettings.model_validate({"name": "net", "kind": "mirror", "type": "s3", "path": "b/photos", **more})


def test_what_is_told_is_what_a_counting_proxy_sees(
    tmp_path: Path, restic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    del restic
    monkeypatch.setattr(transport, "NATIVE_PACK", 4)
    monkeypatch.setattr(estimating, "DRILLS", 0)
    home, size, new = Home(tmp_path), 500_000, 8
    for number in range(80):
        home.write(f"{2020 + number % 4}/{number}.jpg", os.urandom(size))
    with webdav(tmp_path / "copy-net") as port, proxied(port) as proxy:
        home.copies = [{**home.webdav("net", proxy.url), "verify_days": RUNS}]
        month = new * size * 30
        told = estimate(80, 80 * size, month, home.settings.copies[0])
        home.backup("net")
        first_up = proxy.bytes_up
        proxy.seen.clear()
        for day in range(RUNS):
            for number in range(new):
                home.write(f"new/{day}/{number}.jpg", os.urandom(size))
            home.backup("net")
        # What four days cost; the estimate of a month counts half a month's growth as if it were there.
        growth = month // 2 - new * size * RUNS // 2
        days = RUNS / 30
        rounds = 30 / RUNS

        assert first_up == pytest.approx(told.first_upload, rel=0.05)
        assert proxy.bytes_up == pytest.approx(told.monthly_up * days, rel=0.05)
        # A pack's name is chance, and so is in which slice it is read back.
        assert proxy.bytes_down == pytest.approx((told.monthly_down - growth * rounds) * days, rel=0.4)
        assert len(proxy.seen) == pytest.approx(told.requests * days, rel=0.15)


def test_reading_back_more_often_costs_what_is_read_back() -> None:
    often, seldom = (estimate(200_000, 1000 * GB, 10 * GB, copy(verify_days=days)) for days in (30, 90))

    assert often.monthly_down > 1000 * GB
    assert 330 * GB < seldom.monthly_down < 380 * GB
    assert often.first_upload == pytest.approx(1000 * GB, rel=0.01)
    assert often.monthly_up == pytest.approx(10 * GB, rel=0.01)


def test_a_weekly_schedule_asks_for_less() -> None:
    nightly, weekly = (
        estimate(200_000, 100 * GB, 1 * GB, copy(schedule=schedule)) for schedule in ("30 3 * * *", "30 3 * * 0")
    )

    assert weekly.requests < nightly.requests / 3
    assert weekly.monthly_up < nightly.monthly_up


def test_larger_objects_are_fewer_requests() -> None:
    coarse, fine = (
        estimate(10**6, 5000 * GB, 50 * GB, copy()),
        estimate(10**6, 5000 * GB, 50 * GB, copy(bandwidth="1K")),
    )

    assert fine.requests > 2 * coarse.requests
    assert fine.monthly_up == coarse.monthly_up


def test_each_shelf_that_holds_something_is_listed_in_every_run() -> None:
    small, larger = (estimate(5000, size * GB, 0, copy(verify_days=365)) for size in (1, 50))

    assert larger.requests - small.requests > 30 * 200


def test_a_disk_is_asked_for_nothing_and_an_album_reads_nothing_back() -> None:
    assert estimate(1000, GB, GB // 10, copy(type="local", kind="disk")).requests == 0
    album = estimate(1000, GB, GB // 10, copy(kind="album"))
    assert (album.first_upload, album.monthly_up, album.monthly_down) == (GB, GB // 10, 0)
    assert album.requests > 0


def test_an_empty_library_costs_next_to_nothing() -> None:
    assert estimate(0, 0, 0, copy()) == Estimate(20_000, 600_000, 0, 2100)
