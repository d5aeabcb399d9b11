"""A declared stack with a keeper and its copies, and what a person or a fault does to it from outside."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import psutil
from PIL import Image

from cli.docker_host import connect
from components.storage import MARKER
from demo.docker_runner import wait_until_healthy
from keeper.errors import Exit
from keeper.settings import PASSWORD, STAGING
from stacks.host.library import DEFAULT_OWNER
from stacks.sections.backup.secrets import secret_key
from tests.engine.world import World, free_port
from tests.keeper import restic
from tests.keeper.proxy import Proxy, proxied, webdav
from tests.wheels import wheel_index

HEALTHY_SECONDS = 180
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
"""Of Debian's package libfaketime. Only Python takes its time from it: restic and rclone are Go's."""
LATER = """#!/bin/sh
for word; do
  if [ "$word" = backup ]; then set -- "$@" --time "$(date -d "@$(($(date +%s) + {seconds}))" "+%F %T")"; fi
done
exec /usr/local/bin/restic "$@"
"""
"""A restic whose snapshots are of another time, as all is that the keeper does."""
DUMP = "/library/database/photoprism.sql"
REPORT = re.compile(r"^[{\[]", re.MULTILINE)
SECONDS_OF = {"s": 1, "h": 3600, "d": 86_400}
Reports = dict[str, dict[str, Any]]
"""Copy → the report of its run."""


@contextlib.contextmanager
def second_disk(folder: Path, size: str = "4G") -> Iterator[Path]:
    """Yield a folder on a file system of its own. No tmpfs: that counts as the keeper's memory."""
    mount, image = folder / "mount", folder / "disk.img"
    mount.mkdir()
    subprocess.run(["truncate", "-s", size, image], check=True)
    subprocess.run(["mkfs.ext4", "-q", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, mount], check=True)
    for place in (folder, mount):
        place.chmod(0o755)
    photos = mount / "photos"
    photos.mkdir()
    os.chown(photos, DEFAULT_OWNER.uid, DEFAULT_OWNER.gid)
    try:
        yield photos
    finally:
        # A container may hold it a moment longer.
        subprocess.run(["umount", "--lazy", mount], check=True)


@dataclass
class Kept:
    """A stack of which a keeper takes care."""

    world: World
    name: str

    @property
    def originals(self) -> Path:
        return self.world.root / f"library-{self.name}" / "originals"

    def write(self, path: str, content: bytes) -> Path:
        """Write a photo as the family's user."""
        file = self.originals / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        own(file)
        for place in file.parents:
            if place.is_relative_to(self.originals):
                own(place)
        return file

    def fill(self, folder: str, count: int, tail: int = 0) -> None:
        """Write different pictures, each with so many bytes of noise after it."""
        picture = jpeg()
        for number in range(count):
            self.write(f"{folder}/{number:05}.jpg", picture + f"{folder} {number}".encode() + os.urandom(tail))

    def hashes(self) -> dict[str, str]:
        """Return path → SHA-256 of the originals; what a restore put aside is none."""
        return {path: sha256 for path, sha256 in tree(self.originals).items() if not path.startswith(STAGING)}

    def ask(self, *words: str, code: int = Exit.OK) -> Any:
        """Run `./photos keeper …`, which must end with `code`, and return its report."""
        return reported(self.world.photos("keeper", *words, "--stack", self.name, "--json", code=code))

    def back_up(self, *words: str, code: int = Exit.OK) -> Reports:
        """Back up with the database as it is now: runs within ten minutes would share a dump."""
        self.execute("keeper", "rm", "-f", DUMP)
        made = self.ask("backup", *words, code=code)
        return {report["copy_name"]: report for report in (made if isinstance(made, list) else [made])}

    def settle(self) -> Reports:
        """Say that what a test did was right; the run after that must be good."""
        self.execute("keeper", "keeper", "backup", "--json")
        known = self.ask("status")["copies"].values()
        for alarm in {alarm for copy in known for alarm in copy["held"]}:
            self.ask("accept", alarm)
        return self.back_up()

    def execute(self, service: str, *command: str, **variables: str) -> tuple[int, str]:
        """Run a command in a container; return its exit code and what it wrote, or else its errors."""
        with connect() as client:
            container = client.containers.get(f"photos-{self.name}-{service}")
            done = container.exec_run(list(command), environment=variables, demux=True)
        output, errors = done.output
        written = output or errors or b""
        assert isinstance(written, bytes)
        return int(done.exit_code or 0), written.decode()

    def inside(self, script: str) -> Any:
        """Run Python in the keeper and return what it printed as JSON."""
        code, output = self.execute("keeper", "/opt/keeper/bin/python", "-c", script)
        assert code == 0, output
        return json.loads(output)

    def at(self, moment: str, *words: str, code: int = Exit.OK) -> Any:
        """Run the keeper's command line at another time, e.g. "-18h", as `ask` does now."""
        state = self.volume("keeper")
        if not (state / "faketime.so").exists():
            shutil.copy(FAKETIME, state / "faketime.so")
        later = state / "restic-later"
        later.write_text(LATER.replace("{seconds}", str(int(moment[:-1]) * SECONDS_OF[moment[-1]])))
        later.chmod(0o755)
        clock = {"LD_PRELOAD": "/var/lib/keeper/faketime.so", "FAKETIME": moment}
        clock["KEEPER_RESTIC"] = f"/var/lib/keeper/{later.name}"
        found, output = self.execute("keeper", "keeper", *words, "--json", **clock)
        assert found == code, output
        return json.loads(output)

    def volume(self, service: str) -> Path:
        """Return where a service's own volume lies on this machine."""
        with connect() as client:
            return Path(client.volumes.get(f"photos-{self.name}-{service}").attrs["Mountpoint"])

    def await_health(self, *services: str) -> None:
        with connect() as client:
            for service in services:
                wait_until_healthy(client.containers.get(f"photos-{self.name}-{service}"), HEALTHY_SECONDS)

    def kill(self, *words: str) -> int:
        """SIGKILL each process of the keeper whose command line holds `words`, with its children; return how many."""
        with connect() as client:
            table = client.containers.get(f"photos-{self.name}-keeper").top(ps_args="-eo pid,args")["Processes"]
        victims = [int(pid) for pid, command in table if all(word in command for word in words)]
        for pid in victims:
            with contextlib.suppress(psutil.NoSuchProcess):
                family = psutil.Process(pid)
                for process in (family, *family.children(recursive=True)):
                    with contextlib.suppress(psutil.NoSuchProcess):
                        process.kill()
        return len(victims)

    def sql(self, statement: str) -> str:
        login = 'exec mariadb -h127.0.0.1 -uphotoprism -p"$(cat /run/secrets/mariadb_password)" -N -B photoprism'
        code, output = self.execute("mariadb", "sh", "-c", f'{login} -e "{statement}"')
        assert code == 0, output
        return output.strip()

    @contextlib.contextmanager
    def album(self) -> Iterator[httpx.Client]:
        """Yield a client that is logged in to the album."""
        address = f"http://127.0.0.1:{self.world.port(self.name, 'photoprism')}"
        with httpx.Client(base_url=address, timeout=300) as client:
            login = {"username": "admin", "password": self.world.password(self.name, "photoprism")}
            client.headers["X-Auth-Token"] = client.post("/api/v1/session", json=login).json()["access_token"]
            yield client

    def index(self) -> None:
        with self.album() as album:
            assert album.post("/api/v1/index", json={"path": "/"}).status_code == httpx.codes.OK

    def photos_shown(self) -> int:
        with self.album() as album:
            return len(album.get("/api/v1/photos", params={"count": 100_000}).json())


@dataclass
class WithCopies(Kept):
    """A stack with a second disk, a net drive behind a fault proxy, and maybe a vault whose login only adds.

    `folders`: copy → the folder of this machine in which its repository really lies; `gateway`: the address under which
    containers know this machine.
    """

    folders: dict[str, Path]
    net: Proxy
    gateway: str
    servers: contextlib.ExitStack
    net_port: int = 0

    def start_net(self) -> None:
        """Start the net drive's server, and let the proxy send all there."""
        self.net_port = self.servers.enter_context(webdav(self.folders["net"].parent))
        self.bring_net_back()

    def bring_net_back(self) -> None:
        """End whatever fault the net drive has, as long as its server lives."""
        self.net.fault, self.net.target = "", self.net_port
        self.net.seen.clear()

    def servers_of(self, *names: str) -> list[psutil.Process]:
        """Return the processes that serve some of the copies."""
        folders = {str(self.folders[name].parent) for name in names}
        found = psutil.process_iter(["cmdline"])
        return [
            process for process in found if "webdav" in (words := process.info["cmdline"] or ()) and folders & {*words}
        ]

    def raw(self, *names: str) -> dict[str, dict[str, str]]:
        """Return what really lies at the copies: path → SHA-256 of each; locks come and go."""
        trees = {name: tree(self.folders[name]) for name in names or self.folders}
        return {
            name: {path: digest for path, digest in found.items() if not path.startswith("locks/")}
            for name, found in trees.items()
        }

    def restic(self, copy: str, *words: str) -> str:
        """Run plain restic with the copy's own key, straight on its folder: no keeper, fault or slow server between."""
        _, key = self.execute("keeper", "cat", f"/run/secrets/{secret_key(copy, PASSWORD)}")
        environment = os.environ | {"RESTIC_PASSWORD": key.rstrip("\n"), "RESTIC_REPOSITORY": str(self.folders[copy])}
        command = [str(restic.restic()), *words, "--no-lock", "--no-cache"]
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
        assert done.returncode in (0, 1), done.stderr  # 1: something of it is damaged, and does not count
        return done.stdout.decode()

    def snapshots(self, copy: str) -> list[str]:
        """Return the times of a copy's snapshots, oldest first: ids change with the tags."""
        return [each["time"] for each in json.loads(self.restic(copy, "snapshots", "--json") or "[]")]

    def not_held(self, wanted: Iterable[str], *copies: str) -> set[str]:
        """Return those of the SHA-256 that no snapshot of any copy, or of those named, brings back."""
        left = set(wanted)
        for copy in copies or self.folders:
            for each in reversed(json.loads(self.restic(copy, "snapshots", "--json") or "[]")):
                if not left:
                    return left
                with tempfile.TemporaryDirectory() as folder:
                    self.restic(copy, "restore", f"{each['id']}:/originals", "--target", folder)
                    left -= set(tree(Path(folder)).values())
        return left

    def lost(self, before: dict[str, str]) -> set[str]:
        """Return the photos of `before` that are neither in the library nor at any copy."""
        return self.not_held(set(before.values()) - set(self.hashes().values()))

    @contextlib.contextmanager
    def as_if_it_never_was(self, folder: Path) -> Iterator[None]:
        """Put the copies and the keeper's state back afterwards: what was done in another time must not stay."""
        places = {**self.folders, "state": self.volume("keeper")}
        for name, place in places.items():
            subprocess.run(["cp", "-a", place, folder / name], check=True)
        try:
            yield
        finally:
            for name, place in places.items():
                empty(place)
                subprocess.run(["cp", "-a", f"{folder / name}/.", place], check=True)


@contextlib.contextmanager
def copied(world: World, name: str, folder: Path, photos: int, copies: Sequence[str]) -> Iterator[WithCopies]:
    """Yield a stack that is up, with so many photos in two folders, their index, and one good run to all copies."""
    folder.chmod(0o755)
    with (
        contextlib.ExitStack() as servers,
        second_disk(folder, "1G") as disk,
        webdav(folder / "vault") as vault_port,
        wheel_index() as wheels,
        proxied(0, wheels.host) as net,
        proxied(vault_port, wheels.host) as vault,
    ):
        vault.fault = "append-only"
        remotes = {
            "disk": {"kind": "disk", "type": "local", "path": str(disk)},
            "net": {"kind": "mirror", "type": "webdav", "path": "photos", "options": {"url": net.url, "vendor": "other"}},
            "vault": {"kind": "vault", "type": "webdav", "path": "photos", "options": {"url": vault.url, "vendor": "other"}},
        }  # fmt: skip
        world.write(
            name,
            backup={
                "port": free_port(), "mirrors": {"pip": wheels.url}, "remotes": {name: remotes[name] for name in copies},
                # Not now: a test asks for each run by itself.
                "schedule": f"0 {hour_of_shanghai(12)} * * *", "drill_schedule": f"0 {hour_of_shanghai(12)} * * 0",
            },
        )  # fmt: skip
        world.photos("up", name, "--yes")
        folders = {"disk": disk, "net": folder / "net/photos", "vault": folder / "vault/photos"}
        kept = WithCopies(world, name, {name: folders[name] for name in copies}, net, wheels.host, servers)
        if "net" in copies:
            kept.start_net()
        kept.fill("2023", photos // 2)
        kept.fill("2024", photos // 2)
        kept.index()
        kept.await_health("keeper", "watch")
        kept.back_up()
        yield kept


def codes(reports: Reports) -> dict[str, int]:
    """Return copy → how its run ended."""
    return {name: report["exit"] for name, report in reports.items()}


def problems(report: dict[str, Any]) -> set[str]:
    """Return the codes of what a run complained of; that a copy is not what it is called is none of the run's."""
    found = {problem["code"] for problem in report["problems"]}
    return {code for code in found if not code.startswith("trial.")}


def reported(text: str) -> Any:
    """Return the report in what a command wrote; what it said to a person stands before it."""
    start = REPORT.search(text)
    assert start, text
    report, _ = json.JSONDecoder().raw_decode(text[start.start() :])
    return report


def hour_of_shanghai(later: int) -> int:
    """Return the hour that it is so many hours later where the stack lives."""
    return (datetime.now(ZoneInfo("Asia/Shanghai")) + timedelta(hours=later)).hour


def empty(folder: Path) -> None:
    """Delete all that is in a folder; the marker of the stack stays."""
    subprocess.run(["find", folder, "-mindepth", "1", "!", "-name", MARKER, "-delete"], check=True)


def tree(folder: Path) -> dict[str, str]:
    """Return path → SHA-256 of each file below a folder, the stack's own markers aside."""
    found = {}
    for place, _, files in os.walk(folder):
        for file in (Path(place, name) for name in files if name != MARKER):
            if not file.is_symlink():
                with file.open("rb") as stream:
                    found[str(file.relative_to(folder))] = hashlib.file_digest(stream, "sha256").hexdigest()
    return found


def jpeg() -> bytes:
    picture = io.BytesIO()
    Image.new("RGB", (32, 32), "orange").save(picture, "JPEG")
    return picture.getvalue()


def own(place: Path) -> None:
    os.chown(place, DEFAULT_OWNER.uid, DEFAULT_OWNER.gid, follow_symlinks=False)
