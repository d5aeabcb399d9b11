"""One photo out of all snapshots of all copies that allow it: what somebody asked a family to delete for good.

The same picture under another name stays, and so does what a vault holds: nothing is ever deleted there.
"""

from __future__ import annotations

from contextlib import suppress

from pydantic import BaseModel

from keeper.backup.gate import is_accepted
from keeper.copies.repository import Repository
from keeper.errors import Exit, KeeperError, Problem
from keeper.restore.names import can_be_said, escaped, shown
from keeper.restore.snapshots import Answer, ask, base, exact, parent
from keeper.settings import Settings
from keeper.state import CopyState, Snapshot, now

EVERYTHING = ("--max-unused", "0")
"""`prune` leaves a twentieth of what nobody needs in its place, unless it is told otherwise."""


class Forgotten(BaseModel):
    """What became of a photo. `paths`: as the snapshots name it; `snapshots`: copy → so many held it.

    `gone`: the copies that do not hold it any more. `kept`: where it stays, and why.
    """

    paths: list[str]
    snapshots: dict[str, int] = {}
    gone: list[str] = []
    kept: list[Problem] = []


def forget(settings: Settings, photo: str, *, sure: bool) -> Forgotten:
    """Take a photo out of all snapshots; without `sure` only say where it is.

    Raises:
        KeeperError: it is in the library still, no snapshot holds it, or it is a folder.
    """
    answers = ask(settings)
    holding = {answer.name: found for answer in answers if (found := _where(answer, photo))}
    paths = sorted({path for found in holding.values() for path in found})
    if not paths:
        raise KeeperError(Exit.FAILED, "forget.not_found", path=photo)
    for path in paths:
        if _is_at_home(settings, path):
            raise KeeperError(Exit.FAILED, "forget.at_home", path=path.lstrip("/"))
        if not can_be_said(path):
            raise KeeperError(Exit.FAILED, "forget.no_pattern", path=path.lstrip("/"))
    counts = {name: len(set().union(*found.values())) for name, found in holding.items()}
    result = Forgotten(paths=[path.lstrip("/") for path in paths], snapshots=counts)
    for copy in settings.copies:
        answer = next((each for each in answers if each.name == copy.name), None)
        if copy.kind == "album":
            result.kept.append(Problem.of("forget.album", copy=copy.name))
        elif answer is None or answer.repository is None:
            result.kept.append(
                answer.problem if answer and answer.problem else Problem.of("restore.silent", copy=copy.name)
            )
        elif copy.name in holding and copy.kind == "vault":
            result.kept.append(Problem.of("forget.vault", copy=copy.name))
        elif copy.name in holding and sure:
            _forget_at(answer.repository, sorted(holding[copy.name]), photo, result)
    return result


def _where(answer: Answer, photo: str) -> dict[str, set[str]]:
    """Return each path that is this photo as a person types it → the snapshots that hold it."""
    found: dict[str, set[str]] = {}
    for source, node in exact(answer, photo):
        if node.type == "dir":
            raise KeeperError(Exit.FAILED, "forget.folder", path=photo)
        found.setdefault(node.path, set()).add(source.snapshot.id)
    return found


def _is_at_home(settings: Settings, path: str) -> bool:
    with suppress(OSError):
        folder = settings.library / parent(path).lstrip("/")
        return any(shown(item.name) == base(path) for item in folder.iterdir())
    return False


def _forget_at(repository: Repository, paths: list[str], photo: str, result: Forgotten) -> None:
    name, restic = repository.name, repository.restic
    try:
        with repository.alone("forget"):
            restic.unlock()
            before = repository.snapshots()
            _prove_nothing_vanished(repository, {snapshot.id for snapshot in before})
            # Each snapshot gets another id: a kill in between must not look like a loss.
            repository.state.change_copy(name, lambda state: setattr(state, "snapshots", []))
            restic.rewrite([escaped(path) for path in paths])
            repository.prune(before, *EVERYTHING)
            snapshots = repository.snapshots()
            left = _where(Answer(name, repository, snapshots), photo)
            indexes = sorted(repository.indexes())
            repository.state.change_copy(name, lambda state: _note(state, snapshots, indexes))
    except KeeperError as error:
        result.kept.append(Problem.of("restore.because", copy=name, reason=error.problem))
        return
    if left:
        result.kept.append(Problem.of("forget.still_there", copy=name))
    else:
        result.gone.append(name)


def _prove_nothing_vanished(repository: Repository, listed: set[str]) -> None:
    """Refuse where snapshots are gone without our doing: pruning would take with it what they named.

    Raises:
        KeeperError: they are, and nobody said yet that it is right; or the listing leaves them out.
    """
    known = repository.state.copy(repository.name)
    waiting = {name: id_ for name, id_ in known.held.items() if not is_accepted(repository.settings.state, name)}
    gone = ({snapshot.id for snapshot in known.snapshots} | set(waiting.values())) - listed
    repository.prove_absent("snapshots", gone)
    if gone:
        raise KeeperError(Exit.GATE, "forget.vanished", count=len(gone))


def _note(state: CopyState, snapshots: list[Snapshot], indexes: list[str]) -> None:
    state.snapshots, state.indexes, state.pruned = snapshots, indexes, now()
    state.held = {each.alarm: each.id for each in snapshots if each.held and each.alarm}
