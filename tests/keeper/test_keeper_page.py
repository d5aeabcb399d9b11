"""The page: what it says in which state, what it gives away, and what machines read."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from keeper.backup.gate import Alarm
from keeper.errors import Exit, Problem
from keeper.page import learning, page
from keeper.page.learning import Knowledge, Learning
from keeper.page.status import Status, read_status
from keeper.page.view import Copy, Level, View, view_of
from keeper.restore.snapshots import Answer
from keeper.service.kit import keys_of
from keeper.settings import Settings
from keeper.state import (
    CopyState,
    DrillReport,
    DumpState,
    IndexState,
    KitState,
    Progress,
    RunReport,
    SchedulerState,
    ScrubState,
    Snapshot,
    State,
    TrialState,
    now,
)
from keeper.texts import LANGUAGES, Language
from tests.keeper.browser import document, needs_chromium, screenshot
from tests.keeper.page_samples import write
from tests.keeper.service import english_in, service_settings
from tests.waiting import PATIENCE, until

ALARM = "0a1b2c3d"
ID = "f00dfeed" * 8
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
COPIES: list[dict[str, Any]] = [
    {"name": "disk", "kind": "disk", "type": "local", "path": "/copies/disk", "place": "/mnt/backup/photos"},
    {"name": "net", "kind": "mirror", "type": "webdav", "path": "family/photos"},
]
ALBUM = {"name": "look", "kind": "album", "type": "webdav", "path": "look"}
LOGIN = Problem.of("cause.credentials", said="error listing: 401 Unauthorized: the token has expired")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = service_settings(tmp_path, copies=COPIES)
    for name in ("disk", "net"):
        (made.secrets / f"backup_{name}_repository_password").write_text(f"key of {name}")
    return made


def snapshot(age: timedelta = 8 * HOUR, **more: Any) -> Snapshot:
    return Snapshot(**{"id": ID, "time": now() - age, "files": 48213, "bytes": 312_400_000_000, **more})


def drill(*, passed: bool, reason: Problem | None = None) -> DrillReport:
    moment = now() - 2 * DAY
    return DrillReport(
        copy_name="disk", started=moment, ended=moment, passed=passed, reason=reason, files_checked=412, rows=51234
    )


def copy_state(age: timedelta = 8 * HOUR, **more: Any) -> CopyState:
    moment = now() - age
    run = RunReport(copy_name="disk", started=moment, ended=moment, files=48213, bytes=312_400_000_000)
    values = {"snapshots": [snapshot(age + 90 * DAY, id="0" * 64), snapshot(age)], "run": run, "last_good": moment}
    return CopyState(**{**values, "slices": {0: moment}, **more})


def failed(copy: str, *problems: Problem, end: Exit = Exit.COPY, **more: Any) -> RunReport:
    return RunReport(copy_name=copy, started=now(), ended=now(), exit=end, problems=list(problems), **more)


def well(settings: Settings) -> Status:
    """Return the status of a stack in which all is well."""
    due = {"backup disk": now() + 16 * HOUR, "backup net": now() + 17 * HOUR, "drill": now() + 3 * DAY}
    return Status(
        scheduler=SchedulerState(heartbeat=now(), due=due),
        copies={"disk": copy_state(drill=drill(passed=True)), "net": copy_state()},
        index=IndexState(indexed={"phones/anna": now() - timedelta(minutes=4)}),
        kit=KitState(confirmed=now(), keys=keys_of(settings)),
    )


def view(settings: Settings, status: Status, language: Language = "en", knowledge: Knowledge = "known") -> View:
    write(settings, status)
    return view_of(settings, read_status(settings), language, knowledge=knowledge)


def stands(settings: Settings, status: Status, language: Language = "en") -> tuple[Level, str, list[str]]:
    shown = view(settings, status, language)
    return shown.level, shown.headline, [f"{item.level}: {item.text.striptags()}" for item in shown.items]


def card(settings: Settings, status: Status, name: str, language: Language = "en") -> Copy:
    return next(copy for copy in view(settings, status, language).copies if copy.name == name)


def test_all_is_well(settings: Settings) -> None:
    assert stands(settings, well(settings)) == ("good", "Your photos are safe.", [])
    assert stands(settings, well(settings), "zh")[1] == "照片都是安全的。"
    assert view(settings, well(settings)).subline.startswith("48,213 files, 312 GB. Last backup 8 hours ago; next: 20")


def test_a_copy_is_shown_where_people_find_it(settings: Settings) -> None:
    found = [copy.where for copy in view(settings, well(settings)).copies]

    assert found == ["/mnt/backup/photos", "webdav: family/photos"]


def test_findings_are_red(settings: Settings) -> None:
    finding = Problem.of("finding.copies_in_one_account", one="a", other="b")
    thin = settings.model_copy(update={"findings": [finding]})

    assert stands(thin, well(settings)) == (
        "bad",
        "Your photos are backed up, but not safely enough yet.",
        ["bad: A and b are in one account, which can be lost as a whole. Use another one"],
    )


def test_a_copy_that_is_not_what_it_is_called_is_a_finding(settings: Settings) -> None:
    """Case 39, as it was tried."""
    found = Problem.of("trial.deletes", copy="net")
    TrialState(tried=now(), findings=[found]).write(State(settings.state).trial_file("net"))
    status = well(settings)
    status.copies["net"] = copy_state(run=failed("net", found, end=Exit.OK))
    level, headline, items = stands(settings, status)

    assert (level, headline) == ("bad", "Your photos are backed up, but not safely enough yet.")
    assert len(items) == 1
    assert items[0].startswith("bad: “net” is called a vault, but what lies there can be deleted")


def alarmed(settings: Settings) -> Status:
    """Return the status of a stack in which the same change alarms at two copies."""
    reasons = [
        Problem.of("gate.vanished", count=50, of=60, limit=20, names="originals/a.jpg"),
        Problem.of("gate.folder", folder="originals/2024"),
    ]
    Alarm(id=ALARM, raised=now(), reasons=reasons, paths=["x"]).write(settings.state / "gate" / f"{ALARM}.json")
    status = well(settings)
    for name in ("disk", "net"):
        run = failed(name, *reasons, end=Exit.GATE, alarm=ALARM, files=10)
        status.copies[name] = copy_state(held={ALARM: ID}, run=run)
    return status


def test_an_alarm_is_asked_once_with_the_exact_command_and_why(settings: Settings) -> None:
    shown = view(settings, alarmed(settings))

    assert (shown.level, shown.headline) == ("bad", "The backup asks you something.")
    assert len(shown.items) == 1
    assert f"<code>./photos keeper accept --stack home {ALARM}</code>" in shown.items[0].text
    assert [(copy.level, copy.held) for copy in shown.copies] == [("warn", True)] * 2
    assert shown.items[0].detail == (
        "50 of 60 files vanished (limit 20): originals/a.jpg · The whole folder originals/2024 vanished"
    )


def test_an_alarm_that_was_answered_is_not_asked_again_before_the_next_run(settings: Settings) -> None:
    status = alarmed(settings)
    Alarm(id=ALARM, raised=now(), paths=["x"], accepted=now()).write(settings.state / "gate" / f"{ALARM}.json")

    assert stands(settings, status)[:2] == ("good", "Your photos are safe.")


def test_a_silent_keeper_is_red_whatever_else_is_well(settings: Settings) -> None:
    status = well(settings)
    status.scheduler.heartbeat = now() - 2 * HOUR

    assert stands(settings, status)[:2] == ("bad", "The backup keeper is not running.")


def new() -> Status:
    return Status(scheduler=SchedulerState(heartbeat=now(), due={"backup disk": now() + 3 * HOUR}))


def test_no_copies_and_no_first_run_are_no_safety(settings: Settings) -> None:
    bare = settings.model_copy(update={"copies": []})
    only_album = Settings.model_validate(settings.model_dump() | {"copies": [ALBUM]})

    assert stands(settings, new())[:2] == ("warn", "The first backup is yet to come.")
    assert stands(bare, new())[:2] == ("bad", "There is no backup yet.")
    assert stands(only_album, new())[:2] == ("bad", "There is no backup yet.")


def test_a_first_run_that_failed_is_no_backup(settings: Settings) -> None:
    status = new()
    status.copies = {"disk": CopyState(run=failed("disk", LOGIN))}

    assert stands(settings, status)[:2] == ("bad", "There is no backup yet.")


@pytest.mark.parametrize("knowledge", ["asking", "unknown"])
def test_a_host_that_lost_its_state_never_says_that_there_is_no_backup(
    settings: Settings, knowledge: Knowledge
) -> None:
    """Case 48: two copies hold every run."""
    before = view(settings, new(), knowledge=knowledge)
    learned = new()
    learned.copies = {"net": CopyState(repository="x", snapshots=[snapshot(30 * HOUR)])}
    after = view(settings, learned, knowledge=knowledge)

    assert before.headline in (
        "The copies are being asked what they hold.",
        "The copies could not be asked what they hold.",
    )
    assert "No backup" not in before.subline
    assert after.headline == "Your photos are backed up, but something needs a look."
    assert after.subline.startswith("48,213 files, 312 GB. Last backup 30 hours ago")


@pytest.mark.parametrize(
    ("problems", "knowledge"),
    [
        ([], "known"),
        ([Problem.of("restore.because", copy="disk", reason=Problem.of("copy.nothing", copy="disk"))], "known"),
        ([Problem.of("restore.because", copy="disk", reason=LOGIN)], "unknown"),
    ],
    ids=["they answer", "nothing was ever there", "one does not answer"],
)
def test_it_is_known_what_the_copies_hold_once_all_have_answered(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, problems: list[Problem], knowledge: Knowledge
) -> None:
    answers = [Answer("disk", problem=problem) for problem in problems]
    monkeypatch.setattr(learning, "ask", lambda _: answers)
    asked = Learning(settings)
    until(lambda: asked() != "asking")

    assert asked() == knowledge


def test_while_the_copies_are_asked_that_is_what_is_said(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()

    def slow(_: Settings) -> list[Answer]:
        assert answered.wait(PATIENCE)
        return []

    monkeypatch.setattr(learning, "ask", slow)
    asked = Learning(settings)

    assert asked() == "asking"
    answered.set()
    until(lambda: asked() == "known")


def test_copies_of_which_something_is_known_are_not_asked(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start costs no traffic."""
    write(settings, well(settings))
    asked: list[Settings] = []
    monkeypatch.setattr(learning, "ask", asked.append)
    learned = Learning(settings)
    until(lambda: learned() == "known")

    assert asked == []


def test_copies_that_cannot_be_asked_at_all_are_not_empty(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Settings) -> list[Answer]:
        raise RuntimeError

    monkeypatch.setattr(learning, "ask", fail)
    asked = Learning(settings)
    until(lambda: asked() != "asking")

    assert asked() == "unknown"


@pytest.mark.parametrize(("hours", "level"), [(20, "good"), (29, "good"), (33, "warn"), (90, "bad")])
def test_an_old_backup_turns_amber_and_red(settings: Settings, hours: float, level: Level) -> None:
    status = well(settings)
    status.copies = {"disk": copy_state(hours * HOUR), "net": copy_state(hours * HOUR)}

    assert stands(settings, status)[0] == level
    assert {copy.level for copy in view(settings, status).copies} == {level}


def test_a_weekly_copy_is_not_late_after_a_day(settings: Settings) -> None:
    """Case 40."""
    copies = [COPIES[0] | {"schedule": "30 3 * * 0"}, COPIES[1]]
    weekly = Settings.model_validate(settings.model_dump() | {"copies": copies})
    status = well(settings)
    status.copies["disk"] = copy_state(6 * DAY)

    assert stands(weekly, status)[0] == "good"


def test_a_copy_with_a_problem_is_named_once_in_the_familys_language(settings: Settings) -> None:
    status = well(settings)
    status.copies["net"] = copy_state(run=failed("net", LOGIN))
    level, _, items = stands(settings, status, "zh")

    assert level == "bad"
    assert items == [
        "bad: “net” 有问题：登录被拒绝，请更新账号或授权（原文：error listing: 401 Unauthorized: the token has expired）"
    ]
    assert card(settings, status, "net").problems == [
        "the login is refused; renew it (error listing: 401 Unauthorized: the token has expired)"
    ]


def test_what_lies_at_home_is_said_once_though_every_copy_reports_it(settings: Settings) -> None:
    status = well(settings)
    down = Problem.of("dump.no_answer", said="2002")
    status.dump = DumpState(problem=down)
    for name in ("disk", "net"):
        status.copies[name] = copy_state(run=failed(name, down, end=Exit.DUMP))

    assert stands(settings, status)[2] == ["bad: The last backup reported: the album's database does not answer (2002)"]


def test_what_a_good_run_has_to_say_is_a_note(settings: Settings) -> None:
    status = well(settings)
    told = Problem.of("openlist.policy_set", drive="/baidu", before="302_redirect")
    status.copies["net"] = copy_state(run=failed("net", told, end=Exit.OK))
    level, headline, items = stands(settings, status)

    assert (level, headline) == ("good", "Your photos are safe.")
    assert items[0].startswith("note: “net” has a problem: the drive /baidu had")


def test_damage_a_failed_test_restore_and_what_was_not_read_back_are_shown(settings: Settings) -> None:
    status = well(settings)
    status.copies["disk"] = copy_state(
        damage=Problem.of("copy.damage", count=2, said="pack abc"),
        drill=drill(passed=False, reason=Problem.of("dump.cut")),
    )
    status.copies["net"] = copy_state(slices={0: now(), 1: now() - 31 * DAY}, slices_of=2)

    assert stands(settings, status)[2] == [
        "bad: “disk” is damaged: 2 objects do not read back as they were sent (pack abc)",
        "bad: The test restore from “disk” failed: the database dump is cut short: its last line is missing",
        (
            "warn: Only 50 % of “net” was read back in the last 30 days. "
            "Check it: ./photos keeper verify --stack home --all --copy net"
        ),
    ]


def test_a_young_copy_is_not_blamed_for_what_could_not_be_read_back_yet(settings: Settings) -> None:
    status = well(settings)
    status.copies["net"] = copy_state(snapshots=[snapshot(3 * DAY)], slices={0: now()}, slices_of=30)

    assert stands(settings, status)[0] == "good"
    assert card(settings, status, "net").percent == 3


def test_a_first_upload_is_told_as_such_with_what_is_restorable_and_how_long_it_takes(settings: Settings) -> None:
    """Case 38."""
    status = well(settings)
    status.copies["net"] = CopyState(snapshots=[snapshot(whole=False, files=8123, bytes=34_000_000_000)])
    status.progress["net"] = Progress(
        phase="send_first", done=34_000_000_000, total=280_000_000_000, since=now() - 2 * HOUR, at=now()
    )
    level, headline, items = stands(settings, status)
    shown = card(settings, status, "net")

    assert (level, headline) == ("good", "Your photos are safe.")
    assert items == [
        "note: “net” is being filled for the first time. 8,123 files (34 GB) can be restored from it already."
    ]
    assert shown.level == "warn"
    assert shown.first == "8,123 files (34 GB) can be restored from it already."
    assert shown.work
    assert (shown.work.phase, shown.work.percent) == ("backing up, the newest years first", 12)
    assert shown.work.detail == "34 GB of 280 GB, 4.7 MB/s, about 14 hours to go"


def test_a_first_upload_that_is_the_only_copy_is_no_safety_yet(settings: Settings) -> None:
    status = new()
    status.progress = {"disk": Progress(phase="send", since=now(), at=now())}
    State(settings.state).copy_folder("disk")
    status.copies = {"disk": CopyState()}
    shown = view(settings, status)

    assert (shown.level, shown.headline) == ("warn", "The first backup is being made.")
    assert shown.copies[0].work
    assert shown.copies[0].work.percent is None


def test_what_a_job_told_long_ago_is_not_shown_as_progress(settings: Settings) -> None:
    status = well(settings)
    status.progress = {"disk": Progress(phase="send", done=1, total=2, since=now() - DAY, at=now() - HOUR)}
    before = card(settings, status, "disk").work
    status.scheduler.running = {"backup disk": now()}

    assert before is None
    assert card(settings, status, "disk").work is not None


def test_an_album_is_to_look_at_and_no_backup(settings: Settings) -> None:
    with_album = Settings.model_validate(settings.model_dump() | {"copies": [*COPIES, ALBUM]})
    status = well(settings)
    status.copies["look"] = CopyState(last_good=now())
    write(with_album, status)
    html = page.render(with_album, "en")

    assert "To look at, no backup: it does not count as a copy." in html
    assert stands(with_album, status)[0] == "good"
    assert card(with_album, status, "look").album


def test_files_that_cannot_be_read_are_listed_with_the_reason(settings: Settings) -> None:
    status = well(settings)
    unreadable = {f"originals/{number:02}.mov": "Permission denied" for number in range(25)}
    named = Problem.of("run.unreadable", count=25, path="originals/00.mov", said="Permission denied")
    for name in ("disk", "net"):
        status.copies[name] = copy_state(run=failed(name, named, end=Exit.VERIFY, unreadable=unreadable))
    level, _, items = stands(settings, status)
    english, chinese = (page.render(settings, language) for language in LANGUAGES)

    assert level == "warn"
    assert items == [
        "warn: 25 files could not be read and are not in the last backup; they are listed below, with the reason."
    ]
    assert english.count("Permission denied") == 20
    assert "and 5 more" in english
    assert chinese.count("没有权限") == 20


def test_what_the_reading_at_home_cannot_read_is_red(settings: Settings) -> None:
    """No run reads an unchanged file again."""
    status = well(settings)
    status.scrub = ScrubState(unreadable={"originals/a.jpg": "Input/output error"})
    level, _, items = stands(settings, status, "zh")

    assert level == "bad"
    assert items == [
        (
            "bad: 家里硬盘上有 1 个文件读不出来了；在那之前的备份里有它们。请检查硬盘，并取回它们："
            "./photos keeper restore --stack home originals/a.jpg"
        )
    ]
    assert "读写出错" in page.render(settings, "zh")


def test_rotten_files_are_listed_with_the_command_that_brings_each_back(settings: Settings) -> None:
    status = well(settings)
    status.scrub = ScrubState(rotten={"originals/a b.jpg": now(), "originals/c.jpg": now()})
    level, _, items = stands(settings, status)
    html = page.render(settings, "en")

    assert level == "bad"
    assert "bring them back: ./photos keeper restore --stack home 'originals/a b.jpg'" in items[0]
    assert html.count("./photos keeper restore --stack home originals/c.jpg") == 1


def test_a_phones_folder_that_takes_nothing_is_shown(settings: Settings) -> None:
    """Case 44."""
    status = well(settings)
    status.index.troubled = {"phones/anna": Problem.of("phone.marker", said="x")}
    level, _, items = stands(settings, status)

    assert level == "bad"
    assert items[0].startswith("bad: A phone's folder: anna: Syncthing stopped: its marker .stfolder is missing")


def test_the_kit_is_asked_for_until_it_is_confirmed_and_when_it_no_longer_opens_everything(settings: Settings) -> None:
    """Case 32: a copy that was added, and a key that was changed, after the kit was made."""
    missing, added, changed = well(settings), well(settings), well(settings)
    missing.kit = KitState()
    added.kit.keys.pop("backup_net_repository_password")
    found = [stands(settings, status)[2] for status in (missing, added)]
    (settings.secrets / "backup_disk_repository_password").write_text("another one")

    assert found == [
        ["warn: Make the recovery kit and keep it outside of the house: ./photos keeper kit --stack home"],
        [
            (
                "warn: Your recovery kit does not open net: make a new one and keep it outside of the house: "
                "./photos keeper kit --stack home"
            )
        ],
    ]
    assert "does not open disk:" in stands(settings, changed)[2][0]
    assert "key of disk" not in json.dumps(added.kit.keys)


def test_the_chinese_page_gives_its_reasons_in_chinese(settings: Settings) -> None:
    status = alarmed(settings)
    status.copies["net"].run = failed("net", LOGIN, unreadable={"originals/x": "Input/output error"})
    status.copies["disk"].drill = drill(passed=False, reason=Problem.of("dump.lacks", tables="albums, photos"))
    status.copies["disk"].damage = Problem.of("copy.damage", count=2, said="pack abc")
    lacking = Problem.of(
        "finding.and", one=Problem.of("finding.second_copy"), other=Problem.of("finding.copy_elsewhere")
    )
    finding = Problem.of("finding.copies_lacking", have="disk (disk), net (mirror)", lacking=lacking)
    write(settings, status)
    trouble = settings.model_copy(update={"findings": [finding]})
    texts = {
        language: re.sub(r"<style>.*?</style>|<[^>]+>", "\n", page.render(trouble, language), flags=re.DOTALL)
        for language in LANGUAGES
    }

    assert english_in(texts["zh"]) == []
    assert english_in(texts["en"]), "or the question would find nothing anywhere"
    for reason in (
        "整个文件夹 originals/2024 不见了",
        "登录被拒绝",
        "数据库导出缺少 albums, photos",
        "还缺第二份副本、一份不在家里的",
        "读写出错",
    ):
        assert reason in texts["zh"]
    assert f"./photos keeper accept --stack home {ALARM}" in texts["zh"]


def test_whatever_comes_from_files_and_servers_is_escaped(settings: Settings) -> None:
    evil = "<script>alert(1)</script>{{7*7}}{0}"
    status = well(settings)
    said = Problem.of("cause.full", said=evil)
    status.copies["net"] = copy_state(run=failed("net", said, unreadable={f"originals/{evil}.jpg": evil}))
    status.scrub = ScrubState(rotten={f"originals/{evil}": now(), f"originals/2{evil}": now()})
    status.index.indexed[f"phones/{evil}"] = now()
    write(settings, status)
    finding = Problem.of("finding.no_alerts", key=evil)
    html = page.render(settings.model_copy(update={"findings": [finding], "stack": evil}), "en")

    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "{{7*7}}{0}" in html, "as it came: neither the template nor a format filled it in"


@pytest.fixture
def served(settings: Settings) -> Iterator[str]:
    write(settings, well(settings))
    server = page.serve(settings, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def get(url: str) -> tuple[int, dict[str, str], str]:
    answer = httpx.get(url, timeout=10)
    return answer.status_code, dict(answer.headers), answer.text


@pytest.mark.parametrize("path", ["/", "/copies/disk"])
def test_the_pages_let_nothing_in_from_elsewhere(served: str, path: str) -> None:
    status, headers, html = get(f"{served}{path}")
    policy = headers["content-security-policy"]

    assert status == 200
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert not re.search(r"""(src|action)=|href=["'](?![/#])|href=["']//""", html)
    assert "<script" not in html


def test_only_how_things_stand_renews_itself(served: str) -> None:
    """What is looked up at a copy costs traffic."""
    refresh = '<meta http-equiv="refresh" content="60">'

    assert refresh in get(served)[2]
    assert refresh not in get(f"{served}?renew=no")[2], "a person who reads slowly may stop it"
    assert refresh not in get(f"{served}/copies/disk")[2]


def test_only_reading_is_possible(served: str) -> None:
    assert httpx.post(served, content=b"x", timeout=10).status_code == 405
    assert httpx.head(served, timeout=10).status_code == 405
    assert get(f"{served}/../etc/passwd")[0] == 404


@pytest.mark.parametrize(
    "path",
    ["/copies", "/copies/moon", "/copies/disk/aaaaaaaa", "/copies/disk/--help", "/copies/disk/f00dfeed/x", "/copies//"],
)
def test_what_is_not_there_is_not_asked_for_anywhere(served: str, path: str) -> None:
    assert get(f"{served}{path}")[0] == 404


def test_the_snapshots_of_a_copy_are_listed_the_newest_first(settings: Settings, served: str) -> None:
    part, held = snapshot(9 * DAY, id="1" * 64, whole=False), snapshot(2 * DAY, id="2" * 64, held=True)
    status = well(settings)
    status.copies["net"] = copy_state(snapshots=[part, held, snapshot()])
    write(settings, status)
    html = get(f"{served}/copies/net?lang=en")[2]
    chinese = get(f"{served}/copies/net?lang=zh")[2]

    assert re.findall(r"/copies/net/(\w+)\?lang=en", html) == ["f00dfeed", "22222222", "11111111"]
    assert "part of the first one" in html
    assert "kept until you answer" in html
    assert "48,213" in html
    assert "等您确认，先留着" in chinese
    assert 'href="/copies/net?lang=en"' in chinese, "the other language of this page"


@pytest.mark.parametrize(
    ("asked", "accepted", "expected"),
    [
        ("", "", "en"),
        ("zh", "en", "zh"),
        ("", "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("", "de,en-GB;q=0.7,zh;q=0.3", "en"),
        ("", "en;q=0.2,zh-TW;q=0.9", "zh"),
        ("xx", "de;q=nonsense", "en"),
    ],
)
def test_the_language_is_the_readers(asked: str, accepted: str, expected: str) -> None:
    assert page.choose_language(asked, accepted, "en") == expected


def test_the_language_of_the_family_is_the_default() -> None:
    assert page.choose_language("", "de", "zh") == "zh"


def metrics_of(text: str) -> dict[tuple[str, ...], float]:
    families = text_string_to_metric_families(text)
    return {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}


def test_the_same_facts_for_machines(settings: Settings, served: str) -> None:
    status = alarmed(settings)
    status.copies["net"].damage = Problem.of("copy.damage", count=1, said="x")
    status.progress["net"] = Progress(phase="send", done=5, total=9, since=now(), at=now())
    status.scrub = ScrubState(rotten={"a": now()})
    write(settings, status)
    read = Status.model_validate_json(get(f"{served}/status.json")[2])
    metrics = metrics_of(get(f"{served}/metrics")[2])

    assert read.copies["disk"].held == {ALARM: ID}
    assert read.progress["net"].done == 5
    assert read.scrub.rotten.keys() == {"a"}
    assert metrics["photos_copy_files", "disk"] == 48213
    assert metrics["photos_copy_snapshots", "net"] == 2
    assert metrics["photos_copy_last_exit", "disk"] == Exit.GATE
    assert metrics["photos_copy_damaged", "net"] == 1
    assert metrics["photos_copy_damaged", "disk"] == 0
    assert metrics["photos_copy_verified_ratio", "disk"] == 1
    assert ("photos_copy_drill_passed", "net") not in metrics
    assert 8 * 3600 <= metrics["photos_copy_newest_age_seconds", "net"] < 8 * 3600 + 60
    assert metrics["photos_copy_job_total_bytes", "net"] == 9
    assert metrics["photos_heartbeat_age_seconds",] < 60
    assert metrics["photos_gate_waiting",] == 1
    assert metrics["photos_rotten_files",] == 1


def test_metrics_of_a_new_stack_leave_out_what_is_not_known(tmp_path: Path) -> None:
    server = page.serve(service_settings(tmp_path), "127.0.0.1", 0)
    try:
        metrics = metrics_of(get(f"http://127.0.0.1:{server.server_port}/metrics")[2])
    finally:
        server.shutdown()
        server.server_close()

    assert ("photos_heartbeat_age_seconds",) not in metrics
    assert ("photos_copy_last_good_age_seconds", "disk") not in metrics
    assert metrics["photos_findings",] == 0


def test_health_is_the_heartbeat(settings: Settings, served: str) -> None:
    good = get(f"{served}/health")[0]
    status = well(settings)
    status.scheduler.heartbeat = now() - timedelta(minutes=10)
    write(settings, status)

    assert (good, get(f"{served}/health")[0]) == (200, 503)


def test_the_policy_names_the_style_sheet_as_it_is_sent(settings: Settings) -> None:
    write(settings, well(settings))
    sent = re.search(r"<style>(.*?)</style>", page.render(settings, "en"), re.DOTALL)
    assert sent
    digest = subprocess.run(["sha256sum"], input=sent[1].encode(), capture_output=True, check=True).stdout.split()[0]

    assert base64.b64encode(bytes.fromhex(digest.decode())).decode() == page.STYLE_HASH


@needs_chromium
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1100])
@pytest.mark.parametrize("language", LANGUAGES)
def test_chromium_shows_the_page(served: str, settings: Settings, language: str, *, width: int, dark: bool) -> None:
    """The pictures stay in .cache/page, to be looked at."""
    image = pytest.importorskip("PIL.Image")
    status = well(settings)
    status.kit = KitState()
    write(settings, status)
    name = f"{language}-{width}-{'dark' if dark else 'light'}"
    file = screenshot(f"{served}/?lang={language}", name, width=width, height=1600, dark=dark)
    with image.open(file) as picture:
        corner, banner = picture.convert("RGB").getpixel((4, 4)), picture.convert("RGB").getpixel((width // 2, 75))

    assert (sum(corner) < 150) is dark, "the ground is as light as the reader wants it"
    assert banner[0] > banner[2], "amber: the style sheet got past the policy"


@needs_chromium
@pytest.mark.parametrize("language", LANGUAGES)
def test_chromium_shows_a_stack_in_trouble_with_a_first_upload_and_an_album(tmp_path: Path, language: str) -> None:
    """Everything at once, on a phone: nothing is wider than the screen."""
    image = pytest.importorskip("PIL.Image")
    settings = service_settings(tmp_path, copies=[*COPIES, {**COPIES[1], "name": "vault", "kind": "vault"}, ALBUM])
    status = alarmed(settings)
    status.copies["disk"].damage = Problem.of("copy.damage", count=2, said="pack abc")
    status.copies["vault"] = CopyState(snapshots=[snapshot(whole=False, files=8123, bytes=34_000_000_000)])
    status.progress["vault"] = Progress(
        phase="send_first", done=34_000_000_000, total=280_000_000_000, since=now() - 2 * HOUR, at=now()
    )
    status.copies["look"] = CopyState(last_good=now())
    status.index.troubled = {"phones/anna": Problem.of("phone.marker", said="x")}
    status.scrub = ScrubState(rotten={"originals/2024/a b.jpg": now(), "originals/2019/春节.jpg": now()})
    status.kit = KitState(confirmed=now())
    write(settings, status)
    server = page.serve(settings, "127.0.0.1", 0)
    try:
        url = f"http://127.0.0.1:{server.server_port}/?lang={language}"
        html = document(url, 390)
        file = screenshot(url, f"trouble-{language}", width=390, height=3600)
        screenshot(url, f"trouble-{language}-wide", width=1100, height=1900)
    finally:
        server.shutdown()
        server.server_close()
    with image.open(file) as picture:
        right = {picture.convert("RGB").getpixel((386, y)) for y in range(0, 3600, 5)}

    assert html.count("<article") == 4
    assert len(right) == 1, "the margin is free all the way down"


@needs_chromium
@pytest.mark.parametrize("path", ["/", "/copies/disk"])
def test_chromium_has_nothing_to_complain_about(served: str, path: str) -> None:
    html = document(f"{served}{path}?lang=en")

    assert ("Your photos are safe." if path == "/" else "Backups in “disk”") in html
