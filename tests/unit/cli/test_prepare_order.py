"""`prepare` looks at everything first, and writes only then."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
import typer
import yaml
from example_stack import STACK_ID

from cli import docker_host, engine, first_run, setup, stackfile, tools
from stacks import host
from stacks.config import StackConfig
from stacks.preflight import Report
from stacks.problems import ConfigError

if TYPE_CHECKING:
    from cli.conftest import Checkout  # mypy names the files of this folder cli.*

WRITES = ["agree_to_folders", "_open", "make_secrets", "mark", "fix_owner", "keep_copy"]


class Machine:
    """What is found, and what was written."""

    def __init__(self, config: StackConfig) -> None:
        self.written: list[str] = []
        self.report = Report(config, [])
        self.images: list[host.Finding] = []


@pytest.fixture
def machine(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A first run on which all is well."""
    checkout.write(None)
    made = Machine(stackfile.load("dev"))

    def note(name: str) -> Callable[..., None]:
        return lambda *_: made.written.append(name)

    for module, name in zip((first_run, setup, setup, first_run, first_run, stackfile), WRITES, strict=True):
        monkeypatch.setattr(module, name, note(name))
    monkeypatch.setattr(setup, "look_at", lambda *_: made.report)
    monkeypatch.setattr(setup, "check_images", lambda _: made.images)
    monkeypatch.setattr(tools, "ensure", lambda _: None)
    monkeypatch.setattr(docker_host, "answers", lambda *_: True)
    return made


def test_where_all_is_well_a_first_run_writes_all(machine: Machine) -> None:
    setup.prepare("dev")

    assert machine.written == [name for name in WRITES if name != "fix_owner"], "to mark a library fixes its owner"


def test_a_preview_makes_no_secret_marker_or_id(machine: Machine) -> None:
    setup.prepare("dev", marking=False)

    assert machine.written == ["_open", "keep_copy"]


def test_an_error_is_told_before_anything_is_written(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.report = Report(machine.report.config, [host.error("disk", "is full", "Free some")])

    with pytest.raises(typer.Exit):
        setup.prepare("dev")
    assert machine.written == []
    assert "Nothing was created or changed:\ndisk: is full" in capsys.readouterr().err


@pytest.mark.parametrize("marking", [True, False], ids=["up", "preview"])
def test_what_a_person_has_to_type_stops_up_and_no_preview(
    machine: Machine, capsys: pytest.CaptureFixture[str], marking: bool
) -> None:
    assert machine.report.config
    machine.report = Report(
        replace(machine.report.config, still_needed=(host.error("config photos:backup_a_pass", "type it"),)), []
    )
    if marking:
        with pytest.raises(typer.Exit):
            setup.prepare("dev")
        assert machine.written == []
        assert "type it" in capsys.readouterr().err
    else:
        setup.prepare("dev", marking=False)


def test_what_cannot_be_fetched_is_told_before_anything_is_written(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.images = [host.warning("images", "x:1 is not here", "a mirror"), host.ok("images", "1 here")]

    def unreachable(*_: Any) -> None:
        msg = "no pulumi"
        raise tools.UnreachableError(msg)

    monkeypatch.setattr(tools, "ensure", unreachable)
    told: list[str] = []

    def end(text: str) -> NoReturn:
        told.append(text)
        raise typer.Exit

    with pytest.raises(typer.Exit):
        setup.prepare("dev", unreachable=end)
    assert machine.written == []
    assert told == ["no pulumi\nimages: x:1 is not here. a mirror"]


def test_a_stack_that_is_set_up_is_not_marked_again(machine: Machine, checkout: Checkout) -> None:
    checkout.write(STACK_ID)
    machine.report = Report(stackfile.load("dev"), [])
    setup.prepare("dev")

    assert machine.written == ["_open", "make_secrets", "fix_owner", "keep_copy"]


def test_it_looks_at_the_file_with_its_secrets_in_clear_its_owner_and_the_id_of_an_interrupted_run(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout.write(STACK_ID)
    monkeypatch.setattr(setup, "look", lambda load: load())
    monkeypatch.setattr(first_run, "pending_id", lambda _: "pending")
    monkeypatch.setattr(first_run, "with_owner", lambda _, settings: settings.model_copy(update={"timezone": "UTC"}))
    seen: Any = setup.look_at("dev")
    assert (seen.pending_id, seen.settings.timezone) == ("pending", "UTC")

    monkeypatch.setattr(engine, "revealed", lambda _: {"photos:mariadb_root_password": "admin"})
    with pytest.raises(ConfigError, match="photos:mariadb_root_password: is too weak"):
        setup.look_at("dev")


def test_a_stack_of_another_account_is_refused_with_whose_it_is(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout.write(STACK_ID)
    checkout.file.write_text(f"encryptionsalt: v1:abc\n{checkout.file.read_text('utf-8')}", "utf-8")
    monkeypatch.setattr(os, "geteuid", lambda: checkout.file.stat().st_uid + 1)

    with pytest.raises(typer.Exit):
        setup.prepare("dev")
    assert 'The stack "dev" belongs to' in capsys.readouterr().err


def test_what_docker_did_not_tell_before_it_answered_is_looked_at_again(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = Report(machine.report.config, [host.error("docker", "not reachable", "start it")])
    reports = iter([silent, machine.report])
    monkeypatch.setattr(setup, "look_at", lambda *_: next(reports))
    monkeypatch.setattr(docker_host, "answers", lambda *_: False)
    monkeypatch.setattr(docker_host, "ensure", lambda *_: None)
    setup.prepare("dev")

    assert machine.written == [name for name in WRITES if name != "fix_owner"], "to mark a library fixes its owner"


@pytest.mark.parametrize("written", [True, False])
def test_the_owner_is_written_once(checkout: Checkout, written: bool) -> None:
    checkout.write(STACK_ID)
    document = yaml.safe_load(checkout.file.read_text("utf-8"))
    document["config"] |= {"photos:owner": {"uid": 1000, "gid": 1000}}
    if not written:
        del document["config"]["photos:owner"]
    checkout.file.write_text(yaml.safe_dump(document), "utf-8")
    first_run.fix_owner("dev", stackfile.load("dev").settings)

    assert [words[:4] for words in checkout.asked] == (
        [] if written else [("config", "set", "--path", f"photos:owner.{key}") for key in ("uid", "gid")]
    )
