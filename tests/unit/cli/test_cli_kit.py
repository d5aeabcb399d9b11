"""The recovery kit: made, opened by the right passphrase only, and put back on a machine that has nothing."""

from __future__ import annotations

import html
import re
import shlex
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
import typer
import yaml

from cli import age, kept_kit, kit, paths
from cli.console import Unattended
from cli.kit_copies import KitCopy, KitFiles
from components.storage import MARKER

ID = "11111111-2222-4333-8444-555555555555"
PASSPHRASE = "five words that we remember"
FILES = KitFiles(
    copies=[
        KitCopy(
            name="disk",
            kind="disk",
            type="local",
            path="/mnt/backup/photos",
            password="key of disk",
            config=b"the config",
            keys={"abc": b"the key"},
        ),
        KitCopy(
            name="net",
            kind="mirror",
            type="webdav",
            path="deep/photos",
            password="key of net",
            rclone="[net]\ntype = webdav\npass = obscured\n",
        ),
        KitCopy(name="look", kind="album", type="webdav", path="look"),
    ],
    keys={"backup_disk_repository_password": "f1"},
)


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A set-up stack in folders of the test."""
    monkeypatch.setenv("PHOTOS_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(paths, "STACK_FILES", tmp_path / "stacks")
    monkeypatch.setattr(Unattended, "yes", True)
    config = yaml.safe_load((paths.EXAMPLES / "Pulumi.dev.yaml").read_text())["config"]
    config |= {
        "photos:id": ID,
        "photos:library": {"originals": str(tmp_path / "lib/originals"), "import": str(tmp_path / "lib/import")},
    }
    text = yaml.safe_dump({"encryptionsalt": "v1:salt", "config": config})
    paths.write_private(paths.stack_file("home"), text)
    paths.write_private(paths.passphrase_file("home"), "the stack's own passphrase")
    return "home"


def made(stack: str, tmp_path: Path) -> Path:
    return kit.make(stack, tmp_path, PASSPHRASE)[0]


def lose_everything(tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "data")
    shutil.rmtree(tmp_path / "stacks")


def test_a_bare_machine_gets_stack_file_passphrase_and_marked_folders_back(stack: str, tmp_path: Path) -> None:
    text = paths.stack_file(stack).read_text()
    file = made(stack, tmp_path)
    lose_everything(tmp_path)

    assert kit.put_back(file, PASSPHRASE) == stack
    assert paths.stack_file(stack).read_text() == text
    assert paths.passphrase_file(stack).read_text() == "the stack's own passphrase"
    assert (tmp_path / "lib/originals" / MARKER).read_text().strip() == ID
    assert (tmp_path / "lib/import" / MARKER).read_text().strip() == ID
    assert paths.passphrase_file(stack).stat().st_mode & 0o077 == 0


def test_the_kit_shows_nothing_without_its_passphrase(
    stack: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = made(stack, tmp_path)
    assert b"passphrase" not in file.read_bytes()[200:]
    assert file.stat().st_mode & 0o077 == 0
    with pytest.raises(typer.Exit):
        kit.unpack(file, "another passphrase")

    assert "does not open. Is the passphrase right" in capsys.readouterr().err


def test_a_cut_kit_says_so(stack: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = made(stack, tmp_path)
    file.write_bytes(file.read_bytes()[:-50])
    with pytest.raises(typer.Exit):
        kit.unpack(file, PASSPHRASE)

    assert "is the file whole" in capsys.readouterr().err


@pytest.mark.skipif(not shutil.which("age"), reason="unit tier: the program age is missing: apt-get install age")
def test_the_standard_age_program_opens_it(stack: str, tmp_path: Path) -> None:
    command = f"age -d -o {tmp_path}/kit.tar.gz {made(stack, tmp_path)}"
    # age asks on the terminal only, and `script` is one.
    subprocess.run(["script", "-qec", command, "/dev/null"], input=f"{PASSPHRASE}\n".encode(), timeout=240, check=True)

    with tarfile.open(tmp_path / "kit.tar.gz") as bundle:
        assert "READ-ME.txt" in bundle.getnames()


def test_what_another_program_encrypted_is_no_kit(
    stack: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "other.age"
    file.write_bytes(age.encrypt(kit._packed({"letter.txt": b"dear"}), PASSPHRASE))
    with pytest.raises(typer.Exit):
        kit.put_back(file, PASSPHRASE)

    assert "no recovery kit" in capsys.readouterr().err
    assert paths.stack_file(stack).exists()


def test_a_second_try_with_a_mended_stack_file_goes_on(stack: str, tmp_path: Path) -> None:
    file = made(stack, tmp_path)
    lose_everything(tmp_path)
    kit.put_back(file, PASSPHRASE)
    mended = paths.stack_file(stack).read_text().replace("lib/originals", "lib/pictures")
    paths.stack_file(stack).write_text(mended)
    kit.put_back(file, PASSPHRASE)

    assert paths.stack_file(stack).read_text() == mended
    assert (tmp_path / "lib/pictures" / MARKER).read_text().strip() == ID


def test_a_kept_stack_file_or_passphrase_of_another_stack_is_respected(
    stack: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = made(stack, tmp_path)
    lose_everything(tmp_path)
    copy = paths.copies_folder(stack) / "20260101T000000.000000Z.yaml"
    for place, text in ((copy, "config: {photos:id: another}"), (paths.passphrase_file(stack), "another")):
        paths.write_private(place, text)
        with pytest.raises(typer.Exit):
            kit.put_back(file, PASSPHRASE)

        assert str(place) in capsys.readouterr().err
        assert not paths.stack_file(stack).exists()
        place.unlink()


def test_a_copy_behind_openlist_says_that_its_drive_must_be_added_again(stack: str, tmp_path: Path) -> None:
    document = yaml.safe_load(paths.stack_file(stack).read_text())
    document["config"]["photos:backup"] = {"remotes": {"quark": {"kind": "mirror", "type": "openlist", "path": "q"}}}
    paths.stack_file(stack).write_text(yaml.safe_dump(document))
    file, page = kit.make(stack, tmp_path, PASSPHRASE)

    assert "add this drive in OpenList again" in page.read_text()
    assert "重新添加网盘".encode() in kit.unpack(file, PASSPHRASE)["READ-ME.txt"]


def test_another_stack_of_the_same_name_is_never_overwritten(
    stack: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = made(stack, tmp_path)
    paths.stack_file(stack).write_text("config: {}\n")
    with pytest.raises(typer.Exit):
        kit.put_back(file, PASSPHRASE)

    assert "Nothing was changed" in capsys.readouterr().err
    assert paths.stack_file(stack).read_text() == "config: {}\n"


def test_a_library_of_another_stack_is_left_alone(
    stack: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = made(stack, tmp_path)
    lose_everything(tmp_path)
    (tmp_path / "lib/originals").mkdir(parents=True)
    (tmp_path / "lib/originals" / MARKER).write_text("99999999-0000-4000-8000-000000000000")
    with pytest.raises(typer.Exit):
        kit.put_back(file, PASSPHRASE)

    assert "belongs to another stack" in capsys.readouterr().err


def test_a_short_passphrase_is_refused(stack: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit):
        kit.make(stack, tmp_path, "short")

    assert "at least 12 characters" in capsys.readouterr().err
    assert list(tmp_path.glob("*.age")) == []


def test_a_stack_that_is_not_set_up_has_no_kit(stack: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths.passphrase_file(stack).unlink()
    with pytest.raises(typer.Exit):
        kit.make(stack, tmp_path, PASSPHRASE)

    assert "not set up here" in capsys.readouterr().err


def test_the_page_to_print_holds_no_secret_and_names_the_file(stack: str, tmp_path: Path) -> None:
    file, page = kit.make(stack, tmp_path, PASSPHRASE)
    text = page.read_text()

    assert file.name in text
    assert ID in text
    assert PASSPHRASE not in text
    assert "the stack's own passphrase" not in text


def test_the_kit_says_inside_what_to_do(stack: str, tmp_path: Path) -> None:
    members = kit.unpack(made(stack, tmp_path), PASSPHRASE)

    assert set(members) == {"kit.json", "READ-ME.txt", "Pulumi.home.yaml", "passphrase"}
    assert b"./photos keeper restore --kit" in members["READ-ME.txt"]


def test_whether_the_kit_is_kept_safe_is_remembered_with_what_it_opens(stack: str, tmp_path: Path) -> None:
    kit.make(stack, tmp_path, PASSPHRASE, FILES)
    assert kept_kit.confirmed(stack) is None, "it was made, and not put away"

    kept = kept_kit.confirm(stack)

    assert kept_kit.confirmed(stack) == kept
    assert kept.fingerprints == FILES.keys
    assert kept_kit.lacking(stack) == []


def test_a_kit_that_was_never_made_cannot_be_safe(stack: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit):
        kept_kit.confirm(stack)

    assert "./photos keeper kit --stack home" in capsys.readouterr().err


def test_a_broken_note_is_none(stack: str, tmp_path: Path) -> None:
    made(stack, tmp_path)
    kept_kit.confirm(stack)
    (paths.data_folder() / "kits" / stack).write_text("2026-11-28T10:00:00+00:00")

    assert kept_kit.confirmed(stack) is None


def change(stack: str, **values: object) -> None:
    document = yaml.safe_load(paths.stack_file(stack).read_text())
    document["config"] |= {f"photos:{key}": value for key, value in values.items()}
    paths.write_private(paths.stack_file(stack), yaml.safe_dump(document))


DISK = {"kind": "disk", "type": "local", "path": "/mnt/backup/photos"}
BUCKET = {"kind": "mirror", "type": "s3", "path": "bucket/photos", "secrets": ["secret_access_key"]}


@pytest.mark.parametrize(
    ("since", "lacks"),
    [
        ({}, []),
        ({"timezone": "Asia/Shanghai"}, []),
        (
            {
                "backup": {"remotes": {"disk": DISK, "bucket": BUCKET}},
                "backup_bucket_secret_access_key": {"secure": "v1:b"},
            },
            ["backup_bucket_repository_password", "backup_bucket_secret_access_key"],
        ),
        ({"backup_disk_repository_password": {"secure": "v1:new"}}, ["backup_disk_repository_password"]),
    ],
)
def test_a_copy_or_key_that_came_since_makes_the_kit_stale(
    stack: str, tmp_path: Path, since: dict[str, object], lacks: list[str]
) -> None:
    change(stack, backup={"remotes": {"disk": DISK}}, backup_disk_repository_password={"secure": "v1:old"})
    made(stack, tmp_path)
    kept_kit.confirm(stack)

    change(stack, **since)

    assert kept_kit.lacking(stack) == lacks


def test_another_passphrase_makes_the_kit_stale(stack: str, tmp_path: Path) -> None:
    made(stack, tmp_path)
    kept_kit.confirm(stack)
    paths.write_private(paths.passphrase_file(stack), "another passphrase of the stack")

    assert kept_kit.lacking(stack) == ["passphrase"]


def test_a_newer_kit_that_nobody_put_away_does_not_count(stack: str, tmp_path: Path) -> None:
    change(stack, backup={"remotes": {"disk": DISK}}, backup_disk_repository_password={"secure": "v1:old"})
    made(stack, tmp_path)
    kept_kit.confirm(stack)
    change(stack, backup_disk_repository_password={"secure": "v1:new"})
    made(stack, tmp_path)

    assert kept_kit.lacking(stack) == ["backup_disk_repository_password"]


def test_the_kit_holds_what_opens_each_copy_and_its_page_does_not(stack: str, tmp_path: Path) -> None:
    file, page = kit.make(stack, tmp_path, PASSPHRASE, FILES)

    members = kit.unpack(file, PASSPHRASE)
    assert members["copies/disk/password"] == b"key of disk"
    assert members["copies/disk/config"] == b"the config"
    assert members["copies/disk/keys/abc"] == b"the key"
    assert members["rclone.conf"] == b"[net]\ntype = webdav\npass = obscured\n"
    assert not [name for name in members if name.startswith("copies/look")], "an album has no key"
    for text in (page.read_text(), members["READ-ME.txt"].decode()):
        assert "restic restore latest --tag whole" in text
        assert "rclone:net:deep/photos" in text
        assert "key of disk" not in text
        assert "obscured" not in text


def test_what_is_to_be_typed_can_be_pasted_whatever_a_folder_is_called(tmp_path: Path, stack: str) -> None:
    copy = KitCopy(name="disk", kind="disk", type="local", path="/mnt/Mum's disk/<photos>", password="x" * 12)
    _, page = kit.make(stack, tmp_path, PASSPHRASE, KitFiles(copies=[copy]))

    lines = [html.unescape(line) for line in re.findall(r"(export RESTIC_REPOSITORY=.*)", page.read_text())]
    assert [shlex.split(line)[1] for line in lines] == ["RESTIC_REPOSITORY=/mnt/Mum's disk/<photos>"]
