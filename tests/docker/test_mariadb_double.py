"""The stand-in for the mariadb image starts a database as upstream's script does: users, grants, refusals.

With MARIADB_ENTRYPOINT=/path/to/docker-entrypoint.sh (MariaDB/mariadb-docker) that script runs in its place. Run so with
11.8's of 2026-05-29 on 2026-11-29: demo/images/README.md.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import docker
import pytest
from docker.models.containers import Container

from cli.docker_host import connect
from tests.docker.running_stack import REGISTRY
from tests.waiting import until

ROOT, USER = "root-of-a-test", "user-of-a-test"
FULL = {
    "MARIADB_ROOT_PASSWORD": ROOT, "MARIADB_ROOT_HOST": "localhost", "MARIADB_DATABASE": "photo_prism",
    "MARIADB_USER": "photoprism", "MARIADB_PASSWORD": USER, "MARIADB_INITDB_SKIP_TZINFO": "1",
}  # fmt: skip


@pytest.fixture(scope="module")
def client(images: str) -> Iterator[docker.DockerClient]:
    assert images
    with connect() as made:
        yield made


def started(client: docker.DockerClient, *command: str, **variables: str) -> Container:
    """Start a database, with upstream's script where the machine has one."""
    theirs = os.environ.get("MARIADB_ENTRYPOINT")
    mounts = {theirs: {"bind": "/usr/local/bin/docker-entrypoint.sh", "mode": "ro"}} if theirs else {}
    return client.containers.run(
        f"{REGISTRY}/library/mariadb:11.8.8",
        list(command) or None,
        environment={**variables, "MARIADB_VERSION": "1:11.8.8", "GOSU_VERSION": "1"},
        volumes=mounts,
        network_mode="none",
        detach=True,
    )


@pytest.fixture(scope="module", name="database")
def one_for_all(client: docker.DockerClient) -> Iterator[Container]:
    made = started(client, **FULL)
    try:
        until(lambda: made.exec_run(["healthcheck.sh", "--connect", "--innodb_initialized"]).exit_code == 0)
        yield made
    finally:
        made.remove(force=True, v=True)


def asked(database: Container, sql: str, user: str = "root", password: str = ROOT) -> str:
    code, said = database.exec_run(
        ["mariadb", "-N", "--batch", f"-u{user}", "-e", sql], environment={"MYSQL_PWD": password}
    )
    return b"".join([said] if isinstance(said, bytes) else said).decode() if code == 0 else f"refused: {code}"


def test_the_users_are_upstream_s(database: Container) -> None:
    found = set(asked(database, "SELECT CONCAT(user, '@', host) FROM mysql.user").split())

    assert found == {
        "root@localhost", "photoprism@%", "mariadb.sys@localhost",
        "healthcheck@127.0.0.1", "healthcheck@::1", "healthcheck@localhost",
    }  # fmt: skip


def test_the_user_owns_its_database_and_nothing_that_is_called_alike(database: Container) -> None:
    grants = asked(database, "SHOW GRANTS FOR photoprism@'%'")

    assert "GRANT USAGE ON *.* TO `photoprism`@`%`" in grants
    assert r"GRANT ALL PRIVILEGES ON `photo\\_prism`.* TO `photoprism`@`%`" in grants
    assert asked(database, "CREATE TABLE photo_prism.t (n INT)", "photoprism", USER) == ""


def test_nobody_enters_without_a_password(database: Container) -> None:
    assert asked(database, "SELECT 1", password="wrong") == "refused: 1"
    assert asked(database, "SELECT 1", "photoprism", "wrong") == "refused: 1"


def test_a_restart_keeps_password_and_rows_and_takes_no_new_one(database: Container) -> None:
    asked(database, "CREATE TABLE photo_prism.kept AS SELECT 1 AS n")
    database.restart(timeout=60)
    until(lambda: database.exec_run(["healthcheck.sh", "--connect", "--innodb_initialized"]).exit_code == 0)

    assert asked(database, "SELECT n FROM photo_prism.kept") == "1\n"
    assert b"MariaDB upgrade not required" in database.logs()


@pytest.mark.parametrize(
    ("variables", "command", "says"),
    [
        ({}, (), b"Database is uninitialized and password option is not specified"),
        (
            {**FULL, "MARIADB_PASSWORD_FILE": "/etc/hostname"},
            (),
            b"Both MARIADB_PASSWORD and MARIADB_PASSWORD_FILE are set (but are exclusive)",
        ),
        (FULL, ("--bogus-flag=1",), b"mariadbd failed while attempting to check config"),
    ],
    ids=["no password", "a password twice", "a flag that is none"],
)
def test_what_upstream_refuses_ends_with_1_and_its_words(
    client: docker.DockerClient, variables: dict[str, str], command: tuple[str, ...], says: bytes
) -> None:
    made = started(client, *command, **variables)
    try:
        assert made.wait(timeout=120)["StatusCode"] == 1
        assert says in made.logs()
    finally:
        made.remove(force=True, v=True)
