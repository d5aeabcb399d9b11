"""The file `photos`: finds Python, makes .venv, hands over. Run in a copy, with every program it calls made up."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]
MADE_VENV = """#!/bin/sh
echo "$0 $*" >> "$LOG"
case "$*" in
  "-m venv .venv") mkdir -p .venv/bin; cp "$0" .venv/bin/python ;;
  *"pip install"*) exit "${PIP:-0}" ;;
  -c*) test -e "$LOG.python" ;;
  "-m cli"*) shift 2; for word; do echo "word: $word"; done ;;
esac
"""


class Shim:
    """A copy of `photos` in a folder of its own. `log` is what it ran."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "it's a checkout"
        self.programs = folder / "bin"
        self.log_file = folder / "log"
        self.folder.mkdir()
        self.programs.mkdir()
        for name in ("photos", "requirements.txt"):
            shutil.copy(PROJECT / name, self.folder / name)
        self.program("python3", MADE_VENV)
        self.program("id", "#!/bin/sh\necho 0\n")
        self.program("apt-get", '#!/bin/sh\necho "apt-get $*" >> "$LOG"\n')
        self.program("sudo", '#!/bin/sh\necho "sudo $*" >> "$LOG"\nexec "$@"\n')

    def program(self, name: str, text: str) -> None:
        (self.programs / name).write_text(text, "utf-8")
        (self.programs / name).chmod(0o755)

    def python_is_there(self) -> None:
        Path(f"{self.log_file}.python").touch()

    @property
    def venv(self) -> Path:
        return self.folder / ".venv"

    @property
    def log(self) -> list[str]:
        return self.log_file.read_text("utf-8").splitlines() if self.log_file.exists() else []

    def run(self, *words: str, answer: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.folder / "photos"), *words],
            cwd="/",
            env={"PATH": f"{self.programs}:/usr/bin:/bin", "LOG": str(self.log_file), **variables},
            input=answer,
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )


@pytest.fixture
def shim(tmp_path: Path) -> Shim:
    return Shim(tmp_path)


def test_it_is_valid_for_a_plain_shell() -> None:
    shells = [shell for shell in ("dash", "sh", "busybox") if shutil.which(shell)]

    for shell in shells:
        subprocess.run([shell, *(["sh"] if shell == "busybox" else []), "-n", str(PROJECT / "photos")], check=True)


def test_a_chosen_python_takes_over_at_once_with_the_words_unchanged(shim: Shim) -> None:
    done = shim.run("logs", "a b", "*", PHOTOS_PYTHON=str(shim.programs / "python3"))

    assert done.stdout == "word: logs\nword: a b\nword: *\n"
    assert not shim.venv.exists()


def test_it_makes_the_environment_once(shim: Shim) -> None:
    shim.python_is_there()
    first, second = shim.run("plan"), shim.run("plan", "a b")

    assert "preparing .venv" in first.stderr
    assert second.stderr == ""
    assert second.stdout == "word: plan\nword: a b\n"
    assert sum("-m venv" in line for line in shim.log) == 1


def test_changed_requirements_are_installed_beside_what_else_is_there(shim: Shim) -> None:
    shim.python_is_there()
    shim.run("plan")
    tool = shim.venv / "bin" / "ruff"
    tool.touch()
    (shim.folder / "requirements.txt").write_text("typer==0\n")
    done, again = shim.run("plan"), shim.run("plan")

    assert sum("-m venv" in line for line in shim.log) == 1
    assert sum("pip install" in line for line in shim.log) == 2
    assert tool.exists(), "a developer's tools stay"
    assert (done.stdout, again.stderr) == ("word: plan\n", "")


@pytest.mark.parametrize("changed", [True, False])
def test_an_environment_of_a_python_that_is_gone_is_made_anew(shim: Shim, changed: bool) -> None:
    shim.python_is_there()
    shim.run("plan")
    (shim.venv / "bin" / "python").write_text("#!/bin/sh\necho 'No module named pip' >&2; exit 1\n", "utf-8")
    if changed:
        (shim.folder / "requirements.txt").write_text("typer==0\n")
    done = shim.run("plan")

    assert done.stdout == "word: plan\n"
    assert "No module" not in done.stderr
    assert sum("-m venv" in line for line in shim.log) == 2


def test_new_packages_that_cannot_be_fetched_leave_the_environment_and_are_tried_again(shim: Shim) -> None:
    shim.python_is_there()
    shim.run("plan")
    before = (shim.folder / "requirements.txt").read_text("utf-8")
    (shim.folder / "requirements.txt").write_text("typer==0\n")
    failed = shim.run("plan", PIP="1")
    third = shim.run("plan")

    assert failed.returncode == 1
    assert "PIP_INDEX_URL=" in failed.stderr
    assert third.stdout == "word: plan\n"
    assert sum("pip install" in line for line in shim.log) == 3
    assert sum("-m venv" in line for line in shim.log) == 1
    (shim.folder / "requirements.txt").write_text(before)
    (shim.venv / "requirements.txt").write_text(before)
    assert shim.run("plan").stderr == "", "the old state of the checkout runs as before"


def test_packages_that_cannot_be_fetched_leave_no_half_made_environment(shim: Shim) -> None:
    shim.python_is_there()
    done = shim.run("up", "home", PIP="1")

    assert done.returncode == 1
    assert "PIP_INDEX_URL=" in done.stderr
    assert "./photos up home" in done.stderr
    assert not shim.venv.exists()


@pytest.mark.parametrize("answer", ["", "n\n", "\n"])
def test_anything_but_yes_installs_nothing_and_names_the_packages(shim: Shim, answer: str) -> None:
    done = shim.run("plan", answer=answer)

    assert done.returncode == 1
    assert "apt-get install -y --no-install-recommends python3 python3-venv" in done.stderr
    assert "Nothing was changed" in done.stderr
    assert not any("apt-get" in line for line in shim.log)


@pytest.mark.parametrize(("user", "prefix"), [("0", ""), ("1000", "sudo ")])
@pytest.mark.parametrize("how", ["--yes", "-y", "typed"])
def test_after_a_yes_python_is_installed_with_sudo_where_needed(shim: Shim, user: str, prefix: str, how: str) -> None:
    shim.program("id", f"#!/bin/sh\necho {user}\n")
    shim.program("apt-get", '#!/bin/sh\necho "apt-get $*" >> "$LOG"; case $1 in install) touch "$LOG.python" ;; esac\n')
    done = shim.run("plan", answer="y\n") if how == "typed" else shim.run("plan", how)

    assert done.returncode == 0, done.stderr
    asked_for = [line for line in shim.log if line.startswith(prefix + "apt-get")]
    assert asked_for == [
        f"{prefix}apt-get update -qq",
        f"{prefix}apt-get install -y --no-install-recommends python3 python3-venv",
    ]


def test_a_distribution_whose_python_is_too_old_is_named_as_such(shim: Shim) -> None:
    done = shim.run("plan", "--yes")

    assert done.returncode == 1
    assert "older than 3.11" in done.stderr
    assert not shim.venv.exists()
