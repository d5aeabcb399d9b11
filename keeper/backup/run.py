"""One backup run: lock, preflight, dump, manifest, gate, then each remote on its own, and the report.

Only a run that ends with its `OK` object at a remote exists for a restore from there. A run killed at any point is
finished by the next one: everything is listed again and only what is missing is sent.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from keeper import dump, gate, library, manifest, openlist, preflight
from keeper.delivery import Delivery, Job, Progress
from keeper.errors import Code, KeeperError
from keeper.library import Survey
from keeper.manifest import Manifest
from keeper.rclone import Rclone
from keeper.remotes import Remote, write_config
from keeper.report import RunReport, Status, change_status, now
from keeper.runs import DATABASE, MANIFEST, OK, new_run, read_manifest
from keeper.settings import Settings
from keeper.texts import typed

RCLONE_CONFIG = "rclone.conf"
LOCAL_RUNS = 3


def backup(settings: Settings, *, trust_clock: bool = False, progress: Progress | None = None) -> RunReport:
    """Back everything up and return the report, whose code is the exit code.

    Raises:
        KeeperError: with `Code.LOCKED` when another run is at it; nothing is reported then.
    """
    report = RunReport(run=new_run(), started=now())
    with preflight.only_run(settings, report.run):
        folder = settings.state / "runs" / report.run
        try:
            _run(settings, report, folder, trust_clock=trust_clock, progress=progress or _silent)
        except KeeperError as error:
            report.code = error.code
            report.problems.append(str(error))
        except BaseException as error:
            # A stop from outside, too: what did not come to its end is no good run.
            report.code = Code.FAILED
            report.problems.append(f"broken off: {type(error).__name__} {error}".rstrip())
            raise
        finally:
            report.ended = now()
            change_status(settings.state, lambda status: _record(status, report))
            _tidy(settings, folder)
    return report


def open_remotes(settings: Settings) -> list[Remote]:
    """Return the stack's remotes, with rclone's configuration written."""
    config = settings.state / RCLONE_CONFIG
    write_config(settings, config)
    rclone = Rclone(config)
    admin_password = settings.secret(openlist.ADMIN_PASSWORD)
    return [Remote(rclone, remote, settings.id, admin_password) for remote in settings.remotes]


def _run(settings: Settings, report: RunReport, folder: Path, *, trust_clock: bool, progress: Progress) -> None:
    preflight.check_library(settings)
    local_runs = _local_runs(settings)
    preflight.check_clock(local_runs, trust=trust_clock)
    remotes = open_remotes(settings)
    folder.mkdir(parents=True)
    progress("database", 0, 0)
    report.database_rows = dump.dump(settings, folder / DATABASE)
    progress("library", 0, 0)
    found = library.survey(settings)
    report.files, report.bytes = len(found.files), sum(entry.size for entry in found.files.values())
    report.skipped, report.rotten = found.skipped | found.refused, sorted(found.rotten)
    accepted = _first_gate(settings, report.run, found, _newest_manifest(settings, local_runs, remotes))
    job = Job(report=report, folder=folder, files=found.files, accepted=accepted, trust_clock=trust_clock)
    for remote in remotes:
        report.remotes[remote.name] = Delivery(settings, job, remote, progress).carry_out()
    _conclude(report, found)
    if (folder / OK).exists():
        gate.spend(settings.state)


def _first_gate(settings: Settings, run: str, found: Survey, before: Manifest | None) -> bool:
    """Stop what looks like a disaster, unless a person accepted exactly this; return whether someone did."""
    reasons = gate.check(before, found, settings.gate)
    if not reasons:
        return False
    changes = gate.difference(before or {}, found.files, found.skipped | found.refused)
    if found.files and not found.unreadable and gate.is_accepted(settings.state, changes):
        return True
    gate.stop(settings.state, run, reasons, changes)
    return False


def _newest_manifest(settings: Settings, local_runs: list[str], remotes: list[Remote]) -> Manifest | None:
    """Return the manifest of the newest good run: the local copy, or where the state was lost, that of any remote."""
    for run in reversed(local_runs):
        with suppress(OSError, ValueError):
            return manifest.unpack((settings.state / "runs" / run / MANIFEST).read_bytes())
    for remote in remotes:
        # One that does not answer says so itself when its turn comes.
        with suppress(KeeperError):
            if runs := remote.runs():
                return read_manifest(remote, runs[-1])
    return None


def _local_runs(settings: Settings) -> list[str]:
    return sorted(file.parent.name for file in settings.state.glob(f"runs/*/{OK}"))


def _conclude(report: RunReport, found: Survey) -> None:
    """Make one code of those of the remotes: one that cannot be trusted weighs most, else "some failed"."""
    failed = {name: remote for name, remote in report.remotes.items() if remote.code != Code.OK}
    report.problems += [f"{name}: {remote.problem}" for name, remote in failed.items()]
    codes = {remote.code for remote in failed.values()}
    if Code.VERIFY in codes or found.refused or found.rotten:
        report.code = Code.VERIFY
    elif failed:
        report.code = codes.pop() if len(failed) == len(report.remotes) and len(codes) == 1 else Code.REMOTE
    if found.refused:
        report.problems.append(
            f"{len(found.refused)} files have names that cannot be backed up, e.g. {min(found.refused)!r}: "
            f"{found.refused[min(found.refused)]}"
        )
    if found.rotten:
        report.problems.append(
            f"{len(found.rotten)} files of the library changed on the disk by themselves; the copies are good. Check the "
            f"disk and take them back, e.g. ./photos keeper restore {typed(min(found.rotten))}"
        )


def _record(status: Status, report: RunReport) -> None:
    status.last_run = report
    status.waiting = report.run if Code.GATE in (report.code, *(r.code for r in report.remotes.values())) else ""
    if report.code == Code.OK:
        status.last_good = report.ended
    if any(remote.code == Code.OK for remote in report.remotes.values()):
        status.last_verify = report.ended


def _tidy(settings: Settings, folder: Path) -> None:
    """Keep the local copies of the newest good runs; a run that got nowhere leaves nothing."""
    if not (folder / OK).exists():
        shutil.rmtree(folder, ignore_errors=True)
    for run in _local_runs(settings)[:-LOCAL_RUNS]:
        shutil.rmtree(settings.state / "runs" / run, ignore_errors=True)


def _silent(phase: str, done: int, of: int) -> None:
    """Take progress that nobody wants to see."""
