"""One run at one remote: bring it there, read it back, seal it with `OK`, forget what is too old."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from keeper import dump, gate, manifest, preflight, retention, upload, verify
from keeper.errors import Code, KeeperError
from keeper.manifest import Manifest
from keeper.remotes import Remote
from keeper.report import RemoteReport, RemoteStatus, RunReport, change_status, now, read_status, write_whole
from keeper.runs import DATABASE, MANIFEST, OK, REPORT, ok_text, read_manifest
from keeper.settings import Settings

Progress = Callable[[str, int, int], None]
"""Called with the name of the phase, bytes done and bytes in all."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A run on its way. `folder` holds its dump; `files` is what the survey found; `accepted`: a person let it pass."""

    report: RunReport
    folder: Path
    files: Manifest
    accepted: bool
    trust_clock: bool


@dataclass
class Delivery:
    """Brings one run to one remote."""

    settings: Settings
    job: Job
    remote: Remote
    progress: Progress
    report: RemoteReport = field(default_factory=RemoteReport)

    def carry_out(self) -> RemoteReport:
        """Do all of it and report. Whatever goes wrong stays here: other remotes are not held up."""
        remote, run = self.remote, self.job.report.run
        try:
            remote.greet(may_begin=not self._status.newest_run)
            with remote.leased(run, self.settings.holder):
                self._bring()
        except KeeperError as error:
            self.report.code, self.report.problem = error.code, str(error).removeprefix(f"{remote.name}: ")
        self._note()
        return self.report

    @property
    def _status(self) -> RemoteStatus:
        return read_status(self.settings.state).remotes.get(self.remote.name, RemoteStatus())

    def _bring(self) -> None:
        remote, job, report = self.remote, self.job, self.report
        runs = remote.runs()
        preflight.check_clock(runs, trust=job.trust_clock)
        # A copy: what changes while it is sent gets its entry made anew, at this remote.
        wanted = dict(job.files)
        there = upload.look(remote)
        todo = upload.plan(remote, wanted, read_manifest(remote, runs[-1]) if runs else {}, there)
        self._second_gate(todo, there)
        sending = [*todo.send, *todo.beside]
        report.sent_files, report.moved_files = len(sending), len(todo.away)
        report.sent_bytes = sum(wanted[path].size for path in sending)
        upload.has_room(remote, report.sent_bytes + (job.folder / DATABASE).stat().st_size)
        start = time.monotonic()
        upload.carry_out(remote, todo, job.report.run, str(self.settings.library), self._telling("send"))
        report.upload_seconds = round(time.monotonic() - start, 2)
        self._read_back(todo, there, wanted)
        self._seal(wanted)
        # Only here: after a run that was proven, with a clock that was checked.
        report.forgotten = retention.prune(remote, [*runs, job.report.run], self.settings.keep, now())

    def _second_gate(self, todo: upload.Plan, there: upload.There) -> None:
        state, reasons = self.settings.state, upload.second_gate(todo, there, self.settings.gate)
        if reasons and not self.job.accepted and not gate.is_accepted(state, todo.losses):
            gate.stop(state, self.job.report.run, reasons, todo.losses)

    def _read_back(self, todo: upload.Plan, there: upload.There, wanted: Manifest) -> None:
        """Read back what was sent, and the slice of the rest whose turn it is."""
        start, run = time.monotonic(), self.job.report.run
        where = dict.fromkeys(todo.send, upload.CURRENT) | dict.fromkeys(todo.beside, f"{upload.VERSIONS}/{run}")
        number = verify.due_slice(self._status)
        due = [*todo.doubtful, *(verify.members(wanted, number) if number is not None else ())]
        where = {path: there.folders[path] for path in due if path in there.folders} | where
        verdict = verify.check_and_mend(
            self.settings, self.remote, where, wanted, run=run, progress=self._telling("read back")
        )
        self.report.verified_files, self.report.repaired = verdict.checked, verdict.repaired
        self.report.verify_seconds = round(time.monotonic() - start, 2)
        self.job.report.skipped.update(
            dict.fromkeys(verdict.moving, "changed while it was sent: the next run takes it")
        )
        verify.refuse_bad(verdict)
        verify.note_whole_slices(self.settings, self.remote.name, wanted, where)

    def _seal(self, wanted: Manifest) -> None:
        """Put manifest, dump and report there, prove them, and write `OK` last: from now on the run exists."""
        remote, folder, run = self.remote, self.job.folder, self.job.report.run
        (folder / MANIFEST).write_bytes(manifest.pack(wanted))
        (folder / REPORT).write_text(self.job.report.model_dump_json(indent=1), "utf-8")
        hashes = {name: dump.sha256_of(folder / name) for name in (MANIFEST, DATABASE)}
        place = remote.at("runs", run)
        remote.rclone.copy(f"{upload.LIBRARY}{folder}", place, [*hashes, REPORT], *remote.flags)
        if remote.rclone.hashes(place, hashes) != hashes:
            raise KeeperError(Code.VERIFY, "manifest or database dump do not read back as they were sent")
        remote.rclone.write(f"{place}/{OK}", ok_text(hashes))
        if remote.rclone.read(f"{place}/{OK}") != ok_text(hashes):
            raise KeeperError(Code.VERIFY, "the run's last object does not read back as it was sent")
        write_whole(folder / OK, ok_text(hashes))

    def _note(self) -> None:
        def change(status: dict[str, RemoteStatus]) -> None:
            remote = status.setdefault(self.remote.name, RemoteStatus())
            remote.problem = self.report.problem
            if self.report.code == Code.OK:
                remote.newest_run, remote.newest_at = self.job.report.run, now()

        change_status(self.settings.state, lambda status: change(status.remotes))

    def _telling(self, phase: str) -> Callable[[int, int], None]:
        return lambda done, of: self.progress(f"{self.remote.name}: {phase}", done, of)
