"""rclone as a child process, and its configuration of one copy: the way to everything that is no folder of this machine."""

from __future__ import annotations

import configparser
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from keeper.copies.causes import cause_of, shortened
from keeper.copies.programs import usable
from keeper.errors import Exit, KeeperError
from keeper.settings import LOCAL, CopySettings
from keeper.state import write_whole

OLDEST = (1, 70)
"""From here on it reads what it was told to read back in full, and names an object that is too short."""
NOT_FOUND = (3, 4)
"""Exit codes for a folder and a file that is not there: docs/content/docs.md in rclone/rclone."""
TOKEN = "token"  # noqa: S105 - the name of rclone's option for OAuth
KEY_PEM = "key_pem"
"""rclone unquotes it: a line break is written as in a Go string (backend/sftp/sftp.go)."""
GIVEN = "photos_given"
"""A key of our own, which rclone leaves alone: the hash of the token that the stack gave."""

ERRORS = frozenset({"error", "critical", "fatal", "emergency"})
ERRORS_KEPT = 1000

Progress = Callable[[int, int], None]
"""Called with bytes done and bytes in all."""
Watch = Callable[[dict[str, Any]], bool]


class RcloneError(KeeperError):
    """rclone failed; `code` is its exit code, `said` its error lines, `output` what it printed all the same."""

    def __init__(self, code: int, said: list[str], output: bytes = b"") -> None:
        self.code, self.said, self.output = code, said, output
        cause = next((found for line in said if (found := cause_of(line))), None)
        line = next((line for line in said if cause_of(line) == cause), f"exit code {code}")
        super().__init__(Exit.COPY, cause or "rclone.failed", said=shortened(line))


def program() -> str:
    """Return the rclone to run: the one installed beside this Python, else the one on PATH.

    Raises:
        KeeperError: with `Exit.PREFLIGHT`: there is none, or it is too old.
    """
    beside = Path(sys.executable).with_name("rclone")
    found = os.environ.get("KEEPER_RCLONE") or (str(beside) if beside.exists() else shutil.which("rclone"))
    return usable("rclone", found, OLDEST)


@cache
def obscured_options(found: str) -> dict[str, frozenset[str]]:
    """Return type → options that the rclone `found` reads in their obscured form; it is asked once."""
    said = subprocess.run([found, "config", "providers"], capture_output=True, check=True).stdout
    return {
        provider["Prefix"]: frozenset(option["Name"] for option in provider["Options"] if option["IsPassword"])
        for provider in json.loads(said)
    }


def write_config(copy: CopySettings, secrets: dict[str, str], file: Path) -> None:
    """Write rclone's configuration of a copy, readable by this user only. `secrets`: option → value in clear."""
    before = configparser.RawConfigParser()
    with suppress(configparser.Error, UnicodeDecodeError):  # cut short by a power cut: it is written anew
        before.read(file, "utf-8")
    values = {"type": copy.type, **copy.options, **secrets}
    hidden = obscured_options(program()).get(values["type"], frozenset()) if secrets else frozenset()
    values |= {option: _obscured(values[option]) for option in secrets.keys() & hidden}
    if TOKEN in values:
        values |= _newest_token(before, copy.name, values[TOKEN])
    if copy.type == LOCAL:
        values.setdefault("encoding", "Slash,Dot")
    lines = [f"{key} = {_on_one_line(key, value)}" for key, value in values.items()]
    write_whole(file, "\n".join([f"[{copy.name}]", *lines, ""]).encode(), mode=0o600)


def _obscured(secret: str) -> str:
    """Return a secret as rclone's configuration wants it: no protection, but its form."""
    done = subprocess.run([program(), "obscure", "-"], input=secret, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _newest_token(before: configparser.RawConfigParser, section: str, given: str) -> dict[str, str]:
    """Return the token to use: rclone renews the one it was given and writes that into its file; another one given wins."""
    mark = hashlib.sha256(given.encode()).hexdigest()
    if before.get(section, GIVEN, fallback="") == mark:
        return {TOKEN: before.get(section, TOKEN, fallback=given), GIVEN: mark}
    return {TOKEN: given, GIVEN: mark}


def _on_one_line(option: str, value: str) -> str:
    """Return a value for rclone's configuration, where a line break ends it: keys and JSON are pasted with theirs."""
    lines = [line.strip() for line in value.strip().splitlines()]
    return ("\\n" if option == KEY_PEM else " ").join(lines) if len(lines) > 1 else value


class Rclone:
    """rclone with the configuration file of one copy; `environment` holds RCLONE_* settings of the way there."""

    def __init__(self, config: Path, environment: dict[str, str] | None = None, held: tuple[int, ...] = ()) -> None:
        self._program, self.held = program(), held
        self._environment = {**os.environ, "RCLONE_CONFIG": str(config), **(environment or {})}

    def is_empty(self, place: str) -> bool:
        """Whether nothing at all lies in a folder."""
        return not self.run("lsf", place, "--max-depth", "1", allowed=NOT_FOUND)

    def names(self, place: str) -> list[str]:
        """Return the names of the files in a folder; none when it is not there."""
        return self.run("lsf", place, "--files-only", allowed=NOT_FOUND).decode("utf-8", "replace").splitlines()

    def read(self, file: str) -> bytes | None:
        """Return the content of one small file; None when it is not there. It is asked for itself: a listing can lie."""
        folder, _, name = file.rpartition("/")
        with _listed([name]) as names:
            return self.run("cat", folder, "--files-from-raw", names, "--no-traverse", allowed=NOT_FOUND) or None

    def write(self, file: str, content: bytes) -> None:
        """Write one small file, whatever lay there.

        Raises:
            RcloneError: it could not be written.
        """
        self.run("rcat", file, stdin=content)

    def hashes(self, place: str, names: Iterable[str], progress: Progress | None = None) -> dict[str, str]:
        """Read files back and return name → SHA-256 in hex; one that is not there or cannot be read is left out.

        Raises:
            RcloneError: the way broke: that is no verdict about a file.
        """
        with _listed(names) as listed:
            words = ["hashsum", "sha256", place, "--download", "--files-from-raw", listed, "--no-traverse"]
            try:
                said = self.run(*words, progress=progress)
            except RcloneError as error:
                if any(cause_of(line) for line in error.said):
                    raise
                said = error.output
        pairs = (line.partition("  ") for line in said.decode("utf-8", "replace").splitlines())
        return {name: digest for digest, _, name in pairs if re.fullmatch(r"[0-9a-f]{64}", digest)}

    def run(
        self,
        *words: str,
        stdin: bytes = b"",
        allowed: Iterable[int] = (),
        progress: Progress | None = None,
        watch: Watch | None = None,
    ) -> bytes:
        """Run rclone to its end and return what it prints. It dies with this process, even when that is killed.

        `watch` is told each line of its log, and ends it by returning True.

        Raises:
            RcloneError: with its lines and the cause, as far as one is known.
        """
        flags = ["--use-json-log", "--log-level", "NOTICE", "--retries", "1", "--low-level-retries", "3"]
        flags += ["--contimeout", "20s"]
        flags += ["--stats", "1s", "--stats-log-level", "NOTICE"] if progress or watch else []
        with (
            tempfile.TemporaryFile() as output,
            subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", self._program, *words, *flags],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.PIPE,
                env=self._environment,
                pass_fds=self.held,
            ) as child,
        ):
            assert child.stdin
            assert child.stderr
            try:
                with suppress(BrokenPipeError):
                    child.stdin.write(stdin)
                    child.stdin.close()
                errors: list[str] = []
                for line in child.stderr:
                    entry = _entry(line)
                    if progress and (stats := entry.get("stats")):
                        progress(int(stats.get("bytes", 0)), int(stats.get("totalBytes", 0)))
                    if watch and watch(entry):
                        child.terminate()
                    if len(errors) < ERRORS_KEPT and (error := _error(entry)):
                        errors.append(error)
            except BaseException:
                child.kill()
                raise
            code = child.wait()
            output.seek(0)
            printed = output.read()
        if code and code not in allowed:
            raise RcloneError(code, errors, printed)
        return b"" if code else printed


@contextmanager
def _listed(names: Iterable[str]) -> Iterator[str]:
    """Yield the path of a list of files, to be asked for one by one."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as listed:
        listed.writelines(f"{name}\n" for name in names)
        listed.flush()
        yield listed.name


def _entry(line: bytes) -> dict[str, Any]:
    """Return one line of the log; what is none is taken for an error."""
    try:
        entry = json.loads(line)
    except ValueError:
        entry = None
    return entry if isinstance(entry, dict) else {"level": "error", "msg": line.decode(errors="replace").strip()}


def _error(entry: dict[str, Any]) -> str:
    """Return the error that a line of the log tells, or nothing. Its last word on why it ends is a mere notice."""
    if entry.get("level") not in ERRORS and not str(entry.get("msg", "")).startswith("Failed to "):
        return ""
    subject = f"{entry['object']}: " if entry.get("object") else ""
    return f"{subject}{entry.get('msg', '')}"
