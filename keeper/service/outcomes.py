"""What the family is told when a job of the schedule has ended.

Every copy has topics of its own; what lies at home (the dump, the library, rot, the same change at three copies) is told
once, whoever noticed it first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from keeper.errors import Exit, Problem
from keeper.service.alerts import Alerts
from keeper.service.importing import ImportReport
from keeper.service.messages import Message, message
from keeper.service.waiting import waiting_alarms
from keeper.settings import Settings
from keeper.state import DrillReport, DrivesState, RunReport, ScrubState, State, TrialState
from keeper.texts import typed

# The beginning of a problem's code → its topic, and how it is told. The rest is told by the run's exit code.
KINDS = (
    ("dump.", "dump", "dump"),
    ("library.", "library", "library"),
    ("clock.", "clock", "clock"),
    ("run.unreadable", "unreadable", "unreadable"),
    ("copy.gone", "gone", "gone"),
    ("copy.absent", "gone", "gone"),
    ("copy.another", "gone", "gone"),
    ("copy.key", "key", "key"),
    ("copy.no_key", "key", "key"),
    ("copy.mended", "damage", "mended"),
    ("copy.damage", "damage", "damage"),
    ("copy.lacked", "damage", "damage"),
    ("copy.snapshots_gone", "damage", "damage"),
)
HELD = ("gate.", "copy.snapshots_gone")
"""Problems for which old content is kept until a person answers."""
AT_HOME = ("dump", "library", "clock", "unreadable")
OF_A_COPY = ("backup", "gone", "key", "damage")
TOLD = frozenset({Exit.LOCKED, Exit.COPY, Exit.VERIFY, Exit.PREFLIGHT})
"""Ends of a run that have words of their own; any other one failed."""
Report = TypeVar("Report", bound=BaseModel)


class Failure(BaseModel):
    """What a command prints that ended before it had a report."""

    exit: Exit
    problem: Problem


class Outcomes:
    """Tells how jobs ended."""

    def __init__(self, settings: Settings, alerts: Alerts) -> None:
        self._settings, self._alerts, self._state = settings, alerts, State(settings.state)

    def tell(self, job: str, copy: str, code: int, output: bytes) -> None:
        """Tell the end of `job`: "backup" or "drill" of a copy, "drives", "import", "updates" or "scrub"; `output` is what it printed."""
        if job == "backup":
            self._backup(copy, code, output)
        elif code == Exit.LOCKED or job == "updates":
            return  # somebody is at it by hand; or a registry that is silent, which is no alarm
        elif job == "drives":
            self._drives(output)
        elif job == "import":
            self._import(code, output)
        elif job == "drill":
            self._drill(copy, code, output)
        else:
            self._scrub(code, output)

    def _backup(self, copy: str, code: int, output: bytes) -> None:
        report = _read(RunReport, output)
        if report is None:
            if code != Exit.LOCKED:
                self._tell_problems(copy, code, _why(code, output))
            return
        if report.exit == Exit.OK:
            for topic in (*(f"{kind} {copy}" for kind in OF_A_COPY), *AT_HOME):
                self._alerts.all_well(topic)
        else:
            self._tell_problems(copy, report.exit, report.problems)
        if report.snapshot:
            self._tell_unreadable(report)
            self._tell_gate(report)
            self._tell_trial(copy)

    def _tell_problems(self, copy: str, code: int, problems: list[Problem]) -> None:
        """Tell each kind of problem for itself: what is safe and what to do differs."""
        kinds: dict[tuple[str, str], list[Problem]] = defaultdict(list)
        for problem in problems:
            # What cannot be read, and what the gate holds, is told with all that belongs to it.
            if not problem.code.startswith(("gate.", "run.unreadable", "trial.")):
                kinds[kind_of(problem)].append(problem)
        for (topic, key), reasons in kinds.items():
            if topic in AT_HOME:
                self._alerts.problem(topic, self._message(f"alert.run.{key}", reasons))
            elif topic:
                self._alerts.problem(f"{topic} {copy}", self._message(f"alert.run.{key}", reasons, copy=copy))
            else:
                name = Exit(code).name if code in TOLD else Exit.FAILED.name
                codes = " ".join(sorted({reason.code for reason in reasons}))
                told = self._message(f"alert.run.{name}", reasons, kind=f"{name} {codes}", copy=copy)
                self._alerts.problem(f"backup {copy}", told)

    def _tell_unreadable(self, report: RunReport) -> None:
        if not report.unreadable:
            self._alerts.all_well("unreadable")
            return
        files = [
            Problem.of("alert.file.reason", path=path, reason=why) for path, why in sorted(report.unreadable.items())
        ]
        self._alerts.problem("unreadable", self._message("alert.run.unreadable", files, count=len(files)))

    def _tell_gate(self, report: RunReport) -> None:
        """Tell an alarm of the gate, under its own name: three copies that see the same change raise the same one."""
        known = [self._state.copy(copy.name) for copy in self._settings.copies]
        waiting = {alarm.id for alarm in waiting_alarms(self._settings.state, known)} | {report.alarm}
        for topic in self._alerts.topics():
            if topic.startswith("gate ") and topic.removeprefix("gate ") not in waiting:
                self._alerts.all_well(topic)
        if report.alarm:
            reasons = [problem for problem in report.problems if problem.code.startswith(HELD)]
            self._alerts.problem(
                f"gate {report.alarm}", self._message("alert.run.GATE", reasons, kind="GATE", alarm=report.alarm)
            )

    def _tell_trial(self, copy: str) -> None:
        """Tell that a copy is not what it is called; it was tried at its first run, and is once a month."""
        findings = TrialState.read(self._state.trial_file(copy)).findings
        if not findings:
            self._alerts.all_well(f"trial {copy}")
        elif f"trial {copy}" not in self._alerts.topics():
            self._alerts.problem(f"trial {copy}", self._message("alert.trial", findings, copy=copy))

    def _drill(self, copy: str, code: int, output: bytes) -> None:
        report = _read(DrillReport, output)
        if report is None:
            self._alerts.problem("drill", self._message("alert.drill.crashed", _why(code, output)))
        elif report.passed:
            self._alerts.all_well(f"drill {report.copy_name}")
            self._alerts.all_well("drill")
        else:
            reasons = [report.reason] if report.reason else []
            self._alerts.problem(f"drill {copy}", self._message("alert.drill.failed", reasons, copy=report.copy_name))

    def _drives(self, output: bytes) -> None:
        """Tell of each copy whose drive does not answer; a look that failed itself tells nothing of them."""
        found = _read(DrivesState, output) or DrivesState()
        for copy, findings in found.findings.items():
            if copy in found.failing:
                self._alerts.problem(f"drive {copy}", self._message("alert.drive", findings, copy=copy))
            else:
                self._alerts.all_well(f"drive {copy}")

    def _import(self, code: int, output: bytes) -> None:
        """Tell of an import that failed each day, and of files that the album leaves where they are once."""
        report = _read(ImportReport, output)
        if report is None:
            self._alerts.problem("import", self._message("alert.import", _why(code, output)))
        elif report.untold:
            self._alerts.problem("import", self._message("alert.import.left", report.problems))
        elif not report.problems:
            self._alerts.all_well("import")

    def _scrub(self, code: int, output: bytes) -> None:
        found = ScrubState.read(self._state.scrub_file)
        rotten = [Problem.of("alert.file", path=path) for path in sorted(found.rotten)]
        unreadable = [
            Problem.of("alert.file.reason", path=path, reason=why) for path, why in sorted(found.unreadable.items())
        ]
        self._tell_files("rot", "alert.rot", rotten, found.rotten)
        self._tell_files("unread", "alert.unread", unreadable, found.unreadable)
        if code not in (Exit.OK, Exit.VERIFY):
            self._alerts.problem("scrub", self._message("alert.scrub", _why(code, output)))
        else:
            self._alerts.all_well("scrub")

    def _tell_files(self, topic: str, key: str, files: list[Problem], paths: Collection[str]) -> None:
        """Tell of files at home with which something is wrong; at once, too, when there are more of them."""
        if not files:
            self._alerts.all_well(topic)
            return
        path = typed(min(paths))
        told = self._message(key, files, kind=f"{topic} {len(files)}", count=len(files), path=path)
        self._alerts.problem(topic, told)

    def _message(self, key: str, reasons: list[Problem], *, kind: str = "", **values: object) -> Message:
        return message(self._settings.language, key, reasons, kind=kind, **values)


def kind_of(problem: Problem) -> tuple[str, str]:
    """Return the topic of a problem and how it is told, both empty when only the exit code says."""
    return next(((topic, key) for start, topic, key in KINDS if problem.code.startswith(start)), ("", ""))


def is_at_home(problem: Problem) -> bool:
    """Whether a problem lies at home, so that every copy notices the same."""
    return kind_of(problem)[0] in AT_HOME


def _read(kind: type[Report], output: bytes) -> Report | None:
    try:
        return kind.model_validate_json(output)
    except ValidationError:
        return None


def _why(code: int, output: bytes) -> list[Problem]:
    """Return why a job left no report."""
    failure = _read(Failure, output)
    return [failure.problem if failure else Problem.of("job.crashed", number=code)]
