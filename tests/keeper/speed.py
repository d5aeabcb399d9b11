"""How long a first run takes beside bare rclone, on this machine: `.venv/bin/python -m tests.keeper.speed 2000 1048576`.

Arguments: how many files, and the size of each in bytes. Everything lies in the page cache, the copy is a local
encrypted folder, and all of it happens in one go, since only the ratios can be compared. It fails above LIMIT.
A disk that writes in bursts spoils the comparison: TMPDIR=/dev/shm leaves it out.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from keeper.rclone import program
from keeper.report import RunReport
from keeper.run import RCLONE_CONFIG
from tests.keeper.home import Home
from tests.keeper.server import running

FILES_PER_FOLDER = 500
LIMIT = 1.3
"""So many times as long as bare rclone a first run may take, and its upload alone."""


def main(count: int, size: int) -> int:
    """Print the seconds of a first run, of bare rclone, and of a second run in which nothing changed; return the exit code."""
    with running() as server, tempfile.TemporaryDirectory(prefix="photos-speed-") as name:
        server.fresh_album()
        home = Home(Path(name), server)
        noise = random.Random(1)  # noqa: S311 - no secret
        for number in range(count):
            home.write(f"{number // FILES_PER_FOLDER:04}/{number:06}.jpg", noise.randbytes(size))
        os.sync()
        first, report = timed_run(home)
        sync, check = bare(home)
        second, memory = watched_run(home)
        sent = report.remotes["disk"]
        whole, upload = first / (sync + check), sent.upload_seconds / sync
        print(f"first run   {first:6.2f} s   {whole:.2f} x (rclone sync + rclone check --download)")
        print(f"  upload    {sent.upload_seconds:6.2f} s   {upload:.2f} x rclone sync")
        print(f"  read back {sent.verify_seconds:6.2f} s   {sent.verify_seconds / check:.2f} x rclone check --download")
        print(f"bare rclone {sync:6.2f} s sync, {check:.2f} s check")
        print(f"second run  {second:6.2f} s   {memory / 1e6:.0f} MB at most, keeper and rclone together")
        return int(max(whole, upload) > LIMIT)


def timed_run(home: Home) -> tuple[float, RunReport]:
    """Run a backup; return its seconds and its report."""
    start = time.monotonic()
    report = home.good_backup()
    return time.monotonic() - start, report


def watched_run(home: Home) -> tuple[float, int]:
    """Run a backup as a process of its own; return its seconds and the most bytes that it and its children held at once."""
    start, most = time.monotonic(), 0
    with home.command("backup") as process:
        while process.poll() is None:
            most = max(most, resident(process.pid))
            time.sleep(0.02)
    assert process.returncode == 0
    return time.monotonic() - start, most


def resident(pid: int) -> int:
    """Return the resident bytes of a process and of all below it, those that ended meanwhile left out: proc(5)."""
    try:
        children = [
            int(word)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for word in (task / "children").read_text().split()
        ]
        own = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
    return own + sum(map(resident, children))


def bare(home: Home) -> tuple[float, float]:
    """Return the seconds of `rclone sync` to an empty encrypted folder, and of `rclone check --download` after it."""
    config, target = home.state / RCLONE_CONFIG, home.root / "bare"
    target.mkdir()
    settings = config.read_text().replace(str(home.root / "remote-disk"), str(target))
    bare_config = home.root / "bare.conf"
    bare_config.write_text(settings)
    seconds = []
    for command in (["sync"], ["check", "--download"]):
        start = time.monotonic()
        subprocess.run(
            [program(), *command, str(home.library), "disk:", "--config", str(bare_config), "--log-level", "ERROR"],
            check=True,
        )
        seconds.append(time.monotonic() - start)
    return seconds[0], seconds[1]


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:3])))
