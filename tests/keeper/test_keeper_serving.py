"""The service as the container runs it: a process, its page, its health, and what the command line shows."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from keeper.__main__ import COMMANDS
from keeper.errors import Exit
from keeper.page.status import Status
from keeper.service.scheduler import jobs_of
from keeper.settings import Settings
from keeper.state import ScrubState, State
from tests.keeper.home import PROJECT, Home
from tests.keeper.phones import PASSWORD, FakeAlbum, serving
from tests.keeper.service import closed_port, service_settings, sink
from tests.waiting import PATIENCE, until

NEVER = "0 0 29 2 *"


def environment(settings: Settings) -> dict[str, str]:
    file = settings.state.parent / "keeper.json"
    file.write_text(settings.model_dump_json())
    return os.environ | {"KEEPER_SETTINGS": str(file), "PYTHONPATH": str(PROJECT)}


def keeper(settings: Settings, *words: str) -> tuple[int, str, str]:
    """Run a command to its end; return its exit code, standard output and standard error."""
    command = [sys.executable, "-m", "keeper", *words]
    done = subprocess.run(
        command, env=environment(settings), capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    return done.returncode, done.stdout, done.stderr


@contextmanager
def serve(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """Run the service until the block ends; it ends well when it is told to."""
    service = subprocess.Popen([sys.executable, "-m", "keeper", "serve"], env=environment(settings))
    try:
        until(lambda: is_well(settings))
        yield service
    finally:
        service.send_signal(signal.SIGTERM)
        code = service.wait(PATIENCE)
    assert code == 0


def is_well(settings: Settings) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{settings.port}/health").status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def page_of(settings: Settings) -> str:
    return httpx.get(f"http://127.0.0.1:{settings.port}/?lang=en", timeout=PATIENCE).text


def quiet_settings(folder: Path, **changes: Any) -> Settings:
    """Return settings with one copy in an empty folder, of which nothing ever becomes due."""
    (folder / "copy").mkdir()
    copy = {"name": "disk", "kind": "disk", "type": "local", "path": str(folder / "copy"), "schedule": NEVER}
    settings = service_settings(folder, port=closed_port(), copies=[copy], drill_schedule=NEVER, **changes)
    (settings.secrets / "backup_disk_repository_password").write_text("key")
    return settings


def test_the_service_serves_its_page_and_ends_when_told(tmp_path: Path, restic: str) -> None:
    settings = quiet_settings(tmp_path)
    unwell = keeper(settings, "health")[0]
    with serve(settings):
        well = keeper(settings, "health")[0]
        until(lambda: "being asked" not in page_of(settings))
        shown = page_of(settings)

    assert restic
    assert (unwell, well) == (1, 0)
    assert "The first backup is yet to come." in shown


def test_a_host_that_lost_everything_shows_at_once_what_its_copies_hold(tmp_path: Path, restic: str) -> None:
    """Case 48, with real copies: the page never says that there is no backup."""
    home = Home(tmp_path)
    home.copies = [home.local(name, schedule=NEVER) for name in ("disk", "second")]
    home.changes = {"port": closed_port(), "drill_schedule": NEVER}
    home.fill(4)
    for name in ("disk", "second"):
        assert home.backup(name).snapshot
    home.forget_state()
    settings, seen = home.settings, set[str]()

    def both_are_known() -> bool:
        seen.add(page_of(settings))
        return all(home.known(name).snapshots for name in ("disk", "second"))

    with serve(settings):
        until(both_are_known)
        until(lambda: "are being asked" not in page_of(settings))
        seen.add(page_of(settings))

    assert restic
    assert not [html for html in seen if "no backup" in html.lower() or "first backup" in html.lower()]
    assert [html for html in seen if "Last backup a moment ago" in html]


def test_a_scheduled_backup_runs_and_its_end_is_told_though_a_channel_is_dead(tmp_path: Path, restic: str) -> None:
    """F47 and case 37, with the real service and real runs: MariaDB is down, the photos are backed up, the family hears."""
    home = Home(tmp_path)
    home.copies = [home.local("disk", schedule="* * * * * */2")]
    home.changes = {"port": closed_port(), "drill_schedule": NEVER}
    home.fill(5)
    with sink() as second:
        home.secret("backup_alert_urls", f"json://127.0.0.1:{closed_port()}/\n{second.channel}")
        with serve(home.settings):
            until(lambda: second.titles)
    run = home.known().run
    assert run

    assert restic
    assert run.exit in (Exit.DUMP, Exit.FAILED), "the second one may have been at work when all was stopped"
    assert home.known().snapshots
    assert second.titles[0] == "test: The album's database could not be saved"
    waiting = [json.loads(file.read_text())["title"] for file in (home.state / "alerts").glob("*.json")]
    assert waiting.count(second.titles[0]) == 1, "for the dead channel"


def test_the_status_is_shown_to_people_in_their_language_and_to_machines_as_it_is(tmp_path: Path) -> None:
    settings = quiet_settings(tmp_path, language="zh")
    code, shown, _ = keeper(settings, "status")
    read = keeper(settings, "status", "--json")

    assert (code, read[0]) == (0, 0)
    assert "备份程序没有在运行" in shown
    assert "./photos up home" in shown
    assert Status.model_validate_json(read[1]).copies.keys() == {"disk"}


def test_a_kit_that_is_safe_is_not_asked_for_again(tmp_path: Path) -> None:
    settings = quiet_settings(tmp_path)
    assert keeper(settings, "kit-is-safe", "--json")[0] == 0
    read = Status.model_validate_json(keeper(settings, "status", "--json")[1])

    assert read.kit.confirmed
    assert read.kit_lacks == []


def test_the_watch_looks_and_tells_its_health(tmp_path: Path) -> None:
    settings = quiet_settings(tmp_path)
    folder = tmp_path / "watch"
    folder.mkdir()
    program = (
        "import pathlib, sys\nfrom keeper.service import watch\n"
        f"watch.STATE = pathlib.Path({str(folder)!r})\n"
        "from keeper.__main__ import app\napp(sys.argv[1:])"
    )
    command = [sys.executable, "-c", program]
    unwell = subprocess.run([*command, "health", "--watch"], env=environment(settings), check=False).returncode
    watch = subprocess.Popen([*command, "watch"], env=environment(settings))
    try:
        until((folder / "heartbeat").exists)
        well = subprocess.run([*command, "health", "--watch"], env=environment(settings), check=False).returncode
    finally:
        watch.send_signal(signal.SIGTERM)
        ended = watch.wait(PATIENCE)

    assert (unwell, well, ended) == (1, 0, 0)
    assert State(settings.state).folder == settings.state, "and it writes nothing there"
    assert list(settings.state.iterdir()) == []


def test_what_the_schedule_calls_is_a_command(tmp_path: Path) -> None:
    called = {job.words[0] for job in jobs_of(quiet_settings(tmp_path))}

    assert called <= COMMANDS.keys()


def test_the_photos_at_home_are_read_by_hand(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.fill(3)
    code, printed, _ = keeper(home.settings, "scrub", "--all", "--json")
    _, _, told = keeper(home.settings, "scrub")

    assert code == Exit.OK
    assert ScrubState.model_validate_json(printed).rotten == {}
    assert "something is wrong" in told


def test_an_import_by_hand_is_done_by_the_album_or_said_why_not(tmp_path: Path) -> None:
    album, imports = FakeAlbum(), tmp_path / "import"
    imports.mkdir()
    (imports / "IMG_1.jpg").write_text("a photo")
    with serving(album) as url:
        settings = quiet_settings(tmp_path, photoprism_url=url, roots={"import": imports}, import_mode="move")
        (settings.secrets / "photoprism_app_password").write_text(PASSWORD)
        code, _, told = keeper(settings, "import")
    refused = keeper(settings, "import")

    assert (code, album.indexed) == (0, ["import"])
    assert "took over 0 files" in told, "this album moves none"
    assert "e.g. IMG_1.jpg" in told
    assert refused[0] == Exit.FAILED
    assert "the album did not import" in refused[2]
