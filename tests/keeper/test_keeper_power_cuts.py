"""The power goes, at random moments and in the second after a good run (case 28).

State, dump and the copy on the second disk lie on a block device of their own. A cut is what file system testers call
"godown": ext4 stops at once, and what it had not written to the device yet, its journal included, is gone. Then the device
is checked, mounted again, and the keeper runs as if nothing had been.
"""

from __future__ import annotations

import fcntl
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from keeper.state import RunReport
from tests.keeper.home import PROJECT, Home
from tests.keeper.server import Server
from tests.waiting import PATIENCE, until

CUTS = 24
SHUTDOWN, NOT_EVEN_THE_JOURNAL = 0x8004587D, 2
"""EXT4_IOC_SHUTDOWN and its flag, from fs/ext4/ext4.h."""
MIB = 1 << 20
TIDY = 'cat > /dev/null; while umount --lazy "$0" 2> /dev/null; do :; done'


@dataclass
class Machine:
    """A home whose disk can be cut off. `done`: snapshot → content, of what was reported as done."""

    image: Path
    mount: Path
    server: Server
    home: Home = field(init=False)
    done: dict[str, dict[bytes, str]] = field(default_factory=dict)

    def boot(self) -> None:
        """Check the device, as a machine does that starts, and mount it."""
        subprocess.run(["fsck.ext4", "-p", self.image], check=False, capture_output=True)
        # A device of its own for each boot: a container that was started meanwhile may keep the one of before, with its
        # file system that was cut off, and `mount -o loop` would take that one again.
        found = subprocess.run(["losetup", "--find", "--show", self.image], check=False, capture_output=True, text=True)
        device = found.stdout.strip()
        mounted = subprocess.run(["mount", device, self.mount], check=False, capture_output=True, text=True)
        if (found.returncode or mounted.returncode) and not self.done:
            pytest.skip(f"keeper tier: no block device of its own: {(found.stderr or mounted.stderr).strip()}")
        assert not mounted.returncode, found.stderr or mounted.stderr
        subprocess.run(["losetup", "--detach", device], check=True)  # once it is not mounted any more
        self.home = Home(self.mount, self.server)

    def cut(self) -> None:
        """Cut the power: whoever runs meets errors, and then nobody runs."""
        folder = os.open(self.mount, os.O_RDONLY)
        fcntl.ioctl(folder, SHUTDOWN, struct.pack("I", NOT_EVEN_THE_JOURNAL))
        os.close(folder)

    def fall(self) -> None:
        until(lambda: subprocess.run(["umount", self.mount], check=False, capture_output=True).returncode == 0)

    def start(self) -> subprocess.Popen[str]:
        file, clock = self.image.with_name("keeper.json"), self.image.with_name("clock")
        file.write_text(self.home.settings.model_dump_json())
        clock.write_text("0")
        command = [sys.executable, "-m", "tests.keeper.days.night", str(file), "disk", str(clock)]
        environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
        log = self.image.with_name("night.log").open("w")
        with log:
            return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment)

    def end(self, run: subprocess.Popen[str]) -> RunReport:
        printed, _ = run.communicate(timeout=PATIENCE)
        assert printed, self.image.with_name("night.log").read_text()
        report = RunReport.model_validate(json.loads(printed.splitlines()[-1]))
        told = [problem for problem in report.problems if problem.code != "trial.same_disk"]  # it is, indeed
        assert (run.returncode, told) == (0, []), report
        return report

    def note(self, report: RunReport) -> None:
        self.done[report.snapshot] = self.home.content()

    def photographs(self, chance: random.Random, number: int) -> None:
        """New photos and an edited one, which the machine had time to write."""
        for each in range(3):
            self.home.write(f"2024/{number:03}-{each}.jpg", chance.randbytes(chance.randint(1_000, 300_000)))
        self.home.write("2024/edited.jpg", chance.randbytes(10_000))
        os.sync()

    def safe(self, newest: int = 0) -> None:
        """See that each run that was reported as done, or the newest ones, comes back whole, by plain restic."""
        for snapshot, content in [*self.done.items()][-newest:]:
            assert self.home.restorable("disk", snapshot).items() >= content.items()


@contextmanager
def machine(folder: Path, server: Server) -> Iterator[Machine]:
    image, mount = folder / "device.img", folder / "machine"
    mount.mkdir()
    with image.open("wb") as file:
        file.truncate(256 * MIB)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    # Whatever ends this test, a kill included, ends its input; the loop device goes with its last mount.
    with subprocess.Popen(["sh", "-c", TIDY, mount], stdin=subprocess.PIPE, start_new_session=True):
        made = Machine(image, mount, server)
        made.boot()
        yield made


@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("mkfs.ext4"), reason="keeper tier: a block device needs root and e2fsprogs"
)
@pytest.mark.usefixtures("restic")
def test_after_a_power_cut_nothing_that_was_done_is_lost_and_the_next_run_goes_on(
    tmp_path: Path, server: Server
) -> None:
    server.fresh_album()
    chance = random.Random(28)  # noqa: S311 - no secret
    with machine(tmp_path, server) as made:
        made.photographs(chance, 0)
        made.note(made.end(made.start()))
        made.photographs(chance, 0)
        started = time.monotonic()
        made.note(made.end(made.start()))
        usual = time.monotonic() - started
        for number in range(1, CUTS + 1):
            made.photographs(chance, number)
            run = made.start()
            if number % 2:
                report = made.end(run)
                content = made.home.content()
                made.cut()
                made.done[report.snapshot] = content
            else:
                time.sleep(chance.uniform(0, usual))
                made.cut()
                _killed(run)
            made.fall()
            made.boot()
            made.note(made.end(made.start()))
            made.safe(newest=2)
        made.safe()
        assert len(made.done) >= CUTS


def _killed(run: subprocess.Popen[str]) -> None:
    """End a run and what it started: on this machine the processes live on when the power of their disk is cut."""
    try:
        family = [psutil.Process(run.pid), *psutil.Process(run.pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        family = []
    for process in family:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    run.communicate()
