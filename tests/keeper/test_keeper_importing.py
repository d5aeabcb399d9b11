"""The album takes over what lies in the import folder: between real folders and a fake of PhotoPrism that takes and moves."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from keeper.errors import Exit, KeeperError
from keeper.page.status import read_status
from keeper.page.view import view_of
from keeper.service.alerts import Alerts
from keeper.service.importing import AT_ONCE, ImportReport, Pace, take_over
from keeper.service.outcomes import Failure, Outcomes
from keeper.service.scheduler import jobs_of
from keeper.settings import MARKER, Settings
from keeper.state import ImportState, State
from keeper.texts import problem_text
from tests.keeper.phones import PASSWORD, FakeAlbum, serving
from tests.keeper.service import ID, closed_port, service_settings, sink

PACE = Pace(settle=0.02, patience=5, tries=2, pause=0.02)
KINDS = {".jpg", ".heic"}


@dataclass
class TakingAlbum(FakeAlbum):
    """Takes photos and nothing else. `busy`: so often it is at an index, says that it is done and does nothing."""

    imports: Path = field(default_factory=Path)
    busy: int = 0
    known: set[str] = field(default_factory=set)

    def answer(self, path: str, body: dict[str, Any], token: str) -> tuple[int, Any]:
        status, told = super().answer(path, body, token)
        if status != 200 or self.busy:
            self.busy = max(0, self.busy - 1)
            return status, told
        for file in [file for file in self.imports.rglob("*") if file.suffix in KINDS]:
            self.known.add(hashlib.sha1(file.read_bytes(), usedforsecurity=False).hexdigest())
            if body["move"]:
                file.unlink()
        return status, told

    def look(self, path: str, token: str) -> tuple[int, Any]:
        status, told = super().look(path, token)
        return (200, {}) if status == 404 and path.rpartition("/")[2] in self.known else (status, told)


@pytest.fixture
def album(tmp_path: Path) -> TakingAlbum:
    for name in ("originals", "import"):
        (tmp_path / name).mkdir()
        (tmp_path / name / MARKER).write_text(ID)
    return TakingAlbum(imports=tmp_path / "import")


@pytest.fixture
def settings(tmp_path: Path, album: TakingAlbum) -> Iterator[Settings]:
    with serving(album) as url:
        yield settings_of(tmp_path, url)


def settings_of(folder: Path, url: str, **changes: Any) -> Settings:
    roots = {name: folder / name for name in ("originals", "import")}
    values = {"roots": roots, "marked": list(roots), "photoprism_url": url, "import_schedule": "0 4 * * *"}
    settings = service_settings(folder, **values | changes)
    (settings.secrets / "photoprism_app_password").write_text(PASSWORD)
    return settings


def moving(settings: Settings) -> Settings:
    return settings.model_copy(update={"import_mode": "move"})


def put(settings: Settings, name: str, content: str = "a photo") -> Path:
    file = settings.roots["import"] / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(os.fsencode(f"{content} {name}"))
    return file


def state_of(settings: Settings) -> ImportState:
    return ImportState.read(State(settings.state).import_file)


def codes(report: ImportReport) -> list[str]:
    return [problem.code for problem in report.problems]


def test_copies_are_taken_and_asked_for_once(settings: Settings, album: TakingAlbum) -> None:
    photo = put(settings, "trip/IMG_1.jpg")

    first, second = take_over(settings, PACE), take_over(settings, PACE)

    assert (first.taken, second.taken) == (1, 0)
    assert album.bodies == [{"path": "", "move": False}], "nothing is new the second time"
    assert photo.exists()
    assert state_of(settings).ended


def test_what_is_new_or_changed_is_taken_the_next_time(settings: Settings, album: TakingAlbum) -> None:
    put(settings, "IMG_1.jpg")
    take_over(settings, PACE)
    put(settings, "IMG_1.jpg", "another photo")
    put(settings, "IMG_2.jpg")

    assert take_over(settings, PACE).taken == 2
    assert len(album.bodies) == 2


def test_moved_photos_are_gone_from_there_and_the_marker_stays(settings: Settings, album: TakingAlbum) -> None:
    photo = put(settings, "trip/IMG_1.jpg")

    report = take_over(moving(settings), PACE)

    assert (report.taken, report.problems) == (1, [])
    assert album.bodies == [{"path": "", "move": True}]
    assert not photo.exists()
    assert take_over(moving(settings), PACE).taken == 0


@pytest.mark.parametrize("mode", ["copy", "move"])
def test_what_the_album_does_not_take_is_named_told_once_and_stays(
    settings: Settings, album: TakingAlbum, mode: str
) -> None:
    settings = settings.model_copy(update={"import_mode": mode})
    put(settings, "IMG_1.jpg")
    stays = put(settings, "notes.txt")

    first, second = take_over(settings, PACE), take_over(settings, PACE)

    assert (first.taken, codes(first), first.untold) == (1, ["import.left"], True)
    assert (codes(second), second.untold) == (["import.left"], False)
    assert "1 files were not taken by the album, e.g. notes.txt" in problem_text("en", first.problems[0])
    assert len(album.bodies) == 1
    assert stays.exists()
    stays.unlink()
    assert codes(take_over(settings, PACE)) == []


@pytest.mark.parametrize("mode", ["copy", "move"])
def test_an_album_that_is_at_an_index_is_asked_again(settings: Settings, album: TakingAlbum, mode: str) -> None:
    """PhotoPrism answers 200 and does nothing."""
    settings = settings.model_copy(update={"import_mode": mode})
    put(settings, "IMG_1.jpg")
    album.busy = 1

    assert take_over(settings, PACE).taken == 1
    assert len(album.bodies) == 2


def test_an_album_that_is_at_an_index_for_hours_gets_it_the_next_time(settings: Settings, album: TakingAlbum) -> None:
    put(settings, "IMG_1.jpg")
    album.busy = 2

    first, second = take_over(settings, PACE), take_over(settings, PACE)

    assert (first.taken, first.untold) == (0, True)
    assert (second.taken, second.problems) == (1, [])


def test_a_file_that_is_still_being_written_is_waited_for(
    settings: Settings, album: TakingAlbum, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = put(settings, "film.jpg")
    done = threading.Event()
    seen_whole: list[bool] = []

    def write() -> None:
        for _ in range(10):
            with slow.open("a") as file:
                file.write("more")
            done.wait(0.05)
        done.set()

    plain = album.answer

    def answer(path: str, body: dict[str, Any], token: str) -> tuple[int, Any]:
        seen_whole.append(done.is_set())
        return plain(path, body, token)

    monkeypatch.setattr(album, "answer", answer)
    writer = threading.Thread(target=write)
    writer.start()
    try:
        report = take_over(moving(settings), Pace(settle=0.3, patience=20))
    finally:
        writer.join()

    assert (seen_whole, report.taken) == ([True], 1)


def test_a_folder_that_is_written_to_for_ever_is_left_alone(settings: Settings, album: TakingAlbum) -> None:
    slow, stop = put(settings, "film.jpg"), threading.Event()

    def write() -> None:
        while not stop.wait(0.01):
            with slow.open("a") as file:
                file.write("more")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with pytest.raises(KeeperError) as refused:
            take_over(moving(settings), Pace(settle=0.1, patience=0.2))
    finally:
        stop.set()
        writer.join()

    assert refused.value.problem.code == "import.unsettled"
    assert not album.bodies
    assert [problem.code for problem in state_of(settings).problems] == ["import.unsettled"]


def test_nothing_is_moved_away_from_what_syncthing_syncs(settings: Settings, album: TakingAlbum) -> None:
    """It would be deleted on the phone."""
    photo = put(settings, "camera/IMG_1.jpg")
    (photo.parent / ".stfolder").mkdir()

    report = take_over(moving(settings), PACE)

    assert album.bodies == [{"path": "", "move": False}]
    assert (report.taken, codes(report)) == (1, ["import.synced"])
    assert "its folder camera is synced" in problem_text("en", report.problems[0])
    assert photo.exists()


def test_what_the_album_overlooks_is_not_asked_for(settings: Settings, album: TakingAlbum) -> None:
    for name in (
        ".hidden.jpg",
        "@eaDir/IMG_1.jpg",
        "Thumbs.db",
        "a/.syncthing.IMG.jpg.tmp",
        "a/~syncthing~IMG.jpg.tmp",
    ):
        put(settings, name)
    (settings.roots["import"] / "link.jpg").symlink_to("/etc/hostname")

    assert take_over(settings, PACE) == ImportReport(taken=0)
    assert not album.bodies


def test_a_name_of_any_bytes_is_remembered(settings: Settings, album: TakingAlbum) -> None:
    put(settings, os.fsdecode(b"caf\xe9.txt"))
    put(settings, "IMG_1.jpg")

    report = take_over(settings, PACE)

    assert (report.taken, codes(report)) == (1, ["import.left"])
    assert take_over(settings, PACE).untold is False
    assert len(album.bodies) == 1


@pytest.mark.parametrize("fault", ["absent", "another"])
def test_a_folder_that_is_not_ours_is_left_alone(settings: Settings, album: TakingAlbum, fault: str) -> None:
    """An empty mount point, or another disk."""
    photo, marker = put(settings, "IMG_1.jpg"), settings.roots["import"] / MARKER
    if fault == "absent":
        marker.unlink()
    else:
        marker.write_text("another id")

    with pytest.raises(KeeperError) as refused:
        take_over(moving(settings), PACE)

    assert refused.value.exit == Exit.PREFLIGHT
    assert photo.exists()
    assert not album.bodies


def test_by_hand_everything_is_asked_for_again(settings: Settings, album: TakingAlbum) -> None:
    put(settings, "IMG_1.jpg")
    take_over(settings, PACE)

    report = take_over(settings, Pace(settle=0.02, tries=AT_ONCE.tries), everything=True)

    assert report.taken == 1
    assert len(album.bodies) == 2


def test_two_imports_do_not_run_at_once(settings: Settings, album: TakingAlbum) -> None:
    put(settings, "IMG_1.jpg")
    album.seconds = 1
    first = threading.Thread(target=take_over, args=(settings, PACE))
    first.start()
    while not album.at_once:
        pass
    with pytest.raises(KeeperError) as refused:
        take_over(settings, PACE)
    first.join()

    assert refused.value.exit == Exit.LOCKED
    assert len(album.bodies) == 1


@pytest.mark.usefixtures("album")
def test_an_import_without_an_album_says_what_to_do(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, f"http://127.0.0.1:{closed_port()}")
    put(settings, "IMG_1.jpg")

    with pytest.raises(KeeperError) as refused:
        take_over(settings, PACE)

    told = problem_text("en", refused.value.problem)
    assert told.startswith("the album did not import: 127.0.0.1 does not answer (")
    assert told.endswith(". Is it running? ./photos status")


def test_a_password_that_was_revoked_is_told_with_the_way_to_a_new_one(settings: Settings) -> None:
    put(settings, "IMG_1.jpg")
    (settings.secrets / "photoprism_app_password").write_text("revoked")

    with pytest.raises(KeeperError) as caught:
        take_over(settings, PACE)

    said = problem_text("en", caught.value.problem)
    assert "./photos up --refresh" in said
    assert "revoked" not in said


def test_the_family_is_told_of_what_failed_of_what_was_left_once_and_that_it_is_over(settings: Settings) -> None:
    with sink() as family:
        (settings.secrets / "backup_alert_urls").write_text(family.channel)
        outcomes = Outcomes(settings, Alerts(settings, settings.state))
        put(settings, "notes.txt")
        put(settings, "IMG_1.jpg")
        reports = [take_over(settings, PACE), take_over(settings, PACE)]
        failed = Failure(exit=Exit.FAILED, problem=reports[0].problems[0])
        outcomes.tell("import", "", failed.exit, failed.model_dump_json().encode())
        for report in reports:
            outcomes.tell("import", "", report.exit, report.model_dump_json().encode())
        (settings.roots["import"] / "notes.txt").unlink()
        over = take_over(settings, PACE)
        outcomes.tell("import", "", over.exit, over.model_dump_json().encode())

    assert [title.removeprefix("home: ") for title in family.titles] == [
        "The album took over nothing from the import folder",
        "The album did not take everything from the import folder",
        "All is well again: the album takes over what lies in the import folder",
    ]


@pytest.mark.parametrize(("language", "told"), [("en", "e.g. notes.txt"), ("zh", "例如 notes.txt")])
def test_the_page_names_what_was_left(settings: Settings, language: Any, told: str) -> None:
    put(settings, "notes.txt")
    put(settings, "IMG_1.jpg")
    take_over(settings, PACE)

    items = view_of(settings, read_status(settings), language).items

    assert [item.level for item in items if told in item.text] == ["note"]
    never = settings.model_copy(update={"import_schedule": ""})
    assert not [item for item in view_of(never, read_status(never), language).items if told in item.text]


def test_only_who_wants_it_has_a_job_of_it(settings: Settings) -> None:
    never = settings.model_copy(update={"import_schedule": ""})

    assert [job.schedule for job in jobs_of(settings) if job.name == "import"] == ["0 4 * * *"]
    assert not [job for job in jobs_of(never) if job.name == "import"]
