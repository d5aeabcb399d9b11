"""Docker is installed, started and joined only after asking; each no names the command to run oneself."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

import docker
import pytest
import typer
from example_stack import STACK_ID

from cli import console, containers, docker_host, paths, stack_config
from stacks.names import OWN_GROUP

if TYPE_CHECKING:
    from cli.conftest import Checkout  # mypy names the files of this folder cli.*

SOCKET = "/var/run/docker.sock"


class Replaced(BaseException):
    """This process became another program."""


class Machine:
    """A machine without Docker whose person is not root. `works_after` is the command that makes Docker answer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ran: list[str] = []
        self.questions: list[str] = []
        self.programs = {"apt-get"}
        self.existing = {SOCKET}
        self.members: list[str] = []
        self.works_after = "never"
        self.agrees = True
        self.code = 0
        self.may_open = False
        self.processes = ["sh"]
        self.slept = self.takes = 0.0
        self.became: list[str] = []
        for name in (docker_host.JOINED, OWN_GROUP):
            monkeypatch.setenv(name, "")  # so that it is taken back, too
            monkeypatch.delenv(name)
        monkeypatch.setenv("HOME", os.environ.get("HOME", "/"))
        monkeypatch.chdir(paths.PROJECT)
        monkeypatch.setattr(docker_host, "answers", self._answers)
        monkeypatch.setattr(docker_host, "confirm", self._confirm)
        monkeypatch.setattr("shutil.which", self._which)
        monkeypatch.setattr(subprocess, "run", self._run)
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
        monkeypatch.setattr(os, "access", lambda *_: self.may_open)
        monkeypatch.setattr(time, "sleep", self._sleep)
        monkeypatch.setattr(
            "psutil.process_iter", lambda _: [SimpleNamespace(info={"name": it}) for it in self.processes]
        )
        monkeypatch.setattr(
            docker_host, "Path", lambda path: SimpleNamespace(exists=lambda: str(path) in self.existing)
        )
        monkeypatch.setattr("pwd.getpwuid", lambda _: SimpleNamespace(pw_name="anna"))
        monkeypatch.setattr("grp.getgrnam", lambda _: SimpleNamespace(gr_mem=self.members))
        monkeypatch.setattr(os, "execvp", self._become)

    def _which(self, name: str, path: str = "/usr/bin") -> str | None:
        place = "/usr/sbin" if name == "dockerd" else "/usr/bin"
        return f"{place}/{name}" if name in self.programs and place in path.split(":") else None

    def _answers(self, _: str | None = None) -> bool:
        return self.slept >= self.takes and any(self.works_after in line for line in self.ran)

    def _sleep(self, seconds: float) -> None:
        self.slept += seconds

    def _confirm(self, question: str) -> bool:
        self.questions.append(question)
        return self.agrees

    def _run(self, command: list[str], **_: object) -> SimpleNamespace:
        assert self.questions, "nothing runs before a question"
        self.ran.append(shlex.join(command))
        if "install" in command:
            self.programs.add("dockerd")
        return SimpleNamespace(returncode=self.code)

    def _become(self, program: str, words: list[str]) -> None:
        self.became = [program, *words]
        raise Replaced


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def test_docker_that_answers_is_left_alone(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker_host, "answers", lambda _: True)
    docker_host.ensure()

    assert machine.questions == machine.ran == []


def test_a_named_docker_host_that_is_silent_is_an_error_and_nothing_is_installed(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///run/mine.sock")

    with pytest.raises(typer.Exit):
        docker_host.ensure()
    assert "DOCKER_HOST is unix:///run/mine.sock" in capsys.readouterr().err
    assert machine.questions == machine.ran == []


def test_a_docker_that_cannot_be_used_is_left_to_the_checks_and_to_whoever_connects(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "ssh://nas.lan")
    docker_host.ensure()

    assert machine.questions == machine.ran == []
    with pytest.raises(typer.Exit):
        docker_host.connect()
    assert (
        "the folders there are looked at, too. Write photos:host: ssh://nas.lan in the stack file instead"
        in capsys.readouterr().err
    )


def test_a_distribution_without_apt_is_not_guessed_at(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.programs.clear()

    with pytest.raises(typer.Exit):
        docker_host.ensure()
    assert "Install it by your distribution's way" in capsys.readouterr().err
    assert machine.ran == []


def test_after_a_yes_it_is_installed_and_started_with_sudo(machine: Machine) -> None:
    machine.existing.add("/run/systemd/system")
    machine.works_after = "systemctl enable --now docker"
    docker_host.ensure()

    assert machine.ran == [
        "sudo apt-get update -qq",
        "sudo apt-get install -y --no-install-recommends docker.io iptables",
        "sudo systemctl enable --now docker",
    ]
    assert len(machine.questions) == 2


def test_root_needs_no_sudo(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    machine.works_after = "install"
    docker_host.ensure()

    assert all(line.startswith("apt-get ") for line in machine.ran)


@pytest.mark.parametrize(
    ("installed", "systemd", "remedy"),
    [
        (False, True, "sudo apt-get install docker.io"),
        (True, True, "sudo systemctl enable --now docker"),
        (True, False, "Start Docker, then run this again"),
    ],
)
def test_each_no_runs_nothing_and_names_the_command(
    machine: Machine,
    capsys: pytest.CaptureFixture[str],
    installed: bool,
    systemd: bool,
    remedy: str,
) -> None:
    machine.agrees = False
    machine.programs |= {"dockerd"} if installed else set()
    machine.existing |= {"/run/systemd/system"} if systemd else set()

    with pytest.raises(typer.Exit):
        docker_host.ensure()
    assert remedy in capsys.readouterr().err
    assert machine.ran == []


def test_without_systemd_it_says_what_to_write_where(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.programs.add("dockerd")
    machine.works_after = "service docker start"
    docker_host.ensure()
    told = capsys.readouterr().err

    assert "/etc/wsl.conf" in told
    assert "[boot]\nsystemd=true" in told
    assert "wsl --shutdown" in told
    assert machine.ran == ["sudo service docker start"]


@pytest.mark.parametrize("old_socket", [True, False])
def test_a_docker_that_takes_a_while_to_answer_is_waited_for(machine: Machine, old_socket: bool) -> None:
    machine.programs.add("dockerd")
    machine.existing = {SOCKET} if old_socket else set()
    machine.may_open, machine.takes = True, 5
    machine.works_after = "service docker start"
    docker_host.ensure()

    assert machine.slept == 5


def test_a_new_member_of_the_group_waits_for_what_was_just_started(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(docker_host.JOINED, "1")
    machine.may_open, machine.takes = True, 5
    machine.works_after, machine.ran = "", ["what the process before it ran"]
    docker_host.ensure()

    assert machine.slept == 5
    assert machine.questions == []


def test_after_joining_the_group_the_same_command_starts_again_as_its_member(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.programs.add("dockerd")
    monkeypatch.setattr(sys, "argv", ["photos", "logs", "a b; rm -rf /"])

    with pytest.raises(Replaced):
        docker_host.ensure()
    assert machine.ran[-1] == "sudo usermod -aG docker anna"
    assert "as strong as root" in str(machine.questions[-1])
    assert machine.became[:4] == ["sg", "sg", "docker", "-c"]
    assert shlex.split(machine.became[4]) == [sys.executable, "-m", "cli", "logs", "a b; rm -rf /"]
    assert os.environ[docker_host.JOINED] == "1"
    assert os.environ[OWN_GROUP] == str(os.getgid()), "new files are the person's, not the group docker's"


def test_debians_docker_is_seen_by_a_user_without_usr_sbin_on_path(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/local/bin:/usr/bin:/bin")
    assert not docker_host.is_installed()

    machine.programs.add("dockerd")
    assert docker_host.is_installed()


def test_a_docker_that_runs_for_others_is_not_started_again(machine: Machine) -> None:
    machine.programs.add("dockerd")
    machine.processes = ["sh", "dockerd"]

    with pytest.raises(Replaced):
        docker_host.ensure()
    assert machine.ran == ["sudo usermod -aG docker anna"]
    assert len(machine.questions) == 1


def test_a_member_is_not_asked_to_join(machine: Machine) -> None:
    machine.programs.add("dockerd")
    machine.members = ["anna"]

    with pytest.raises(Replaced):
        docker_host.ensure()
    assert not any("usermod" in line for line in machine.ran)


def test_it_starts_again_only_once(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.programs.add("dockerd")
    monkeypatch.setenv(docker_host.JOINED, "1")

    with pytest.raises(typer.Exit):
        docker_host.ensure()
    assert "Log out and in again" in capsys.readouterr().err
    assert machine.became == []


def test_a_no_to_the_group_names_the_command(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.agrees = False

    with pytest.raises(typer.Exit):
        docker_host._join_group()
    assert "sudo usermod -aG docker anna" in capsys.readouterr().err
    assert machine.ran == machine.became == []


def test_a_command_that_fails_as_root_ends_the_program(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.code = 100

    with pytest.raises(typer.Exit):
        docker_host.ensure()
    assert "sudo apt-get update -qq failed" in capsys.readouterr().err
    assert len(machine.ran) == 1


def test_where_nobody_can_answer_a_question_means_no(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console.Unattended, "yes", False)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: False))

    assert console.confirm("Install it?") is False
    assert "add --yes" in capsys.readouterr().err


@pytest.mark.usefixtures("machine")
def test_a_closed_socket_is_looked_for_where_the_stack_file_says(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    socket = checkout.root / "mine.sock"
    checkout.write(STACK_ID, {"docker:host": f"unix://{socket}"})
    monkeypatch.setattr(docker_host, "Path", lambda path: SimpleNamespace(exists=lambda: path == socket))

    assert docker_host.refuses("dev")
    assert not docker_host.refuses(), "the system's is another one"


def test_the_commands_of_a_stack_go_to_the_docker_of_its_file(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def from_env(*, environment: dict[str, str], **_: object) -> SimpleNamespace:
        asked.append(environment["DOCKER_HOST"])
        return SimpleNamespace(close=lambda: None)

    monkeypatch.setattr(docker, "from_env", from_env)
    checkout.write(STACK_ID, {"docker:host": "unix:///run/mine.sock"})

    with docker_host.connect("dev"), containers.connected("dev"), docker_host.connect():
        assert asked == ["unix:///run/mine.sock", "unix:///run/mine.sock", f"unix://{SOCKET}"]
    assert stack_config.load("dev").docker == {"docker:host": "unix:///run/mine.sock"}, "the checks, too"
