"""`./photos keeper`: what is asked of which container, what a restore may touch, and who is told of the recovery kit."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import typer
import yaml
from example_stack import STACK_ID, canary
from rich.console import Console
from typer.testing import CliRunner

from cli import (
    doctor,
    generated,
    keeper,
    kept_kit,
    keys,
    kit_copies,
    paths,
    phone_sights,
    setup,
    stack_config,
    status,
)
from cli.app import app
from stacks.outputs import NO_BACKUP
from stacks.preflight import Report
from stacks.sections.backup.secrets import OWN_KEYS, secret_key

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

    def execute(container: Any, command: list[str], stdin: bytes = b"") -> int:
        assert container.labels["photos.service"] == "keeper"
        commands.append([*command, *([f"< {stdin.decode()!r}"] if stdin else [])])
        return 4

    monkeypatch.setattr(keeper, "_execute", execute)
    return commands


@pytest.mark.parametrize(
    ("typed", "reaches"),
    [
        ("status", ["status"]),
        ("status --json", ["status", "--json"]),
        ("backup --trust-clock --json", ["backup", "--trust-clock", "--json"]),
        ("backup --copy disk", ["backup", "--copy", "disk"]),
        ("verify --all --copy disk", ["verify", "--all", "--copy", "disk"]),
        ("drill --copy disk", ["drill", "--copy", "disk"]),
        ("scrub --json", ["scrub", "--json"]),
        ("snapshots --copy disk", ["snapshots", "--copy", "disk"]),
        ("find IMG_1.jpg --json", ["find", "IMG_1.jpg", "--json"]),
        ("find IMG_1 IMG_2", ["find", "IMG_1", "IMG_2"]),
        ("diff 1a2b 3c4d --copy disk", ["diff", "1a2b", "3c4d", "--copy", "disk"]),
        ("accept 1a2b3c4d", ["accept", "1a2b3c4d"]),
        ("forget originals/a.jpg --yes", ["forget", "originals/a.jpg", "--yes"]),
        ("keys --copy disk", ["keys", "--copy", "disk"]),
        ("import", ["import"]),
        ("restore --list IMG --date 2026-11-01", ["restore", "--list", "IMG", "--date", "2026-11-01"]),
        (
            "restore originals/2024 --dry-run --snapshot 1a2b --copy disk --into originals/was",
            [
                "restore",
                "--dry-run",
                "originals/2024",
                "--snapshot",
                "1a2b",
                "--copy",
                "disk",
                "--into",
                "originals/was",
            ],
        ),
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


def test_setup_makes_the_keys_of_each_copy_and_never_what_a_person_types(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout.write(None, {"photos:backup": {"remotes": {"bucket": BUCKET}}})
    monkeypatch.setattr(generated, "values_for", lambda keys: dict.fromkeys(keys, "made"))

    setup.make_secrets("dev", stack_config.offline("dev"))

    made = {words[1].removeprefix("photos:") for words in checkout.asked if words[0] == "set secret"}
    assert made == {secret_key("bucket", key) for key in OWN_KEYS}


def test_half_an_identity_is_not_made_whole_by_a_stranger(
    checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout.write(STACK_ID, {"photos:syncthing_key": {"secure": "v1:canary"}})
    document = yaml.safe_load(checkout.file.read_text("utf-8"))
    document["config"].pop("photos:syncthing_cert", None)
    checkout.file.write_text(yaml.safe_dump(document), "utf-8")

    with pytest.raises(typer.Exit):
        setup.make_secrets("dev", stack_config.offline("dev"))

    assert "photos:syncthing_cert is missing" in capsys.readouterr().err
    assert [words for words in checkout.asked if words[0] == "set secret"] == []


def test_a_missing_key_of_a_provider_is_asked_for_by_command_in_every_command(
    checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    with_backup(checkout)

    with pytest.raises(typer.Exit):
        stack_config.offline("dev")

    command = "./photos config set --secret photos:backup_bucket_secret_access_key --stack dev"
    assert command in capsys.readouterr().err


def test_alert_addresses_count_as_there_when_they_are_encrypted(checkout: Checkout) -> None:
    with_backup(checkout, "backup_bucket_secret_access_key")
    without = stack_config.offline("dev").shortcomings
    with_backup(checkout, "backup_bucket_secret_access_key", "backup_alert_urls")

    assert [line for line in without if "no alert target" in str(line.text)]
    assert not [line for line in stack_config.offline("dev").shortcomings if "no alert target" in str(line.text)]


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    written = io.StringIO()
    monkeypatch.setattr(doctor, "out", Console(file=written, width=300))
    monkeypatch.setattr(setup, "look_at", lambda stack: Report(stack_config.offline(stack), []))
    monkeypatch.setattr(doctor, "check_images", lambda _: [])
    monkeypatch.setattr(doctor, "_tools", lambda _: [])
    return written


def test_doctor_asks_for_the_recovery_kit_until_it_is_said_to_be_safe(checkout: Checkout, page: io.StringIO) -> None:
    with_backup(checkout, "backup_bucket_secret_access_key")
    doctor.examine("dev")
    kept_kit.note_made("dev", {})
    kept_kit.confirm("dev")
    before = page.getvalue()
    doctor.examine("dev")

    assert "./photos keeper kit --stack dev" in before
    assert "./photos keeper kit" not in page.getvalue().removeprefix(before)
    assert str(NO_BACKUP) not in page.getvalue()


def test_doctor_says_that_there_is_no_backup(checkout: Checkout, page: io.StringIO) -> None:
    checkout.write(STACK_ID)
    doctor.examine("dev")

    assert str(NO_BACKUP).rstrip(".") in page.getvalue()


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

    assert str(NO_BACKUP) in without.err
    assert "Backup to bucket (mirror)" in told.out
    assert "http://localhost:9410/" in told.out
    assert "./photos keeper kit" in told.err
    assert str(NO_BACKUP) not in told.err


@pytest.mark.parametrize("chinese", [False, True])
def test_status_tells_what_the_keepers_page_does_in_the_words_of_who_asks(
    checkout: Checkout,
    client: FakeClient,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    chinese: bool,
) -> None:
    with_backup(checkout, "backup_bucket_secret_access_key")
    client.add_services(STACK_ID, "keeper", "watch")
    asked: list[list[str]] = []

    def tell(command: list[str]) -> SimpleNamespace:
        asked.append(command)
        return SimpleNamespace(exit_code=0, output=b"Your photos are safe.\nAlbum: It answers. [4]\n")

    for container in client.things["containers"]:
        container.exec_run = tell
    monkeypatch.setenv("PHOTOS_LANGUAGE", "zh" if chinese else "en")
    status.show("dev")

    assert asked == [["keeper", "status", "--brief", "--language", "zh" if chinese else "en"]]
    assert "\nYour photos are safe.\nAlbum: It answers. [4]\n" in capsys.readouterr().out


@pytest.mark.parametrize("well", [True, False])
def test_what_the_keeper_tells_of_the_phones_is_not_told_in_other_words(
    checkout: Checkout, client: FakeClient, monkeypatch: pytest.MonkeyPatch, *, well: bool
) -> None:
    with_backup(checkout, "backup_bucket_secret_access_key")
    client.add_services(STACK_ID, "watch")
    client.add_container("keeper", STACK_ID, "healthy" if well else "unhealthy")
    said: list[bool] = []
    monkeypatch.setattr(keeper, "summary", lambda _: None)

    def warnings(*_: object, told: bool) -> list[str]:
        said.append(told)
        return []

    monkeypatch.setattr(phone_sights, "warnings", warnings)
    status.show("dev")

    assert said == [well]


@pytest.mark.parametrize("word", ["created", "exited", "running"])
def test_the_restore_is_shown_while_it_runs_and_is_never_ill(
    checkout: Checkout,
    client: FakeClient,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    word: str,
) -> None:
    with_backup(checkout, "backup_bucket_secret_access_key")
    client.add_services(STACK_ID, "keeper", "watch", "restore")
    container = client.things["containers"][-1]
    container.status, container.attrs["State"] = word, {"Status": word}
    monkeypatch.setattr(keeper, "summary", lambda _: None)

    assert (status.welcome("dev"), status.show("dev")) == (0, 0)
    status.explain_failure("dev")
    told = capsys.readouterr()
    assert "restore" not in told.err
    assert any(line.split()[:2] == ["restore", word] for line in told.out.splitlines()) is (word == "running")


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
    files = kit_copies.KitFiles(keys={"backup_bucket_repository_password": "f1"})
    monkeypatch.setattr(kit_copies, "ask", lambda *_: files)

    made = CliRunner().invoke(app, ["keeper", "kit", "usb"], input="five words that we remember\n")
    left = kept_kit.confirmed("dev")
    safe = CliRunner().invoke(app, ["keeper", "kit", "--is-safe"])

    assert made.exit_code == safe.exit_code == 0, made.output
    assert sorted(file.suffix for file in (tmp_path / "usb").iterdir()) == [".age", ".html"]
    assert left is None
    assert kept_kit.confirmed("dev")
    assert asked == [["keeper", "kit-is-safe", "--keys", '{"backup_bucket_repository_password": "f1"}']], "and the page"


def test_doctor_says_what_a_kit_from_before_does_not_open(checkout: Checkout, page: io.StringIO) -> None:
    with_backup(checkout, "backup_bucket_secret_access_key", "backup_bucket_repository_password")
    kept_kit.note_made("dev", {})
    kept_kit.confirm("dev")
    text = checkout.file.read_text("utf-8")
    checkout.file.write_text(text.replace(f"v1:{canary('backup_bucket_repository_password')}", "v1:new"), "utf-8")
    doctor.examine("dev")

    assert (
        "does not open everything any more; added or changed since: backup_bucket_repository_password"
        in page.getvalue()
    )


def test_a_password_of_one_s_own_reaches_the_keeper_on_its_input_alone(
    checkout: Checkout, client: FakeClient, asked: list[list[str]]
) -> None:
    with_backup(checkout)
    client.add_container("keeper", STACK_ID)

    done = CliRunner().invoke(app, ["keeper", "add-key", "bucket"], input="five words that we remember\n")

    assert done.exit_code == 4
    assert asked == [["keeper", "add-key", "bucket", "< 'five words that we remember\\n'"]]


def test_a_short_password_is_refused_before_anything_is_asked(
    checkout: Checkout, client: FakeClient, asked: list[list[str]]
) -> None:
    with_backup(checkout)
    client.add_container("keeper", STACK_ID)

    done = CliRunner().invoke(app, ["keeper", "add-key", "bucket"], input="short\n")

    assert done.exit_code == 1
    assert "12-128 printable characters" in done.output
    assert asked == []


@pytest.fixture
def happened(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what a rotation does, in order."""
    with_backup(checkout, "backup_bucket_secret_access_key")
    order: list[str] = []
    monkeypatch.setattr("cli.engine.set_secret", lambda _, key, value: order.append(f"set {key} {len(value)}"))

    def up(*_: str) -> int:
        order.append("up")
        return 0

    monkeypatch.setattr("cli.sweep.run_up", up)
    monkeypatch.setattr(keys, "confirm", lambda _: True)
    return order


@pytest.mark.parametrize(
    ("fails_at", "expected"),
    [
        ("", ["add-key", "set photos:backup_bucket_repository_password 24", "up", "rotate"]),
        ("add-key", ["add-key"]),
        ("rotate", ["add-key", "set photos:backup_bucket_repository_password 24", "up", "rotate"]),
    ],
)
def test_a_rotation_adds_the_new_key_before_the_stack_file_knows_it_and_takes_the_old_ones_away_last(
    happened: list[str], fails_at: str, expected: list[str]
) -> None:
    def ask(*words: str, stdin: bytes = b"") -> int:
        happened.append(words[0])
        assert len(stdin.strip()) == 24 if words[0] == "add-key" else stdin == b"the old one\n"
        return 5 if words[0] == fails_at else 0

    assert keys.rotate("dev", "bucket", ask, lambda _: "the old one") == (5 if fails_at else 0)
    assert happened == expected


def test_a_copy_without_a_key_cannot_be_rotated(happened: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit):
        keys.rotate("dev", "look", lambda *_, **__: pytest.fail("there is nothing to ask"), str)

    assert 'There is no copy "look" with a key here. There is: bucket' in capsys.readouterr().err
    assert happened == []


def test_nothing_is_forgotten_without_a_yes(
    checkout: Checkout, client: FakeClient, asked: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with_backup(checkout)
    client.add_container("keeper", STACK_ID)
    monkeypatch.setattr(keeper, "confirm", lambda _: False)

    done = CliRunner().invoke(app, ["keeper", "forget", "originals/a.jpg"])

    assert done.exit_code == 1
    assert asked == [["keeper", "forget", "originals/a.jpg"]], "it only asks where the photo is"


@pytest.mark.parametrize("command", [command for command in keeper.app.registered_commands if command.callback])
def test_what_is_passed_on_is_a_command_of_the_keeper_with_these_options(command: Any) -> None:
    of_the_keeper = pytest.importorskip(
        "keeper.__main__", reason="unit tier: the keeper's packages are missing"
    ).COMMANDS
    name = command.name or command.callback.__name__
    if name in OF_THE_HOST:
        return

    assert name in of_the_keeper
    assert options(command.callback) - {"--stack", "--yes", *OWN_OPTIONS.get(name, ())} <= options(of_the_keeper[name])


OF_THE_HOST = ("kit", "estimate")
OWN_OPTIONS = {"restore": {"--kit", "--list"}}


def options(callback: Any) -> set[str]:
    """Return the options of a command."""
    parameters = typer.main.get_command(_app_of(callback)).params
    return {option for parameter in parameters for option in parameter.opts if option.startswith("--")}


def _app_of(callback: Any) -> typer.Typer:
    made = typer.Typer(add_completion=False)
    made.command()(callback)
    return made
