"""`./photos keeper`: what is asked of which container, what a restore may touch, and who is told of the recovery kit."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import docker
import pytest
import typer
from docker.errors import APIError
from example_stack import STACK_ID, canary
from rich.console import Console
from typer.testing import CliRunner

from cli import doctor, generated, keeper, kit, paths, setup, stackfile, status
from cli.app import app
from components.storage import MARKER
from stacks.outputs import NO_BACKUP
from stacks.preflight import Report
from stacks.sections.backup.secrets import CRYPT_KEYS, secret_key

if TYPE_CHECKING:
    from cli.conftest import Checkout, FakeClient  # mypy names the files of this folder cli.*

BUCKET: dict[str, Any] = {"kind": "mirror", "type": "s3", "path": "b/p", "secrets": ["secret_access_key"]}


def with_backup(checkout: Checkout, *present: str) -> None:
    """Write a stack file with one copy; `present` are the flat keys that are there already."""
    secrets = {f"photos:{key}": {"secure": f"v1:{canary(key)}"} for key in present}
    checkout.write(STACK_ID, {"photos:backup": {"remotes": {"bucket": BUCKET}}, **secrets})


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Return the commands that reach the keeper; each ends with 4."""
    commands: list[list[str]] = []

    def execute(client: object, container: Any, command: list[str]) -> int:
        assert client
        assert container.labels["photos.service"] == "keeper"
        commands.append(command)
        return 4

    monkeypatch.setattr(keeper, "_execute", execute)
    return commands


@pytest.mark.parametrize(
    ("typed", "reaches"),
    [
        ("status", ["status"]),
        ("status --json", ["status", "--json"]),
        ("backup --trust-clock --json", ["backup", "--trust-clock", "--json"]),
        ("verify --all --remote disk", ["verify", "--all", "--remote", "disk"]),
        ("drill --remote disk", ["drill", "--remote", "disk"]),
        ("accept 20261122T030000Z-abcdef", ["accept", "20261122T030000Z-abcdef"]),
        ("import", ["import"]),
    ],
)
def test_a_word_reaches_the_keeper_as_it_was_typed_and_its_exit_code_comes_back(
    typed: str, reaches: list[str], checkout: Checkout, client: FakeClient, asked: list[list[str]]
) -> None:
    with_backup(checkout)
    client.add_container("photoprism", STACK_ID)
    client.add_container("keeper", STACK_ID)

    done = CliRunner().invoke(app, ["keeper", *typed.split()])

    assert asked == [["keeper", *reaches]]
    assert done.exit_code == 4


@pytest.mark.parametrize(
    ("there", "says"),
    [
        (None, 'The stack "dev" has no keeper here. Write photos:backup'),
        ("exited", "The keeper is exited. Why: ./photos logs keeper --stack dev"),
    ],
)
def test_without_a_running_keeper_the_person_is_told_what_to_do(
    there: str | None, says: str, checkout: Checkout, client: FakeClient, capsys: pytest.CaptureFixture[str]
) -> None:
    with_backup(checkout)
    if there:
        client.add_container("keeper", STACK_ID)
        client.things["containers"][0].status = there

    with pytest.raises(typer.Exit):
        keeper.status("dev")

    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("request_", "services"),
    [
        ({"what": ["originals/2024"]}, []),
        ({"what": ["originals"]}, ["syncthing"]),
        ({"what": ["originals/phones/"]}, ["syncthing"]),
        ({"what": ["photoprism/sidecar"]}, ["photoprism"]),
        ({"what": ["syncthing/config"]}, ["syncthing"]),
        ({"what": [], "database": True}, ["photoprism"]),
        ({"what": [], "everything": True}, ["photoprism", "syncthing"]),
    ],
)
def test_only_who_would_be_disturbed_is_stopped(request_: dict[str, Any], services: list[str]) -> None:
    assert keeper._disturbed(**{"everything": False, "database": False, **request_}) == services


def test_who_was_stopped_is_started_again_even_when_the_restore_fails(checkout: Checkout, client: FakeClient) -> None:
    with_backup(checkout)
    done: list[str] = []
    for service, state in (("photoprism", "running"), ("syncthing", "exited")):
        client.add_container(service, STACK_ID)
        found = client.things["containers"][-1]
        found.status = state
        found.stop = lambda service=service, **_: done.append(f"stop {service}")
        found.start = lambda service=service: done.append(f"start {service}")

    def fail_meanwhile() -> None:
        with keeper._stopped(docker.from_env(), "dev", ["photoprism", "syncthing"]):
            msg = "the restore failed"
            raise RuntimeError(msg)

    with pytest.raises(RuntimeError, match="the restore failed"):
        fail_meanwhile()

    assert done == ["stop photoprism", "start photoprism"], "who did not run before is left alone"


def test_a_mounted_folder_that_was_lost_with_the_photos_is_made_again(
    checkout: Checkout, client: FakeClient, tmp_path: Path
) -> None:
    with_backup(checkout)
    client.add_container("syncthing", STACK_ID)
    (found,) = client.things["containers"]
    (tmp_path / MARKER).touch()
    (tmp_path / "mount point").mkdir()
    lost, absent = tmp_path / "phones", tmp_path / "mount point" / "originals"
    found.attrs["HostConfig"]["Mounts"] = [{"Type": "bind", "Source": str(folder)} for folder in (lost, absent)]
    found.status, found.stop, seen = "running", lambda **_: None, []
    found.start = lambda: seen.append(lost.is_dir())

    with keeper._stopped(docker.from_env(), "dev", ["syncthing"]):
        pass

    assert seen == [True]
    assert not absent.exists(), "its disk is not there"


def test_a_service_that_does_not_start_again_is_named_and_the_others_start(
    checkout: Checkout, client: FakeClient, capsys: pytest.CaptureFixture[str]
) -> None:
    with_backup(checkout)
    started: list[str] = []

    def refuse() -> None:
        msg = "no such folder"
        raise APIError(msg)

    for service, start in (("photoprism", refuse), ("syncthing", lambda: started.append("syncthing"))):
        client.add_container(service, STACK_ID)
        found = client.things["containers"][-1]
        found.status, found.stop, found.start = "running", lambda **_: None, start

    with keeper._stopped(docker.from_env(), "dev", ["photoprism", "syncthing"]):
        pass

    assert started == ["syncthing"]
    assert "did not start: no such folder. Mend that, then: ./photos up dev --refresh" in capsys.readouterr().err


def test_the_container_of_a_restore_may_write_to_the_library_and_is_as_hardened_as_the_keeper() -> None:
    mounts = [
        {"Type": "bind", "Source": "/srv/originals", "Target": "/library/originals", "ReadOnly": True},
        {"Type": "volume", "Source": "photos-dev-keeper", "Target": "/var/lib/keeper"},
        {"Type": "bind", "Source": "/srv/other", "Target": "/elsewhere", "ReadOnly": True},
    ]
    labels = {"photos.id": STACK_ID, "photos.service": "keeper"}
    attrs = {
        "Image": "sha256:1",
        "Config": {"User": "1000:1000", "Env": ["TZ=Asia/Shanghai"], "Labels": labels},
        "HostConfig": {"Mounts": mounts, "Memory": 1 << 30},
        "NetworkSettings": {"Networks": {"photos-dev-db": {}, "photos-dev-apps": {}}},
    }

    like = keeper._like(SimpleNamespace(attrs=attrs), "dev")  # type: ignore[arg-type]

    assert [(mount["Target"], mount["ReadOnly"]) for mount in like["mounts"]] == [
        ("/library/originals", False),
        ("/var/lib/keeper", False),
        ("/elsewhere", True),
    ]
    assert (like["user"], like["cap_drop"], like["security_opt"]) == ("1000:1000", ["ALL"], ["no-new-privileges:true"])
    assert like["labels"]["photos.id"] == STACK_ID, "the next up removes it when it was killed"
    assert like["labels"]["photos.service"] == "restore"
    assert "ports" not in like


def test_setup_makes_the_keys_of_each_copy_and_never_what_a_person_types(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout.write(None, {"photos:backup": {"remotes": {"bucket": BUCKET}}})
    monkeypatch.setattr(generated, "values_for", lambda keys: dict.fromkeys(keys, "made"))

    setup.make_secrets("dev", stackfile.offline("dev"))

    made = {words[3].removeprefix("photos:") for words in checkout.asked if words[:3] == ("config", "set", "--secret")}
    assert made == {secret_key("bucket", key) for key in CRYPT_KEYS}
    assert not any("made" in words for words in checkout.asked), "an argument could be read by any process"


def test_a_missing_key_of_a_provider_is_asked_for_by_command_in_every_command(
    checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    with_backup(checkout)

    with pytest.raises(typer.Exit):
        stackfile.offline("dev")

    command = "./photos config set --secret photos:backup_bucket_secret_access_key --stack dev"
    assert command in capsys.readouterr().err


def test_alert_addresses_count_as_there_when_they_are_encrypted(checkout: Checkout) -> None:
    with_backup(checkout, "backup_bucket_secret_access_key")
    without = stackfile.offline("dev").shortcomings
    with_backup(checkout, "backup_bucket_secret_access_key", "backup_alert_urls")

    assert [line for line in without if "no alert target" in str(line.text)]
    assert not [line for line in stackfile.offline("dev").shortcomings if "no alert target" in str(line.text)]


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    written = io.StringIO()
    monkeypatch.setattr(doctor, "out", Console(file=written, width=300))
    monkeypatch.setattr(setup, "look_at", lambda stack: Report(stackfile.offline(stack), []))
    monkeypatch.setattr(doctor, "check_images", lambda _: [])
    monkeypatch.setattr(doctor, "_tools", lambda _: [])
    return written


def test_doctor_asks_for_the_recovery_kit_until_it_is_said_to_be_safe(checkout: Checkout, page: io.StringIO) -> None:
    with_backup(checkout, "backup_bucket_secret_access_key")
    doctor.examine("dev")
    kit.confirm_kept("dev")
    before = page.getvalue()
    doctor.examine("dev")

    assert "./photos keeper kit --stack dev" in before
    assert "./photos keeper kit" not in page.getvalue().removeprefix(before)
    assert NO_BACKUP not in page.getvalue()


def test_doctor_says_that_there_is_no_backup(checkout: Checkout, page: io.StringIO) -> None:
    checkout.write(STACK_ID)
    doctor.examine("dev")

    assert NO_BACKUP.rstrip(".") in page.getvalue()


def test_welcome_says_how_the_backup_goes_or_that_there_is_none(
    checkout: Checkout, client: FakeClient, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout.write(STACK_ID)
    client.add_services(STACK_ID, "keeper", "watch")
    status.welcome("dev")
    without = capsys.readouterr()
    with_backup(checkout, "backup_bucket_secret_access_key")
    status.welcome("dev")
    told = capsys.readouterr()

    assert NO_BACKUP in without.err
    assert "Backup to bucket (mirror)" in told.out
    assert "http://localhost:9410/" in told.out
    assert "./photos keeper kit" in told.err
    assert NO_BACKUP not in told.err


def test_a_failed_up_without_a_keeper_says_that_the_album_does_not_need_it(
    checkout: Checkout, client: FakeClient, capsys: pytest.CaptureFixture[str]
) -> None:
    with_backup(checkout, "backup_bucket_secret_access_key")
    client.add_container("photoprism", STACK_ID)
    status.explain_failure("dev")
    client.add_container("keeper", STACK_ID)
    without = capsys.readouterr().err
    status.explain_failure("dev")

    assert "The keeper does not run, so nothing is backed up; the album does not need it" in without
    assert "The keeper does not run" not in capsys.readouterr().err


def test_the_passphrase_of_a_kit_is_read_where_nobody_can_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("five words that we remember\n"))

    assert keeper._passphrase("?") == "five words that we remember"


def test_the_kit_is_written_where_the_person_stands_and_asked_for_until_it_is_safe(
    checkout: Checkout, client: FakeClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, asked: list[list[str]]
) -> None:
    with_backup(checkout, "backup_bucket_secret_access_key")
    paths.write_private(paths.passphrase_file("dev"), "the-passphrase")
    client.add_container("keeper", STACK_ID)
    monkeypatch.setenv("PHOTOS_CWD", str(tmp_path))
    (tmp_path / "usb").mkdir()

    made = CliRunner().invoke(app, ["keeper", "kit", "usb"], input="five words that we remember\n")
    left = kit.confirmed("dev")
    safe = CliRunner().invoke(app, ["keeper", "kit", "--is-safe"])

    assert made.exit_code == safe.exit_code == 0, made.output
    assert sorted(file.suffix for file in (tmp_path / "usb").iterdir()) == [".age", ".html"]
    assert left is None
    assert kit.confirmed("dev")
    assert asked == [["keeper", "kit-is-safe"]], "the page stops asking, too"
