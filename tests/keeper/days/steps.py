"""What can happen on a day, to the family, to the keeper, to the line and to a copy; each step ends with what must hold."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import psutil

from keeper.backup import gate
from keeper.errors import Exit
from keeper.settings import MARKER, PASSWORD
from tests.keeper.days.clock import DAY
from tests.keeper.days.damage import do_damage
from tests.keeper.days.life import COPIES, VERIFY_DAYS, Copy, Life, Night
from tests.keeper.light_key import lightened
from tests.keeper.proxy import Fault

Step = Callable[[Life], None]
ENDING: tuple[Fault, ...] = ("401", "403", "507")
"""Faults that the keeper itself gives up on."""
PASSING: tuple[Fault, ...] = ("away", "429", "500", "drop", "stall", "slow")
LYING: tuple[Fault, ...] = ("cut", "flip", "swallow", "short-list")
NIGHTS_TO_MEND = 3
NIGHTS_OF_DOUBT = 9
ORDINARY_MODE, FORBIDDEN = 0o644, 0


# At home


def photos_of(life: Life) -> list[Path]:
    return sorted(
        file
        for file in life.home.originals.rglob("*")
        if file.is_file() and file.name != MARKER and file not in life.hidden
    )


def folders_of(life: Life) -> list[Path]:
    return sorted(folder for folder in life.home.originals.iterdir() if folder.is_dir())


def add(life: Life) -> None:
    """New photos, in one of a few years."""
    for _ in range(life.random.randint(1, 8)):
        life.photos += 1
        year = life.random.choice((2022, 2023, 2024, 2025))
        life.home.write(f"{year}/IMG_{life.photos:05}.jpg", life.random.randbytes(life.random.randint(200, 6000)))


def edit(life: Life) -> None:
    for file in _some(life, photos_of(life), 3):
        file.write_bytes(life.random.randbytes(life.random.randint(200, 6000)))
        _changed(life)
        for copy in life.copies.values():
            copy.edited = True


def rename(life: Life) -> None:
    for file in _some(life, photos_of(life), 3):
        life.photos += 1
        file.rename(file.with_name(f"renamed_{life.photos:05}.jpg"))


def move_folder(life: Life) -> None:
    if folders := folders_of(life):
        life.photos += 1
        folder = life.random.choice(folders)
        if not any(file.is_relative_to(folder) for file in life.hidden):
            folder.rename(folder.with_name(f"{folder.name.split('_')[0]}_{life.photos}"))


def delete(life: Life) -> None:
    for file in _some(life, photos_of(life)[:-1], 4):
        file.unlink()
        _changed(life)


def delete_folder(life: Life) -> None:
    """A whole year goes, by mistake or not; a few photos stay."""
    folders = folders_of(life)
    if len(folders) > 1:
        gone = life.random.choice(folders)
        life.hidden = {file for file in life.hidden if not file.is_relative_to(gone)}
        shutil.rmtree(gone)
        _changed(life)


def hide(life: Life) -> None:
    """A file that nobody may read, or one that may be read again."""
    if life.hidden:
        life.hidden.pop().chmod(ORDINARY_MODE)
    elif photos := photos_of(life):
        file = life.random.choice(photos)
        file.chmod(FORBIDDEN)
        life.hidden.add(file)
    _changed(life)


def rot(life: Life) -> None:
    """A bit flips at home: same size, same time."""
    if photos := photos_of(life):
        file = life.random.choice(photos)
        status, content = file.stat(), bytearray(file.read_bytes())
        content[life.random.randrange(len(content))] ^= 1
        file.write_bytes(content)
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
        _changed(life)
        name = f"originals/{file.relative_to(life.home.originals)}"
        for copy in life.copies.values():
            copy.rot_to_tell[name] = life.clock.now()


def _some(life: Life, files: list[Path], most: int) -> list[Path]:
    return life.random.sample(files, min(len(files), life.random.randint(1, most)))


def _changed(life: Life) -> None:
    for copy in life.copies.values():
        copy.changed = True


# Nights


def night(life: Life) -> None:
    """A run at one copy, which nothing disturbs."""
    life.tomorrow()
    name = life.random.choice(COPIES)
    judge(life, life.copies[name], life.night(name))


def both(life: Life) -> None:
    """Both copies at the same time, and a second run at one of them."""
    life.tomorrow()
    running = {name: life.start(name) for name in COPIES}
    for name, process in running.items():
        judge(life, life.copies[name], life.end(name, process))


def judge(life: Life, copy: Copy, night: Night) -> None:
    """See that a run that nothing disturbed is done, and complains of what is wrong and of nothing else."""
    if copy.damage is not None:
        _judge_damaged(life, copy, night)
        return
    if not night.is_done:
        life.fail(f"{copy.name}: nothing was in the way of this run, and it is not done: {night}")
    allowed = {"run.unreadable", "gate.unreadable"} if life.hidden else set()
    allowed |= {code for code in night.codes if code.startswith("gate.")} if copy.changed else set()
    allowed |= {"clock.ahead", "clock.back"} if copy.clock_doubt else set()
    allowed |= set() if life.home.server else {"dump.no_answer"}
    allowed |= {code for code in night.codes if code.startswith("trial.")}  # the net drive is in this machine, indeed
    if night.codes - allowed:
        life.fail(f"{copy.name}: complains without a reason: {night}")
    if life.hidden and "run.unreadable" not in night.codes:
        life.fail(f"{copy.name}: {life.hidden} cannot be read, and is not named: {night}")
    _judge_rot(life, copy, night)
    copy.changed, copy.clock_doubt = False, max(0, copy.clock_doubt - 1)
    life.nothing_young_is_gone(copy)


def _judge_rot(life: Life, copy: Copy, night: Night) -> None:
    """Rot that a run took along was told by it, unless the file is another one by now."""
    if copy.rot_to_tell and copy.safe[:-1] and "gate.rotten" not in night.codes:
        before, after = copy.safe[-2].content, copy.safe[-1].content
        silent = {name for name in copy.rot_to_tell if before.get(name.encode()) != after.get(name.encode())}
        if silent and all(name.encode() in after and name.encode() in before for name in silent) and not copy.edited:
            life.fail(f"{copy.name}: {silent} rotted, and nobody was told: {night}")
    copy.rot_to_tell.clear()
    copy.edited = False


def _judge_damaged(life: Life, copy: Copy, night: Night) -> None:
    """Damage is told within the promised days, and what is called mended is whole."""
    damage = copy.damage
    assert damage is not None
    copy.runs_since_damage += 1
    life.log.append(f"   {copy.name} is damaged: {damage}")
    if not night.report or (night.code not in (Exit.OK, Exit.GATE) and night.codes - {"run.unreadable"}):
        if not copy.told_of_damage:
            life.count(f"told: {damage.how} {damage.what}: {', '.join(sorted(night.codes)) or night.printed[:60]}")
        copy.told_of_damage = True
    patience = VERIFY_DAYS + 1 if damage.is_silent else 1
    whole = life.is_whole(copy)
    if not copy.told_of_damage and copy.runs_since_damage >= patience and not whole:
        life.fail(f"{copy.name}: {damage} is not told after {copy.runs_since_damage} runs: {night}")
    if "copy.mended" in night.codes and not whole:
        life.fail(f"{copy.name}: {damage} is called mended and is not")
    if whole and night.is_done:
        life.count(f"mended: {damage.how} {damage.what}" if copy.told_of_damage else "damage without consequence")
        _after_damage(life, copy)
    elif copy.told_of_damage and copy.runs_since_damage >= patience + NIGHTS_TO_MEND:
        life.count(f"put back: {damage.how} {damage.what}")
        damage.undo()
        if not life.is_whole(copy):
            life.count("begun anew")
            begin_anew(life, copy)
        copy.damage, copy.dirty = None, True
        copy.changed = True
        still_safe(life, copy)


def _after_damage(life: Life, copy: Copy) -> None:
    copy.damage, copy.changed = None, True
    still_safe(life, copy)


def still_safe(life: Life, copy: Copy) -> None:
    """Forget what the damage took of old snapshots; the newest one that was reported since must be whole."""
    there = life.snapshots(copy) if copy.safe else set()
    for safe in copy.safe[:]:
        snapshot = safe.snapshot if safe.snapshot in there else life.renamed(copy, safe)
        found = life.restored(copy, snapshot) if snapshot else {}
        if any(found.get(path) != sha256 for path, sha256 in safe.content.items()):
            copy.safe.remove(safe)
            life.count("snapshots that damage took")


def begin_anew(life: Life, copy: Copy) -> None:
    """A copy is emptied and begun again, as a person does with a new disk."""
    for item in copy.folder.iterdir():
        shutil.rmtree(item) if item.is_dir() else item.unlink()
    shutil.rmtree(life.home.state / "copies" / copy.name, ignore_errors=True)
    (life.home.state / "copies" / f"{copy.name}.json").unlink(missing_ok=True)
    copy.safe.clear()
    copy.damage = None


# What disturbs a night


def kill(life: Life) -> None:
    """The keeper, restic or rclone is killed, or stopped, at some moment; the next run is as if nothing had been."""
    life.tomorrow()
    add(life)
    name = life.random.choice(COPIES)
    process = life.start(name)
    time.sleep(life.random.uniform(0.3, 2.5))
    victim = life.random.choice(("keeper", "restic", "rclone", "all", "stop"))
    life.log.append(f"   kill {victim}")
    _kill(process.pid, victim)
    life.end(name, process)
    if life.copies[name].damage is None:
        judge_after_fault(life, name)


def _kill(pid: int, victim: str) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        keeper = psutil.Process(pid)
        if victim == "stop":
            keeper.send_signal(signal.SIGTERM)
            return
        family = [keeper, *keeper.children(recursive=True)]
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                if victim == "all" or (victim == "keeper" and member.pid == pid) or victim == member.name():
                    member.kill()


def judge_after_fault(life: Life, name: str) -> None:
    """Let a run go through after a fault has ended: it must be done."""
    life.copies[name].changed = True
    judge(life, life.copies[name], life.night(name))


def line_fails(life: Life) -> None:
    """The line to the net drive refuses, breaks or crawls for a while in a run."""
    life.tomorrow()
    add(life)
    net = life.copies["net"]
    fault = life.random.choice((*ENDING, *PASSING))
    life.log.append(f"   {fault}")
    life.proxy.rate = 100_000
    early = life.random.random() < 0.5
    if early:
        life.proxy.fault = fault
    process = life.start("net")
    time.sleep(life.random.uniform(0.3, 2.0))
    life.proxy.fault = fault
    if fault in PASSING:
        time.sleep(life.random.uniform(0.5, 3.0))
        if life.random.random() < 0.3:
            _kill(process.pid, "stop")
        life.proxy.fault = ""
    result = life.end("net", process)
    life.proxy.fault = ""
    if fault in ENDING and early and result.is_done:
        life.fail(f"net: {fault} for everything, and yet it is done: {result}")
    if net.damage is None:
        judge_after_fault(life, "net")


def drive_lies(life: Life) -> None:
    """The net drive praises uploads that it does not keep as they are, or lists too little, for a night."""
    net = life.copies["net"]
    if net.damage is not None:
        return
    life.tomorrow()
    add(life)
    fault = life.random.choice(LYING)
    life.proxy.seen.clear()
    life.proxy.fault = fault
    life.log.append(f"   {fault}")
    process = life.start("net")
    time.sleep(12 if fault != "flip" else 0)
    _kill(process.pid, "stop") if fault in ("cut", "swallow") else None
    result = life.end("net", process)
    life.proxy.fault = ""
    if result.code == Exit.OK and not life.is_whole(net):
        life.fail(f"net: {fault} all night, and nobody was told")
    for _ in range(NIGHTS_TO_MEND):
        if life.is_whole(net) and result.is_done:
            break
        life.tomorrow()
        result = life.night("net")
    if not (result.is_done and life.is_whole(net)):
        life.fail(f"net: after a night of {fault} it does not become whole: {result}")
    net.changed = True


def disk_is_full(life: Life) -> None:
    """The second disk has no room; once there is, it goes on."""
    disk = life.copies["disk"]
    if disk.damage is not None or not os.path.ismount(disk.folder.parent):
        return
    life.tomorrow()
    life.photos += 1
    life.home.write(f"2025/IMG_{life.photos:05}.jpg", life.random.randbytes(400_000))
    ballast = disk.folder.parent / "ballast"
    room = shutil.disk_usage(disk.folder).free
    with contextlib.suppress(OSError):
        ballast.write_bytes(b"\0" * max(0, room - life.random.randrange(0, 300_000, 4096)))
    result = life.night("disk")
    ballast.unlink(missing_ok=True)
    if result.is_done or "cause.full" not in result.codes:
        life.fail(f"disk: it is full, and that is not what is told: {result}")
    judge_after_fault(life, "disk")


def state_is_lost(life: Life) -> None:
    """The keeper's memory is gone, or one file of it is cut short."""
    if life.random.random() < 0.5:
        life.home.forget_state()
    else:
        for file in _some(life, sorted(f for f in life.home.state.rglob("*.json")), 3):
            file.write_bytes(file.read_bytes()[: life.random.choice((0, 7, 40))])
    for copy in life.copies.values():
        copy.changed = True
        copy.runs_since_damage = 0  # which shares were read back is forgotten, too: they come round anew
        if copy.damage and copy.damage.what == "snapshots" and copy.damage.how == "lose":
            # Nobody can know of it any more.
            copy.damage.undo()
            copy.damage = None


def host_is_lost(life: Life) -> None:
    """Library and state are gone; plain restic brings back the newest that any copy has."""
    if any(copy.damage or not copy.safe for copy in life.copies.values()):
        return
    newest = max(life.copies.values(), key=lambda copy: copy.safe[-1].day)
    safe = newest.safe[-1]
    life.hidden.clear()
    shutil.rmtree(life.home.library)
    life.home.forget_state()
    life.home.__post_init__()
    life.restores(newest, safe)
    life.plain(newest, "restore", safe.snapshot, "--target", str(life.home.library))
    found = life.home.content()
    if any(found.get(path) != sha256 for path, sha256 in safe.content.items()):
        life.fail(f"{newest.name}: the library of day {safe.day} did not come back whole")
    for copy in life.copies.values():
        copy.rot_to_tell.clear()
        copy.changed, copy.dirty = True, True


def clock_is_wrong(life: Life) -> None:
    """For one night the clock is wrong, in either direction; then it is right again.

    Ahead means beyond this machine's own time, since restic asks that what lies in the future.
    """
    life.tomorrow()
    right = life.clock.offset
    name = life.random.choice(COPIES)
    life.clock.offset += life.random.choice((-400, -30, -2, 4000)) * DAY
    life.copies[name].clock_doubt = NIGHTS_OF_DOUBT
    result = life.night(name)
    copy, stamped = life.copies[name], life.day + (life.clock.offset - right) // DAY
    life.clock.offset = right
    if result.is_done:
        copy.safe[-1].day = min(life.day, stamped)  # by its own date it has had its time sooner
    if copy.damage is None:
        if not result.is_done:
            life.fail(f"{name}: a wrong clock stops it: {result}")
        copy.changed = True
        life.nothing_young_is_gone(copy)
        life.tomorrow()
        judge_after_fault(life, name)


def key_is_changed(life: Life) -> None:
    """A new password takes the place of the old one."""
    copy = life.copies[life.random.choice(COPIES)]
    if copy.damage or not copy.safe:
        return
    life.photos += 1
    password = f"key {life.photos} of {copy.name}"
    new, old = life.home.root / "new-password", {file.name for file in (copy.folder / "keys").iterdir()}
    new.write_text(password)
    life.plain(copy, "key", "add", "--new-password-file", str(new))
    (added,) = (file for file in (copy.folder / "keys").iterdir() if file.name not in old)
    light = lightened(added.read_bytes(), password)
    (copy.folder / "keys" / sha256(light).hexdigest()).write_bytes(light)
    for name in (*old, added.name):
        (copy.folder / "keys" / name).unlink()
    life.home.secret(f"backup_{copy.name}_{PASSWORD}", password)
    copy.dirty = True


def copy_is_damaged(life: Life) -> None:
    """An object at one copy rots, is cut short or is lost; the other copy is whole."""
    if any(copy.damage for copy in life.copies.values()):
        return
    copy = life.copies[life.random.choice(COPIES)]
    other = next(each for each in life.copies.values() if each is not copy)
    if not copy.safe or not other.safe:
        return
    copy.damage = do_damage(copy.folder, life.random, copy.safe[-1].snapshot)
    copy.runs_since_damage, copy.told_of_damage = 0, False
    life.log.append(f"   {copy.name}: {copy.damage}")
    life.tomorrow()
    judge(life, copy, life.night(copy.name))


def first_upload_is_stopped(life: Life) -> None:
    """A new copy is begun, and its first upload is stopped: what is complete is restorable, and the next run goes on."""
    copy, other = life.copies["net"], life.copies["disk"]
    if copy.damage or other.damage or not other.safe or other.safe[-1].day < life.day - 3:
        return
    life.tomorrow()
    begin_anew(life, copy)
    life.proxy.faults, life.proxy.rate = {"slow"}, 60_000
    process = life.start("net")
    time.sleep(life.random.uniform(2, 6))
    _kill(process.pid, life.random.choice(("keeper", "all", "stop")))
    result = life.end("net", process)
    life.proxy.fault = ""
    home = life.home.content()
    for snapshot in (
        life.snapshots(copy) if (copy.folder / "config").exists() and list((copy.folder / "keys").iterdir()) else ()
    ):
        life.count("parts of a first upload")
        found = life.restored(copy, snapshot)
        if wrong := {path for path, sha256 in found.items() if home.get(path) != sha256 and b"database" not in path}:
            life.fail(f"net: a part of the first upload is not what is at home: {sorted(wrong)[:3]}")
    if result.is_done:
        life.count("first uploads that were quicker")
    judge_after_fault(life, "net")


def accept(life: Life) -> None:
    """A person says of some alarms that they are right."""
    for alarm in gate.alarms(life.home.state):
        if life.random.random() < 0.7:
            gate.accept(life.home.state, alarm.id)


STEPS: dict[Step, int] = {
    add: 12, edit: 8, rename: 6, move_folder: 3, delete: 5, delete_folder: 2, hide: 4, rot: 3, accept: 3,
    night: 26, both: 8, kill: 10, line_fails: 8, drive_lies: 3, disk_is_full: 3, state_is_lost: 3, host_is_lost: 2,
    clock_is_wrong: 2, key_is_changed: 2, copy_is_damaged: 8, first_upload_is_stopped: 2,
}  # fmt: skip


def live(life: Life, steps: int) -> None:
    """Let so many steps happen, and see after each of them that what was reported as done is safe."""
    for _ in range(4):
        add(life)
    both(life)
    for number in range(steps):
        (step,) = life.random.choices(list(STEPS), list(STEPS.values()))
        life.log.append(f"{number} day {life.day}: {step.__name__}")
        life.count(step.__name__)
        started = time.monotonic()
        step(life)
        life.look()
        life.log.append(f"   {time.monotonic() - started:.1f} s")
    life.look_at_everything()
