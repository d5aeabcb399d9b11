"""What someone has who followed the blog: /mnt/d with mariadb and photoprism in it, and the containers of 1Panel's store."""

from __future__ import annotations

import contextlib
import gzip
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import docker
from docker.models.containers import Container
from docker.types import Mount

from cli.attached import send, told
from demo.samples import write_samples

DUMP = Path(__file__).with_name("photoprism-240915.sql.gz")
PASSWORD = "the-old-password"
ROOT_PASSWORD = "mariadb_of_the_PANEL-1"
OWNER = 1000
SETTINGS = "UI:\n  Theme: lavender\n  Language: zh\nImport:\n  Path: /\n  Move: false\n"
OPTIONS = "SiteTitle: Our old album\nOriginalsPath: /somewhere/else\nDatabaseDriver: sqlite\nThumbFilter: lanczos\n"
SECONDS_TO_START = 90
FACTS = {
    "SELECT album_title, album_favorite FROM albums WHERE album_type = 'album' ORDER BY album_title": [
        ["Sommer am See", "0"], ["奶奶的生日 🎂", "1"],
    ],
    "SELECT COUNT(*) FROM photos_albums": [["2"]],
    "SELECT photo_name FROM photos WHERE photo_favorite = 1 ORDER BY photo_name": [["lake"], ["spring"]],
    "SELECT photo_title FROM photos WHERE photo_name = 'birthday'": [["生日快乐 🎉👵🏽"]],
    "SELECT photo_name FROM photos WHERE deleted_at IS NOT NULL": [["winter"]],
    "SELECT subj_name, subj_favorite FROM subjects ORDER BY subj_name": [["Opa Hans", "1"], ["奶奶", "0"]],
    "SELECT COUNT(*) FROM markers WHERE subj_uid <> ''": [["2"]],
    "SELECT user_name FROM auth_users WHERE user_name <> '' ORDER BY user_name": [["admin"], ["papa"]],
}  # fmt: skip
"""What an index says that came from the dump: query → rows."""


@dataclass
class OldSetUp:
    """The drive, and the two containers."""

    drive: Path
    database: Container
    album: Container

    @property
    def originals(self) -> Path:
        return self.drive / "photoprism" / "originals"

    @property
    def imports(self) -> Path:
        return self.drive / "photoprism" / "import"

    @property
    def storage(self) -> Path:
        return self.drive / "photoprism" / "storage"

    def seen(self) -> dict[str, tuple[int, int, int, int]]:
        """Return what lies on the drive beside MariaDB's own: path → mode, owner, size and time."""
        found = sorted((self.drive / "photoprism").rglob("*"))
        states = {str(path): path.lstat() for path in found if path.name not in (".photos-id", ".ppignore", "phones")}
        return {
            path: (state.st_mode, state.st_uid, state.st_size if path.count(".") else 0, 0)
            for path, state in states.items()
        }


@contextlib.contextmanager
def old_set_up(client: docker.DockerClient, root: Path, registry: str) -> Iterator[OldSetUp]:
    """Yield a set-up as the blog describes it, its MariaDB running and its PhotoPrism stopped; remove it afterwards."""
    drive = root / "mnt-d"
    folders(drive)
    tail = uuid4().hex[:4]
    made: list[Container] = []
    try:
        database = client.containers.run(
            f"{registry}/library/mariadb:11.8.8",
            name=f"1Panel-mariadb-{tail}",
            environment={"MYSQL_ROOT_PASSWORD": ROOT_PASSWORD},
            mounts=[
                Mount("/var/lib/mysql", str(drive / "mariadb/data"), type="bind"),
                Mount("/etc/mysql/conf.d", str(drive / "mariadb/conf"), type="bind"),
            ],
            labels={"createdBy": "Apps"},
            detach=True,
        )
        made.append(database)
        fill(database)
        album = client.containers.create(
            f"{registry}/photoprism/photoprism:260728-ce",
            name=f"1Panel-photoprism-{tail}",
            environment={"PHOTOPRISM_DATABASE_DRIVER": "mysql", "PHOTOPRISM_DATABASE_USER": "photoprism"},
            mounts=[
                Mount(f"/photoprism/{name}", str(drive / "photoprism" / name), type="bind")
                for name in ("originals", "import", "storage")
            ],
            restart_policy={"Name": "always"},
            labels={"createdBy": "Apps"},
        )
        made.append(album)
        yield OldSetUp(drive, database, album)
    finally:
        for container in made:
            container.remove(force=True, v=True)


def folders(drive: Path) -> None:
    """Make the folders of the drive, and what PhotoPrism keeps in its storage."""
    album = drive / "photoprism"
    for name in (
        "originals",
        "import",
        "storage/config/certificates",
        "storage/sidecar/2024",
        "storage/cache/thumbnails",
    ):
        (album / name).mkdir(parents=True)
    for name in ("data", "conf"):
        (drive / "mariadb" / name).mkdir(parents=True)
    write_samples(album / "originals")
    storage = album / "storage"
    (storage / "backup/mysql").mkdir(parents=True)
    shutil.copyfile(DUMP, storage / "backup/mysql/2024-12-01.sql.gz")
    for path, content in {
        "config/settings.yml": SETTINGS,
        "config/options.yml": OPTIONS,
        "config/certificates/old.pem": "a certificate",
        "sidecar/2024/birthday.yml": "Title: 生日快乐 🎉\n",
        "sidecar/2024/名字.yml": "Title: x\n",
        "cache/thumbnails/x.jpg": "made again",
        ".ppstorage": "1",
        "serial": "1",
    }.items():
        (storage / path).write_text(content, "utf-8")
    for item in (album, *album.rglob("*")):
        os.chown(item, OWNER, OWNER)


def fill(database: Container) -> None:
    """Make PhotoPrism's database in a container of MariaDB, beside another one, from the dump of the older PhotoPrism."""
    deadline = time.monotonic() + SECONDS_TO_START
    while database.exec_run(["healthcheck.sh", "--connect", "--innodb_initialized"]).exit_code:
        assert time.monotonic() < deadline, database.logs(tail=20)
        time.sleep(1)
    run(
        database,
        "CREATE DATABASE photoprism CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci; CREATE DATABASE nextcloud",
    )
    run(database, gzip.decompress(DUMP.read_bytes()).decode(), "photoprism")


def run(database: Container, sql: str, *name: str) -> None:
    """Run SQL as root."""
    connection = database.client.api.exec_create(  # type: ignore[union-attr]
        str(database.id), ["mariadb", "-uroot", *name], stdin=True, environment={"MYSQL_PWD": ROOT_PASSWORD}
    )
    socket = database.client.api.exec_start(connection["Id"], socket=True)  # type: ignore[union-attr]
    send(socket, sql.encode())
    said = b"".join(content for _, content in told(socket))
    code = database.client.api.exec_inspect(connection["Id"])["ExitCode"]  # type: ignore[union-attr]
    assert code == 0, said
