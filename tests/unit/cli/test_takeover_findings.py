"""What the old album must be so that the stack can go on with it: its version, its photos, its admin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bcrypt
import pytest
import typer

from cli.takeover import dump, findings
from cli.takeover.dump import Dumped, Row

MADE = Path(__file__).parents[2] / "blog" / "photoprism-240915.sql.gz"
IMAGE = "photoprism/photoprism:260728-ce"


def old() -> Dumped:
    return dump.read(MADE).content


def told(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err


def changed(rows: list[Row], name: str, **changes: str | None) -> None:
    next(row for row in rows if row["user_name"] == name).update(changes)


def test_an_older_release_is_taken_over(capsys: pytest.CaptureFixture[str]) -> None:
    dumped = old()
    dumped.rows["versions"].append({"version": "DBMS AuthID Fix", "edition": "Any Editions"})
    findings.check_version(dumped, IMAGE, "old")
    assert told(capsys) == ""


@pytest.mark.parametrize(
    ("version", "image", "refused"),
    [
        ("260729-aaaaaaaaa", IMAGE, True),
        ("260728-aaaaaaaaa-Linux-AMD64", IMAGE, False),
        ("261007-aaaaaaaaa", "registry.lan:5000/photoprism/photoprism:260919@sha256:00", True),
        ("development", IMAGE, False),
        ("261007-aaaaaaaaa", "my/own:build", False),
    ],
)
def test_a_newer_release_than_the_stack_runs_is_refused(
    version: str, image: str, refused: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    dumped = old()
    dumped.rows["versions"].append({"version": version, "edition": "ce"})
    if not refused:
        findings.check_version(dumped, image, "")
        return
    with pytest.raises(typer.Exit):
        findings.check_version(dumped, image, "")
    assert f"a tag of {version[:6]} or newer" in told(capsys)


def test_one_from_before_there_were_users_has_to_take_a_step_between(capsys: pytest.CaptureFixture[str]) -> None:
    dumped = old()
    dumped.tables.discard("auth_users")

    with pytest.raises(typer.Exit):
        findings.check_version(dumped, IMAGE, "")
    assert "photoprism/photoprism:240915-ce" in told(capsys)


def test_another_edition_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    dumped = old()
    dumped.rows["versions"][0]["edition"] = "plus"
    findings.check_version(dumped, IMAGE, "")
    assert "another edition" in told(capsys)


def test_photos_elsewhere_are_no_library_of_this_index(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [str(row["file_name"]) for row in old().rows["files"]]
    for name in names[:3]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    findings.check_photos(old(), tmp_path)
    (tmp_path / names[0]).unlink()

    with pytest.raises(typer.Exit):
        findings.check_photos(old(), tmp_path)
    assert f"4 of 6 photos that the old index names are not in {tmp_path}" in told(capsys)


def test_missing_ones_and_sidecars_say_nothing_about_the_folder(tmp_path: Path) -> None:
    dumped = old()
    for number, row in enumerate(dumped.rows["files"]):
        row.update({"file_missing": "1"} if number % 2 else {"file_root": "sidecar"})
    findings.check_photos(dumped, tmp_path)


def test_the_admins_password_is_told_from_another_one() -> None:
    admin = findings.admin(old(), "")
    assert (admin.opens("the-old-password"), admin.opens("papas-password"), admin.opens("")) == (True, False, False)


@pytest.mark.parametrize(
    "changes",
    [
        {"user_name": "heidi"},
        {"deleted_at": "2024-01-01 00:00:00"},
        {"can_login": "0"},
        {"auth_provider": "oidc"},
        {"user_role": "user", "super_admin": "0"},
    ],
    ids=str,
)
def test_without_an_admin_who_may_log_in_it_is_said_how_to_add_one(
    changes: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    dumped = old()
    changed(dumped.rows["auth_users"], "admin", **changes)

    with pytest.raises(typer.Exit):
        findings.admin(dumped, "1Panel-photoprism-x1")
    said = told(capsys)
    assert "docker exec -it 1Panel-photoprism-x1 photoprism users add -s -r admin -w admin" in said
    assert "papa" in said


@pytest.mark.parametrize("by", ["method", "passcode"])
def test_two_step_login_of_the_admin_is_refused_and_of_others_is_not(
    by: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def with_two_steps(name: str) -> Dumped:
        dumped = old()
        user = next(row for row in dumped.rows["auth_users"] if row["user_name"] == name)
        if by == "method":
            user["auth_method"] = "2fa"
        dumped.rows["passcodes"] = [
            {"uid": user["user_uid"], "activated_at": "2024-01-01" if by == "passcode" else None}
        ]
        return dumped

    assert findings.admin(with_two_steps("papa"), "").hash
    with pytest.raises(typer.Exit):
        findings.admin(with_two_steps("admin"), "old")
    assert "photoprism users mod --disable-2fa admin" in told(capsys)


def test_an_admin_without_a_password_takes_the_stacks() -> None:
    dumped = old()
    dumped.rows["passwords"] = []
    assert findings.admin(dumped, "").hash is None


def test_a_hash_of_any_bcrypt_is_read() -> None:
    for prefix in (b"2a", b"2b"):
        made = bcrypt.hashpw(b"passphrase", bcrypt.gensalt(4, prefix)).decode()
        assert findings.Admin(made).opens("passphrase")
