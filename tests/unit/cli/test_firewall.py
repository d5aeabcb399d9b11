"""`./photos firewall`: shown without asking, set and taken away as root, and offered where `up` would stop."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import typer

from cli import console, docker_host, firewall
from cli.commands import firewall as command
from stacks.host import Finding, error, warning
from stacks.host.neighbours import CHECK, RULES
from stacks.preflight import Report


class Root:
    """What is done as root: files are installed below a folder of the test, other commands are noted."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.script, self.unit, self.systemd = folder / "script", folder / "unit.service", folder / "systemd"
        self.did: list[str] = []
        monkeypatch.setattr(firewall, "SCRIPT", str(self.script))
        monkeypatch.setattr(firewall, "UNIT", self.unit)
        monkeypatch.setattr(firewall, "SYSTEMD", self.systemd)
        for module in (firewall, docker_host):
            monkeypatch.setattr(module, "as_root", self._run)

    def _run(self, *words: str) -> None:
        if words[0] in ("install", "rm"):
            subprocess.run(words, check=True)
        else:
            self.did.append(" ".join(words))


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Root:
    return Root(tmp_path, monkeypatch)


@pytest.fixture
def agreeing(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Answer yes, and note the questions."""
    asked: list[str] = []

    def yes(question: object) -> bool:
        asked.append(str(question))
        return True

    monkeypatch.setattr(firewall, "confirm", yes)
    return asked


def test_without_an_option_it_shows_both_forms_and_does_nothing(root: Root, capsys: pytest.CaptureFixture[str]) -> None:
    command.firewall()
    shown = capsys.readouterr().out

    assert RULES.read_text("utf-8") in shown
    assert "table ip photos-lan" in shown
    assert (root.did, root.script.exists()) == ([], False)


def test_it_is_set_now_and_at_every_boot_before_docker(root: Root, agreeing: list[str]) -> None:
    root.systemd.mkdir()
    firewall.set_rule()

    assert agreeing
    assert root.script.stat().st_mode & 0o777 == 0o755
    assert root.did == [f"{root.script} set", "systemctl daemon-reload", "systemctl enable --quiet unit.service"]
    assert "Before=docker.service" in root.unit.read_text()


def test_without_systemd_it_says_until_when_it_holds(
    root: Root, agreeing: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    firewall.set_rule()

    assert agreeing
    assert not root.unit.exists()
    assert f"Let this run at boot, before Docker: {root.script} set" in capsys.readouterr().out


def test_who_does_not_agree_changes_nothing(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(firewall, "confirm", lambda _: False)
    with pytest.raises(typer.Exit):
        firewall.set_rule()

    assert (root.did, root.script.exists()) == ([], False)


@pytest.mark.usefixtures("agreeing")
def test_it_is_taken_away_with_all_that_it_brought(root: Root) -> None:
    root.systemd.mkdir()
    firewall.set_rule()
    root.did.clear()
    firewall.remove_rule()

    assert root.did == [
        "systemctl disable --quiet unit.service", f"{root.script} remove", "systemctl daemon-reload",
    ]  # fmt: skip
    assert not root.script.exists()
    assert not root.unit.exists()


def test_nothing_is_taken_away_where_nothing_was_set(root: Root, capsys: pytest.CaptureFixture[str]) -> None:
    firewall.remove_rule()

    assert root.did == []
    assert "none to take away" in capsys.readouterr().out


def test_set_and_remove_at_once_is_refused(root: Root) -> None:
    with pytest.raises(typer.Exit):
        command.firewall(set_=True, remove=True)

    assert root.did == []


def test_a_bridge_that_only_begins_like_docker_s_is_named_in_the_script(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["lo", "br-0123456789ab", "br-lan", "eth0", "br-$(rm)", "br-iot.2"]
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: {name: [SimpleNamespace(address="x")] for name in names})

    assert 'OTHERS="br-iot.2 br-lan"\n' in firewall.script()


@pytest.mark.parametrize("shell", ["sh", "dash", "bash"])
def test_the_script_is_one_for_every_shell(shell: str) -> None:
    if not shutil.which(shell):
        pytest.skip(f"{shell} is missing")

    assert subprocess.run([shell, "-n", RULES], check=False).returncode == 0


@pytest.mark.parametrize(
    ("findings", "is_offered"),
    [
        ([error(CHECK, "open")], True),
        ([error(CHECK, "open"), error("docker", "x")], False),
        ([warning(CHECK, "open")], False),
        ([error("docker", "away")], False),
        ([], False),
    ],
)
def test_it_is_offered_exactly_where_it_would_help(
    root: Root, agreeing: list[str], findings: list[Finding], is_offered: bool
) -> None:
    assert firewall.offered(Report(None, findings)) is is_offered
    assert bool(agreeing) is is_offered
    assert root.script.exists() is is_offered


def test_nobody_there_to_agree_is_told_how(root: Root, capsys: pytest.CaptureFixture[str]) -> None:
    console.Unattended.yes = False
    with pytest.raises(typer.Exit):
        command.firewall(set_=True)

    assert "add --yes to agree" in capsys.readouterr().err
    assert root.did == []


@pytest.mark.usefixtures("root")
def test_who_does_not_agree_to_the_offer_gets_the_findings_as_always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(firewall, "confirm", lambda _: False)

    assert firewall.offered(Report(None, [error(CHECK, "open")])) is False
