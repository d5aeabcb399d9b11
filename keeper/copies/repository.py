"""One remote as a place: what lies where on it, whether it is really ours, and who is at work there.

Layout, on every remote: `current/<root>/<path>`, `versions/<run>/<root>/<path>`, `quarantine/<run>/…`,
`runs/<run>/{manifest.jsonl.zst,db.sql.zst,report.json,OK}`, `.photo-canary`, `lease.json`.
"""

from __future__ import annotations

import configparser
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

from keeper import openlist
from keeper.errors import Code, KeeperError
from keeper.rclone import Rclone, RcloneError, obscure, passwords, program, usable
from keeper.report import now, write_whole
from keeper.settings import OPENLIST, RemoteSettings, Settings

CANARY = ".photo-canary"
LEASE = "lease.json"
LEASE_LIFE = timedelta(hours=6)
RUN = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}")
TOKEN = "token"  # noqa: S105 - the name of rclone's option for OAuth
KEY_PEM = "key_pem"
"""rclone unquotes it: a line break is written as in a Go string (backend/sftp/sftp.go)."""
GIVEN = "photos_given"
"""A key of our own, which rclone leaves alone: the hash of the token that the stack gave."""


class Remote:
    """A remote of the stack. `settings` is what the stack says of it; `whole` is its root, decrypted."""

    def __init__(self, rclone: Rclone, settings: RemoteSettings, identity: str, admin_password: str = "") -> None:
        self.rclone, self.settings, self.name = rclone, settings, settings.name
        self._identity, self._admin_password = identity, admin_password
        # A local path is absolute; anything else starts at the remote's own root.
        self._raw = f"{self.name}-raw:{settings.path}"
        self.whole = f"{self.name}:" if settings.encrypt else self._raw

    @property
    def is_vault(self) -> bool:
        """Whether objects here are never changed, moved or deleted."""
        return self.settings.kind == "vault"

    def at(self, *parts: str) -> str:
        """Return the place of a folder or file on the remote, as rclone names it."""
        path = "/".join(parts)
        return f"{self.whole}{path}" if self.whole.endswith((":", "/")) else f"{self.whole}/{path}"

    @property
    def flags(self) -> list[str]:
        """The flags for whatever carries photos there or back."""
        limit = ["--bwlimit", self.settings.bandwidth] if self.settings.bandwidth else []
        return ["--transfers", str(self.settings.transfers), "--checkers", str(max(4, self.settings.transfers)), *limit]

    def greet(self, *, may_begin: bool) -> None:
        """Check that this is our remote and our key; begin it when it is empty and `may_begin`.

        Raises:
            KeeperError: with `Code.PREFLIGHT` when another key, another stack or other files are found.
        """
        if self.settings.type == OPENLIST:
            openlist.ensure_user(self.settings.options["url"], self._admin_password)
        found = self.rclone.read(self.at(CANARY))
        if found is None:
            if not self.rclone.is_empty(self._raw):
                raise KeeperError(
                    Code.PREFLIGHT,
                    f"{self.name}: {self.settings.path} is not empty, and this stack's key does not open it. "
                    "Wrong or lost key, or another folder: nothing was written",
                )
            if not may_begin:
                raise KeeperError(
                    Code.PREFLIGHT, f"{self.name}: {self.settings.path} is empty, though backups were made there before"
                )
            self.rclone.write(self.at(CANARY), self._canary)
            found = self.rclone.read(self.at(CANARY))
        if found != self._canary:
            raise KeeperError(
                Code.PREFLIGHT, f"{self.name}: {self.settings.path} belongs to another stack. Choose another folder"
            )

    @property
    def _canary(self) -> bytes:
        return f"photos {self._identity}\n".encode()

    @contextmanager
    def leased(self, run: str, holder: str) -> Iterator[None]:
        """Hold the remote against a keeper on another machine. A vault takes no lease: nothing can be deleted there."""
        if self.is_vault:
            yield
            return
        place = self.at(LEASE)
        mine = json.dumps({"run": run, "holder": holder, "since": now().isoformat()}).encode()
        if other := self._held_by_another(holder):
            raise KeeperError(Code.LOCKED, f"{self.name}: locked by {other}, from another machine")
        self.rclone.write(place, mine)
        if self.rclone.read(place) != mine:
            raise KeeperError(Code.LOCKED, f"{self.name}: another machine took the lock at the same moment")
        try:
            yield
        finally:
            with suppress(RcloneError):
                self.rclone.delete_one(self.at(LEASE))

    def _held_by_another(self, holder: str) -> str | None:
        """Return the run that another keeper is at; one of our own was killed, since we hold the lock of this machine."""
        try:
            lease = json.loads(self.rclone.read(self.at(LEASE)) or b"{}")
            age = now() - datetime.fromisoformat(lease["since"])
        except (ValueError, KeyError, TypeError):
            return None
        return str(lease["run"]) if lease["holder"] != holder and age < LEASE_LIFE else None

    def runs(self) -> list[str]:
        """Return the runs that are whole, that is end with `OK`, oldest first."""
        names = self.rclone.sizes(self.at("runs"))
        return sorted(run for path in names if path.endswith("/OK") and RUN.fullmatch(run := path.split("/")[0]))


def write_config(settings: Settings, file: Path) -> None:
    """Write rclone's configuration for all remotes, readable by this user only. Passwords are obscured, not encrypted."""
    before = configparser.RawConfigParser()
    with suppress(configparser.Error):  # cut short by a power cut: it is written anew
        before.read(file, "utf-8")
    lines: list[str] = []
    for remote in settings.remotes:
        values = {"type": remote.type, **remote.options, **_secrets(settings, remote)}
        if TOKEN in values:
            values |= _newest_token(before, f"{remote.name}-raw", values[TOKEN])
        if remote.type == "local":
            values.setdefault("encoding", "Slash,Dot")
        lines += _section(f"{remote.name}-raw", values)
        if remote.encrypt:
            password, salt = (settings.secret(remote.secret_name(key)) for key in ("crypt_password", "crypt_salt"))
            if not password:
                raise KeeperError(
                    Code.PREFLIGHT, f"{remote.name}: the secret {remote.secret_name('crypt_password')} is missing"
                )
            crypt = {
                "type": "crypt",
                "remote": f"{remote.name}-raw:{remote.path}",
                "password": obscure(password, remote.name),
                "password2": obscure(salt, remote.name) if salt else "",
                "filename_encoding": remote.name_encoding,
            }
            lines += _section(remote.name, {key: value for key, value in crypt.items() if value})
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, "\n".join(lines).encode(), mode=0o600)


def _newest_token(before: configparser.RawConfigParser, section: str, given: str) -> dict[str, str]:
    """Return the token to use: rclone renews the one it was given and writes that into its file; another one given wins."""
    mark = hashlib.sha256(given.encode()).hexdigest()
    if before.get(section, GIVEN, fallback="") == mark:
        return {TOKEN: before.get(section, TOKEN, fallback=given), GIVEN: mark}
    return {TOKEN: given, GIVEN: mark}


def _secrets(settings: Settings, remote: RemoteSettings) -> dict[str, str]:
    """Return the options that nobody else may read, as rclone wants them."""
    secrets = {option: settings.secret(remote.secret_name(option)) for option in remote.secrets}
    if remote.type == OPENLIST:
        made = openlist.webdav(remote.options["url"], settings.secret(openlist.ADMIN_PASSWORD))
        secrets = {"type": "webdav", **made}
    hidden = passwords(usable(program())).get(secrets.get("type", remote.type), frozenset()) if secrets else frozenset()
    return {
        option: obscure(value, remote.name) if option in hidden else _on_one_line(option, value)
        for option, value in secrets.items()
    }


def _on_one_line(option: str, value: str) -> str:
    """Return a value for rclone's configuration, where a line break ends it: keys and JSON are pasted with theirs."""
    lines = [line.strip() for line in value.strip().splitlines()]
    return ("\\n" if option == KEY_PEM else " ").join(lines) if len(lines) > 1 else value


def _section(name: str, values: dict[str, str]) -> list[str]:
    return [f"[{name}]", *(f"{key} = {value}" for key, value in values.items()), ""]
