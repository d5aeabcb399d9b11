"""MariaDB: rotation on existing data, and a first start that was killed half-way."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from example_stack import (
    changed,
    container,
    declare_stack,
    declared,
    environment,
    example,
    role,
    secret_values,
    uploads,
)
from shell import Stubs

from components.database import DATA, PHOTOPRISM_FLAGS

BASE = example("dev")
REFUSAL = "the first start of this database was cut short"


@pytest.fixture
def start(tmp_path: Path) -> Stubs:
    """Return the start script with its data directory in a temporary place and a stub for the image's entrypoint."""
    files = uploads(declared("dev"), "mariadb")
    stubs = Stubs(tmp_path, {DATA: tmp_path / "data"})
    (tmp_path / "data").mkdir()
    stubs.command("docker-entrypoint.sh", 'echo "serves: $*"')
    stubs.script("start", files["/photos/start"])
    stubs.script("done", files["/docker-entrypoint-initdb.d/zz-photos.sh"])
    return stubs


def test_a_first_start_is_marked_until_its_last_step(start: Stubs, tmp_path: Path) -> None:
    mark = tmp_path / "data" / ".photos-first-start"

    first = start.run("start", "--port=1")
    marked = mark.exists()
    start.run("done")

    assert first.stdout == "serves: mariadbd --port=1\n", first.stderr
    assert marked
    assert not mark.exists()


@pytest.mark.parametrize("left", ["mysql/db.frm", "ibdata1"])
def test_a_half_made_data_directory_is_refused_at_every_start(left: str, start: Stubs, tmp_path: Path) -> None:
    start.run("start")
    half = tmp_path / "data" / left  # then the machine loses power: the last step never runs
    half.parent.mkdir(exist_ok=True)
    half.touch()

    for again in (start.run("start"), start.run("start")):
        assert again.returncode != 0
        assert REFUSAL in again.stderr
        assert "./photos" in again.stderr, "the log names the way out"
        assert "serves" not in again.stdout, "its root has no password"
    assert half.exists(), "a person decides what is deleted"


def test_a_first_start_killed_before_there_was_anything_begins_again(start: Stubs) -> None:
    start.run("start")

    assert start.run("start").stdout == "serves: mariadbd\n"


def test_a_finished_data_directory_is_served_unmarked(start: Stubs, tmp_path: Path) -> None:
    (tmp_path / "data" / "mysql").mkdir()

    result = start.run("start")

    assert "serves" in result.stdout
    assert not (tmp_path / "data" / ".photos-first-start").exists(), "the next start would refuse good data"


def test_the_last_step_of_the_image_runs_after_all_others() -> None:
    files = [path for path in uploads(declared("dev"), "mariadb") if path.startswith("/docker-entrypoint-initdb.d/")]

    assert files == ["/docker-entrypoint-initdb.d/zz-photos.sh"], "the image runs them by name, after making the user"


def test_the_init_file_gives_the_new_password_to_the_one_user_that_exists() -> None:
    recorder = declared("dev")
    sql = uploads(recorder, "mariadb")["/etc/mysql/photos-init.sql"]
    password = secret_values(recorder)["mariadb-password"]

    own, other = sql.splitlines()
    assert own == f"ALTER USER IF EXISTS 'photoprism'@'%' IDENTIFIED BY '{password}';"
    assert other == "DROP USER IF EXISTS 'keeper'@'%';", "without a backup nobody else may read"
    assert not re.search(r"\b(root|CREATE|GRANT|DROP)\b", own, re.IGNORECASE), "the first start would fail or lock out"
    assert "--init-file=/etc/mysql/photos-init.sql" in container(recorder, "mariadb")["command"]


def test_with_a_backup_the_init_file_makes_a_user_who_may_only_read() -> None:
    recorder = declared("home")
    _, *lines = uploads(recorder, "mariadb")["/etc/mysql/photos-init.sql"].splitlines()
    password = secret_values(recorder)["mariadb-keeper-password"]

    assert lines == [
        "CREATE USER IF NOT EXISTS 'keeper'@'%';",
        f"ALTER USER 'keeper'@'%' IDENTIFIED BY '{password}';",
        "GRANT SELECT, SHOW VIEW, TRIGGER, EVENT /*M!110301 , SHOW CREATE ROUTINE */ ON photoprism.* TO 'keeper'@'%';",
    ]
    assert uploads(recorder, "keeper")["/run/secrets/keeper_database_password"] == password
    assert password != secret_values(recorder)["mariadb-password"]


def test_server_and_album_get_the_same_password() -> None:
    recorder = declared("dev")
    path = "/run/secrets/mariadb_password"

    assert uploads(recorder, "mariadb")[path] == uploads(recorder, "photoprism")[path]
    assert environment(recorder, "mariadb")["MARIADB_PASSWORD_FILE"] == path
    assert environment(recorder, "photoprism")["PHOTOPRISM_DATABASE_PASSWORD_FILE"] == path


def test_root_may_log_in_from_the_container_alone() -> None:
    variables = environment(declared("dev"), "mariadb")

    assert variables["MARIADB_ROOT_HOST"] == "localhost"
    assert not {"MARIADB_ROOT_PASSWORD", "MARIADB_PASSWORD", "MARIADB_RANDOM_ROOT_PASSWORD"} & set(variables)


def test_only_the_rotation_number_makes_a_new_password() -> None:
    def inputs(rotation: int) -> dict[str, object]:
        recorder = declare_stack(changed(BASE, {"database.password_rotation": rotation}))
        (password,) = [item for item in recorder.of_type("RandomPassword") if role(item) == "mariadb-password"]
        assert {"length", "special"} <= set(password.options["ignore_changes"])
        return password.inputs

    assert inputs(1) == inputs(1)
    assert inputs(1)["keepers"] != inputs(2)["keepers"]


def test_flags_are_photoprisms_and_a_person_may_add_and_replace() -> None:
    flags = {"max-connections": "64", "innodb-flush-log-at-trx-commit": "1"}
    command = container(declare_stack(changed(BASE, {"database.flags": flags})), "mariadb")["command"]

    assert command[0] == "--innodb-buffer-pool-size=128M"
    expected = {**PHOTOPRISM_FLAGS, **flags}
    assert dict(line[2:].split("=", 1) for line in command[1:-1]) == expected
    assert len(command) == len(expected) + 2, "each flag once"


def test_it_runs_as_its_own_user_on_a_named_volume() -> None:
    inputs = container(declared("wsl"), "mariadb")

    assert inputs["user"] == "999:999"
    assert [(mount["type"], mount["target"]) for mount in inputs["mounts"]] == [("volume", DATA)], "never on /mnt/d"


def test_the_probe_is_false_until_the_first_start_is_complete() -> None:
    probe = container(declared("dev"), "mariadb")["healthcheck"]["tests"]

    assert probe == ["CMD", "healthcheck.sh", "--connect", "--innodb_initialized"]


@pytest.mark.parametrize("path", ["/photos/start", "/docker-entrypoint-initdb.d/zz-photos.sh"])
def test_the_scripts_are_valid_sh(path: str) -> None:
    script = uploads(declared("dev"), "mariadb")[path]

    checked = subprocess.run(["sh", "-n"], input=script, text=True, capture_output=True, check=False)

    assert checked.returncode == 0, checked.stderr
