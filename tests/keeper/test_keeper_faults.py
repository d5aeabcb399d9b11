"""Faults on the way to a copy: known soon where no patience helps, never a verdict about what lies there."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import pytest

from keeper.backup import retention, verify
from keeper.copies import restic
from keeper.errors import Exit, KeeperError
from keeper.state import RunReport
from tests.keeper.home import Home
from tests.keeper.proxy import Fault, Proxy, proxied, webdav


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "SECOND_LOOK_SECONDS", 0.01)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a broken line end a command soon: restic tries every object for a quarter of an hour."""
    monkeypatch.setattr(restic, "LASTING", frozenset({"cause.unreachable"}))
    monkeypatch.setattr(restic, "PATIENCE_SECONDS", 1)


@pytest.fixture
def proxy(home: Home) -> Iterator[Proxy]:
    """The copy `net` behind a proxy before a WebDAV server; it is read back as a whole every night."""
    with webdav(home.root / "far") as port, proxied(port) as made:
        home.copies = [home.webdav("net", made.url, verify_days=1)]
        home.fill(3)
        home.good_backup("net")
        yield made


@pytest.mark.parametrize("share", [0.5, 0])
def test_a_pack_that_was_cut_far_away_is_mended_at_once(home: Home, proxy: Proxy, share: float) -> None:
    """Restic asks for a quarter of a minute for each photo beyond the end: found by random days, seed 13."""
    del proxy
    content = random.Random(13)  # noqa: S311 - no secret
    for number in range(120):
        home.write(f"2023/small-{number}.jpg", content.randbytes(4000))
    home.good_backup("net")
    pack = max(
        (home.root / "far/photos/data").rglob("*"), key=lambda file: file.stat().st_size if file.is_file() else 0
    )
    pack.write_bytes(pack.read_bytes()[: int(pack.stat().st_size * share)])
    begun = monotonic()

    report = home.backup("net")

    assert "copy.mended" in codes(report), report.problems
    assert monotonic() - begun < 90, "over a hundred photos lay beyond"
    assert home.restorable("net") == home.content()


@contextmanager
def when(is_so: Callable[[], bool], then: Callable[[], None]) -> Iterator[None]:
    """Do something as soon as the proxy saw something."""
    over = threading.Event()

    def wait() -> None:
        while not over.is_set():
            if is_so():
                return then()
            over.wait(0.01)
        return None

    thread = threading.Thread(target=wait)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def codes(report: RunReport) -> list[str]:
    return [problem.code for problem in report.problems]


def photos(home: Home) -> None:
    """Add what is new tonight: photos enough for a pack of their own."""
    home.write("2024/large.raw", os.urandom(3_000_000))


@pytest.mark.parametrize(
    ("fault", "code"), [("401", "cause.credentials"), ("403", "cause.credentials"), ("507", "cause.full")]
)
def test_a_login_that_is_refused_and_a_full_remote_are_known_within_a_minute(
    home: Home, proxy: Proxy, fault: Fault, code: str
) -> None:
    photos(home)
    proxy.fault = fault
    start = monotonic()

    report = home.backup("net")

    assert codes(report) == [code]
    assert report.exit == Exit.COPY
    assert monotonic() - start < 90, "restic itself tries for a quarter of an hour"
    proxy.fault = ""
    home.good_backup("net")
    assert home.restorable("net") == home.content()


@pytest.mark.parametrize("fault", ["500", "429", "away", "drop"])
def test_a_line_that_fails_for_a_moment_costs_nothing(home: Home, proxy: Proxy, fault: Fault) -> None:
    photos(home)
    proxy.fault = fault
    failed = len(proxy.seen) + 3

    with when(lambda: len(proxy.seen) > failed, lambda: setattr(proxy, "fault", "")):
        report = home.backup("net")
        if report.exit == Exit.COPY:  # it could not even begin
            proxy.fault = ""
            report = home.backup("net")

    assert report.exit == Exit.OK, report.problems
    assert home.restorable("net") == home.content()


@pytest.mark.parametrize("fault", ["flip", "cut", "swallow"])
def test_a_remote_that_praises_what_it_broke_is_found_out_the_same_night(
    home: Home, proxy: Proxy, fault: Fault
) -> None:
    photos(home)
    proxy.fault = fault
    sent = proxy.count("PUT", "/data/")

    with when(lambda: proxy.count("PUT", "/data/") > sent, lambda: setattr(proxy, "fault", "")):
        report = home.backup("net")
    if report.exit == Exit.COPY:  # rclone itself saw that the size is another, again and again
        report = home.backup("net")

    assert report.exit in (Exit.OK, Exit.VERIFY)
    assert home.known("net").damage is None
    assert home.restorable("net") == home.content()


@pytest.mark.usefixtures("impatient")
def test_what_mends_is_read_back_too_before_it_is_called_mended(home: Home, proxy: Proxy) -> None:
    """Rot, and in the same night a remote that breaks what takes its place; the memory of what was read is lost, too."""
    photos(home)
    home.good_backup("net")
    pack = max(
        (file for file in (home.root / "far/photos/data").rglob("*") if file.is_file()), key=lambda f: f.stat().st_size
    )
    content = pack.read_bytes()
    pack.chmod(0o644)
    pack.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    home.forget_state()
    proxy.fault = "flip"
    report = home.backup("net")
    whole = is_whole(home)
    proxy.fault = ""

    assert report.exit == Exit.VERIFY
    assert whole or "copy.mended" not in codes(report), codes(report)
    nights = [home.backup("net") for _ in range(2)]
    assert is_whole(home), [codes(night) for night in nights]
    assert home.good_backup("net")


def is_whole(home: Home) -> bool:
    return not home.repository("net").restic.check("1/1").errors


def test_a_connection_that_breaks_while_reading_back_is_no_verdict(home: Home, proxy: Proxy) -> None:
    photos(home)
    read = proxy.count("GET", "/data/")

    with when(lambda: proxy.count("GET", "/data/") > read, lambda: setattr(proxy, "fault", "away")):
        report = home.backup("net")

    assert codes(report) == ["cause.unreachable"]
    assert report.exit == Exit.COPY
    assert report.snapshot, "what was sent is there"
    assert home.known("net").damage is None
    proxy.fault = ""
    read = proxy.count("GET", "/data/")
    good = home.good_backup("net")
    assert good.sent_bytes < 100_000
    assert proxy.count("GET", "/data/") > read, "it is read back by the next run"


@pytest.mark.parametrize("fault", ["away", "401"])
def test_what_cannot_be_read_back_for_the_way_there_is_not_called_bad(home: Home, proxy: Proxy, fault: Fault) -> None:
    repository = home.repository("net")
    packs = {file.name for file in (home.root / "far/photos/data").rglob("*") if file.is_file()}
    assert verify.bad_packs(repository, packs) == []
    proxy.fault = fault

    with pytest.raises(KeeperError) as broken:
        verify.bad_packs(repository, packs)
    with pytest.raises(KeeperError) as still:
        verify.clear_the_way(repository)

    assert broken.value.exit == still.value.exit == Exit.COPY


@pytest.mark.usefixtures("impatient")
def test_rot_is_found_though_the_line_broke_the_night_it_was_to_be_read(
    home: Home, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restic, "PATIENCE_SECONDS", 1)
    photos(home)
    home.good_backup("net")
    pack = max((home.root / "far/photos/data").rglob("*"), key=lambda file: file.stat().st_size)
    pack.write_bytes(b"\0" + pack.read_bytes()[1:])
    read = proxy.count("GET", "/data/")
    # By a refusal: for a line restic waits a quarter of an hour.
    with when(lambda: proxy.count("GET", "/data/") > read, lambda: setattr(proxy, "fault", "401")):
        assert home.backup("net").exit == Exit.COPY
    proxy.fault = ""

    report = home.backup("net")

    assert "copy.mended" in codes(report)
    assert home.restorable("net") == home.content()


@pytest.mark.parametrize("short", ["", "/keys", "/snapshots", "/index", "/data"])
def test_a_listing_that_leaves_something_out_is_no_verdict(home: Home, proxy: Proxy, short: str) -> None:
    photos(home)
    home.good_backup("net")
    proxy.fault, proxy.short = "short-list", short
    proxy.seen.clear()

    report = home.backup("net")

    assert (report.exit, codes(report)) == (Exit.COPY, ["copy.listing"])
    assert report.sent_bytes == 0
    changed = [request.path for request in proxy.seen if request.method in ("DELETE", "MOVE", "PUT")]
    assert [path for path in changed if "/locks/" not in path and "/snapshots/" not in path] == []
    proxy.fault = ""
    home.good_backup("net")
    assert home.known("net").damage is None
    assert home.restorable("net") == home.content()


@pytest.mark.usefixtures("proxy")
def test_nothing_is_pruned_while_a_snapshot_is_not_listed(home: Home) -> None:
    repository = home.repository("net")
    known = repository.snapshots()
    (snapshot,) = (home.root / "far/photos/snapshots").iterdir()
    content = snapshot.read_bytes()
    snapshot.unlink()

    with pytest.raises(KeeperError, match=r"copy\.listing"):
        repository.prune(known, *retention.PRUNE)
    report = home.backup("net")

    assert codes(report) == ["copy.snapshots_gone"]
    assert report.forgotten == 0
    snapshot.write_bytes(content)
    assert home.restorable("net", known[0].id).items() >= home.content().items()


def test_a_copy_that_hangs_holds_up_no_other(home: Home, proxy: Proxy) -> None:
    home.copies.append(home.local("disk"))
    photos(home)
    proxy.fault = "stall"

    with ThreadPoolExecutor() as pool:
        hanging = pool.submit(home.backup, "net")
        assert home.good_backup("disk").snapshot
        assert not hanging.done()
        proxy.fault = ""
        assert hanging.result().exit == Exit.OK

    assert home.restorable("net") == home.restorable("disk") == home.content()


def test_a_vault_whose_login_may_not_delete_is_backed_up(home: Home, proxy: Proxy) -> None:
    home.copies = [home.webdav("net", proxy.url, kind="vault", verify_days=1)]
    proxy.fault = "append-only"
    proxy.seen.clear()
    photos(home)

    home.good_backup("net")
    home.write("2024/more.jpg", b"more")
    home.good_backup("net")

    assert home.restorable("net") == home.content()
    deletions = [request for request in proxy.seen if request.method == "DELETE" and "/locks/" not in request.path]
    assert {request.status for request in deletions} <= {403}, deletions


BREAKS = """#!/bin/sh
[ "$1" = version ] && { echo "restic 0.19.1 compiled with go1.25"; exit; }
echo "rclone: 2026/11/29 04:00:00 ERROR : data/ab/abcd: read tcp 127.0.0.1: connection reset by peer" >&2
echo '{"message_type":"summary","num_errors":1,"broken_packs":["abcd"],"suggest_repair_index":false}'
exit 1
"""


def test_packs_that_restic_calls_broken_while_the_line_breaks_are_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "restic"
    program.write_text(BREAKS)
    program.chmod(0o755)
    monkeypatch.setenv("KEEPER_RESTIC", str(program))

    with pytest.raises(KeeperError) as caught:
        restic.Restic({}, [], tmp_path).check("1/30")

    assert (caught.value.exit, caught.value.problem.code) == (Exit.COPY, "cause.unreachable")
