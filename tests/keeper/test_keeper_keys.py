"""Another password beside, and a new one in the place of the old; killed in between, the next call goes on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from keeper.copies.restic import Restic
from keeper.errors import KeeperError
from keeper.restore.keys import Rotated, add_key, keys, rotate
from tests.keeper.home import Home

NAME = "backup_disk_repository_password"


@pytest.fixture(scope="module")
def made(restic: str, tmp_path_factory: pytest.TempPathFactory) -> Home:  # noqa: ARG001 - the keeper runs it
    home = Home(tmp_path_factory.mktemp("made"))
    home.repository().open(may_begin=True)
    return home


@pytest.fixture
def kept(made: Home, tmp_path: Path) -> Home:
    shutil.copytree(made.root, tmp_path, symlinks=True, dirs_exist_ok=True)
    return Home(tmp_path)


def opens(home: Home, password: str) -> bool:
    file = home.root / "password"
    file.write_text(password)
    try:
        return home.repository().restic.with_password(file).repository_id() is not None
    except KeeperError:
        return False


def turn(home: Home, old: str = "") -> Rotated:
    return rotate(home.settings, home.repository(), old)


def test_another_password_opens_a_copy_beside_the_first(kept: Home) -> None:
    add_key(kept.repository(), "grandmother's")

    assert opens(kept, "grandmother's")
    assert opens(kept, "key of disk")
    assert [key.current for key in keys(kept.repository())].count(True) == 1
    assert len(keys(kept.repository())) == 2
    with pytest.raises(KeeperError):
        add_key(kept.repository(), "")


@pytest.mark.parametrize("given", ["as a secret", "typed"])
def test_the_secret_of_the_stack_becomes_the_password_and_the_old_one_goes(kept: Home, given: str) -> None:
    kept.secret(NAME, "new")
    if given == "as a secret":
        kept.secret(f"{NAME}_old", "key of disk")
    result = turn(kept, "key of disk" if given == "typed" else "")

    assert (result.added, result.removed, result.problem) == (True, True, None)
    assert opens(kept, "new")
    assert not opens(kept, "key of disk")
    again = turn(kept, "key of disk")
    assert (again.added, again.removed) == (False, False)


def test_killed_between_the_two_keys_the_next_call_takes_the_old_one_away(
    kept: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.secret(NAME, "new")
    with monkeypatch.context() as patch:
        patch.setattr(Restic, "remove_key", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            turn(kept, "key of disk")
    assert opens(kept, "new")
    assert opens(kept, "key of disk")
    result = turn(kept, "key of disk")

    assert (result.added, result.removed) == (False, True)
    assert not opens(kept, "key of disk")


def test_a_key_of_somebody_else_stays(kept: Home) -> None:
    add_key(kept.repository(), "grandmother's")
    kept.secret(NAME, "new")
    turn(kept, "key of disk")

    assert opens(kept, "grandmother's")


def test_without_the_old_password_nothing_is_changed(kept: Home) -> None:
    kept.secret(NAME, "new")
    for old in ("", "not this one"):
        with pytest.raises(KeeperError) as caught:
            turn(kept, old)
        assert caught.value.problem.code == "key.neither"
        assert caught.value.problem.values["key"] == f"{NAME}_old"

    assert opens(kept, "key of disk")


def test_nothing_is_done_where_the_secret_opens_it_already(kept: Home) -> None:
    assert turn(kept) == Rotated(copy_name="disk")
    assert turn(kept, "key of disk") == Rotated(copy_name="disk"), "the old one is the new one"
    assert opens(kept, "key of disk")


def test_a_vault_takes_the_new_password_and_keeps_the_old_one(kept: Home) -> None:
    kept.copies = [{**kept.copies[0], "kind": "vault"}]
    kept.secret(NAME, "new")
    result = turn(kept, "key of disk")

    assert (result.added, result.removed) == (True, False)
    assert result.problem
    assert result.problem.code == "key.vault"
    assert opens(kept, "new")


def test_no_password_stands_on_a_command_line_or_stays_in_a_file(kept: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    words: list[str] = []
    child = Restic._child

    def watching(self: Restic, each: list[str], **more: object) -> object:
        words.extend(each)
        return child(self, each, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Restic, "_child", watching)
    kept.secret(NAME, "new secret")
    turn(kept, "key of disk")
    add_key(kept.repository(), "grandmother's")

    assert not any(secret in word for word in words for secret in ("new secret", "key of disk", "grandmother's"))
    written = [file for file in kept.state.rglob("*") if file.is_file() and b"grandmother's" in file.read_bytes()]
    assert written == []
    assert json.dumps([key.model_dump() for key in keys(kept.repository())])
