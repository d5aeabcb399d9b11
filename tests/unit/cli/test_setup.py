"""Everything is checked before anything is written, whose stack it is, and what happens where nothing can be fetched."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
import typer
import yaml
from example_stack import STACK_ID

from cli import console, docker_host, firewall, first_run, paths, setup, stack_config, tool_download, workspace
from cli.commands import up
from stacks import preflight
from stacks.host import Finding, error, neighbours, warning
from stacks.host.images import CHECK

if TYPE_CHECKING:
    from cli.conftest import Checkout  # mypy names the files of this folder cli.*

LACKING = "Missing: pulumi (no route to host)"


def tree(root: Path) -> dict[str, tuple[int, bytes]]:
    """Return every file below `root` with its time and content, every folder with its time."""
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"") for path in root.rglob("*")
    }


class Machine:
    """What the set-up meets: the findings of the host, tools and images; and what it did."""

    def __init__(self, checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.findings, self.images, self.did = checkout.root, list[Finding](), list[Finding](), list[str]()
        self.tools_lack = ""
        patch = monkeypatch.setattr
        patch(preflight, "findings", lambda _: self.findings)
        patch(preflight, "check_reachable", list)
        patch(preflight, "check_wsl", list)
        patch(setup, "check_images", lambda _: self.images)
        patch(docker_host, "answers", lambda *_: True)
        patch(docker_host, "ensure", lambda *_: self.did.append("docker"))
        patch(tool_download, "ensure", self._tools)

    def _tools(self, _: str) -> None:
        self.did.append("tools")
        if self.tools_lack:
            raise tool_download.UnreachableError(self.tools_lack)


@pytest.fixture
def machine(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> Machine:
    checkout.write(None)
    return Machine(checkout, monkeypatch)


def refused(machine: Machine, capsys: pytest.CaptureFixture[str], **options: Any) -> str:
    """Prepare the stack, and return what was said; fail where anything was written."""
    before = tree(machine.root)
    with pytest.raises(typer.Exit):
        setup.prepare("dev", **options)

    assert tree(machine.root) == before, "nothing is written before everything was checked"
    return capsys.readouterr().err


@pytest.mark.usefixtures("agreed")
@pytest.mark.parametrize("marking", [True, False], ids=["up", "preview"])
def test_what_is_wrong_in_the_file_and_on_the_host_comes_at_once_and_nothing_is_written(
    checkout: Checkout, machine: Machine, capsys: pytest.CaptureFixture[str], marking: bool
) -> None:
    checkout.write(None, {"photos:timezone": "Mars/Olympus", "photos:databse": {}})
    machine.findings = [error("config photos:library.import", "is a file"), warning("memory", "tight")]
    told = refused(machine, capsys, marking=marking)

    assert told.startswith("Nothing was created or changed:\n")
    for part in ("photos:timezone", "photos:databse", "photos:library.import: is a file"):
        assert part in told
    assert "tight" not in told
    assert machine.did == [], "no Docker is installed for a stack file that cannot be used"


@pytest.mark.usefixtures("agreed")
def test_of_a_wrong_value_nothing_is_said_but_that(
    checkout: Checkout, machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout.write(None, {"photos:services": {"photoprism": {"port": 80}}})
    machine.findings = [error("config photos:services.photoprism.port", "port 12343 is in use")]

    assert "12343 is in use" not in refused(machine, capsys), "the default is not what was written"


@pytest.mark.usefixtures("agreed")
def test_a_secret_that_only_a_person_has_stops_the_first_up_and_not_the_first_preview(
    checkout: Checkout, machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    bucket = {"kind": "mirror", "type": "s3", "path": "b/p", "secrets": ["secret_access_key"]}
    checkout.write(None, {"photos:backup": {"remotes": {"bucket": bucket}}})

    assert "photos:backup_bucket_secret_access_key: missing" in refused(machine, capsys)
    setup.prepare("dev", marking=False)
    assert stack_config.offline("dev").still_needed


def test_a_no_to_new_folders_leaves_everything_as_it_was(
    checkout: Checkout, machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout.imports.rmdir()

    assert "Nothing was created" in refused(machine, capsys)
    assert not checkout.imports.exists()


@pytest.mark.usefixtures("agreed")
def test_what_cannot_be_fetched_is_told_before_anything_is_written(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.tools_lack = LACKING
    machine.images = [warning(CHECK, "mariadb:11.8.8 is not here, and its registry cannot be reached")]
    told = refused(machine, capsys)

    assert LACKING in told
    assert "images: mariadb:11.8.8 is not here" in told


def test_who_can_do_without_what_cannot_be_fetched_is_told_all_of_it(
    checkout: Checkout, machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.tools_lack = LACKING
    machine.images = [warning(CHECK, "x:1 is not here", "a mirror")]
    told: list[str] = []

    def end(text: str) -> NoReturn:
        told.append(text)
        raise typer.Exit

    assert refused(machine, capsys, unreachable=end) == ""
    assert told == [f"{LACKING}\nimages: x:1 is not here. a mirror"]
    assert checkout.asked == []


def test_a_registry_that_wants_a_login_is_no_reason_for_another_way_out(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.images = [error(CHECK, "mirror.lan wants a login", "Run: docker login mirror.lan")]

    told = refused(machine, capsys, unreachable=lambda _: pytest.fail("the demo was offered"))
    assert "images: mirror.lan wants a login. Run: docker login mirror.lan" in told


@pytest.mark.usefixtures("agreed")
def test_a_preview_pulls_nothing_and_needs_no_registry(machine: Machine) -> None:
    machine.images = [warning(CHECK, "mariadb:11.8.8 is not here")]

    setup.prepare("dev", marking=False)


def test_a_preview_makes_no_secret_marker_or_id(checkout: Checkout, machine: Machine) -> None:
    assert machine
    setup.prepare("dev", marking=False)

    assert checkout.asked == [("select",)]
    assert (checkout.marker(checkout.originals), checkout.identity()) == (None, None)


@pytest.mark.usefixtures("agreed")
def test_when_all_is_well_the_stack_is_set_up_and_the_id_comes_last(checkout: Checkout, machine: Machine) -> None:
    setup.prepare("dev")

    assert checkout.asked[0] == ("select",)
    assert checkout.asked[-1][:2] == ("set", "photos:id")
    assert checkout.marker(checkout.originals) == checkout.identity()
    assert machine.did == ["tools"]


@pytest.mark.usefixtures("agreed")
def test_a_stack_that_is_set_up_keeps_its_markers_and_its_id(checkout: Checkout, machine: Machine) -> None:
    assert machine
    checkout.write(STACK_ID)
    setup.prepare("dev")

    assert not any(words[:2] == ("set", "photos:id") for words in checkout.asked)
    assert checkout.marker(checkout.originals) is None


def test_what_docker_did_not_tell_before_it_answered_is_looked_at_again(
    checkout: Checkout, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = [error("docker", "not reachable", "start it")]
    findings = iter([silent, machine.findings])
    monkeypatch.setattr(preflight, "findings", lambda _: next(findings))
    monkeypatch.setattr(docker_host, "answers", lambda *_: False)
    setup.prepare("dev")

    assert machine.did == ["docker", "tools"]
    assert checkout.identity()


@pytest.mark.usefixtures("agreed")
def test_a_first_run_that_was_cut_short_finds_its_own_marker(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine
    monkeypatch.setattr(first_run, "pending_id", lambda _: STACK_ID)

    assert (setup.look_at("dev").config or SimpleNamespace(pending_id=None)).pending_id == STACK_ID


def test_secrets_are_checked_in_clear_where_pulumi_can_read_them(
    checkout: Checkout, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert machine
    checkout.write(None, {"photos:photoprism_admin_password": {"secure": "v1:abc"}})
    assert setup.look_at("dev").errors == []
    monkeypatch.setattr(workspace, "secrets", lambda _: {"photos:photoprism_admin_password": "admin", "other:key": "x"})

    (found,) = setup.look_at("dev").errors
    assert found.check == "config photos:photoprism_admin_password"


@pytest.mark.skipif(
    os.geteuid() != 0, reason="unit tier: only root can give a file away: sudo ./photos test tests/unit/cli"
)
@pytest.mark.parametrize(("owner", "how"), [(1234, "without sudo"), (0, "with sudo")])
def test_a_stack_of_another_account_says_whose_it_is(
    checkout: Checkout,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    owner: int,
    how: str,
) -> None:
    checkout.write(STACK_ID)
    checkout.file.write_text(checkout.file.read_text() + "encryptionsalt: v1:abc\n")
    os.chown(checkout.file, owner, owner)
    monkeypatch.setattr(os, "geteuid", lambda: 1000 if owner == 0 else 0)

    with pytest.raises(typer.Exit):
        setup._beginning("dev")
    told = capsys.readouterr().err
    assert how in told
    assert ("belongs to root" if owner == 0 else "belongs to user 1234") in told
    assert "Nothing was created or changed" in told


def test_a_stack_of_another_account_is_refused_without_root_too(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout.write(STACK_ID)
    checkout.file.write_text(f"encryptionsalt: v1:abc\n{checkout.file.read_text('utf-8')}", "utf-8")
    monkeypatch.setattr(os, "geteuid", lambda: checkout.file.stat().st_uid + 1)

    with pytest.raises(typer.Exit):
        setup.prepare("dev")
    assert 'The stack "dev" belongs to' in capsys.readouterr().err


def test_the_name_of_the_demo_is_the_demo_s(checkout: Checkout, capsys: pytest.CaptureFixture[str]) -> None:
    checkout.write(STACK_ID)

    with pytest.raises(typer.Exit):
        setup._beginning("demo")
    assert "Choose another name for yours" in capsys.readouterr().err


def test_whose_passphrase_is_here_owns_the_stack(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    checkout.write(STACK_ID)
    checkout.file.write_text(checkout.file.read_text() + "encryptionsalt: v1:abc\n")
    paths.write_private(paths.passphrase_file("dev"), "x")
    monkeypatch.setattr(os, "geteuid", lambda: 4321)

    assert setup._beginning("dev") == checkout.file


@pytest.mark.parametrize(
    ("name", "user", "owner"),
    [
        ("photoprism", "1005:1006", (1005, 1006)),
        ("keeper", "1005:1006", (1005, 1006)),
        ("mariadb", "999:999", None),
        ("drive", "0:0", None),
        ("photoprism", None, None),
    ],
)
def test_a_running_stack_of_an_older_version_keeps_the_owner_that_it_runs_as(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, name: str, user: str | None, owner: tuple[int, int] | None
) -> None:
    checkout.write(STACK_ID, {"photos:owner": None})
    document = yaml.safe_load(checkout.file.read_text())
    document["config"].pop("photos:owner")
    checkout.file.write_text(yaml.safe_dump(document))
    resource = {"urn": f"urn:pulumi:dev::photos::docker:index/container:Container::{name}", "outputs": {"user": user}}
    monkeypatch.setattr(workspace, "resources", lambda _: [resource])

    found = first_run.with_owner("dev", stack_config.offline("dev").settings).owner
    assert (found and (found.uid, found.gid)) == owner


@pytest.mark.parametrize("written", [True, False])
def test_the_owner_is_written_once(checkout: Checkout, written: bool) -> None:
    checkout.write(STACK_ID, {"photos:owner": {"uid": 1000, "gid": 1000}})
    document = yaml.safe_load(checkout.file.read_text("utf-8"))
    if not written:
        del document["config"]["photos:owner"]
    checkout.file.write_text(yaml.safe_dump(document), "utf-8")
    first_run.fix_owner("dev", stack_config.load("dev").settings)

    keys = [words[1] for words in checkout.asked]
    assert keys == ([] if written else ["photos:owner.uid", "photos:owner.gid"])


@pytest.fixture
def demos(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    started: list[bool] = []
    monkeypatch.setattr("demo.start.start", lambda *, with_pulumi: started.append(with_pulumi))
    return started


@pytest.mark.usefixtures("agreed")
def test_where_nothing_can_be_fetched_the_first_up_of_dev_starts_the_demo_instead(
    checkout: Checkout, demos: list[bool], capsys: pytest.CaptureFixture[str]
) -> None:
    checkout.write(None)

    with pytest.raises(typer.Exit) as end:
        up._demo_instead("dev", LACKING)
    assert end.value.exit_code == 0
    assert demos == [True]
    output = capsys.readouterr()
    assert LACKING in output.err
    assert "It is not your photo system" in output.out


@pytest.mark.usefixtures("agreed")
@pytest.mark.parametrize(("stack", "identity"), [("dev", STACK_ID), ("home", None), ("wsl", None), ("mine", None)])
def test_who_has_a_stack_or_names_another_gets_no_stand_in(
    checkout: Checkout, demos: list[bool], capsys: pytest.CaptureFixture[str], stack: str, identity: str | None
) -> None:
    checkout.write(identity)

    with pytest.raises(typer.Exit) as end:
        up._demo_instead(stack, LACKING)
    assert end.value.exit_code == 1
    assert demos == []
    assert "Nothing of the photo system was created or changed" in capsys.readouterr().err


def test_without_a_yes_no_demo_is_started(
    checkout: Checkout, demos: list[bool], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout.write(None)
    monkeypatch.setattr(console.Unattended, "yes", False)

    with pytest.raises(typer.Exit) as end:
        up._demo_instead("dev", LACKING)
    assert (end.value.exit_code, demos) == (1, [])
    assert "./photos demo" in capsys.readouterr().err


@pytest.mark.parametrize("marking", [True, False], ids=["up", "preview"])
def test_up_offers_what_an_old_docker_needs_and_looks_again_and_a_preview_stops(
    checkout: Checkout, machine: Machine, monkeypatch: pytest.MonkeyPatch, *, marking: bool
) -> None:
    def set_it() -> None:
        machine.did.append("rule")
        machine.findings = []

    machine.findings = [error(neighbours.CHECK, "open")]
    monkeypatch.setattr(firewall, "_agreed", lambda: True)
    monkeypatch.setattr(firewall, "_set", set_it)
    if marking:
        setup.prepare("dev")
        assert machine.did == ["rule", "tools"]
        assert checkout.identity()
    else:
        with pytest.raises(typer.Exit):
            setup.prepare("dev", marking=False)
        assert machine.did == []
