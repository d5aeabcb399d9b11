"""What a command does with a stack that lives on another machine, without reaching it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
import typer
import yaml
from example_stack import changed, example, secret_keys

from cli import paths, plan, this_machine
from components.messages import Message
from stacks.host import ssh
from stacks.host.ssh import LineError, line

if TYPE_CHECKING:
    from cli.conftest import Checkout  # mypy names the files of this folder cli.*

NAS = "ssh://family@nas.invalid"


@pytest.fixture
def far(checkout: Checkout) -> Checkout:
    """A stack on a machine that is not there."""
    config = changed(example("dev"), {"host": NAS})
    config |= {key: {"secure": "v1:x"} for key in secret_keys(config)}
    paths.stack_file("dev").write_text(yaml.safe_dump({"config": config}), "utf-8")
    return checkout


@pytest.mark.usefixtures("far")
def test_what_changes_the_machine_itself_is_refused_from_afar(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit):
        this_machine.need("dev", "./photos name")
    assert f"./photos name works on the machine itself, and this stack lives on {NAS}" in capsys.readouterr().err


@pytest.mark.usefixtures("checkout")
def test_what_changes_the_machine_itself_goes_on_here() -> None:
    this_machine.need("dev", "./photos name")

    assert this_machine.with_library("dev").here


@pytest.mark.usefixtures("far")
def test_the_library_of_a_far_stack_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line(NAS), "open", lambda: pytest.fail("nothing is asked yet"))

    assert this_machine.with_library("dev").name == "nas.invalid"


@pytest.mark.usefixtures("far")
def test_the_plan_of_a_far_stack_asks_nobody(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ssh, "_ssh", lambda *_: pytest.fail("it needs no network, as its help says"))

    plan.show("dev")

    assert "photos-dev-photoprism" in capsys.readouterr().out


def test_a_machine_that_is_lost_anywhere_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from cli import app  # noqa: PLC0415 - its `app` is replaced

    def lost(**_: object) -> None:
        line("ssh://family@nas.invalid").run("true")

    monkeypatch.setattr(app, "app", lost)
    monkeypatch.setattr(sys, "argv", ["photos", "status"])
    monkeypatch.setattr(line("ssh://family@nas.invalid"), "open", _refused)

    with pytest.raises(SystemExit) as end:
        app.main()
    assert end.value.code == 1
    assert capsys.readouterr().err == "ssh: nas does not answer. Is it on?\n"


def _refused() -> None:
    raise LineError((Message("x", "nas does not answer", {}), Message("x_fix", "Is it on?", {})))
