"""What the copies hold: which snapshot to restore from, what lies in it, all versions of a file, two snapshots compared."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from datetime import time as clock
from fnmatch import fnmatchcase
from functools import partial

from pydantic import BaseModel

from keeper.copies.repository import Repository, newest, open_repositories
from keeper.copies.restic import Difference, Node
from keeper.errors import Exit, KeeperError, Problem
from keeper.restore.names import EPOCH, NO_TEXT, key, loose, nanoseconds
from keeper.settings import Settings
from keeper.state import TOLERANCE, CopyState, Snapshot, State, now

ANSWER_SECONDS = 150
"""So long a copy is waited for; a restore from a disk must not hang on a net drive that is gone."""
SHORT = 8


@dataclass
class Answer:
    """What one copy says: its snapshots in the order in which they were made, or why it says nothing."""

    name: str
    repository: Repository | None = None
    snapshots: list[Snapshot] = field(default_factory=list)
    problem: Problem | None = None


@dataclass(frozen=True)
class Source:
    """One snapshot of one copy."""

    repository: Repository
    snapshot: Snapshot

    @property
    def name(self) -> str:
        """The copy's name."""
        return self.repository.name

    def values(self) -> dict[str, str]:
        """Return what a text says of it."""
        return {"copy": self.name, "snapshot": self.snapshot.id[:SHORT], "time": self.snapshot.time.isoformat()}


class Version(BaseModel):
    """One content of a file: bytes, when it was changed, from which day to which it is in snapshots of which copies.

    `snapshot` is the newest of them.
    """

    size: int
    changed: datetime
    first: datetime
    last: datetime
    snapshot: str
    copies: list[str]


class Found(BaseModel):
    """One file or folder that a name fits, with its history, newest first."""

    path: str
    type: str
    versions: list[Version]


class Listing(BaseModel):
    """What could be restored: copy → snapshots, newest first; why a copy says nothing; what a name fits."""

    copies: dict[str, list[Snapshot]] = {}
    problems: list[Problem] = []
    found: list[Found] = []


def ask(settings: Settings, name: str = "") -> list[Answer]:
    """Ask all copies, or the one of that name, at the same time for their snapshots.

    Raises:
        KeeperError: there is none of that name.
    """
    names = [copy.name for copy in settings.named(name, repositories=True)]
    answers = [Answer(each, problem=Problem.of("restore.silent", copy=each)) for each in names]
    threads = [threading.Thread(target=_ask, args=(settings, answer), daemon=True) for answer in answers]
    for thread in threads:
        thread.start()
    end = time.monotonic() + ANSWER_SECONDS
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return [Answer(**vars(answer)) for answer in answers]


def learn(settings: Settings, answers: Iterable[Answer] | None = None) -> list[Problem]:
    """Note in the state what the copies hold of which it knows nothing, so that the page knows it after a host was lost.

    Return why others say nothing. What is known already is left alone: a run misses what is not there any more.
    """
    state = State(settings.state)
    unknown = {copy.name for copy in settings.repositories if not state.copy(copy.name).snapshots}
    problems = []
    for answer in ask(settings) if answers is None and unknown else answers or ():
        if answer.name not in unknown:
            continue
        if answer.repository is None:
            problems += [answer.problem] if answer.problem else []
            continue
        try:
            repository = answer.repository.restic.repository_id() or ""
            with answer.repository.alone("learn"):
                state.change_copy(answer.name, partial(_note, snapshots=answer.snapshots, repository=repository))
        except KeeperError as error:
            if error.exit != Exit.LOCKED:  # a job at it notes it itself
                problems.append(error.problem)
    return problems


def ranked(answers: Sequence[Answer], *, snapshot: str = "", until: datetime | None = None) -> list[Source]:
    """Return the snapshots that may be restored from, the one to take first.

    Whole ones come before parts of a first upload, ones of the future last; of each copy the one that was made last comes
    before the others, whatever the clock said then.
    """
    limit = now() + TOLERANCE
    found: list[tuple[tuple[bool, bool, bool, datetime], Source]] = []
    for answer in answers:
        if answer.repository is None:
            continue
        fit = [each for each in answer.snapshots if until is None or each.time < until]
        last = newest(fit, now())
        for each in fit:
            if each.id.startswith(snapshot):
                rank = (each.whole, each.time <= limit, each is last, each.time)
                found.append((rank, Source(answer.repository, each)))
    return [source for _, source in sorted(found, key=lambda pair: pair[0], reverse=True)]


def end_of(day: date, settings: Settings) -> datetime:
    """Return when a day ends where the family lives."""
    return datetime.combine(day + timedelta(days=1), clock(), settings.zone)


class Contents:
    """What lies in one snapshot; folders are listed when they are asked for, and once."""

    def __init__(self, source: Source) -> None:
        self._restic, self._snapshot = source.repository.restic, source.snapshot.id
        self._folders: dict[str, list[Node]] = {}

    def folder(self, path: str) -> list[Node]:
        """Return what lies right in a folder."""
        if path not in self._folders:
            self._folders[path] = [
                node for node in self._restic.ls(self._snapshot, path, recursive=False) if parent(node.path) == path
            ]
        return self._folders[path]

    def named(self, path: str) -> list[Node]:
        """Return what a path means as a person types it: as it is written, else whatever is the same by `key`."""
        places, found = ["/"], list[Node]()
        for part in path.strip("/").split("/"):
            lying = [node for place in places for node in self.folder(place)]
            found = [node for node in lying if base(node.path) == part]
            found = found or [node for node in lying if key(base(node.path)) == key(part)]
            places = [node.path for node in found if node.type == "dir"]
        return found

    def below(self, node: Node) -> Iterator[Node]:
        """Yield a node and everything below it."""
        yield node
        if node.type == "dir":
            folder = node.path
            while NO_TEXT in folder:  # no way to ask for it: its own parent can be
                folder = parent(folder)
            listed = self._restic.ls(self._snapshot, folder)
            yield from (each for each in listed if folder == node.path or each.path.startswith(f"{node.path}/"))


def exact(answer: Answer, path: str) -> Iterator[tuple[Source, Node]]:
    """Yield each snapshot of a copy in which a path lies as a person types it.

    Raises:
        KeeperError: the copy does not say.
    """
    return ((source, node) for source, node in _hits(answer, path) if key(node.path) == key(f"/{path.strip('/')}"))


def holding(answers: Iterable[Answer], path: str) -> list[tuple[Source, Node]]:
    """Return the snapshots in which a path lies, newest first."""
    found: list[tuple[Source, Node]] = []
    for answer in answers:
        with suppress(KeeperError):
            found += exact(answer, path)
    return sorted(found, key=lambda pair: pair[0].snapshot.time, reverse=True)


def differences(answers: Sequence[Answer], source: Source, paths: Sequence[str], ours: set[int]) -> list[Problem]:
    """Tell which copies did not answer, and what the newest snapshot of each other lacks or has more below `paths`.

    `ours` holds the hash of the path of each file of the source.
    """
    problems = [answer.problem for answer in answers if answer.problem]
    for other in answers:
        snapshot = newest(other.snapshots, now())
        if other.repository is None or other.name == source.name:
            continue
        if snapshot is None:
            problems.append(Problem.of("restore.other_empty", copy=other.name))
            continue
        contents = Contents(theirs := Source(other.repository, snapshot))
        shared, more = 0, list[str]()
        try:
            tops = [top for path in paths for top in contents.named(path)]
            for node in (each for top in tops for each in contents.below(top) if each.type != "dir"):
                if hash(node.path) in ours:
                    shared += 1
                else:
                    more.append(node.path)
        except KeeperError as error:
            problems.append(Problem.of("restore.because", copy=other.name, reason=error.problem))
            continue
        values = theirs.values() | {"lacks": len(ours) - shared, "more": len(more)}
        if more:
            problems.append(Problem.of("restore.other_more", **values, path=more[0].lstrip("/")))
        elif shared < len(ours):
            problems.append(Problem.of("restore.other_behind", **values))
    return problems


def find(settings: Settings, names: Sequence[str] = (), *, copy: str = "") -> Listing:
    """List the snapshots of all copies and, where names are given, every version of what they fit, as a person types it."""
    answers, listing = ask(settings, copy), Listing()
    listing.problems = [answer.problem for answer in answers if answer.problem]
    history: dict[tuple[str, str], dict[tuple[int, str], Version]] = {}
    for answer in answers:
        if answer.repository is not None:
            listing.copies[answer.name] = answer.snapshots[::-1]
        for name in names:
            for source, node in _hits(answer, name):
                if _fits(node.path, name):
                    _remember(history.setdefault((node.path, node.type), {}), node, source)
    for (path, kind), versions in sorted(history.items()):
        newest_first = sorted(versions.values(), key=lambda version: version.last, reverse=True)
        listing.found.append(Found(path=path.lstrip("/"), type=kind, versions=newest_first))
    return listing


def diff(settings: Settings, old: str, new: str, *, copy: str = "") -> tuple[Source, Source, Difference]:
    """Compare two snapshots of one copy.

    Raises:
        KeeperError: no copy that answers has both.
    """
    for answer in (answers := ask(settings, copy)):
        found = [ranked([answer], snapshot=each)[:1] for each in (old, new)]
        if all(found):
            (first,), (second,) = found
            return first, second, first.repository.restic.difference(first.snapshot.id, second.snapshot.id)
    raise KeeperError(Exit.FAILED, "restore.not_both", old=old, new=new, **_silent(answers))


def no_source(answers: Sequence[Answer], *, snapshot: str = "", day: date | None = None, **why: Problem) -> KeeperError:
    """Return the error that there is nothing to restore from, and the first reason."""
    code = "restore.no_snapshot" if snapshot else "restore.no_day" if day else "restore.nothing"
    return KeeperError(Exit.PREFLIGHT, code, **{"snapshot": snapshot, "day": day or "", **_silent(answers), **why})


def _silent(answers: Sequence[Answer]) -> dict[str, Problem | str]:
    """Return the first reason why a copy did not answer, as the value of a text."""
    return {"reason": next((answer.problem for answer in answers if answer.problem), "")}


def _ask(settings: Settings, answer: Answer) -> None:
    try:
        (repository,) = open_repositories(settings, answer.name)
        repository.open()
        answer.snapshots = repository.snapshots()
        answer.problem, answer.repository = None, repository
    except KeeperError as error:
        answer.problem = Problem.of("restore.because", copy=answer.name, reason=error.problem)
    except OSError as error:
        answer.problem = Problem.of("restore.because", copy=answer.name, reason=str(error))


def _note(state: CopyState, snapshots: list[Snapshot], repository: str) -> None:
    state.snapshots = snapshots
    state.repository = state.repository or repository


def _hits(answer: Answer, name: str) -> Iterator[tuple[Source, Node]]:
    if answer.repository is not None:
        by_id = {snapshot.id: snapshot for snapshot in answer.snapshots}
        for snapshot, node in answer.repository.restic.find(loose(name)):
            if snapshot in by_id:
                yield Source(answer.repository, by_id[snapshot]), node


def _fits(path: str, name: str) -> bool:
    """Whether a name means this one, and not only a folder in which it lies."""
    typed = key(name.strip("/"))
    if "*" in typed:
        return fnmatchcase(key(base(path)), typed)
    return typed in key(path) and typed not in key(parent(path))


def _remember(versions: dict[tuple[int, str], Version], node: Node, source: Source) -> None:
    time, copy = source.snapshot.time, source.name
    if node.type == "dir":
        node = replace(node, size=0, mtime="")  # what is of interest is from when to when it was there
    known = versions.get((node.size, node.mtime))
    if known is None:
        changed = EPOCH + timedelta(microseconds=nanoseconds(node.mtime) // 1000)
        versions[node.size, node.mtime] = Version(
            size=node.size, changed=changed, first=time, last=time, snapshot=source.snapshot.id[:SHORT], copies=[copy]
        )
        return
    if time > known.last:
        known.snapshot = source.snapshot.id[:SHORT]
    known.first, known.last = min(known.first, time), max(known.last, time)
    known.copies = sorted({*known.copies, copy})


def parent(path: str) -> str:
    """Return the folder of a path of a snapshot."""
    return path.rpartition("/")[0] or "/"


def base(path: str) -> str:
    """Return the last name of a path."""
    return path.rpartition("/")[2]
