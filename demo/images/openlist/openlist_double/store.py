"""OpenList's data folder: config.json and data.db, made by whichever command comes first."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import sqlite3
import string
import threading
import time
from pathlib import Path
from typing import Any

STATIC_SALT = "https://github.com/alist-org/alist"
ADMIN, GUEST, GENERAL = 2, 1, 0
ADMIN_PERMISSION = 0x71FF
UPLOAD, RENAME, REMOVE, DAV_READ, DAV_WRITE = 3, 4, 7, 8, 9
ENVIRONMENT = {
    "SITE_URL": "site_url", "JWT_SECRET": "jwt_secret", "TOKEN_EXPIRES_IN": "token_expires_in",
    "HTTP_PORT": "http_port", "ADDR": "address",
}  # fmt: skip
SCHEMA = """
CREATE TABLE IF NOT EXISTS x_users (id INTEGER PRIMARY KEY, username TEXT UNIQUE, pwd_hash TEXT, pwd_ts INTEGER,
  salt TEXT, base_path TEXT, role INTEGER, disabled INTEGER, permission INTEGER, otp_secret TEXT DEFAULT '');
CREATE TABLE IF NOT EXISTS x_storages (id INTEGER PRIMARY KEY, mount_path TEXT UNIQUE, driver TEXT, status TEXT,
  disabled INTEGER, body TEXT);
CREATE TABLE IF NOT EXISTS x_setting_items (key TEXT PRIMARY KEY, value TEXT);
"""


def random_text(length: int) -> str:
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(length))


def static_hash(password: str) -> str:
    return _sha256(f"{password}-{STATIC_SALT}")


def salted_hash(static: str, salt: str) -> str:
    return _sha256(f"{static}-{salt}")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class Store:
    """The database and the effective configuration."""

    def __init__(self, folder: Path, *, prefix: str) -> None:
        """Opens or makes everything, the admin row included, and prints the password it gave that row."""
        self.folder = folder
        self.lock = threading.RLock()
        self.config = self._configure(prefix)
        self.connection = sqlite3.connect(folder / "data.db", check_same_thread=False, isolation_level=None)
        self.connection.row_factory = sqlite3.Row
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA busy_timeout = 5000")
        self.connection.executescript(SCHEMA)
        self._first_users()
        self.run("INSERT OR IGNORE INTO x_setting_items VALUES ('token', ?)", f"openlist-{random_text(64)}")

    def _configure(self, prefix: str) -> dict[str, Any]:
        file = self.folder / "config.json"
        config: dict[str, Any] = {
            "force": False, "site_url": "", "cdn": "", "jwt_secret": random_text(16), "token_expires_in": 48,
            "database": {"type": "sqlite3", "db_file": "data/data.db", "table_prefix": "x_"},
            "scheme": {"address": "0.0.0.0", "http_port": 5244, "https_port": -1},  # noqa: S104 - a container
            "temp_dir": "data/temp", "bleve_dir": "data/bleve", "log": {"enable": True, "name": "data/log/log.log"},
        }  # fmt: skip
        for name in ("temp", "bleve", "log"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        if file.exists():
            config |= json.loads(file.read_text())
        file.write_text(json.dumps(config, indent=2))
        # The file never learns what the environment said.
        config |= {"http_port": config["scheme"]["http_port"], "address": config["scheme"]["address"]}
        if not config["force"]:
            config |= {
                key: os.environ[prefix + name] for name, key in ENVIRONMENT.items() if os.environ.get(prefix + name)
            }
        return config

    def _first_users(self) -> None:
        if not self.run("SELECT 1 FROM x_users WHERE role = ?", ADMIN):
            password = os.environ.get("OPENLIST_ADMIN_PASSWORD") or random_text(8)
            self.add_user({"username": "admin", "password": password, "role": ADMIN, "permission": ADMIN_PERMISSION})
            print(f"Successfully created the admin user and the initial password is: {password}", flush=True)
        if not self.run("SELECT 1 FROM x_users WHERE role = ?", GUEST):
            self.add_user({"username": "guest", "password": "guest", "role": GUEST, "disabled": True})

    def run(self, sql: str, *values: object) -> list[dict[str, Any]]:
        """Runs one statement; the rows it gives."""
        with self.lock:
            return [dict(row) for row in self.connection.execute(sql, values).fetchall()]

    def add_user(self, user: dict[str, Any]) -> None:
        """An account as the API describes it."""
        salt = random_text(16)
        self.run(
            "INSERT INTO x_users (username, pwd_hash, pwd_ts, salt, base_path, role, disabled, permission)"
            " VALUES (?, ?, 0, ?, ?, ?, ?, ?)",
            user["username"], salted_hash(static_hash(str(user.get("password", ""))), salt), salt,
            user.get("base_path") or "/", int(user.get("role", GENERAL)), int(bool(user.get("disabled"))),
            int(user.get("permission", 0)),
        )  # fmt: skip

    def set_password(self, user_id: int, password: str) -> None:
        """A changed time stamp makes older tokens invalid."""
        salt = random_text(16)
        self.run(
            "UPDATE x_users SET salt = ?, pwd_hash = ?, pwd_ts = ? WHERE id = ?",
            salt, salted_hash(static_hash(password), salt), int(time.time()), user_id,
        )  # fmt: skip

    def user(self, name: str) -> dict[str, Any] | None:
        """The account of that name."""
        rows = self.run("SELECT * FROM x_users WHERE username = ?", name)
        return rows[0] if rows else None

    def admin(self) -> dict[str, Any]:
        """The one account with the admin role."""
        return self.run("SELECT * FROM x_users WHERE role = ?", ADMIN)[0]

    def token(self) -> str:
        """The static API token of the admin."""
        return str(self.run("SELECT value FROM x_setting_items WHERE key = 'token'")[0]["value"])

    def storages(self) -> list[dict[str, Any]]:
        """The mounted drives as the API shows them."""
        rows = self.run("SELECT * FROM x_storages ORDER BY id")
        return [json.loads(row["body"]) | {"id": row["id"], "status": row["status"], "disabled": bool(row["disabled"])}
                for row in rows]  # fmt: skip
