"""The backup beside bare rclone and beside the keeper of an earlier commit: `.venv/bin/python -m bench.backup`.

    git worktree add /tmp/before 0ceee54
    .venv/bin/python -m bench.backup --before /tmp/before --folder /dev/shm      # as root for the million: a cgroup's limit

Everything happens in one go on one machine, since only the ratios can be compared; `--only` measures one part of it, and
what the others measured before stays (`--results`). It writes docs/backup-performance.md. A folder in memory leaves a disk
out that writes in bursts.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.backup_page import PARTS, Compared, Figure, Results, Table, page
from keeper.copies.rclone import program
from keeper.settings import MARKER, PASSWORD
from tests.keeper import restic as restic_tool
from tests.keeper.home import ID, PROJECT, ROOTS
from tests.keeper.proxy import Proxy, proxied, webdav
from tests.keeper.server import Server, running

FILES_PER_FOLDER = 500
MIB = 1 << 20
SAMPLE_SECONDS = 0.05
LOCK = Path(os.environ["BENCH_LOCK"]) if "BENCH_LOCK" in os.environ else None
"""Held while something is measured, where several share a machine."""
MEMORY = Path("/sys/fs/cgroup/memory")
DEFAULT_MEMORY = 1024 * MIB
"""What a stack gives its keeper, whose other processes (page, scheduler) take about 90 MB of it."""
OURS, RCLONE, BEFORE = "keeper", "rclone", "keeper before"
FIRST, AGAIN, READ = "first run", "unchanged run", "read back"


@dataclass(frozen=True)
class Library:
    """So many files of so many bytes each."""

    title: str
    files: int
    size: int


LARGE = Library("2 GiB in 2,000 files", 2_000, MIB)
SMALL = Library("100,000 files of 2 KB", 100_000, 2_000)
COUNTED = (Library("200 MiB in 200 files", 200, MIB), Library("10,000 files of 2 KB", 10_000, 2_000))
MILLION = Library("1,000,000 files of 200 bytes", 1_000_000, 200)


class Place:
    """A library, and the state and secrets of whoever copies it to `copy`."""

    def __init__(self, root: Path, server: Server) -> None:
        self.root, self.server = root, server
        for name in (*ROOTS, "database"):
            (self.library / name).mkdir(parents=True)
        for name in ("originals", "import"):
            (self.library / name / MARKER).write_text(ID)

    @property
    def library(self) -> Path:
        """The folder that is copied."""
        return self.root / "library"

    @property
    def copy(self) -> Path:
        """Where a copy lies that is in a folder of this machine."""
        return self.root / "copy"

    def fill(self, library: Library) -> None:
        """Write the files of a library."""
        noise = random.Random(1)  # noqa: S311 - no secret
        for number in range(library.files):
            file = self.library / "originals" / f"{number // FILES_PER_FOLDER:04}" / f"{number:07}.jpg"
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(noise.randbytes(library.size))

    def anew(self) -> None:
        """Begin with an empty copy and without a memory."""
        for name in ("copy", "state", "secrets"):
            shutil.rmtree(self.root / name, ignore_errors=True)
            (self.root / name).mkdir()
        for name in ("crypt_password", "crypt_salt", PASSWORD):
            (self.root / "secrets" / f"backup_disk_{name}").write_text("a key that is long enough")
        (self.root / "secrets" / "keeper_database_password").write_text("reads-only")

    def settings(self, copies: str, url: str) -> Path:
        """Write the settings of a keeper; `copies` is what it calls them."""
        way = {"type": "webdav", "path": "copy", "options": {"url": url, "vendor": "other"}} if url else {}
        copy = {"name": "disk", "kind": "disk", "type": "local", "path": str(self.copy), **way}
        values = {
            "stack": "bench", "id": ID, "marked": ["originals", "import"], copies: [copy],
            "roots": {name: str(self.library / name) for name in ROOTS},
            "database": {"host": "127.0.0.1", "port": self.server.port},
            "state": str(self.root / "state"), "secrets": str(self.root / "secrets"),
        }  # fmt: skip
        file = self.root / "keeper.json"
        file.write_text(json.dumps(values))
        return file


@dataclass(frozen=True)
class Contender:
    """Who copies: `commands` are those of each round, all of which count together."""

    name: str
    rounds: Mapping[str, list[list[str]]]
    environment: Mapping[str, str]
    folder: Path


def contenders(place: Place, before: Path | None, url: str = "") -> Iterator[Contender]:
    """Yield them one after the other, each with an empty copy."""
    place.anew()
    config = place.root / "rclone.conf"
    target = f"type = webdav\nurl = {url}\nvendor = other" if url else "type = local"
    hidden = subprocess.run([program(), "obscure", "a key"], capture_output=True, text=True, check=True).stdout.strip()
    remote = "there:copy" if url else f"there:{place.copy}"
    config.write_text(f"[there]\n{target}\n[crypt]\ntype = crypt\nremote = {remote}\npassword = {hidden}\n")
    bare = [program(), "--config", str(config), "--log-level", "ERROR"]
    sync, check = (
        [*bare, "sync", str(place.library), "crypt:"],
        [*bare, "check", "--download", str(place.library), "crypt:"],
    )
    yield Contender(RCLONE, {FIRST: [sync, check], AGAIN: [sync], READ: [check]}, os.environ, PROJECT)
    for name, project, copies in ((OURS, PROJECT, "copies"), *(((BEFORE, before, "remotes"),) if before else ())):
        place.anew()
        variables = {"KEEPER_SETTINGS": str(place.settings(copies, url)), "PYTHONPATH": str(project)}
        keeper = [sys.executable, "-m", "keeper"]
        run, read = [*keeper, "backup", "--json"], [*keeper, "verify", "--all", "--json"]
        rounds = {FIRST: [run], AGAIN: [run], READ: [read]}
        yield Contender(name, rounds, {**os.environ, **variables, "KEEPER_RESTIC": str(restic_tool.restic())}, project)


def measured(contender: Contender, moment: str, proxy: Proxy | None = None, limit: int = 0) -> Figure:
    """Let a contender do a round, and say what it took."""
    if proxy:
        proxy.seen.clear()
    seconds, most = 0.0, 0
    for command in contender.rounds[moment]:
        with _limited(limit) as inside, tempfile.TemporaryFile("w+") as said:
            start = time.monotonic()
            words = [*inside, *command]
            process = subprocess.Popen(
                words, stdout=said, stderr=said, env=dict(contender.environment), cwd=contender.folder, text=True
            )
            most = max(most, _peak(process))
            seconds += time.monotonic() - start
            if process.returncode:
                said.seek(0)
                msg = f"{contender.name}, {moment}: ended with {process.returncode}: {said.read()[-2000:]}"
                raise SystemExit(msg)
    if proxy is None:
        return Figure(seconds, most)
    return Figure(seconds, most, len(proxy.seen), proxy.bytes_up, proxy.bytes_down)


def _peak(process: subprocess.Popen[str]) -> int:
    """Wait for a process; return the most bytes that it and all below it held at once."""
    most = 0
    while process.poll() is None:
        most = max(most, _resident(process.pid))
        time.sleep(SAMPLE_SECONDS)
    return most


def _resident(pid: int) -> int:
    """Return the resident bytes of a process and of all below it, those that ended meanwhile left out: proc(5)."""
    place = Path(f"/proc/{pid}")
    try:
        below = [int(word) for task in (place / "task").iterdir() for word in (task / "children").read_text().split()]
        own = int((place / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
    return own + sum(map(_resident, below))


@contextmanager
def _limited(limit: int) -> Iterator[list[str]]:
    """Yield the words before a command that enters a cgroup with a limit of its memory, as a container has one."""
    if not limit:
        yield []
        return
    group = MEMORY / f"photos-bench-{os.getpid()}"
    group.mkdir()
    try:
        (group / "memory.limit_in_bytes").write_text(str(limit))
        yield ["sh", "-c", 'echo $$ > "$0" && exec "$@"', str(group / "cgroup.procs")]
    finally:
        for _ in range(100):
            try:
                group.rmdir()
                break
            except OSError:
                time.sleep(0.1)


def compared(folder: Path, server: Server, library: Library, before: Path | None) -> Compared:
    """Measure everybody with copies in a local folder."""
    table: Table = {}
    objects: dict[str, int] = {}
    with tempfile.TemporaryDirectory(dir=folder, prefix="photos-bench-") as name:
        place = Place(Path(name), server)
        place.fill(library)
        for contender in contenders(place, before):
            table[contender.name] = {moment: _told(library, contender, moment) for moment in (FIRST, AGAIN, READ)}
            objects[contender.name] = sum(1 for file in place.copy.rglob("*") if file.is_file())
    return Compared(table=table, objects=objects)


def _told(library: Library, contender: Contender, moment: str, proxy: Proxy | None = None, limit: int = 0) -> Figure:
    with LOCK.open("a") if LOCK else nullcontext() as lock:
        if lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
        figure = measured(contender, moment, proxy, limit)
    print(
        f"{library.title}: {contender.name}, {moment}: {figure.seconds:.1f} s, {figure.memory / 1e6:.0f} MB", flush=True
    )
    return figure


def counted(folder: Path, server: Server, library: Library, before: Path | None) -> Table:
    """Return the same behind a WebDAV server, with the requests that it had."""
    table: Table = {}
    with tempfile.TemporaryDirectory(dir=folder, prefix="photos-bench-") as name:
        place = Place(Path(name), server)
        place.fill(library)
        with webdav(Path(name) / "there") as port, proxied(port) as proxy:
            for contender in contenders(place, before, proxy.url):
                shutil.rmtree(Path(name) / "there/copy", ignore_errors=True)
                table[contender.name] = {
                    moment: _told(library, contender, moment, proxy) for moment in (FIRST, AGAIN, READ)
                }
    return table


def million(folder: Path, server: Server, library: Library) -> dict[str, Figure]:
    """Return what a library of a million files takes within the memory that a stack gives."""
    with tempfile.TemporaryDirectory(dir=folder, prefix="photos-bench-") as name:
        place = Place(Path(name), server)
        place.fill(library)
        (ours,) = (each for each in contenders(place, None) if each.name == OURS)
        limit = DEFAULT_MEMORY if os.access(MEMORY, os.W_OK) and (MEMORY / "memory.limit_in_bytes").exists() else 0
        return {moment: _told(library, ours, moment, limit=limit) for moment in (FIRST, AGAIN)}


def main() -> None:
    """Measure what was asked for and write the page."""
    parser = argparse.ArgumentParser(prog="python -m bench.backup", description=__doc__)
    parser.add_argument("--before", type=Path, help="a worktree of the commit whose keeper is measured beside this one")
    parser.add_argument(
        "--folder", type=Path, default=Path(tempfile.gettempdir()), help="where everything lies meanwhile"
    )
    parser.add_argument("--scale", type=int, default=1, help="so many times fewer files: to try the bench itself")
    parser.add_argument("--only", choices=[*PARTS, "nothing"], nargs="+", default=PARTS, help="measure these parts")
    parser.add_argument("--results", type=Path, default=PROJECT / ".cache" / "bench-backup.json", help="what is known")
    parser.add_argument("--page", type=Path, default=PROJECT / "docs" / "backup-performance.md")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started and filled is put away
    results = Results.model_validate_json(options.results.read_bytes()) if options.results.exists() else Results()
    options.results.parent.mkdir(parents=True, exist_ok=True)
    with running() as server:
        for part in (part for part in PARTS if part in options.only):
            _measure(part, options, server, results)
            commit = ["git", "rev-parse", "--short", "HEAD"]
            results.commits[part] = subprocess.run(
                commit, capture_output=True, text=True, check=True, cwd=PROJECT
            ).stdout.strip()
            results.scale, results.date = options.scale, f"{datetime.now(UTC):%Y-%m-%d}"
            options.results.write_text(results.model_dump_json(indent=1))
    options.page.write_text(page(results))


def _measure(part: str, options: argparse.Namespace, server: Server, results: Results) -> None:
    def scaled(library: Library) -> Library:
        return Library(library.title, max(2, library.files // options.scale), library.size)

    if part in {"large", "small"}:
        library = scaled(LARGE if part == "large" else SMALL)
        results.compared[library.title] = compared(options.folder, server, library, options.before)
    elif part == "requests":
        for library in COUNTED:
            results.counted[library.title] = counted(options.folder, server, scaled(library), options.before)
    else:
        results.million = million(options.folder, server, scaled(MILLION))


if __name__ == "__main__":
    main()
