"""What an alert says: what is wrong, what is safe, what to do, and the reasons as the run reported them."""

from __future__ import annotations

from dataclasses import dataclass

from keeper.errors import Code
from keeper.reasons import translate
from keeper.report import DrillReport, RunReport
from keeper.texts import PROGRAM, Language, say

REASONS, REASON_LENGTH = 5, 300


@dataclass(frozen=True)
class Message:
    """One alert. `kind` tells one problem of a topic from another."""

    kind: str
    title: str
    body: str = ""


def of_run(language: Language, report: RunReport) -> Message:
    """Return what to say about a run that was not good."""
    name = report.code.name
    failed = sorted(name for name, remote in report.remotes.items() if remote.code != Code.OK)
    title = say(language, f"run.{name}")
    body = _body(language, f"run.{name}", report.problems, run=report.run)
    return Message(f"{name} {' '.join(failed)}", title + (f" ({', '.join(failed)})" if failed else ""), body)


def of_crash(language: Language, code: int) -> Message:
    """Return what to say about a run that left no report."""
    reasons = [say(language, "run.crashed", code=code)]
    return Message("crashed", say(language, "run.FAILED"), _body(language, "run.FAILED", reasons))


def of_drill(language: Language, report: DrillReport) -> Message:
    """Return what to say about a test restore that failed."""
    title = say(language, "drill.failed", remote=report.remote)
    return Message(report.remote, title, _body(language, "drill.failed", [report.reason], remote=report.remote))


def of_drill_crash(language: Language, code: int) -> Message:
    """Return what to say about a test restore that left no report."""
    lines = [
        say(language, "alert.safe", text=say(language, "drill.failed.safe")),
        say(language, "alert.do", text=say(language, "drill.crashed.do")),
        say(language, "run.crashed", code=code),
    ]
    return Message("crashed", say(language, "drill.crashed"), "\n".join(lines))


def of_watch(language: Language, topic: str, *, since: str, run: str) -> Message:
    """Return what the watch says about one of its topics."""
    return Message(topic, say(language, f"watch.{topic}", since=since), _body(language, f"watch.{topic}", [], run=run))


def well(language: Language, topic: str) -> Message:
    """Return that a topic of the keeper or of the watch is well again."""
    if (topic := topic.partition(" ")[0]) in ("backup", "drill"):
        return Message("", say(language, f"well.{topic}"))
    return Message("", say(language, "well.watch", what=say(language, f"watch.{topic}.well")))


def _body(language: Language, key: str, reasons: list[str], **values: str) -> str:
    lines = [
        say(language, "alert.safe", text=say(language, f"{key}.safe", **values)),
        say(language, "alert.do", text=say(language, f"{key}.do", **values)),
        *(f"- {_short(translate(language, reason))}" for reason in reasons[:REASONS]),
    ]
    return "\n".join(lines)


def _short(reason: str) -> str:
    """Cut a reason, but none with a command: half of a path would restore something else."""
    return reason if PROGRAM in reason else reason[:REASON_LENGTH]
