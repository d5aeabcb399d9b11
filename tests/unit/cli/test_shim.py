"""The file `photos`: finds Python, makes .venv, hands over. Run in a copy, with every program it calls made up."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]
MADE_VENV = """#!/bin/sh
echo "$0 $*" >> "$LOG"
case "$*" in
  "-m venv .venv") mkdir -p .venv/bin || exit; cp "$0" .venv/bin/python ;;
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
        for name in ("photos", "requirements.lock"):
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

    def run(self, *words: str, answer: str = "", user: int = 0, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run it, as `user` where the test is root."""
        become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
        return subprocess.run(
            [*become, str(self.folder / "photos"), *words],
            cwd="/",
            env={"PATH": f"{self.programs}:/usr/bin:/bin", "LOG": str(self.log_file), **variables},
            input=answer,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
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
    (shim.folder / "requirements.lock").write_text("typer==0\n")
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
        (shim.folder / "requirements.lock").write_text("typer==0\n")
    done = shim.run("plan")

    assert done.stdout == "word: plan\n"
    assert "No module" not in done.stderr
    assert sum("-m venv" in line for line in shim.log) == 2


def test_new_packages_that_cannot_be_fetched_leave_the_environment_and_are_tried_again(shim: Shim) -> None:
    shim.python_is_there()
    shim.run("plan")
    before = (shim.folder / "requirements.lock").read_text("utf-8")
    (shim.folder / "requirements.lock").write_text("typer==0\n")
    failed = shim.run("plan", PIP="1")
    third = shim.run("plan")

    assert failed.returncode == 1
    assert "PIP_INDEX_URL=" in failed.stderr
    assert third.stdout == "word: plan\n"
    assert sum("pip install" in line for line in shim.log) == 3
    assert sum("-m venv" in line for line in shim.log) == 1
    (shim.folder / "requirements.lock").write_text(before)
    (shim.venv / "requirements.lock").write_text(before)
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


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Return a folder that other users of this machine reach; pytest closes its own to them at each start."""
    with tempfile.TemporaryDirectory(prefix="photos-shim-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def shared(open_folder: Path) -> Shim:
    """Return a checkout that users of this machine come to; `id` tells the truth."""
    if os.geteuid() != 0:
        pytest.skip("unit tier: only root can be several users: sudo ./photos test tests/unit/cli/test_shim.py")
    shim = Shim(open_folder)
    (shim.programs / "id").unlink()
    shim.log_file.touch()
    shim.python_is_there()
    shim.log_file.chmod(0o666)
    return shim


def give(place: Path, user: int) -> None:
    for item in (place, *place.rglob("*")):
        os.chown(item, user, user, follow_symlinks=False)


def owners(place: Path) -> set[int]:
    return {item.lstat().st_uid for item in (place, *place.rglob("*"))}


FAMILY, GUEST = 1000, 1234


@pytest.mark.parametrize("mode", [0o755, 0o700])
def test_an_environment_of_root_is_named_with_what_to_do(shared: Shim, mode: int) -> None:
    give(shared.folder, FAMILY)
    shared.run("plan")
    give(shared.venv, 0)
    shared.venv.chmod(mode)
    (shared.folder / "requirements.lock").write_text("typer==0\n")
    done = shared.run("plan", user=FAMILY)

    assert done.returncode == 1
    *_, line, remedy = done.stderr.splitlines()
    assert shlex.split(line)[:5] == ["photos:", str(shared.venv), "belongs", "to", "root."]
    subprocess.run(["sh", "-c", remedy.removeprefix("photos: sudo ")], check=True)
    assert shared.run("plan", user=FAMILY).stdout == "word: plan\n", "the line can be pasted"


def test_an_environment_of_another_user_that_fits_is_used(shared: Shim) -> None:
    shared.run("plan")
    give(shared.folder, FAMILY)

    assert shared.run("plan", user=GUEST).stdout == "word: plan\n"


@pytest.mark.parametrize("owner", [0, FAMILY])
def test_a_checkout_of_somebody_else_without_an_environment_is_named(shared: Shim, owner: int) -> None:
    give(shared.folder, owner)
    done = shared.run("plan", user=GUEST)

    assert done.returncode == 1
    assert "belongs to" in done.stderr
    assert f"sudo chown -R {GUEST}:{GUEST} " in done.stderr
    assert "denied" not in done.stderr
    assert not shared.venv.exists()


def test_root_makes_the_environment_of_a_familys_checkout_for_the_family(shared: Shim) -> None:
    give(shared.folder, FAMILY)
    first = shared.run("plan")
    (shared.folder / "requirements.lock").write_text("typer==0\n")
    give(shared.folder / "requirements.lock", FAMILY)
    again = shared.run("plan")

    assert (first.stdout, again.stdout) == ("word: plan\n", "word: plan\n")
    assert owners(shared.folder) == {FAMILY}


@pytest.mark.parametrize(("owner", "written"), [(FAMILY, "1"), (0, "")])
def test_root_leaves_no_compiled_files_in_a_familys_checkout(shared: Shim, owner: int, written: str) -> None:
    shared.program("python3", '#!/bin/sh\necho "${PYTHONDONTWRITEBYTECODE:-}"\n')
    give(shared.folder, owner)

    assert shared.run("plan", PHOTOS_PYTHON=str(shared.programs / "python3")).stdout == f"{written}\n"


def test_a_checkout_that_cannot_be_written_says_so(open_folder: Path) -> None:
    shim = Shim(open_folder)
    shim.python_is_there()
    shim.program("id", f"#!/bin/sh\necho {os.geteuid()}\n")
    shim.folder.chmod(0o555)
    as_its_owner = FAMILY if os.geteuid() == 0 else 0  # root writes whatever the mode
    if as_its_owner:
        give(shim.folder, FAMILY)
        (shim.programs / "id").unlink()
    done = shim.run("plan", user=as_its_owner)
    shim.folder.chmod(0o755)

    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert "denied" not in done.stderr


def test_a_checkout_on_a_read_only_disk_says_so_to_root_too(shared: Shim) -> None:
    subprocess.run(["mount", "--bind", shared.folder, shared.folder], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", shared.folder], check=True)
        done = shared.run("plan")
    finally:
        subprocess.run(["umount", shared.folder], check=True)

    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert "ead-only" not in done.stderr, "no line of another program"
