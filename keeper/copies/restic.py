"""restic as a child process: the one place that calls it and knows its exit codes and its JSON.

Exit codes and shapes: https://restic.readthedocs.io/en/v0.19.1/075_scripting.html; what they do not tell was run.
Passwords and rclone's configuration reach it as files, never on a command line.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import IO, Any

from keeper.copies.causes import LASTING, cause_of, shortened
from keeper.copies.programs import usable
from keeper.errors import Exit, KeeperError
from keeper.state import Snapshot

OLDEST = (0, 19, 1)
"""Before, a missing source passed in silence and a `forget` that failed ended with 0 (changelog 0.19.0 and 0.19.1)."""
HOST = "photos"
WHOLE, PART, HOLD, ALARM = "whole", "part", "hold", "alarm-"
NUMBER = re.compile(r"run-(\d+)")
"""The tag that numbers a copy's snapshots: their order must not hang on a clock that was wrong for a night."""
PARTIAL, ABSENT, LOCKED, WRONG_KEY = 3, 10, 11, 12
GRACE_SECONDS = 30
PATIENCE, PATIENCE_SECONDS = 4, 20
"""A cause that no waiting cures is believed after so many lines within so many seconds."""
DAMAGED = re.compile(
    r"not found in the repository index|is not known; the repository could be damaged|ciphertext verification failed"
    r"|invalid data returned|hash does not match|decrypting blob",
    re.IGNORECASE,
)
VANISHED = re.compile(r"^(?P<path>.*) does not exist, skipping$")

Progress = Callable[[int, int], None]
"""Called with bytes done and bytes in all; 0 for not known."""


@dataclass(frozen=True)
class Backup:
    """What a backup made. `unreadable`: path in the library → what the kernel says. `damage`: what the repository lacks."""

    snapshot: str
    time: datetime
    files: int
    bytes: int
    added: int
    unreadable: dict[str, str] = field(default_factory=dict)
    damage: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Node:
    """One file or folder of a snapshot. In `path`, bytes that are no UTF-8 are U+FFFD each. Times as restic tells them."""

    path: str
    type: str
    size: int
    mtime: str
    mode: int


@dataclass
class Difference:
    """What one snapshot has and another has not, as sets of paths of files; `rotten` changed without a new size or time.

    `removed_blobs`: pieces of content that the second no longer has anywhere.
    """

    added: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)
    rotten: set[str] = field(default_factory=set)
    removed_folders: set[str] = field(default_factory=set)
    removed_blobs: int = 0


@dataclass(frozen=True)
class Check:
    """What `check` found. `broken_packs`: their ids; `said`: its first words about each error."""

    errors: int
    broken_packs: list[str]
    said: list[str]


@dataclass(frozen=True)
class Restored:
    """What a restore did. Counts include folders; `failed`: path → why; `said`: the rest of its complaints."""

    files: int
    restored: int
    bytes: int
    failed: dict[str, str]


class ResticError(KeeperError):
    """restic failed; `code` is its exit code, `said` what it wrote."""

    def __init__(self, code: int, said: _Said, problem: str = "") -> None:
        self.code, self.said = code, said.texts
        exit_code, meant = _meaning(code, said)
        super().__init__(exit_code, problem or meant, said=said.chief or f"exit code {code}")


def program() -> str:
    """Return the restic to run.

    Raises:
        KeeperError: with `Exit.PREFLIGHT`: there is none, or it is too old to be trusted.
    """
    return usable("restic", os.environ.get("KEEPER_RESTIC") or shutil.which("restic"), OLDEST)


class Restic:
    """restic on one repository.

    `environment` says where it is, how it is opened and how it is reached; `options` are flags of every call. `held` are
    file descriptors of locks that it and rclone inherit: as long as one of them lives, nobody else begins.
    """

    def __init__(self, environment: Mapping[str, str], options: Sequence[str], scratch: Path) -> None:
        self._program = program()
        self._options, self._scratch = list(options), scratch
        self._environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(scratch), "TMPDIR": str(scratch)}
        self._environment |= {"RESTIC_PROGRESS_FPS": "0.5", **environment}
        self.held: tuple[int, ...] = ()

    def with_password(self, file: Path) -> Restic:
        """Return the same repository, opened with another password."""
        other = copy(self)
        other._environment = {**self._environment, "RESTIC_PASSWORD_FILE": str(file)}  # noqa: SLF001 - its own kind
        return other

    def init(self) -> str:
        """Make the repository and return its id."""
        return str(json.loads(self._text("init", "--json"))["id"])

    def repository_id(self) -> str | None:
        """Return the repository's id; None when there is none."""
        try:
            return str(json.loads(self._text("cat", "config", "--no-lock"))["id"])
        except ResticError as error:
            if error.code == ABSENT:
                return None
            raise

    def unlock(self) -> None:
        """Remove every lock: whoever calls this holds the copy's own one, so what lies there is of the dead."""
        self._text("unlock", "--remove-all")

    def backup(
        self,
        folder: Path,
        names: Sequence[str],
        *,
        tags: Sequence[str],
        excludes: Iterable[str] = (),
        parent: str = "",
        ignore_inode: bool = False,
        progress: Progress | None = None,
    ) -> Backup:
        """Back up `names` below `folder` as `/name` each. What cannot be read is named, and the rest is in the snapshot.

        Raises:
            ResticError: no snapshot was made.
        """
        patterns = "".join(f"{pattern}\n" for pattern in excludes)
        with self._file(patterns) as exclude_file, self._file("\0".join(names) + "\0") as names_file:
            words = ["backup", "--json", "--files-from-raw", names_file, "--exclude-file", exclude_file]
            words += ["--host", HOST, "--group-by", "host", *(word for tag in tags for word in ("--tag", tag))]
            words += ["--parent", parent] if parent else []
            words += ["--ignore-inode"] if ignore_inode else []
            summary, said = self._work(words, progress, allowed=PARTIAL, folder=folder)
        unreadable = {
            item.removeprefix(f"{folder}/").strip("/"): text for item, text in said.items if not DAMAGED.search(text)
        }
        unreadable |= {found["path"]: "absent" for line in said.lines if (found := VANISHED.match(line))}
        damage = [text for _, text in said.items if DAMAGED.search(text)]
        damage += [line for line in said.lines if DAMAGED.search(line)]
        if not summary.get("snapshot_id"):
            raise ResticError(PARTIAL, said, "restic.no_snapshot")
        return Backup(
            snapshot=str(summary["snapshot_id"]),
            time=moment(summary["backup_start"]),
            files=int(summary["total_files_processed"]),
            bytes=int(summary["total_bytes_processed"]),
            added=int(summary["data_added_packed"]),
            unreadable=unreadable,
            damage=damage,
        )

    def snapshots(self) -> list[Snapshot]:
        """Return all snapshots, in the order in which they were made."""
        listed = json.loads(self._text("snapshots", "--json", "--no-lock")) or []
        made = [(_number(each), moment(each["time"]), each) for each in listed]
        return [_snapshot(each, number, time) for number, time, each in sorted(made, key=lambda m: m[:2])]

    def difference(self, old: str, new: str) -> Difference:
        """Compare two snapshots."""
        result = Difference()
        by_modifier = {"+": result.added, "-": result.removed}

        def take(message: dict[str, Any]) -> None:
            if message.get("message_type") == "change":
                path, modifier = str(message["path"]), str(message["modifier"])
                if path.endswith("/"):
                    if modifier == "-":
                        result.removed_folders.add(path.rstrip("/"))
                elif "?" in modifier:
                    result.rotten.add(path)
                elif "M" in modifier or "T" in modifier:
                    result.changed.add(path)
                elif modifier in by_modifier:
                    by_modifier[modifier].add(path)
            elif message.get("message_type") == "statistics":
                result.removed_blobs = int(message["removed"]["data_blobs"])

        self._stream(["diff", "--json", "--no-lock", old, new], take)
        return result

    def ls(
        self, snapshot: str, *folders: str, recursive: bool = True, seconds: float | None = None
    ) -> Generator[Node, None, None]:
        """Yield what a snapshot holds below folders, in all by default, folders before what is in them.

        An error after `seconds`.
        """
        folders = folders or ("/",)
        words = ["ls", "--json", "--no-lock", *(["--recursive"] if recursive else []), snapshot, *folders]
        with self._child(words) as (child, said), said.within(seconds):
            assert child.stdout
            for line in child.stdout:
                message = _message(line)
                if message and message.get("message_type") == "node" and message.get("path") not in folders:
                    yield _node(message)
            self._finish(child, said)

    def find(self, pattern: str) -> list[tuple[str, Node]]:
        """Return snapshot and node of whatever matches in any snapshot, capital letters or small ones."""
        found = json.loads(self._text("find", "--json", "--no-lock", "--ignore-case", pattern) or "[]")
        return [(str(each["snapshot"]), _node(hit)) for each in found for hit in each.get("matches") or []]

    def dump(self, snapshot: str, path: str, out: IO[bytes]) -> None:
        """Write one file of a snapshot into `out`."""
        with self._child(["dump", "--no-lock", snapshot, path], stdout=out) as (child, said):
            self._finish(child, said)

    def restore(
        self,
        snapshot: str,
        target: Path,
        *,
        patterns: Iterable[str] = (),
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> Restored:
        """Restore into `target` what the patterns name, everything without one; read back what was written.

        A file that cannot be brought whole is named in `failed`, and the others come all the same.

        Raises:
            ResticError: nothing came, or the way to the copy broke: that is no verdict about what lies there.
        """
        failed: dict[str, str] = {}
        lines = "".join(f"{pattern}\n" for pattern in patterns)
        with self._file(lines) as include_file:
            words = ["restore", "--json", "--no-lock", snapshot, "--target", str(target)]
            words += ["--include-file", include_file] if lines else []
            words += ["--dry-run"] if dry_run else ["--verify"]
            summary, said = self._work(words, progress)
        if (not summary and said.texts) or (said.items and said.blocked):
            raise ResticError(1, said)
        for item, text in said.items:  # the first is about the content, a later one only about its time or owner
            failed.setdefault(item, text)
        return Restored(
            files=int(summary.get("total_files", 0)),
            restored=int(summary.get("files_restored", 0)),
            bytes=int(summary.get("bytes_restored", 0)),
            failed=failed,
        )

    def check(self, share: str = "") -> Check:
        """Check that everything that snapshots name is there; `share`, e.g. 3/30, is read back as well.

        Raises:
            ResticError: the way to the copy broke: that is no verdict about what lies there.
        """
        words = ["check", "--json", "--with-cache", *([f"--read-data-subset={share}"] if share else [])]
        summary, said = self._work(words)
        if said.blocked or (not summary and said.texts):
            raise ResticError(1, said)
        return Check(
            errors=int(summary.get("num_errors", 0)),
            broken_packs=[str(pack) for pack in summary.get("broken_packs") or []],
            said=said.texts,
        )

    def to_forget(self, *policy: str) -> list[str]:
        """Return the ids of the snapshots that a policy drops; nothing is changed."""
        # Only whole ones count: a growing one of the first upload must not take a day's place.
        words = ["forget", "--json", "--dry-run", "--tag", WHOLE, "--keep-tag", HOLD, "--group-by", "", *policy]
        groups = json.loads(self._text(*words) or "[]") or []
        return [str(each["id"]) for group in groups for each in group.get("remove") or []]

    def forget(self, ids: Sequence[str]) -> None:
        """Forget snapshots; their content goes with the next `prune`. Exit code 0 proves nothing: list them again."""
        if ids:
            self._text("forget", *ids)

    def prune(self, *flags: str) -> None:
        """Remove what no snapshot names any more."""
        self._text("prune", *flags)

    def tag(self, snapshot: str, *, add: str = "", remove: str = "") -> str:
        """Change a snapshot's tags and return its new id."""
        changed: list[str] = []

        def take(message: dict[str, Any]) -> None:
            if message.get("message_type") == "changed":
                changed.append(str(message["new_snapshot_id"]))

        words = [*(["--add", add] if add else []), *(["--remove", remove] if remove else [])]
        self._stream(["tag", "--json", *words, snapshot], take)
        return changed[-1] if changed else snapshot

    def packs(self, index: str) -> dict[str, int]:
        """Return the ids of the packs that an index file names, and where the last of what is in each ends, in bytes."""
        packs = json.loads(self._text("cat", "index", index, "--no-lock"))["packs"]
        return {str(pack["id"]): max(blob["offset"] + blob["length"] for blob in pack["blobs"]) for pack in packs}

    def repair_packs(self, ids: Sequence[str], folder: Path) -> None:
        """Save what is good in damaged packs and drop the rest; `folder`, empty, takes the old ones."""
        self._stream(["repair", "packs", *ids], lambda _: None, folder=folder)

    def repair_index(self) -> None:
        """Make the index anew from what lies there."""
        self._text("repair", "index")

    def rewrite(self, patterns: Sequence[str]) -> None:
        """Take files out of all snapshots; their times stay, their ids change."""
        with self._file("".join(f"{pattern}\n" for pattern in patterns)) as file:
            self._text("rewrite", "--forget", "--exclude-file", file)

    def keys(self) -> list[dict[str, Any]]:
        """Return the keys that open the repository, as restic lists them: id, current, created, hostName, userName."""
        return list(json.loads(self._text("key", "list", "--json", "--no-lock")))

    def add_key(self, password_file: Path) -> None:
        """Let another password open the repository."""
        self._text("key", "add", "--new-password-file", str(password_file), "--host", HOST)

    def remove_key(self, key: str) -> None:
        """Let a key open the repository no longer. Who copied its file still can: they all wrap the same one."""
        self._text("key", "remove", key)

    def _text(self, *words: str) -> str:
        with self._child(list(words)) as (child, said):
            assert child.stdout
            text = child.stdout.read()
            self._finish(child, said)
        return text.decode("utf-8", "replace")

    def _work(
        self, words: list[str], progress: Progress | None = None, *, allowed: int = 1, folder: Path | None = None
    ) -> tuple[dict[str, Any], _Said]:
        """Run a job that may end with the code `allowed`; return its summary, empty where it told none."""
        summary: dict[str, Any] = {}

        def take(message: dict[str, Any]) -> None:
            if message.get("message_type") == "summary":
                summary.update(message)
            elif progress and message.get("message_type") == "status":
                done = message.get("bytes_done", message.get("bytes_restored", 0))
                progress(int(done), int(message.get("total_bytes", 0)))

        return summary, self._stream(words, take, allowed=allowed, folder=folder)

    def _stream(
        self,
        words: list[str],
        take: Callable[[dict[str, Any]], None],
        *,
        allowed: int = 0,
        folder: Path | None = None,
    ) -> _Said:
        with self._child(words, folder=folder) as (child, said):
            assert child.stdout
            for line in child.stdout:
                if message := _message(line):
                    take(message)
            self._finish(child, said, allowed)
        return said

    @contextmanager
    def _child(
        self, words: list[str], *, folder: Path | None = None, stdout: IO[bytes] | int = subprocess.PIPE
    ) -> Iterator[tuple[subprocess.Popen[bytes], _Said]]:
        """Start restic; when the block ends it is dead, and so is the rclone that it started.

        It dies with this process, even when that is killed, and rclone ends when nobody speaks to it any more.
        """
        child = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", self._program, *self._options, *words],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            env=self._environment,
            cwd=folder or self._scratch,
            pass_fds=self.held,
            start_new_session=True,
        )
        said = _Said(child)
        try:
            yield child, said
        finally:
            if child.poll() is None:
                child.terminate()
                with suppress(subprocess.TimeoutExpired):
                    child.wait(GRACE_SECONDS)
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            said.close()
            for pipe in filter(None, (child.stdout, child.stderr)):
                pipe.close()

    def _finish(self, child: subprocess.Popen[bytes], said: _Said, allowed: int = 0) -> None:
        code = child.wait()
        said.close()
        if said.stopped or code not in (0, allowed):
            raise ResticError(code, said)

    @contextmanager
    def _file(self, text: str) -> Iterator[str]:
        # A job that begins meanwhile at this copy tidies up here, and may take the file away once it was read.
        with suppress(FileNotFoundError), tempfile.NamedTemporaryFile(dir=self._scratch) as file:
            file.write(text.encode("utf-8", "surrogateescape"))
            file.flush()
            yield file.name


class _Said:
    """What restic writes to its error output, read in a thread: messages, plain lines, rclone's lines among them.

    `items`: path and text of each error about one object. `stopped`: it was ended, since the way is blocked for good.
    """

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self.items: list[tuple[str, str]] = []
        self.lines: list[str] = []
        self.stopped = self._last_word = ""
        self._child, self._hits = child, 0
        self._since = 0.0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def texts(self) -> list[str]:
        """What it said, without the paths."""
        return [shortened(text) for text in (*(text for _, text in self.items), *self.lines)]

    @property
    def blocked(self) -> str | None:
        """The cause for which the way to the copy is blocked; None when nothing says so."""
        return self.stopped or next((cause for cause, _ in self._causes()), None)

    @property
    def chief(self) -> str:
        """The line that tells most: that of the cause, else restic's last word, else the first complaint."""
        named = (line for cause, line in self._causes() if cause == self.blocked)
        return shortened(next(named, self._last_word or next(iter(self.texts), "")))

    def _causes(self) -> Iterator[tuple[str, str]]:
        """Yield cause and line of what stands in the way; a repository that is damaged is none of it."""
        for line in self.lines:
            if not DAMAGED.search(line) and (cause := cause_of(line)):
                yield cause, line

    def close(self) -> None:
        """Wait until everything is read."""
        self._reader.join()

    @contextmanager
    def within(self, seconds: float | None) -> Iterator[None]:
        """End the child when it takes longer."""
        timer = threading.Timer(seconds or 0, self._stop, ["cause.slow"])
        if seconds is not None:
            timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _stop(self, cause: str) -> None:
        self.stopped = cause
        self._child.terminate()

    def _read(self) -> None:
        assert self._child.stderr
        for raw in self._child.stderr:
            message = _message(raw)
            if message is None:
                line = raw.decode("utf-8", "replace").strip()
                if line:
                    self.lines.append(line)
                    self._judge(line)
            elif message.get("message_type") == "error":
                # Of one object it stands inside `error`, of a check beside it.
                error = message.get("error") or message
                text = error.get("message", "") if isinstance(error, dict) else str(error)
                self.items.append((str(message.get("item", "")), str(text).strip()))
            elif message.get("message_type") == "exit_error":
                self._last_word = str(message.get("message", ""))
                self.lines.append(self._last_word)

    def _judge(self, line: str) -> None:
        if (cause := cause_of(line)) not in LASTING or self.stopped:
            return
        self._since = self._since or monotonic()
        self._hits += 1
        if self._hits >= PATIENCE and monotonic() - self._since >= PATIENCE_SECONDS:
            self.stopped = str(cause)
            self._child.terminate()


def _meaning(code: int, said: _Said) -> tuple[Exit, str]:
    """Return how a job ends that restic's exit code ends, and the code of the problem."""
    if code == ABSENT:
        return Exit.PREFLIGHT, "copy.absent"
    if code == LOCKED:
        return Exit.LOCKED, "copy.locked_there"
    if code == WRONG_KEY:
        return Exit.PREFLIGHT, "copy.key"
    if any(DAMAGED.search(text) for text in said.texts):
        return Exit.VERIFY, "copy.damaged"
    return Exit.COPY, said.blocked or "restic.failed"


def _message(line: bytes) -> dict[str, Any] | None:
    if not line.startswith(b"{"):
        return None
    try:
        message = json.loads(line)
    except ValueError:
        return None
    return message if isinstance(message, dict) else None


def _node(listed: dict[str, Any]) -> Node:
    return Node(
        path=str(listed["path"]),
        type=str(listed["type"]),
        size=int(listed.get("size", 0)),
        mtime=str(listed.get("mtime", "")),
        mode=int(listed.get("mode", 0)),
    )


def _number(listed: dict[str, Any]) -> int:
    return max((int(found[1]) for tag in listed.get("tags") or () if (found := NUMBER.fullmatch(tag))), default=0)


def moment(text: str) -> datetime:
    """Return a time as restic tells it, without what is shorter than a microsecond.

    Raises:
        ValueError: Python knows no such time, e.g. one after the year 9999.
    """
    # restic writes nanoseconds, Python reads microseconds.
    return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))


def _snapshot(listed: dict[str, Any], number: int, time: datetime) -> Snapshot:
    tags, summary = listed.get("tags") or [], listed.get("summary") or {}
    return Snapshot(
        id=str(listed["id"]),
        number=number,
        time=time,
        whole=WHOLE in tags,
        held=HOLD in tags,
        alarm=next((tag.removeprefix(ALARM) for tag in tags if tag.startswith(ALARM)), ""),
        files=int(summary.get("total_files_processed", 0)),
        bytes=int(summary.get("total_bytes_processed", 0)),
        added_bytes=int(summary.get("data_added_packed", 0)),
    )
