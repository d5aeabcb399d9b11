"""The old database in its container: who gets in, which database is PhotoPrism's, and its dump. It is only read.

A password is handed to a client as its environment, through Docker's API: a command line could be read by any process.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
import psutil
import typer
from docker.errors import NotFound
from docker.models.containers import Container

from cli import containers
from cli.attached import output_of
from cli.console import fail
from cli.takeover.albums import OWN_LABEL, OldAlbum, variables_of
from cli.takeover.dump import PHOTOPRISM_TABLES, choice
from components.messages import message
from stacks.host import GIB
from stacks.languages import text
from stacks.shell import command

FLAGS = (
    "--single-transaction", "--quick", "--routines", "--events", "--triggers", "--hex-blob", "--no-tablespaces",
    "--default-character-set=utf8mb4",
)  # fmt: skip
ROOT_PASSWORDS = ("MARIADB_ROOT_PASSWORD", "MYSQL_ROOT_PASSWORD")
USERS = (("MARIADB_USER", "MARIADB_PASSWORD"), ("MYSQL_USER", "MYSQL_PASSWORD"))
"""As both images name them, and 1Panel's recipes: docker-entrypoint.sh of MariaDB/mariadb-docker, 1Panel-dev/appstore."""
DENIED = "Access denied"
PROGRAMS = {"client": ("mariadb", "mysql"), "dump": ("mariadb-dump", "mysqldump")}


@dataclass(frozen=True)
class Login:
    """A user of the old database, whose password nobody is shown."""

    user: str
    password: str

    @property
    def environment(self) -> dict[str, str]:
        """Return what the clients read the password from."""
        return {"MYSQL_PWD": self.password}


@dataclass(frozen=True)
class OldDatabase:
    """A running container of MariaDB or MySQL, and a user who gets in."""

    container: Container
    login: Login

    def query(self, sql: str) -> list[list[str]]:
        """Return the rows of a query as text."""
        code, said = _ask(self.container, self.login, sql)
        if code:
            fail(message("olddb_no_answer", "{name} does not answer: {said}", name=self.container.name, said=said))
        return [line.split("\t") for line in said.splitlines()]

    def database(self, wanted: str | None) -> str:
        """Return the name of PhotoPrism's database in it; end the program where that is not clear."""
        names = ", ".join(f"'{table}'" for table in sorted(PHOTOPRISM_TABLES))
        found = self.query(
            f"SELECT table_schema FROM information_schema.tables WHERE table_name IN ({names}) "  # noqa: S608 - our own names
            f"GROUP BY table_schema HAVING COUNT(*) = {len(PHOTOPRISM_TABLES)}"
        )
        return choice([row[0] for row in found], wanted, str(self.container.name))

    def rows(self, database: str) -> dict[str, int]:
        """Return how many rows each table has."""
        tables = self.query(
            f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{database}' AND table_type = 'BASE TABLE'"  # noqa: S608 - a name of the server's
        )
        return {name: int(self.query(f"SELECT COUNT(*) FROM `{database}`.`{name}`")[0][0]) for (name,) in tables}  # noqa: S608 - as above

    def dump(self, database: str, file: Path) -> None:
        """Write a dump into a private file; end the program where that fails, or the disk would be full."""
        self._refuse_small_disk(database, file.parent)
        words = [_program(self.container, "dump"), f"-u{self.login.user}", *FLAGS, database]
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as target:
            code, said = output_of(self.container, words, target.write, self.login.environment)
        if code:
            fail(message("olddb_no_dump", "{name} could not be dumped: {said}", name=self.container.name, said=said))

    def _refuse_small_disk(self, database: str, folder: Path) -> None:
        sizes = self.query(
            f"SELECT COALESCE(SUM(data_length), 0) FROM information_schema.tables WHERE table_schema = '{database}'"  # noqa: S608 - a name of the server's
        )
        refuse_small_disk(folder, int(float(sizes[0][0])))


def refuse_small_disk(folder: Path, needed: int) -> None:
    """End the program where `needed` bytes would fill the disk of `folder`."""
    free = psutil.disk_usage(str(folder)).free
    if free < needed + GIB:
        fail(
            message(
                "takeover_no_room",
                "{folder} has {free} GB free, and {needed} GB are needed. Nothing was created or changed.",
                folder=folder,
                free=f"{free / GIB:.1f}",
                needed=f"{(needed + GIB) / GIB:.1f}",
            )
        )


def find(client: docker.DockerClient, name: str, albums: list[OldAlbum]) -> OldDatabase:
    """Return the old database in the container `name`; end the program where it cannot be read."""
    container = _container(client, name)
    _refuse_wrong_one(container)
    for login in _logins(container, albums):
        code, said = _ask(container, login, "SELECT 1")
        if not code:
            return OldDatabase(container, login)
        if DENIED not in said:
            fail(message("olddb_no_answer", "{name} does not answer: {said}", name=container.name, said=said))
    return fail(
        message(
            "olddb_denied",
            "Nobody gets into {name}: the passwords in its environment and in that of the old album do not hold any more. Run this in a terminal, where root's password can be typed, or dump it by hand and name the file (docs/from-the-blog.md).",
            name=container.name,
        )
    )


def _container(client: docker.DockerClient, name: str) -> Container:
    try:
        return client.containers.get(name)
    except NotFound:
        known = client.containers.list(all=True, ignore_removed=True)
        likely = [
            str(each.name) for each in known if any(map(variables_of(each).get, (*ROOT_PASSWORDS, "MARIADB_VERSION")))
        ]
        fail(
            message(
                "olddb_unknown",
                "There is neither a container nor a file {name}. Databases on this host: {known}",
                name=name,
                known=", ".join(sorted(likely)) or "-",
            )
        )


def _refuse_wrong_one(container: Container) -> None:
    if OWN_LABEL in container.labels:
        fail(
            message(
                "olddb_of_a_stack",
                "{name} belongs to a stack of ./photos already. Its library is taken over with: ./photos adopt FOLDER",
                name=container.name,
            )
        )
    if container.status != "running":
        fail(
            message(
                "olddb_stopped",
                "{name} is {status}. Start it, since it is asked for its data: {command} . The old album itself must stay stopped.",
                name=container.name,
                status=containers.in_words(container.status),
                command=command("docker", "start", container.name),
            )
        )
    if not _program(container, "dump"):
        server = variables_of(container).get("PHOTOPRISM_DATABASE_SERVER", "")
        fail(
            message(
                "olddb_no_client",
                "{name} holds neither mariadb-dump nor mysqldump, so it is no database{server}. Name the container of MariaDB.",
                name=container.name,
                server=f" (PHOTOPRISM_DATABASE_SERVER: {server})" if server else "",
            )
        )


def _logins(container: Container, albums: list[OldAlbum]) -> Iterator[Login]:
    """Yield who may get in: root and the user of the image's environment, the old album's, and who is typed."""
    yield from (Login("root", secret) for name in ROOT_PASSWORDS if (secret := _value(container, name)) is not None)
    if any(name.endswith("ALLOW_EMPTY_ROOT_PASSWORD") for name in variables_of(container)):
        yield Login("root", "")
    for user, password in USERS:
        if (name := _value(container, user)) and (secret := _value(container, password)) is not None:
            yield Login(name, secret)
    for album in albums:
        if known := album.variables.get("PHOTOPRISM_DATABASE_USER"):
            yield Login(known, album.variables.get("PHOTOPRISM_DATABASE_PASSWORD", ""))
    if sys.stdin.isatty():
        question = message("olddb_password", "Password of root in {name}", name=container.name)
        yield Login("root", str(typer.prompt(text(question), hide_input=True)))


def _value(container: Container, name: str) -> str | None:
    """Return a variable of the container, or the content of the file that its _FILE names."""
    variables = variables_of(container)
    if path := variables.get(f"{name}_FILE"):
        try:
            return containers.content(container, path).decode().rstrip("\n")
        except NotFound:
            return None
    return variables.get(name)


def _program(container: Container, kind: str) -> str:
    """Return the client or the dump program that a container has; "" for none."""
    words = " || ".join(f"command -v {name}" for name in PROGRAMS[kind])
    return containers.answer(container, "sh", "-c", words)[1].strip()


def _ask(container: Container, login: Login, sql: str) -> tuple[int, str]:
    words = [_program(container, "client"), f"-u{login.user}", "--default-character-set=utf8mb4", "-N", "-B", "-e", sql]
    code, output, errors = containers.answer(container, *words, environment=login.environment)
    return code, (errors if code else output).strip()
