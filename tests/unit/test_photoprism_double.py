"""The stand-in for PhotoPrism answers as the real one does; with PHOTOPRISM=/path/to/photoprism the real one is asked.

Run so with upstream's develop of 2026-06-30 on 2026-11-29: demo/images/README.md.
"""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.photoprism import ADMIN, Album, is_real, running

SHORT = "abcde"
"""Shorter than any that a person may choose later, and taken as a first one all the same."""
LONGEST = "照" * 24
NOON = 1_700_000_000
"""2023-11-14 22:13:20 in UTC; the next day already in Shanghai."""


@pytest.fixture(scope="module", name="album")
def one_for_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Album]:
    chosen = {"WORKERS": "1", "THUMB_SIZE": "1280", "FFMPEG_SIZE": "1280", "FFMPEG_PRESET": "veryfast"}
    with running(
        tmp_path_factory.mktemp("album"), ADMIN_PASSWORD=SHORT, DEFAULT_TIMEZONE="Asia/Shanghai", **chosen
    ) as made:
        yield made


@pytest.fixture(scope="module")
def owner(album: Album) -> Iterator[httpx.Client]:
    with album.owner(SHORT) as client:
        yield client


@pytest.mark.parametrize("path", ["/health", "/healthz", "/livez", "/readyz"])
def test_its_health_is_told_as_json(album: Album, path: str) -> None:
    with album.stranger() as client:
        told = client.get(path)

    assert told.json()["status"] == "ok"
    assert set(told.json()) == {"status", "time"}


@pytest.mark.parametrize(
    ("method", "path", "status", "error"),
    [
        ("GET", "/api/v1/photos?count=1", 401, "Please log in to your account"),
        ("POST", "/api/v1/index", 401, "Please log in to your account"),
    ],
)
def test_an_error_has_a_text_for_people_and_an_id_that_no_language_changes(
    album: Album, method: str, path: str, status: int, error: str
) -> None:
    with album.stranger() as client:
        told = client.request(method, path, json={})

    assert (told.status_code, told.json()) == (status, {"code": status, "error": error, "messageId": error})


def test_a_missing_count_is_an_error(owner: httpx.Client) -> None:
    told = owner.get("/api/v1/photos")

    assert (told.status_code, told.json()["messageId"]) == (400, "Unable to do that")


@pytest.mark.parametrize(
    ("path", "leads_to"), [("/api/v1/import", "/api/v1/import/"), ("/api/v1/index/", "/api/v1/index")]
)
def test_a_slash_too_many_or_too_few_leads_elsewhere(owner: httpx.Client, path: str, leads_to: str) -> None:
    told = owner.post(path, json={})

    assert (told.status_code, told.headers["Location"]) == (307, leads_to)


def test_options_are_told_by_upstream_s_names_and_kinds(owner: httpx.Client) -> None:
    told = owner.get("/api/v1/config/options").json()

    wanted: dict[str, Any] = {
        "IndexWorkers": "1", "ThumbSize": 1280, "JpegQuality": 83, "FFmpegSize": 1280, "FFmpegPreset": "veryfast",
        "FFmpegEncoder": "libx264", "OriginalsLimit": 1000, "ReadOnly": False, "DisableFaces": False, "SiteTitle": "",
        "DefaultTimezone": "Asia/Shanghai", "DefaultTLS": False, "IndexSchedule": "",
    }  # fmt: skip
    assert {name: told[name] for name in wanted} == wanted


SCOPES = ("photos", "files", "webdav", "photos files", "*")
MAY = {  # index, import, WebDAV, the admin's options, log in with it in place of the password
    "photos": (200, 403, 401, 403, 401),
    "files": (403, 200, 401, 403, 401),
    "webdav": (403, 403, 207, 403, 401),
    "photos files": (200, 200, 401, 403, 401),
    "*": (200, 200, 207, 403, 200),
}


@pytest.mark.parametrize("scope", SCOPES)
def test_an_app_password_opens_what_its_scope_says(album: Album, owner: httpx.Client, scope: str) -> None:
    asked = {"grant_type": "password", "username": ADMIN, "password": SHORT, "client_name": scope, "scope": scope}
    token = owner.post("/api/v1/oauth/token", json=asked | {"expires_in": -1}).json()["access_token"]
    with album.stranger() as program:
        dav = program.request("PROPFIND", "/originals/", auth=(ADMIN, token)).status_code
        program.headers["Authorization"] = f"Bearer {token}"
        found = (
            program.post("/api/v1/index", json={}).status_code,
            program.post("/api/v1/import/", json={}).status_code,
            dav,
            program.get("/api/v1/config/options").status_code,
            album.log_in(token).status_code,
        )

    assert found == MAY[scope]


@pytest.mark.parametrize("changes", [{"password": "wrong-one"}, {"scope": ""}])
def test_an_app_password_that_is_refused_is_refused_in_oauth_s_words(
    owner: httpx.Client, changes: dict[str, str]
) -> None:
    asked = {"grant_type": "password", "username": ADMIN, "password": SHORT, "client_name": "x", "scope": "photos"}
    told = owner.post("/api/v1/oauth/token", json=asked | changes)

    assert (told.status_code, told.json()["error"]) == (401, "invalid credentials")
    assert "messageId" not in told.json()


def picture(file: Path, colour: str, taken: str = "") -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    made = Image.new("RGB", (640, 480), colour)
    exif = made.getexif()
    if taken:
        exif.get_ifd(0x8769)[0x9003] = taken
    made.save(file, exif=exif)
    os.utime(file, (NOON, NOON))


def test_an_import_that_moves_names_in_utc_and_takes_hidden_files_along(album: Album, owner: httpx.Client) -> None:
    inside = album.imports
    picture(inside / "sub/a.jpg", "red")
    picture(inside / "b.jpg", "green", "2024:05:06 23:30:00")
    picture(inside / "the-same.jpg", "green", "2024:05:06 23:30:00")
    for name in (".stignore", ".syncthing.x.jpg.tmp", "sub/.syncthing.y.jpg.tmp", ".stfolder/mark", "notes.txt"):
        (inside / name).parent.mkdir(exist_ok=True)
        (inside / name).write_text("x")
    told = owner.post("/api/v1/import/", json={"path": "", "move": True})

    assert told.json()["message"].startswith("Import completed in ")
    left = sorted(str(path.relative_to(inside)) for path in inside.rglob("*"))
    assert left == [".stfolder", ".stfolder/mark", "notes.txt", "sub"]
    came = sorted(str(path.relative_to(album.originals)) for path in album.originals.rglob("*.jpg"))
    assert [name.rpartition("_")[0] for name in came] == ["2023/11/20231114_221320", "2024/05/20240506_233000"]


def test_ten_wrong_passwords_lock_out_the_right_one_too(tmp_path: Path) -> None:
    with running(tmp_path, ADMIN_PASSWORD=SHORT) as album:
        wrong = [album.log_in("wrong-password").status_code for _ in range(10)]
        told = album.log_in(SHORT)

    assert wrong == [401] * 10
    assert (told.status_code, told.json()) == (429, {"code": 429, "error": "rate limit exceeded"})


@pytest.mark.skipif(is_real(), reason="PhotoPrism with SQLite: seen with MariaDB on 2026-11-29")
def test_without_its_database_a_right_password_looks_wrong_and_nothing_is_a_server_error(tmp_path: Path) -> None:
    with running(tmp_path, ADMIN_PASSWORD=SHORT) as album, album.owner(SHORT) as owner:
        with sqlite3.connect(tmp_path / "storage/index.db") as index:
            for table in ("auth_users", "auth_sessions"):
                index.execute(f"DROP TABLE {table}")
        found = album.log_in(SHORT).status_code, owner.get("/api/v1/config/options").status_code
        status = owner.get("/api/v1/status").status_code

    assert found == (401, 403)
    assert status == httpx.codes.OK


def test_it_speaks_the_language_of_its_pages(tmp_path: Path) -> None:
    with running(tmp_path, ADMIN_PASSWORD=SHORT, DEFAULT_LOCALE="zh") as album, album.owner(SHORT) as owner:
        refused = album.log_in("wrong-password").json()
        indexed = owner.post("/api/v1/index", json={}).json()["message"]

    assert (refused["error"], refused["messageId"]) == ("无效凭证", "Invalid credentials")
    assert indexed.startswith("索引成功，耗时 ")


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGTERM], ids=["asked by its page", "stopped"])
def test_a_restart_that_its_page_asks_for_ends_with_1_and_a_stop_with_0(tmp_path: Path, number: signal.Signals) -> None:
    with running(tmp_path, ADMIN_PASSWORD=SHORT) as album:
        album.server.send_signal(number)
        code = album.server.wait(60)

    assert code == (1 if number == signal.SIGUSR1 else 0)


@pytest.mark.parametrize(
    ("variables", "password", "opens"),
    [
        ({"ADMIN_PASSWORD_FILE": "with a newline"}, "in-a-file", True),
        ({"ADMIN_PASSWORD_FILE": "missing"}, "", False),
        ({"ADMIN_PASSWORD": LONGEST}, LONGEST, True),
        ({"ADMIN_PASSWORD": f"{LONGEST}x"}, f"{LONGEST}x", False),
    ],
    ids=["a newline at the end", "no file", "72 bytes", "73 bytes"],
)
def test_without_a_first_password_it_runs_and_lets_nobody_in(
    tmp_path: Path, variables: dict[str, str], password: str, opens: bool
) -> None:
    file = tmp_path / "password"
    file.write_text("in-a-file\n")
    files = {"with a newline": str(file), "missing": str(tmp_path / "nowhere")}
    with running(tmp_path, **{name: files.get(value, value) for name, value in variables.items()}) as album:
        status = album.log_in(password).status_code

    assert status == (200 if opens else 401)


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [("of-the-family", "another-one", 200), ("wrong-password", "another-one", 400), ("of-the-family", "seven77", 400)],
    ids=["changed", "not the old one", "too short"],
)
def test_a_password_is_changed_by_who_knows_the_old_one(tmp_path: Path, old: str, new: str, status: int) -> None:
    with running(tmp_path, ADMIN_PASSWORD="of-the-family") as album, album.owner("of-the-family") as owner:
        me = album.log_in("of-the-family").json()["user"]["UID"]
        told = owner.put(f"/api/v1/users/{me}/password", json={"old": old, "new": new})
        opens = [album.log_in(password).status_code for password in ("of-the-family", "another-one")]

    assert told.status_code == status
    assert opens == ([401, 200] if status == httpx.codes.OK else [200, 401])


@pytest.mark.parametrize(("password", "taken"), [("seven77", False), ("x" * 72, True), ("照" * 25, False)])
def test_a_later_password_has_8_characters_and_72_bytes_and_a_refused_one_is_no_failure(
    album: Album, password: str, taken: bool
) -> None:
    done = album.command("users", "mod", "-p", password, ADMIN)
    opens = album.log_in(password).status_code == httpx.codes.OK
    album.command("users", "mod", "-p", "back-to-the-first", ADMIN)

    assert (done.returncode, opens) == (0, taken)
    assert taken or "password must have " in done.stdout + done.stderr


def test_a_settings_file_of_an_older_set_up_is_read_and_kept(tmp_path: Path) -> None:
    """As `./photos adopt` brings it: the real program writes YAML."""
    config = tmp_path / "storage" / "config"
    config.mkdir(parents=True)
    (config / "settings.yml").write_text("UI:\n  Theme: lavender\n  Language: zh\nImport:\n  Path: /\n  Move: false\n")
    pattern = "2006/01/20060102_150405_82F63B78.jpg"
    with running(tmp_path, ADMIN_PASSWORD="the-admins-password") as album, album.owner("the-admins-password") as owner:
        before = owner.get("/api/v1/settings").json()
        owner.post("/api/v1/settings", json={"import": {"dest": pattern}}).raise_for_status()
        after = owner.get("/api/v1/settings").json()

    assert (before["ui"]["theme"], before["ui"]["language"]) == ("lavender", "zh")
    assert (after["ui"]["theme"], after["import"]["dest"]) == ("lavender", pattern)
