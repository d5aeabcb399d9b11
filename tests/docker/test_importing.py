"""The album imports: the keeper asks the running double, which moves and deletes as PhotoPrism does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from components.apps.photoprism import PhotoPrismApi
from components.keeper import ALBUM_SCOPE
from keeper.service.importing import Pace, take_over
from keeper.settings import MARKER, Settings
from tests.docker.phone import digest, picture
from tests.docker.running_stack import OWNER, Stack
from tests.waiting import PATIENCE

PACE = Pace(settle=0.2, tries=1)


@pytest.fixture
def settings(stack: Stack, tmp_path: Path) -> Settings:
    for name in ("state", "secrets"):
        (tmp_path / name).mkdir()
    album = PhotoPrismApi(stack.url("photoprism"), stack.secrets["photoprism_admin_password"], patience=PATIENCE)
    (tmp_path / "secrets" / "photoprism_app_password").write_text(album.new_password("photos keeper", ALBUM_SCOPE))
    return Settings.model_validate(
        {
            "stack": stack.name,
            "id": stack.id,
            "roots": {name: stack.root / name for name in ("originals", "import")},
            "marked": ["originals", "import"],
            "database": {"host": "127.0.0.1"},
            "copies": [],
            "state": tmp_path / "state",
            "secrets": tmp_path / "secrets",
            "photoprism_url": stack.url("photoprism"),
            "import_mode": "move",
        }
    )


def test_photos_are_moved_into_the_album_and_what_is_not_its_own_stays(stack: Stack, settings: Settings) -> None:
    """The marker, too: without it no backup runs and `up` takes the folder for another disk."""
    imports = settings.roots["import"]
    (imports / "trip").mkdir()
    os.chown(imports / "trip", OWNER.uid, OWNER.gid)
    sent = picture(imports / "trip" / "IMG_1.jpg", 7)
    for name in (".stignore", ".syncthing.IMG_2.jpg.tmp", "trip/.syncthing.IMG_3.jpg.tmp", "trip/notes.txt"):
        (imports / name).write_text("not a photo")

    report = take_over(settings, PACE)

    assert (report.taken, [problem.values for problem in report.problems]) == (
        1,
        [{"count": 1, "path": "trip/notes.txt"}],
    )
    assert not (imports / "trip" / "IMG_1.jpg").exists()
    (shown,) = stack.sql("SELECT file_name FROM files").split()
    assert digest(stack.root / "originals" / shown) == sent
    assert (imports / MARKER).read_text().strip() == stack.id
    for name in (".stignore", ".syncthing.IMG_2.jpg.tmp", "trip/.syncthing.IMG_3.jpg.tmp", "trip/notes.txt"):
        assert (imports / name).read_text() == "not a photo"


def test_a_folder_that_syncthing_syncs_is_only_copied_from(stack: Stack, settings: Settings) -> None:
    folder = settings.roots["import"] / "camera"
    (folder / ".stfolder").mkdir(parents=True)
    sent = picture(folder / "IMG_4.jpg", 8)

    report = take_over(settings, PACE)

    assert [problem.code for problem in report.problems][-1] == "import.synced"
    assert report.taken == 1
    assert digest(folder / "IMG_4.jpg") == sent
    shown = stack.sql("SELECT file_name FROM files").split()
    assert sent in {digest(stack.root / "originals" / name) for name in shown}
