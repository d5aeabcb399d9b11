"""The index: MariaDB (or SQLite), with upstream's names for the tables and columns it has; it opens one that upstream made."""

from __future__ import annotations

import ctypes
import hashlib
import hmac
import secrets
import sqlite3
import string
import threading
import time
from typing import Any

from .settings import Settings, log

try:
    import pymysql
except ImportError:  # the unit tests run it with SQLite
    FAILURES: tuple[type[Exception], ...] = (sqlite3.Error,)
else:
    FAILURES = (pymysql.err.MySQLError, sqlite3.Error)

NAME = "VARCHAR(700) {binary}"
SCHEMA = (
    (
        "CREATE TABLE IF NOT EXISTS auth_users (user_uid VARCHAR(42) PRIMARY KEY, user_name VARCHAR(200) UNIQUE,"
        " user_role VARCHAR(32), can_login INTEGER DEFAULT 1)"
    ),
    "CREATE TABLE IF NOT EXISTS passwords (uid VARCHAR(42) PRIMARY KEY, hash VARCHAR(255))",
    (
        "CREATE TABLE IF NOT EXISTS auth_sessions (id VARCHAR(64) PRIMARY KEY, user_uid VARCHAR(42),"
        " client_name VARCHAR(200), auth_scope VARCHAR(200), preview_token VARCHAR(64), sess_expires BIGINT)"
    ),
    (
        "CREATE TABLE IF NOT EXISTS photos (photo_uid VARCHAR(42) PRIMARY KEY, taken_at DATETIME,"
        f" photo_path {NAME}, photo_name {NAME}, photo_title VARCHAR(200), deleted_at DATETIME)"
    ),
    (
        "CREATE TABLE IF NOT EXISTS files (file_uid VARCHAR(42) PRIMARY KEY, photo_uid VARCHAR(42),"
        f" file_name {NAME}, file_root VARCHAR(16), file_hash VARCHAR(40), file_size BIGINT, mod_time BIGINT,"
        " file_width INTEGER, file_height INTEGER, file_missing INTEGER DEFAULT 0, UNIQUE (file_name, file_root))"
    ),
    (
        f"CREATE TABLE IF NOT EXISTS duplicates (file_name {NAME}, file_root VARCHAR(16), file_hash VARCHAR(40),"
        " PRIMARY KEY (file_name, file_root))"
    ),
)
CRYPT = ctypes.CDLL("libcrypt.so.1").crypt
CRYPT.restype, CRYPT.argtypes = ctypes.c_char_p, (ctypes.c_char_p, ctypes.c_char_p)
ONE_AT_A_TIME = threading.Lock()
RETRIES, PAUSE = 12, 5
SHORTEST_PASSWORD, MOST_BYTES = 8, 72
YEAR = 31_536_000


def uid(kind: str) -> str:
    return kind + "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(15))


class Database:
    """One connection behind a lock, opened again when the server has gone away."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.lock = threading.RLock()
        self.connection = self._wait()
        for statement in SCHEMA:
            self.run(statement.format(binary="COLLATE utf8mb4_bin" if settings.mysql else ""))

    def _open(self) -> Any:
        if not self.settings.mysql:
            file = self.settings.path("STORAGE") / "index.db"
            connection = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
            connection.row_factory = lambda cursor, row: {
                d[0]: v for d, v in zip(cursor.description, row, strict=False)
            }
            return connection
        host, _, port = self.settings.text("DATABASE_SERVER", "localhost").partition(":")
        return pymysql.connect(
            host=host, port=int(port or 3306), user=self.settings.text("DATABASE_USER", "photoprism"),
            password=self.settings.text("DATABASE_PASSWORD"), database=self.settings.text("DATABASE_NAME", "photoprism"),
            charset="utf8mb4", autocommit=True, cursorclass=pymysql.cursors.DictCursor,
            connect_timeout=int(self.settings.text("DATABASE_TIMEOUT", "15")),
        )  # fmt: skip

    def _wait(self) -> Any:
        """Upstream's patience: 12 attempts, 5 seconds apart, then the process fails."""
        for attempt in range(RETRIES + 1):
            try:
                return self._open()
            except FAILURES as error:
                if attempt == RETRIES:
                    msg = f"FATAL: config: cannot connect to the database: {error}"
                    raise SystemExit(msg) from error
                if attempt == 0:
                    log("info", "config: waiting for the database to become available")
                else:
                    time.sleep(PAUSE)
        raise AssertionError

    def run(self, sql: str, *values: object) -> list[dict[str, Any]]:
        """Runs one statement; the rows it gives."""
        with self.lock:
            if self.settings.mysql:
                self.connection.ping(reconnect=True)
            cursor = self.connection.cursor()
            cursor.execute(sql if self.settings.mysql else sql.replace("%s", "?"), values)
            # Upstream keeps ids, names and hashes as VARBINARY.
            return [{key: _text(value) for key, value in row.items()} for row in cursor.fetchall()]

    def one(self, sql: str, *values: object) -> dict[str, Any] | None:
        """The first row."""
        rows = self.run(sql, *values)
        return rows[0] if rows else None

    def init_admin(self) -> None:
        """Sets the password only on an account that has none: changing the variable later does nothing."""
        name, password = self.settings.text("ADMIN_USER", "admin"), self.settings.text("ADMIN_PASSWORD").strip()
        user = self.one("SELECT user_uid FROM auth_users WHERE user_role = 'admin'")
        if user is None:
            user = self.add_user(name)
        if self.one("SELECT uid FROM passwords WHERE uid = %s", user["user_uid"]):
            return
        if not password:
            log("warning", f"config: '{name}' account cannot be initialized due to missing or invalid password")
        elif len(password.encode()) > MOST_BYTES:  # any other length will do for the first one
            log("error", f"auth: password must have less than {MOST_BYTES} characters")
        else:
            self._keep(str(user["user_uid"]), password)

    def add_user(self, name: str) -> dict[str, Any]:
        """A new admin: the Community Edition has hardly another role."""
        user = {"user_uid": uid("u")}
        columns = "(user_uid, user_name, user_role, can_login)"
        self.run(f"INSERT INTO auth_users {columns} VALUES (%s, %s, 'admin', 1)", user["user_uid"], name)
        return user

    def let_in(self, user: str, may: bool) -> None:
        """Whether a user may log in; a change ends all sessions."""
        self.run("UPDATE auth_users SET can_login = %s WHERE user_uid = %s", int(may), user)
        self.run("DELETE FROM auth_sessions WHERE user_uid = %s", user)

    def set_password(self, user: str, password: str) -> str:
        """What is wrong with a password that a person chooses; "" where it was taken."""
        if len(password) < SHORTEST_PASSWORD:
            return f"password must have at least {SHORTEST_PASSWORD} characters"
        if len(password.encode()) > MOST_BYTES:
            return f"password must have less than {MOST_BYTES} characters"
        self._keep(user, password)
        return ""

    def _keep(self, user: str, password: str) -> None:
        self.run("DELETE FROM passwords WHERE uid = %s", user)
        self.run("INSERT INTO passwords (uid, hash) VALUES (%s, %s)", user, _bcrypt(password, _salt()))

    def login(self, name: str, password: str) -> str | None:
        """The user's id if name and password fit."""
        row = self.one(
            "SELECT user_uid, hash FROM auth_users JOIN passwords ON uid = user_uid"
            " WHERE user_name = %s AND can_login = 1",
            name,
        )
        if not row or not password:
            return None
        return row["user_uid"] if hmac.compare_digest(row["hash"], _bcrypt(password, row["hash"])) else None

    def knows(self, user: str, password: str) -> bool:
        """Whether it is the password of the user with this id."""
        row = self.one("SELECT user_name FROM auth_users WHERE user_uid = %s", user)
        return row is not None and self.login(str(row["user_name"]), password) == user

    def add_session(self, user: str, client: str, scope: str, seconds: int) -> tuple[str, str]:
        """A token and the preview token that thumbnails ask for; only the token's hash is kept."""
        letters = string.ascii_letters + string.digits
        groups = ("".join(secrets.choice(letters) for _ in range(6)) for _ in range(4))
        token = "-".join(groups) if client else secrets.token_hex(24)
        preview = secrets.token_hex(4)
        expires = 0 if seconds < 0 else int(time.time()) + (seconds or YEAR)
        self.run(
            "INSERT INTO auth_sessions (id, user_uid, client_name, auth_scope, preview_token, sess_expires)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            _digest(token), user, client, scope or "*", preview, expires,
        )  # fmt: skip
        return token, preview

    def session(self, token: str) -> dict[str, Any] | None:
        """The session of a token that has not run out."""
        row = self.one("SELECT * FROM auth_sessions WHERE id = %s", _digest(token)) if token else None
        return row if row and (row["sess_expires"] == 0 or row["sess_expires"] > time.time()) else None

    def end_session(self, token: str) -> None:
        """Signs out."""
        self.run("DELETE FROM auth_sessions WHERE id = %s", _digest(token))

    def app_passwords(self, user: str) -> list[dict[str, Any]]:
        """What programs of a user log in with; `ref_id` names one without opening anything."""
        rows = self.run("SELECT * FROM auth_sessions WHERE user_uid = %s AND client_name <> ''", user)
        return [{**row, "ref_id": f"sess{row['id'][:8]}"} for row in rows]

    def end_session_with(self, id_: str) -> None:
        """Ends a session by its own id."""
        self.run("DELETE FROM auth_sessions WHERE id = %s", id_)

    def previews(self, token: str) -> bool:
        """Whether a preview token belongs to a session."""
        return self.one("SELECT id FROM auth_sessions WHERE preview_token = %s", token) is not None


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _text(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _salt() -> str:
    """A salt of bcrypt, with upstream's prefix; of its cost a stand-in needs less."""
    letters = "./" + string.ascii_uppercase + string.ascii_lowercase + string.digits
    return "$2a$05$" + "".join(secrets.choice(letters) for _ in range(21)) + "u"


def _bcrypt(password: str, salt: str) -> str:
    """The hash that upstream keeps, by Debian's libcrypt; `salt` may be a hash, which begins with its salt."""
    with ONE_AT_A_TIME:  # crypt(3) has one place for all its answers
        made = CRYPT(password.encode(), salt.encode())
        return made.decode() if made else ""
