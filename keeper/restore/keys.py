"""What opens the copies: the keys of each, another one beside, and a new one in the place of the old.

A new password does not shut out who copied an old key file: every key file wraps the same key, with which all of a
repository is encrypted. Against a thief of it helps only a new repository.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel

from keeper.copies.repository import Repository
from keeper.copies.restic import WRONG_KEY, Restic, ResticError
from keeper.errors import Exit, KeeperError, Problem
from keeper.settings import PASSWORD, Settings

OLD = f"{PASSWORD}_old"
"""The secret file in which the stack may leave the password that was."""


class Key(BaseModel):
    """One key of a copy. `current`: the one of the stack's own password."""

    id: str
    current: bool
    created: str
    host: str
    user: str


class Rotated(BaseModel):
    """What became of a copy's keys: `added` the new one, `removed` the old one, or why something was left."""

    copy_name: str
    added: bool = False
    removed: bool = False
    problem: Problem | None = None


def keys(repository: Repository) -> list[Key]:
    """Return the keys that open a copy."""
    listed = repository.restic.keys()
    return [
        Key(
            id=str(each["id"]),
            current=bool(each.get("current")),
            created=str(each.get("created", "")),
            host=str(each.get("hostName", "")),
            user=str(each.get("userName", "")),
        )
        for each in listed
    ]


def add_key(repository: Repository, password: str) -> None:
    """Let another password open a copy, and see that it does.

    Raises:
        KeeperError: it does not; nothing else changed.
    """
    if not password:
        raise KeeperError(Exit.FAILED, "key.empty")
    with repository.alone("add-key"), _as_file(repository, password) as file:
        _learn_keys_anew(repository)
        repository.restic.add_key(file)
        if not _opens(repository.restic.with_password(file)):
            raise KeeperError(Exit.FAILED, "key.does_not_open", copy=repository.name)


def rotate(settings: Settings, repository: Repository, old: str = "") -> Rotated:
    """Make the stack's secret the password of a copy: add it with the old one, see that it opens, remove the old one.

    `old` is the password that was, where no secret file holds it. Killed in between, the next call goes on.

    Raises:
        KeeperError: neither of them opens it.
    """
    result = Rotated(copy_name=repository.name)
    old = old or settings.secret(repository.copy.secret_name(OLD))
    new = settings.secrets / repository.copy.secret_name(PASSWORD)
    with repository.alone("rotate"), _as_file(repository, old) as old_file:
        _learn_keys_anew(repository)
        ours, theirs = repository.restic, repository.restic.with_password(old_file)
        old_opens = bool(old) and old != settings.secret(new.name) and _opens(theirs)
        if not _opens(ours):
            if not old_opens:
                raise KeeperError(
                    Exit.PREFLIGHT, "key.neither", copy=repository.name, key=repository.copy.secret_name(OLD)
                )
            theirs.add_key(new)
            result.added = True
            if not _opens(ours):
                raise KeeperError(Exit.FAILED, "key.does_not_open", copy=repository.name)
        if not old_opens:
            return result
        if repository.is_vault:
            result.problem = Problem.of("key.vault", copy=repository.name)
            return result
        gone = next(str(each["id"]) for each in theirs.keys() if each.get("current"))  # noqa: SIM118 - restic's keys
        ours.unlock()
        ours.remove_key(gone)
        result.removed = not _opens(theirs)
    return result


def _learn_keys_anew(repository: Repository) -> None:
    """Let the next run see which key files there are, whatever becomes of this."""
    repository.state.change_copy(repository.name, lambda known: setattr(known, "keys", []))


def _opens(restic: Restic) -> bool:
    try:
        return restic.repository_id() is not None
    except ResticError as error:
        if error.code == WRONG_KEY:
            return False
        raise


@contextmanager
def _as_file(repository: Repository, password: str) -> Iterator[Path]:
    """Yield a private file with a password: never an argument that others could read."""
    with tempfile.NamedTemporaryFile(dir=repository.scratch) as file:  # mode 0600
        file.write(password.encode())
        file.flush()
        os.fsync(file.fileno())
        yield Path(file.name)
