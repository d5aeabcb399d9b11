"""The page: what it says in which state, what it gives away, and how it looks in Chromium."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from keeper import page
from keeper.errors import Code
from keeper.report import DrillReport, RemoteReport, RemoteStatus, RunReport, Status, change_status, now
from keeper.settings import Settings
from keeper.texts import LANGUAGES, Language
from keeper.view import Level, view_of
from tests.keeper.service import english_in, service_settings

RUN = "20261122T030000Z-abcdef"
SHOTS = Path(__file__).parents[2] / ".cache" / "page"
REMOTES: list[dict[str, Any]] = [
    {"name": "disk", "kind": "disk", "type": "local", "path": "/remotes/disk", "place": "/mnt/backup/photos"},
    {"name": "netdrive", "kind": "mirror", "type": "webdav", "path": "family/photos"},
]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return service_settings(tmp_path, remotes=REMOTES)


def remote(hours: float = 8, **more: Any) -> RemoteStatus:
    moment = now()
    values = {"newest_run": RUN, "newest_at": moment - timedelta(hours=hours)}
    slices = {number: moment - timedelta(days=number) for number in range(30)}
    return RemoteStatus.model_validate({**values, "slices": slices, **more})


def drill(*, passed: bool, days: float = 2, reason: str = "") -> DrillReport:
    moment = now() - timedelta(days=days)
    return DrillReport(
        run=RUN,
        remote="disk",
        started=moment,
        ended=moment,
        passed=passed,
        reason=reason,
        files_checked=412,
        rows=51234,
    )


def well() -> Status:
    """Return the status of a stack in which all is well."""
    moment, ended = now(), now() - timedelta(hours=8)
    report = RunReport(run=RUN, started=ended, ended=ended, files=48213, bytes=312_400_000_000)
    return Status(
        heartbeat=moment,
        next_run=moment + timedelta(hours=16),
        next_drill=moment + timedelta(days=3),
        last_run=report,
        last_good=ended,
        last_verify=ended,
        last_drill=drill(passed=True),
        remotes={"disk": remote(last_drill=drill(passed=True)), "netdrive": remote()},
        indexed={"phones/anna": moment - timedelta(minutes=4)},
        kit_confirmed=moment,
    )


def stands(settings: Settings, status: Status, language: Language = "en") -> tuple[Level, str, list[str]]:
    view = view_of(settings, status, language)
    return view.level, view.headline, [f"{item.level}: {item.text.striptags()}" for item in view.items]


def set_status(settings: Settings, status: Status) -> None:
    def change(found: Status) -> None:
        for name in Status.model_fields:
            setattr(found, name, getattr(status, name))

    change_status(settings.state, change)


def test_all_is_well(settings: Settings) -> None:
    assert stands(settings, well()) == ("good", "Your photos are safe.", [])
    assert stands(settings, well(), "zh")[1] == "照片都是安全的。"


def test_a_copy_is_shown_where_people_find_it(settings: Settings) -> None:
    found = [copy.where for copy in view_of(settings, well(), "en").copies]

    assert found == ["/mnt/backup/photos", "webdav: family/photos"]


def test_findings_are_red(settings: Settings) -> None:
    thin = settings.model_copy(update={"findings": ["no copy is away from home"]})

    assert stands(thin, well()) == (
        "bad",
        "Your photos are backed up, but not safely enough yet.",
        ["bad: No copy is away from home"],
    )


def test_a_waiting_gate_shows_the_exact_command_and_why(settings: Settings) -> None:
    status = well()
    status.waiting, status.last_good = RUN, now() - timedelta(hours=40)
    assert status.last_run
    status.last_run.code = Code.GATE
    told = f"stopped, nothing was sent: 50 of 60 files vanished. If this is right: ./photos keeper accept {RUN}"
    status.last_run.problems = [told]
    view = view_of(settings, status, "en")

    assert (view.level, view.headline) == ("bad", "The backup waits for your answer.")
    assert f"<code>./photos keeper accept --stack home {RUN}</code>" in view.items[0].text
    assert view.items[0].detail == "50 of 60 files vanished"
    assert not any("./photos keeper backup" in item.text for item in view.items), "it would only stop there again"


def test_a_silent_keeper_is_red_whatever_else_is_well(settings: Settings) -> None:
    status = well()
    status.heartbeat = now() - timedelta(hours=2)

    assert stands(settings, status)[:2] == ("bad", "The backup keeper is not running.")


def test_no_remotes_and_no_first_run_are_no_safety(settings: Settings) -> None:
    new = Status(heartbeat=now(), next_run=now() + timedelta(hours=3))
    bare = settings.model_copy(update={"remotes": []})

    assert stands(settings, new)[:2] == ("warn", "The first backup is yet to come.")
    assert stands(bare, new)[:2] == ("bad", "There is no backup yet.")


@pytest.mark.parametrize(("hours", "level"), [(20, "good"), (30, "warn"), (80, "bad")])
def test_an_old_backup_turns_amber_and_red(settings: Settings, hours: float, level: Level) -> None:
    status = well()
    status.last_good = now() - timedelta(hours=hours)
    status.remotes = {"disk": remote(hours), "netdrive": remote(hours)}

    assert stands(settings, status)[0] == level
    assert {copy.level for copy in view_of(settings, status, "en").copies} == {level}


def test_a_copy_with_a_problem_is_named_once_in_the_familys_language(settings: Settings) -> None:
    status = well()
    assert status.last_run
    problem = "credentials: the login is refused; renew it (401)"
    status.last_run.code, status.last_run.problems = Code.REMOTE, [f"netdrive: {problem}"]
    status.last_run.remotes = {"netdrive": RemoteReport(code=Code.REMOTE, problem=problem)}
    status.remotes["netdrive"].problem = problem
    level, _, items = stands(settings, status, "zh")

    assert level == "bad"
    assert items == ["bad: “netdrive” 有问题\uff1a登录被拒绝\uff0c请更新账号或授权\uff08原文\uff1a401\uff09"]


def test_a_failed_test_restore_and_a_copy_that_is_not_read_back_are_shown(settings: Settings) -> None:
    status = well()
    status.remotes["disk"] = remote(last_drill=drill(passed=False, reason="2 rows are missing"))
    status.remotes["netdrive"].slices = {number: now() - timedelta(days=31) for number in range(30)}
    level, _, items = stands(settings, status)

    assert level == "bad"
    assert items == [
        "bad: The test restore from “disk” failed: 2 rows are missing",
        "warn: Only 0 % of “netdrive” was read back in the last 30 days. Check it: ./photos keeper verify --stack home --all",
    ]


def test_files_left_out_are_listed_without_an_alarm(settings: Settings) -> None:
    status = well()
    assert status.last_run
    status.last_run.skipped = {f"originals/{number}.mov": "still growing" for number in range(25)}
    set_status(settings, status)
    html = page.render(settings, "en")

    assert stands(settings, status)[0] == "good"
    assert html.count("still growing") == 20
    assert "and 5 more" in html


def in_trouble(settings: Settings) -> Settings:
    """Return the settings of a stack in which as much as possible is wrong at once."""
    status = well()
    assert status.last_run
    gate = "50 of 60 files vanished (limit 20): originals/a.jpg, originals/b.jpg ...; the whole folder originals/2024 vanished"
    login = "credentials: the login is refused; renew it (error listing: 401 Unauthorized: the token has expired)"
    status.waiting, status.last_run.code = RUN, Code.GATE
    status.last_run.skipped = {"originals/x": "neither a file nor a folder"}
    status.last_run.problems = [
        f"disk: stopped, nothing was sent: {gate}. If this is right: ./photos keeper accept {RUN}",
        f"netdrive: {login}",
    ]
    status.remotes["disk"] = remote(
        last_drill=drill(passed=False, reason=f"disk: the manifest of run {RUN} is damaged")
    )
    status.remotes["netdrive"].problem = login
    set_status(settings, status)
    thin = "there is disk (disk), netdrive (mirror); 3-2-1-1-0 also needs a second copy and one that is not in this house. Add it under photos:backup"
    return settings.model_copy(update={"findings": [thin]})


def test_the_chinese_page_gives_its_reasons_in_chinese(settings: Settings) -> None:
    trouble = in_trouble(settings)
    texts = {
        language: re.sub(r"<style>.*?</style>|<[^>]+>", "\n", page.render(trouble, language), flags=re.DOTALL)
        for language in LANGUAGES
    }

    assert english_in(texts["zh"]) == []
    assert english_in(texts["en"]), "or the question would find nothing anywhere"
    for reason in (
        "整个文件夹 originals/2024 不见了",
        "登录被拒绝",
        "的文件清单已损坏",
        "还缺第二份副本、一份不在家里的",
        "既不是文件也不是文件夹",
    ):
        assert reason in texts["zh"]
    assert f"./photos keeper accept --stack home {RUN}" in texts["zh"]


def test_the_kit_is_asked_for_until_it_is_confirmed(settings: Settings) -> None:
    status = well()
    status.kit_confirmed = None

    assert stands(settings, status)[0] == "warn"
    assert "recovery kit" in stands(settings, status)[2][0]


def test_whatever_comes_from_files_and_servers_is_escaped(settings: Settings) -> None:
    evil = "<script>alert(1)</script>{{7*7}}{0}"
    status = well()
    assert status.last_run
    status.last_run.skipped = {f"originals/{evil}.jpg": evil}
    status.last_run.code, status.last_run.problems = Code.FAILED, [evil]
    status.remotes["disk"].problem = evil
    status.indexed[f"phones/{evil}"] = now()
    set_status(settings, status)
    html = page.render(settings.model_copy(update={"findings": [evil], "stack": evil}), "en")

    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "{{7*7}}{0}" in html, "as it came: neither the template nor a format filled it in"


@pytest.fixture
def served(settings: Settings) -> Iterator[str]:
    set_status(settings, well())
    server = page.serve(settings, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def get(url: str) -> tuple[int, dict[str, str], str]:
    answer = httpx.get(url, timeout=10)
    return answer.status_code, dict(answer.headers), answer.text


def test_the_page_lets_nothing_in_from_elsewhere(served: str) -> None:
    status, headers, html = get(served)
    policy = headers["content-security-policy"]

    assert status == 200
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert not re.search(r"""(src|href|action)=["'](?!\?lang=)""", html)
    assert "<script" not in html
    assert '<meta http-equiv="refresh" content="60">' in html


def test_only_reading_is_possible(served: str) -> None:
    assert httpx.post(served, content=b"x", timeout=10).status_code == 405
    assert httpx.head(served, timeout=10).status_code == 405
    assert get(f"{served}/../etc/passwd")[0] == 404


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


def test_the_same_facts_for_machines(served: str) -> None:
    status = json.loads(get(f"{served}/status.json")[2])
    families = text_string_to_metric_families(get(f"{served}/metrics")[2])
    metrics = {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}

    assert status["last_run"]["files"] == 48213
    assert metrics["photos_library_files",] == 48213
    assert metrics["photos_last_run_code",] == 0
    assert metrics["photos_remote_verified_ratio", "disk"] == 1
    assert metrics["photos_remote_drill_passed", "disk"] == 1
    assert ("photos_remote_drill_passed", "netdrive") not in metrics
    assert 8 * 3600 <= metrics["photos_remote_newest_age_seconds", "netdrive"] < 8 * 3600 + 60
    assert metrics["photos_heartbeat_age_seconds",] < 60
    assert metrics["photos_gate_waiting",] == 0


def test_metrics_of_a_new_stack_leave_out_what_is_not_known(tmp_path: Path) -> None:
    server = page.serve(service_settings(tmp_path), "127.0.0.1", 0)
    try:
        text = get(f"http://127.0.0.1:{server.server_port}/metrics")[2]
    finally:
        server.shutdown()
        server.server_close()

    assert "\nphotos_last_good_age_seconds " not in text
    assert "photos_findings 0.0" in text


def test_health_is_the_heartbeat(settings: Settings, served: str) -> None:
    good = get(f"{served}/health")[0]
    status = well()
    status.heartbeat = now() - timedelta(minutes=10)
    set_status(settings, status)

    assert (good, get(f"{served}/health")[0]) == (200, 503)


CHROMIUM = shutil.which("chromium")


def screenshot(url: str, file: Path, *, width: int, height: int, dark: bool) -> None:
    """Take a picture in a browser window of that size, in the scheme that a person has chosen."""
    file.parent.mkdir(parents=True, exist_ok=True)
    assert CHROMIUM
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--screenshot={file}",
        f"--window-size={width},{height}", f"--blink-settings=preferredColorScheme={0 if dark else 1}", url,
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=120)


def document(url: str, width: int) -> str:
    """Return the page as Chromium made it, with its console on stderr."""
    assert CHROMIUM
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0", "--dump-dom",
        f"--window-size={width},900", url,
    ]  # fmt: skip
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    assert "Content Security Policy" not in done.stderr, "the page breaks its own policy"
    return done.stdout


@pytest.mark.skipif(CHROMIUM is None, reason="keeper tier: Chromium is missing: apt-get install chromium")
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1100])
@pytest.mark.parametrize("language", LANGUAGES)
def test_chromium_shows_the_page(served: str, settings: Settings, language: str, *, width: int, dark: bool) -> None:
    """The pictures stay in .cache/page, to be looked at."""
    image = pytest.importorskip("PIL.Image")
    status = well()
    status.kit_confirmed = None
    set_status(settings, status)
    name = f"{language}-{width}-{'dark' if dark else 'light'}.png"
    screenshot(f"{served}/?lang={language}", SHOTS / name, width=width, height=1600, dark=dark)
    with image.open(SHOTS / name) as picture:
        corner, banner = picture.convert("RGB").getpixel((4, 4)), picture.convert("RGB").getpixel((width // 2, 75))

    assert (sum(corner) < 150) is dark, "the ground is as light as the reader wants it"
    assert banner[0] > banner[2], "amber: the style sheet got past the policy"


@pytest.mark.skipif(CHROMIUM is None, reason="keeper tier: Chromium is missing: apt-get install chromium")
def test_chromium_has_nothing_to_complain_about(served: str) -> None:
    html = document(served, 390)

    assert "Your photos are safe." in html


def test_the_policy_names_the_style_sheet_as_it_is_sent(settings: Settings) -> None:
    set_status(settings, well())
    sent = re.search(r"<style>(.*?)</style>", page.render(settings, "en"), re.DOTALL)
    assert sent
    digest = subprocess.run(
        ["sha256sum"], input=sent[1].encode(), capture_output=True, check=True, env=os.environ
    ).stdout.split()[0]

    assert base64.b64encode(bytes.fromhex(digest.decode())).decode() == page.STYLE_HASH
