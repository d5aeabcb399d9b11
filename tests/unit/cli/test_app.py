"""The words of the command line, and what each hands to pulumi."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import typer
from example_stack import STACK_ID
from typer.testing import CliRunner, Result

from cli import app, console, differences, engine, locks, paths, setup, status, sweep
from cli.app import COMMANDS
from cli.commands import development, preview, up
from cli.upgrade import database_record
from stacks.names import DESTROYING

if TYPE_CHECKING:
    from cli.conftest import Checkout  # mypy names the files of this folder cli.*


PROJECT = Path(__file__).parents[3]


class Calls(list[tuple[Any, ...]]):
    """What happened, in order. `code` is what pulumi ends with, `changed` whether Docker differs from the state."""

    code = 0
    ill = 0
    changed = False
    prepared = False


@pytest.fixture(autouse=True)
def calls(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Stand in for everything that the commands call."""
    assert checkout
    seen = Calls()

    def run(
        stack: str, *words: str, extra: dict[str, str] | None = None, meanwhile: Callable[[], None] = lambda: None
    ) -> int:
        seen.append(("pulumi", stack, *words, *(extra or {})))
        meanwhile()
        return seen.code

    def note(name: str) -> Any:
        def noted(stack: str, **arguments: Any) -> None:
            arguments.pop("unreachable", None)
            seen.append((name, stack, *arguments.items()))

        return noted

    monkeypatch.setattr(engine, "run", run)

    @contextmanager
    def room_for_up(stack: str) -> Iterator[bool]:
        seen.append(("room_for_up", stack))
        yield seen.changed
        seen.append(("room given back", stack))

    for module, names in (
        (setup, ("prepare", "reach", "begin")),
        (locks, ("unlock",)),
        (sweep, ("leftovers",)),
        (status, ("explain_failure", "what_stays")),
        (database_record, ("remember",)),
    ):
        for name in names:
            monkeypatch.setattr(module, name, note(name))
    monkeypatch.setattr(sweep, "room_for_up", room_for_up)

    def answer(name: str, what: str) -> Any:
        def answered(stack: str) -> Any:
            seen.append((name, stack))
            return getattr(seen, what)

        return answered

    monkeypatch.setattr(status, "welcome", answer("welcome", "ill"))
    monkeypatch.setattr(differences, "told_differences", answer("told_differences", "changed"))
    monkeypatch.setattr(sweep, "room_for_destroy", answer("room_for_destroy", "changed"))
    monkeypatch.setattr(preview, "is_prepared", lambda _: seen.prepared)
    crash_loops = SimpleNamespace(
        end=lambda: seen.append(("crashes looked for",)), tell=lambda: seen.append(("crashes told",))
    )
    monkeypatch.setattr(up, "CrashLoops", lambda _: crash_loops)
    return seen


def photos(*words: str) -> Result:
    return CliRunner().invoke(app.app, list(words))


def test_up_prepares_sweeps_runs_and_welcomes(calls: Calls) -> None:
    assert photos("up", "home", "--yes", "--refresh").exit_code == 0
    assert calls == [
        ("prepare", "home"),
        ("room_for_up", "home"),
        ("pulumi", "home", "up", "--stack", "home", "--refresh", "--yes"),
        ("crashes looked for",),
        ("remember", "home"),
        ("room given back", "home"),
        ("crashes told",),
        ("welcome", "home"),
    ]
    assert console.Unattended.yes is True


@pytest.mark.parametrize("word", ["up", "preview", "destroy"])
def test_where_docker_differs_from_the_state_pulumi_looks_first(calls: Calls, word: str) -> None:
    assert photos(word).exit_code == 0
    assert not any("--refresh" in call for call in calls)
    calls.changed = True

    assert photos(word).exit_code == 0
    assert [call for call in calls if call[0] == "pulumi"][-1].count("--refresh") == 1


def test_a_service_that_does_not_work_makes_up_fail_though_pulumi_is_content(calls: Calls) -> None:
    calls.ill = 1

    assert photos("up", "--yes").exit_code == 1


def test_without_yes_pulumi_asks_itself(calls: Calls) -> None:
    assert photos("up").exit_code == 0
    assert ("pulumi", "dev", "up", "--stack", "dev") in calls
    assert console.Unattended.yes is False


def test_a_failed_up_is_explained_and_ends_with_pulumi_s_code(calls: Calls) -> None:
    calls.code = 255

    assert photos("up", "--yes").exit_code == 255
    assert calls[-1] == ("explain_failure", "dev")


def test_preview_marks_sweeps_and_changes_nothing(calls: Calls) -> None:
    assert photos("preview", "--diff", "--refresh", "--json").exit_code == 0
    assert calls == [
        ("prepare", "dev", ("marking", False)),
        ("told_differences", "dev"),
        ("pulumi", "dev", "preview", "--stack", "dev", "--refresh", "--diff", "--json"),
    ]


def test_a_preview_of_a_stack_that_is_set_up_begins_at_once(calls: Calls) -> None:
    calls.prepared = True

    assert photos("preview").exit_code == 0
    assert [call[0] for call in calls] == ["told_differences", "pulumi"]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_says_of_a_command_what_it_says_itself(name: str) -> None:
    command = COMMANDS[name]
    loaded = command.load()

    assert command.help == (loaded.info.help if isinstance(loaded, typer.Typer) else inspect.getdoc(loaded))


def test_the_help_names_every_command_and_imports_none() -> None:
    heavy = ("pulumi", "pulumi_docker", "docker", "pydantic", "rich", "cli.commands")
    program = (
        "import sys\nfrom typer.testing import CliRunner\nfrom cli.app import COMMANDS, app\n"
        "done = CliRunner().invoke(app, ['--help'])\n"
        "assert all(f'  {name} ' in done.output for name in COMMANDS), done.output\n"
        f"print([name for name in {heavy} if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=False, timeout=120
    )

    assert done.stdout == "[]\n", f"each costs every command a tenth of a second or more. {done.stderr[-500:]}"


def test_a_preview_waits_neither_for_pulumi_s_sdk_nor_for_the_models_of_the_stack_file() -> None:
    heavy = ("pulumi", "pulumi_docker", "stacks.config", "components.service", "httpx", "cli.setup")
    program = f"import sys, cli.commands.preview\nprint([name for name in {heavy} if name in sys.modules])\n"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=False, timeout=120
    )

    assert done.stdout == "[]\n", f"together they take longer than a preview has. {done.stderr[-500:]}"


def test_destroy_runs_the_program_tells_it_so_and_says_what_stays(calls: Calls) -> None:
    assert photos("destroy", "--yes").exit_code == 0
    assert calls == [
        ("reach", "dev"),
        ("room_for_destroy", "dev"),
        ("pulumi", "dev", "destroy", "--stack", "dev", "--run-program", "--yes", DESTROYING),
        ("leftovers", "dev"),
        ("what_stays", "dev"),
    ]


def test_a_destroy_that_failed_promises_nothing(calls: Calls) -> None:
    calls.code = 1

    assert photos("destroy").exit_code == 1
    assert calls[-1][0] == "pulumi"


def test_refresh_unlocks_and_sweeps_nothing(calls: Calls) -> None:
    assert photos("refresh", "--yes").exit_code == 0
    assert [call[0] for call in calls] == ["reach", "unlock", "pulumi"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["stack", "ls"], ("pulumi", "dev", "stack", "ls")),
        (["stack", "--stack", "home"], ("pulumi", "home", "stack", "--stack", "home")),
    ],
)
def test_any_other_word_goes_to_pulumi_as_it_is(
    calls: Calls, monkeypatch: pytest.MonkeyPatch, words: list[str], expected: tuple[str, ...]
) -> None:
    calls.code = 7
    monkeypatch.setattr(sys, "argv", ["photos", *words])

    with pytest.raises(SystemExit) as end:
        app.main()
    assert end.value.code == 7
    assert calls == [expected]


@pytest.mark.parametrize(
    ("words", "meant"),
    [(["statsu"], "./photos status"), (["destory", "home"], "./photos destroy home"), (["kepeer"], "./photos keeper")],
)
def test_a_misspelt_command_is_not_handed_to_pulumi(
    calls: Calls,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    meant: str,
) -> None:
    monkeypatch.setattr(sys, "argv", ["photos", *words])

    with pytest.raises(SystemExit) as end:
        app.main()
    assert end.value.code == 1
    assert capsys.readouterr().err.endswith(f"Is this meant? {meant}\n")
    assert calls == []


# `pulumi --help` of 3.259.
OF_PULUMI = """about api cancel config console convert deployment do env gen-completion import insights install login logout new
org package plugin policy project stack state template version watch whoami"""


@pytest.mark.parametrize("word", OF_PULUMI.split())
def test_no_command_of_pulumi_is_taken_for_a_misspelt_one(
    calls: Calls, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    monkeypatch.setattr(setup, "begin", lambda _: None)
    monkeypatch.setattr(sys, "argv", ["photos", word])

    with pytest.raises(SystemExit):
        app.main()
    assert calls[-1] == ("pulumi", "dev", word)


def test_a_secret_can_be_typed_before_the_first_up(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["config", "set", "--secret", "photos:backup_alert_urls", "--stack", "home"]
    monkeypatch.setattr(sys, "argv", ["photos", *words])

    with pytest.raises(SystemExit):
        app.main()
    assert calls == [("begin", "home"), ("pulumi", "home", *words)]


@pytest.mark.parametrize("word", ["up", "setup", "preview", "destroy", "refresh", "password", "plan", "open", "adopt"])
def test_our_own_words_never_go_to_pulumi_unseen(calls: Calls, monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setattr(sys, "argv", ["photos", word, "--help"])

    with pytest.raises(SystemExit) as end:
        app.main()
    assert end.value.code == 0
    assert calls == []


def test_files_that_the_commands_write_are_for_their_owner_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["photos", "stack"])
    with pytest.raises(SystemExit):
        app.main()

    assert os.umask(0o022) == 0o077


@pytest.mark.parametrize(
    ("service", "key"),
    [
        ("photoprism", "photos:photoprism_admin_password"),
        ("drive", "photos:drive_admin_password"),
        ("syncthing", "photos:syncthing_gui_password"),
    ],
)
def test_password_asks_for_the_secret_of_the_service(checkout: Checkout, service: str, key: str) -> None:
    paths.write_private(paths.passphrase_file("dev"), "opens the stack file")

    done = photos("password", service, "--stack", "dev")

    assert done.output == "user: admin\npassword: the-answer\n"
    assert checkout.asked == [("secret", key)]


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("", "was not started yet, and its logins are made then: ./photos up dev"),
        ("encryptionsalt: v1:salt\n", "The passphrase of the stack is gone"),
    ],
)
def test_password_says_why_there_is_none_to_show_and_asks_pulumi_nothing(
    checkout: Checkout, capsys: pytest.CaptureFixture[str], written: str, says: str
) -> None:
    checkout.write(STACK_ID)
    checkout.file.write_text(written + checkout.file.read_text("utf-8"), "utf-8")

    done = photos("password", "photoprism")

    assert done.exit_code == 1
    assert says in done.output + capsys.readouterr().err
    assert checkout.asked == []


def test_password_of_what_has_no_login_names_what_has(checkout: Checkout, capsys: pytest.CaptureFixture[str]) -> None:
    done = photos("password", "mariadb")

    assert done.exit_code == 1
    assert "Write one of: drive, photoprism, syncthing" in done.output + capsys.readouterr().err
    assert checkout.asked == []


def test_setup_starts_nothing_and_prints_the_lines_to_export(calls: Calls) -> None:
    done = photos("setup", "--yes")

    assert [call[0] for call in calls] == ["prepare"]
    assert "export PULUMI_CONFIG_PASSPHRASE_FILE=" in done.output


@pytest.mark.parametrize(
    ("words", "handed_on"),
    [(["--yes"], development.THREE_FILES_AT_A_TIME), (["--yes", "-k", "name", "-x"], ("-k", "name", "-x"))],
)
def test_the_yes_of_test_is_not_for_pytest(
    monkeypatch: pytest.MonkeyPatch, words: list[str], handed_on: tuple[str, ...]
) -> None:
    ran: list[tuple[str, ...]] = []

    def python(*command: str) -> int:
        ran.append(command)
        return 0

    monkeypatch.setattr(development, "_python", python)

    assert photos("test", *words).exit_code == 0
    assert ran == [("pytest", *handed_on)]
