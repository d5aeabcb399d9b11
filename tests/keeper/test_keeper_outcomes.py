"""What the family is told when a job has ended: each kind of trouble for itself, and the same trouble once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from keeper.backup import gate
from keeper.backup.gate import Alarm
from keeper.errors import Exit, Problem
from keeper.service.alerts import Alerts
from keeper.service.outcomes import Failure, Outcomes
from keeper.settings import Settings
from keeper.state import CopyState, DrillReport, RunReport, ScrubState, State, TrialState, now
from tests.keeper.service import Sink, english_in, service_settings, sink

COPIES = [
    {"name": "disk", "kind": "disk", "type": "local", "path": "/backup"},
    {"name": "net", "kind": "mirror", "type": "webdav", "path": "/photos"},
]
AWAY = Problem.of("cause.unreachable", said="dial tcp: connection refused")
ALARM = "0a1b2c3d"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return service_settings(tmp_path, copies=COPIES)


@pytest.fixture
def family(settings: Settings) -> Iterator[Sink]:
    with sink() as taken:
        (settings.secrets / "backup_alert_urls").write_text(taken.channel)
        yield taken


@pytest.fixture
def outcomes(settings: Settings, family: Sink) -> Outcomes:
    del family
    return Outcomes(settings, Alerts(settings, settings.state))


def ran(outcomes: Outcomes, copy: str, *problems: Problem, end: Exit = Exit.COPY, **more: Any) -> None:
    moment = now()
    report = RunReport(copy_name=copy, started=moment, ended=moment, exit=end, problems=list(problems), **more)
    outcomes.tell("backup", copy, end, report.model_dump_json().encode())


def good(outcomes: Outcomes, copy: str) -> None:
    ran(outcomes, copy, end=Exit.OK, snapshot="abc")


def titles(family: Sink) -> list[str]:
    return [title.removeprefix("home: ") for title in family.titles]


def test_copies_have_troubles_of_their_own(outcomes: Outcomes, family: Sink) -> None:
    for _ in range(2):
        ran(outcomes, "disk", Problem.of("copy.no_folder", copy="disk", folder="/mnt/x"), end=Exit.PREFLIGHT)
        ran(outcomes, "net", AWAY)
    good(outcomes, "disk")

    assert titles(family) == [
        "The backup to “disk” did not begin",
        "“net” could not be brought up to date",
        "All is well again: the backup to “disk” worked",
    ]
    assert "- /mnt/x is not there. Is the disk of “disk” plugged in?" in family.bodies
    assert "connection refused" in family.bodies


@pytest.mark.parametrize(
    ("problem", "end", "title"),
    [
        (Problem.of("copy.gone", copy="disk"), Exit.PREFLIGHT, "The backup in “disk” is gone"),
        (Problem.of("copy.another", copy="disk"), Exit.PREFLIGHT, "The backup in “disk” is gone"),
        (Problem.of("copy.key", said="wrong password"), Exit.PREFLIGHT, "“disk” does not open with its key"),
        (Problem.of("copy.damage", count=1, said="pack"), Exit.VERIFY, "“disk” is damaged"),
        (Problem.of("copy.damaged", said="hash"), Exit.VERIFY, "“disk” is damaged"),
        (Problem.of("copy.snapshots_gone", count=1, days="2026-11-22"), Exit.VERIFY, "“disk” is damaged"),
        (Problem.of("copy.mended", count=1), Exit.VERIFY, "Damage in “disk” was found and mended"),
        (Problem.of("dump.no_answer", said="x"), Exit.DUMP, "The album's database could not be saved"),
        (
            Problem.of("library.empty", folder="/library/originals"),
            Exit.PREFLIGHT,
            "Nothing is backed up: the photos are not where they should be",
        ),
        (Problem.of("clock.back", now="a", newest="b"), Exit.GATE, "The clock of the computer seems to be wrong"),
        (Problem.of("retention.differs", missing=1, stayed=0), Exit.VERIFY, "“disk” could not be proven good"),
    ],
    ids=lambda value: value.code if isinstance(value, Problem) else "",
)
def test_each_kind_of_trouble_has_words_of_its_own(
    outcomes: Outcomes, family: Sink, problem: Problem, end: Exit, title: str
) -> None:
    ran(outcomes, "disk", problem, end=end)
    good(outcomes, "disk")

    assert titles(family)[0] == title
    assert len(family.titles) == 2, "and it is told when it is over"


def test_what_lies_at_home_is_told_once_though_every_copy_notices(outcomes: Outcomes, family: Sink) -> None:
    """Cases 36 and 37: the rest is backed up, and the missing dump and the unreadable file are named."""
    unreadable = {"originals/a.jpg": "Permission denied"}
    named = Problem.of("run.unreadable", count=1, path="originals/a.jpg", said="Permission denied")
    for copy in ("disk", "net"):
        ran(
            outcomes,
            copy,
            Problem.of("dump.no_answer", said="x"),
            named,
            end=Exit.VERIFY,
            snapshot="abc",
            unreadable=unreadable,
        )

    assert titles(family) == [
        "The album's database could not be saved",
        "Files could not be read and are not backed up: 1",
    ]
    assert "- originals/a.jpg: Permission denied" in family.bodies


def held(settings: Settings, *copies: str) -> None:
    reasons = [Problem.of("gate.folder", folder="originals/2024")]
    Alarm(id=ALARM, raised=now(), reasons=reasons, paths=["x"]).write(settings.state / "gate" / f"{ALARM}.json")
    for copy in copies:
        CopyState(held={ALARM: "abc"}).write(State(settings.state).copy_file(copy))


def test_the_same_change_at_two_copies_is_one_question_and_its_answer_is_told(
    settings: Settings, outcomes: Outcomes, family: Sink
) -> None:
    reason = Problem.of("gate.folder", folder="originals/2024")
    for copy in ("disk", "net"):
        held(settings, copy)
        ran(outcomes, copy, reason, end=Exit.GATE, snapshot="abc", alarm=ALARM)
    good(outcomes, "disk")
    asked = titles(family)
    gate.accept(settings.state, ALARM)
    good(outcomes, "net")

    assert asked == ["Unusually many photos vanished or changed: was that you?"]
    assert f"./photos keeper accept --stack home {ALARM}" in family.bodies
    assert "- the whole folder originals/2024 vanished" in family.bodies
    assert titles(family)[1:] == ["All is well again: the question about vanished photos was answered"]


def test_a_copy_that_is_not_what_it_is_called_is_told_once_until_it_is(
    settings: Settings, outcomes: Outcomes, family: Sink
) -> None:
    """Case 39: a vault in which a deletion succeeds. The run itself is good."""
    file = State(settings.state).trial_file("disk")
    finding = Problem.of("trial.deletes", copy="disk")
    TrialState(tried=now(), findings=[finding]).write(file)
    ran(outcomes, "disk", finding, end=Exit.OK, snapshot="abc")
    good(outcomes, "disk")
    TrialState(tried=now()).write(file)
    good(outcomes, "disk")

    assert titles(family) == ["“disk” is not what it is called", "All is well again: “disk” is what it is called"]
    assert "what lies there can be deleted" in family.bodies


@pytest.mark.parametrize(
    ("code", "output", "told"),
    [
        (1, b"", "it ended without a report (exit code 1)"),
        (0, b"{", "it ended without a report (exit code 0)"),
        (-9, b"", "it ended without a report (exit code -9)"),
        (
            1,
            Failure(exit=Exit.FAILED, problem=Problem.of("copy.unknown", copy="x", known="-"))
            .model_dump_json()
            .encode(),
            "there is no copy “x”",
        ),
    ],
    ids=["no report", "half a report", "killed", "an error"],
)
def test_a_run_without_a_report_failed(outcomes: Outcomes, family: Sink, code: int, output: bytes, told: str) -> None:
    outcomes.tell("backup", "disk", code, output)

    assert titles(family) == ["The backup to “disk” failed"]
    assert told in family.bodies


def test_what_somebody_does_by_hand_is_no_trouble(outcomes: Outcomes, family: Sink) -> None:
    for job in ("backup", "drill", "scrub"):
        outcomes.tell(job, "disk", Exit.LOCKED, b'{"exit": 3, "problem": {"code": "copy.locked", "values": {}}}')

    assert family.titles == []


def drilled(outcomes: Outcomes, *, passed: bool) -> None:
    reason = None if passed else Problem.of("dump.cut")
    report = DrillReport(copy_name="disk", started=now(), ended=now(), passed=passed, reason=reason)
    outcomes.tell("drill", "disk", 0 if passed else Exit.VERIFY, report.model_dump_json().encode())


def test_a_test_restore_is_told_when_it_failed_and_when_it_passes_again(outcomes: Outcomes, family: Sink) -> None:
    drilled(outcomes, passed=True)
    drilled(outcomes, passed=False)
    outcomes.tell("drill", "disk", -9, b"")
    drilled(outcomes, passed=True)

    assert titles(family) == [
        "The test restore from “disk” failed",
        "The test restore did not come to an end",
        "All is well again: the test restore from “disk” passed",
        "All is well again: the test restore passed",
    ]
    assert "its last line is missing" in family.bodies


def scrubbed(settings: Settings, outcomes: Outcomes, *rotten: str, code: int = 0) -> None:
    ScrubState(rotten={path: now() for path in rotten}).write(State(settings.state).scrub_file)
    outcomes.tell("scrub", "", code, b"")


def test_rot_at_home_is_told_with_the_command_that_brings_a_photo_back(
    settings: Settings, outcomes: Outcomes, family: Sink
) -> None:
    for _ in range(2):
        scrubbed(settings, outcomes, "originals/b c.jpg", "originals/d.jpg", code=Exit.VERIFY)
    scrubbed(settings, outcomes, "originals/b c.jpg", "originals/d.jpg", "originals/e.jpg")
    scrubbed(settings, outcomes)

    assert titles(family) == [
        "Photos on the disk at home changed by themselves: 2",
        "Photos on the disk at home changed by themselves: 3",
        "All is well again: no file is known to have changed by itself",
    ]
    assert "./photos keeper restore --stack home 'originals/b c.jpg'" in family.bodies
    assert "- originals/d.jpg" in family.bodies


def test_a_file_that_can_no_longer_be_read_is_told_though_no_backup_reads_it_again(
    settings: Settings, outcomes: Outcomes, family: Sink
) -> None:
    ScrubState(unreadable={"originals/a.jpg": "Input/output error"}).write(State(settings.state).scrub_file)
    outcomes.tell("scrub", "", Exit.VERIFY, b"")
    scrubbed(settings, outcomes)

    assert titles(family) == [
        "Files on the disk at home can no longer be read: 1",
        "All is well again: every file at home can be read",
    ]
    assert "- originals/a.jpg: Input/output error" in family.bodies


def test_a_reading_that_broke_off_is_told(settings: Settings, outcomes: Outcomes, family: Sink) -> None:
    scrubbed(settings, outcomes, code=1)
    scrubbed(settings, outcomes)

    assert titles(family) == [
        "The photos at home could not be read through",
        "All is well again: the photos at home were read through",
    ]


def test_a_chinese_alert_gives_its_reasons_in_chinese(settings: Settings, family: Sink) -> None:
    chinese = settings.model_copy(update={"language": "zh"})
    outcomes = Outcomes(chinese, Alerts(chinese, settings.state))
    ran(outcomes, "disk", Problem.of("copy.gone", copy="disk"), end=Exit.PREFLIGHT)
    ran(outcomes, "net", AWAY)
    vanished = Problem.of("gate.vanished", count=50, of=60, limit=20, names="originals/a.jpg")
    ran(outcomes, "net", vanished, end=Exit.GATE, snapshot="abc", alarm=ALARM)
    drilled(outcomes, passed=False)

    assert english_in(family.bodies) == []
    assert "60 个文件里有 50 个消失了" in family.bodies
    assert "连不上，或连接中断（原文：dial tcp: 连接被拒绝）" in family.bodies
    assert f"./photos keeper accept --stack home {ALARM}；" in family.bodies
