"""MariaDB: PhotoPrism's index, in a named volume, never on a Windows drive."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import pulumi
from pydantic import Field, field_validator

from components.container import ContainerFile, ContainerSpec, HealthCheck
from components.fields import Image, Memory, Rotation
from components.messages import message
from components.refusals import refusal
from components.service import Belongings, DatabaseConnection, Foundation, Secret, Service, ServiceArgs
from components.service_config import ServiceConfig

DATABASE = USER = "photoprism"
READER = "keeper"
USER_PASSWORD, READER_PASSWORD = "password", "keeper-password"
DATA = "/var/lib/mysql"

# PhotoPrism's own compose file: setup/docker/compose.yaml in photoprism/photoprism.
PHOTOPRISM_FLAGS = {
    "transaction-isolation": "READ-COMMITTED",
    "character-set-server": "utf8mb4",
    "collation-server": "utf8mb4_unicode_ci",
    "max-connections": "512",
    "innodb-rollback-on-timeout": "OFF",
    "innodb-lock-wait-timeout": "120",
}

SHORTEST_PART = 12
"""Letters; a shorter part of these names is not theirs alone, so MariaDB refuses it itself."""
FORBIDDEN_FLAGS = {
    "innodb-flush-log-at-trx-commit": message("loses_rows", "loses confirmed rows at a power cut"),
    "innodb-doublewrite": message("loses_pages", "loses pages at a power cut"),
    "innodb-flush-method": message("can_lose_rows", "can lose confirmed rows at a power cut"),
    "skip-grant-tables": message("lets_everyone_in", "lets everyone in"),
    "skip-networking": message("locks_photoprism_out", "locks PhotoPrism out"),
    "init-file": message("rotates_password", "is how the stack rotates the password"),
    "datadir": message("moves_data", "moves the data out of its volume"),
}


def _forbidden(name: str) -> str | None:
    """Return the forbidden flag that MariaDB takes `name` for: it reads a part of a name, and skip- as off."""
    plain = re.sub(r"^(skip|disable|enable)-", "", name)
    for flag in FORBIDDEN_FLAGS:
        if flag in (name, plain) or any(len(part) >= SHORTEST_PART and flag.startswith(part) for part in (name, plain)):
            return flag
    return None


# A killed first start leaves data that looks finished: the image's next start but one serves it, with a root that has
# no password (seen with upstream's entrypoint). This mark, set before a first start and removed by its last step, tells.
START = f"""#!/bin/sh
set -eu
data={DATA}
mark=$data/.photos-first-start
if [ -e "$mark" ]; then
  if [ -n "$(find "$data" -mindepth 1 ! -path "$mark" -print -quit)" ]; then
    echo "photos: the first start of this database was cut short, so its data is not used; none of your photos' data is in it." >&2
    echo "photos: run ./photos destroy, then docker volume rm on this container's volume, then ./photos up." >&2
    exit 78
  fi
elif [ ! -d "$data/mysql" ]; then
  : > "$mark"
fi
exec docker-entrypoint.sh mariadbd "$@"
"""

# What mariadb-dump reads with --routines --events --triggers; without SHOW CREATE ROUTINE, which servers know since
# 11.3, it leaves functions out and says nothing (seen).
READ = "SELECT, SHOW VIEW, TRIGGER, EVENT /*M!110301 , SHOW CREATE ROUTINE */"

FIRST_START_DONE = f"rm -f {DATA}/.photos-first-start\n"


class DatabaseConfig(ServiceConfig):
    """MariaDB, the index of the photos."""

    release_series = 2

    ruled_variables: ClassVar = {
        r"(MARIADB|MYSQL)_.*(PASSWORD|ROOT|USER|DATABASE).*": message(
            "rule_database_login", "decides who gets into the database"
        ),
        r"(MARIADB|MYSQL)_(AUTO_UPGRADE|INITDB_.*|REPLICATION_.*|MASTER_.*|DISABLE_.*)": (
            message("rule_database_start", "decides what happens to the data at a start")
        ),
    }

    image: Image = Field("mariadb:11.8.8", description="image with a fixed tag")
    memory: Memory = Field(1024, description="memory limit, e.g. 512m or 4g")
    buffer_pool: Memory = Field(256, description="InnoDB buffer pool, at most half of the memory")
    password_rotation: Rotation = Field(1, description="raise it by one to give PhotoPrism a new database password")
    flags: dict[str, str] = Field({}, description="further mariadbd flags, without the leading dashes")

    @field_validator("flags")
    @classmethod
    def _safe_flags(cls, flags: dict[str, str]) -> dict[str, str]:
        for flag, value in flags.items():
            name = flag.lstrip("-").replace("_", "-").removeprefix("loose-")
            if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) or not value.isprintable():
                raise refusal(
                    "flag_unreadable",
                    '"{flag}" is no flag, or its value holds a line break. Write e.g. max-connections: "64"',
                    flag=flag,
                )
            meant = _forbidden(name)
            if meant == "innodb-flush-log-at-trx-commit" and value == "1":
                continue
            if meant:
                reads = "" if meant == name else message("flag_read_as", "is read as {meant}, which ", meant=meant)
                raise refusal(
                    "flag_forbidden",
                    "{flag}={value} {reads}{danger}. Leave this flag out",
                    flag=flag,
                    value=value,
                    reads=reads,
                    danger=FORBIDDEN_FLAGS[meant],
                )
        return flags

    @field_validator("buffer_pool")
    @classmethod
    def _half_of_memory(cls, pool: int, info: object) -> int:
        memory = getattr(info, "data", {}).get("memory")
        if memory and pool * 2 > memory:
            raise refusal(
                "buffer_pool_too_large",
                "{pool}m is more than half of memory ({memory}m). Write at most {most}m",
                pool=pool,
                memory=memory,
                most=memory // 2,
            )
        return pool


@dataclass(frozen=True, kw_only=True)
class DatabaseArgs(ServiceArgs):
    """MariaDB's configuration and root's password. `dumped`: one more user, who may only read, for the keeper."""

    config: DatabaseConfig
    root_password: Secret
    dumped: bool = False


class Database(Service[DatabaseArgs, Foundation]):
    """MariaDB with one database, one user for PhotoPrism, and with `dumped` one who may only read.

    Creates: a `docker.RemoteImage`, a `docker.Container`, a `docker.Volume` and a `random.RandomPassword` per user.
    Environment, `_FILE` variables and start order: docker-entrypoint.sh in MariaDB/mariadb-docker.
    """

    service = "mariadb"
    Args = DatabaseArgs
    Config = DatabaseConfig
    data: ClassVar = {"": DATA}

    connection: DatabaseConnection
    reading: DatabaseConnection | None
    """For the keeper."""

    def __init__(
        self, name: str, args: DatabaseArgs, base: Foundation, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, args, base, opts)
        # In a panel's network "mariadb" is the panel's, and Docker asks that network before one without a way out (seen).
        host = base.container_name(self.service) if base.panel_network else self.service
        self.connection = self._connection(USER, self.passwords[USER_PASSWORD], host)
        reader = self.passwords.get(READER_PASSWORD)
        self.reading = self._connection(READER, reader, self.service) if reader is not None else None

    @classmethod
    def rotations(cls, args: DatabaseArgs) -> dict[str, int]:
        """Return the passwords of the users; root's is none of them, since the data depends on it."""
        roles = [USER_PASSWORD, READER_PASSWORD] if args.dumped else [USER_PASSWORD]
        return dict.fromkeys(roles, args.config.password_rotation)

    @classmethod
    def spec(cls, args: DatabaseArgs, base: Foundation, belongings: Belongings) -> ContainerSpec:
        """Describe the server; see the class."""
        del base
        config = args.config
        return ContainerSpec(
            image=config.image,
            memory_mb=config.memory,
            networks=["db"],
            user="999:999",
            entrypoint=["/photos/start"],
            command=[f"--{flag}={value}" for flag, value in server_flags(config).items()]
            + ["--init-file=/etc/mysql/photos-init.sql"],
            env={
                "MARIADB_DATABASE": DATABASE,
                "MARIADB_USER": USER,
                "MARIADB_PASSWORD_FILE": "/run/secrets/mariadb_password",
                "MARIADB_ROOT_PASSWORD_FILE": "/run/secrets/mariadb_root_password",
                "MARIADB_ROOT_HOST": "localhost",
                "MARIADB_AUTO_UPGRADE": "1",
                "MARIADB_INITDB_SKIP_TZINFO": "1",
            },
            files=[
                ContainerFile(path="/photos/start", content=START, executable=True),
                ContainerFile(path="/docker-entrypoint-initdb.d/zz-photos.sh", content=FIRST_START_DONE),
                ContainerFile(path="/run/secrets/mariadb_password", content=belongings.passwords[USER_PASSWORD]),
                ContainerFile(path="/run/secrets/mariadb_root_password", content=belongings.secrets["root_password"]),
                ContainerFile(path="/etc/mysql/photos-init.sql", content=_users(belongings.passwords)),
            ],
            volumes=[belongings.volumes[""]],
            health=HealthCheck(command=["healthcheck.sh", "--connect", "--innodb_initialized"], start_period_s=60),
            stop_grace_s=120,
            wait_s=300,
        )

    def _connection(self, user: str, password: pulumi.Output[str], host: str) -> DatabaseConnection:
        return DatabaseConnection(
            host=host, port=3306, database=DATABASE, user=user, password=password, ready=self.container
        )


def server_flags(config: DatabaseConfig) -> dict[str, str]:
    """Return the flags that the server starts with."""
    return {"innodb-buffer-pool-size": f"{config.buffer_pool}M", **PHOTOPRISM_FLAGS, **config.flags}


def _users(passwords: Mapping[str, pulumi.Output[str]]) -> pulumi.Output[str]:
    """Return the SQL that runs at every start: the image ignores a new password once there is data."""
    # IF EXISTS, because on the first start the image makes the user itself, after this file.
    user = pulumi.Output.concat(f"ALTER USER IF EXISTS '{USER}'@'%' IDENTIFIED BY '", passwords[USER_PASSWORD], "';\n")
    reader = f"'{READER}'@'%'"
    if READER_PASSWORD not in passwords:
        return pulumi.Output.concat(user, f"DROP USER IF EXISTS {reader};\n")
    return pulumi.Output.concat(
        user,
        f"CREATE USER IF NOT EXISTS {reader};\nALTER USER {reader} IDENTIFIED BY '",
        passwords[READER_PASSWORD],
        f"';\nGRANT {READ} ON {DATABASE}.* TO {reader};\n",
    )
