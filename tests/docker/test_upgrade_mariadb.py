"""MariaDB 10.11 becomes 11.8, with real servers: rows, a crash before, the way back, and an older server on newer data."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from contextlib import closing
from uuid import uuid4

import docker
import pytest
from docker.models.containers import Container

from cli.upgrade import database, services
from cli.upgrade.copying import Copier
from components.database import DATA, DATABASE, FIRST_START_DONE, START, USER, Database
from demo.images.build import OLDER, build
from tests.docker.running_stack import PROJECT

OLD, NEW = "library/mariadb:10.11.14", "library/mariadb:11.8.8"
SECONDS = 10**9
"""Docker counts in nanoseconds."""
FILES = {
    "photos/start": (START, 0o555),
    "docker-entrypoint-initdb.d/zz-photos.sh": (FIRST_START_DONE, 0o444),
    "run/secrets/mariadb_password": ("a-password-of-the-test", 0o444),
}


class House:
    """One volume and its copy, and servers on it, one after the other."""

    def __init__(self, client: docker.DockerClient, registry: str) -> None:
        self.client, self.registry, self.stack = client, registry, f"m{uuid4().hex[:6]}"
        tool = str(client.images.get(f"{registry}/{OLD}").id)
        self.copier = Copier(client, self.stack, str(uuid4()), tool)
        self.live, self.kept, self.name = (f"photos-{self.stack}-{what}" for what in ("mariadb", "kept", "server"))
        for volume in (self.live, self.kept):
            self.copier.make(volume, Database.service)
        client.containers.run(
            tool, ["-c", "chown 999:999 /v"], entrypoint=["/bin/bash"], user="0:0", remove=True,
            volumes={self.live: {"bind": "/v"}},
        )  # fmt: skip

    def server(self, image: str) -> Container:
        """Start a server as the stack declares it, in the place of the one before."""
        self.gone()
        made = self.client.containers.create(
            f"{self.registry}/{image}", ["--innodb-buffer-pool-size=64M"], name=self.name, entrypoint=["/photos/start"],
            user="999:999", init=True, labels={"photos.service": Database.service},
            environment={
                "MARIADB_DATABASE": DATABASE, "MARIADB_USER": USER, "MARIADB_AUTO_UPGRADE": "1",
                "MARIADB_PASSWORD_FILE": "/run/secrets/mariadb_password", "MARIADB_ROOT_PASSWORD": "x",
                "MARIADB_ROOT_HOST": "localhost", "MARIADB_INITDB_SKIP_TZINFO": "1",
            },
            volumes={self.live: {"bind": DATA}},
            healthcheck={
                "test": ["CMD", "healthcheck.sh", "--connect", "--innodb_initialized"],
                "interval": 2 * SECONDS, "start_period": 120 * SECONDS,
            },
        )  # fmt: skip
        made.put_archive("/", _packed())
        made.start()
        return made

    def gone(self) -> None:
        for container in self.client.containers.list(all=True, filters={"name": f"^/{self.name}$"}):
            container.remove(force=True)


def _packed() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as bundle:
        for name, (content, mode) in FILES.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content.encode()), mode
            bundle.addfile(info, io.BytesIO(content.encode()))
    return packed.getvalue()


@pytest.fixture(scope="module", name="house")
def house_with_an_older_server(images: str) -> Iterator[House]:
    build(images, cache=PROJECT / ".cache" / "images", echo=print, recipes=OLDER)
    with closing(docker.from_env()) as client:
        made = House(client, images)
        yield made
        made.gone()
        made.copier.clear()
        for volume in (made.live, made.kept):
            made.copier.remove(volume)


def test_an_older_server_s_data_is_copied_cold_and_a_newer_one_brings_it_up_to_date(house: House) -> None:
    old = house.server(OLD)
    services.await_health(old)
    database.query(old, "CREATE TABLE photos (n INT PRIMARY KEY, t VARCHAR(20))")
    database.query(old, "INSERT INTO photos VALUES (1, '一'), (2, '二')")
    before = database.rows(old)
    assert database.data_version(old).startswith("10.11.")
    services.stop_cleanly(old)
    house.copier.copy(house.live, house.kept)
    new = house.server(NEW)
    services.await_health(new)

    assert database.query(new, "SELECT VERSION()")[0][0].startswith("11.8.")
    assert database.data_version(new).startswith("11.8.")
    assert database.damage(new, before, migrated=False) == []
    database.query(new, "DELETE FROM photos WHERE n = 2")
    assert database.damage(new, before, migrated=False) == ["photos: 2 → 1"]


def test_after_a_crash_the_same_server_is_started_and_ends_cleanly(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    crashed = house.client.containers.get(house.name)
    crashed.kill("SIGKILL")
    crashed.wait()
    services.stop_cleanly(crashed)

    assert "did not end cleanly" in capsys.readouterr().err
    assert crashed.attrs["State"]["ExitCode"] == 0


def test_the_older_server_refuses_what_the_newer_one_wrote(house: House) -> None:
    older = house.server(OLD)
    assert older.wait(timeout=60)["StatusCode"] == 78

    assert b"MariaDB 11.8 wrote this data, and MariaDB 10.11 cannot read it" in older.logs()


def test_with_its_own_data_back_it_runs_as_before(house: House) -> None:
    house.gone()
    house.copier.copy(house.kept, house.live)
    back = house.server(OLD)
    services.await_health(back)

    assert database.query(back, "SELECT * FROM photos") == [["1", "一"], ["2", "二"]]
