"""The `photoprism` command of the double: the server and the few commands that the photo system calls."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
import time
import urllib.request
from pathlib import Path

from . import options
from .database import Database
from .library import Library
from .settings import Settings, log
from .web import Application, serve

VERSION = f"{os.environ.get('DOCKER_TAG', 'unknown')}-double"


def start(settings: Settings) -> int:
    print("This is a stand-in for PhotoPrism (demo/images), not the upstream program.", file=sys.stderr, flush=True)
    prepare(settings)
    settings = options.over(settings)
    database = Database(settings)
    database.init_admin()
    library = Library(settings, database)
    server = serve(Application(settings, database, library))

    code = 0

    def stop(number: int, _frame: object) -> None:
        nonlocal code
        log("info", "shutting down...")
        code = 1 if number == signal.SIGUSR1 else 0
        threading.Thread(target=server.shutdown).start()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, stop)
    if settings.index_seconds:
        threading.Thread(target=repeat, args=(library, settings.index_seconds), daemon=True).start()
    host, port = server.server_address[:2]
    log("info", f"server: listening on {host!s}:{port}")
    server.serve_forever(poll_interval=0.2)
    return code


def repeat(library: Library, seconds: int) -> None:
    while True:
        time.sleep(seconds)
        try:
            library.index()
        except Exception as error:  # noqa: BLE001 - the next round may succeed
            log("error", f"index: {error}")


def prepare(settings: Settings) -> None:
    """Makes the folders that upstream makes, and marks storage so that it is never indexed."""
    storage, originals = settings.path("STORAGE"), settings.path("ORIGINALS")
    if storage == originals:
        msg = "FATAL: config: originals and storage folder must be different directories"
        raise SystemExit(msg)
    try:
        for name in ("", "cache", "config", "sidecar", "albums"):
            (storage / name).mkdir(parents=True, exist_ok=True)
        (storage / ".ppstorage").write_text(str(int(time.time())))
        (storage / ".ppignore").write_text("*")
        for folder in (originals, settings.path("IMPORT")):
            folder.mkdir(parents=True, exist_ok=True)
            if (folder / ".ppstorage").exists():
                msg = f"FATAL: config: found a .ppstorage file in {folder}"
                raise SystemExit(msg)
    except OSError as error:
        msg = f"FATAL: config: {error}, please check configuration and permissions"
        raise SystemExit(msg) from error


def report(settings: Settings, *, as_json: bool) -> None:
    hidden = ("PASSWORD", "SECRET", "KEY", "TOKEN")
    values = {
        name.lower().replace("_", "-"): "********" if any(word in name for word in hidden) else value
        for name, value in sorted(settings.values.items())
    }
    if as_json:
        print(json.dumps([{"name": name, "value": value} for name, value in values.items()]))
    else:
        print("\n".join(f"| {name:<28} | {value}" for name, value in values.items()))


def add_token(database: Database, arguments: argparse.Namespace) -> int:
    user = (
        database.one("SELECT user_uid FROM auth_users WHERE user_name = %s", arguments.user) if arguments.user else None
    )
    if arguments.user and user is None:
        print(f"user '{arguments.user}' not found", file=sys.stderr)
        return 1
    token, _ = database.add_session(
        user["user_uid"] if user else "", arguments.name, arguments.scope, arguments.expires
    )
    kind = "App Password" if user else "Access Token"
    print(f"\nPLEASE COPY THE FOLLOWING RANDOMLY GENERATED {kind.upper()} AND KEEP IT IN A SAFE PLACE,"
          " AS YOU WILL NOT BE ABLE TO SEE IT AGAIN:\n")  # fmt: skip
    line = f"|{'-' * (len(token) + 2)}|{'-' * 21}|"
    print(
        f"{line}\n| {kind:<{len(token)}} | Authorization Scope |\n{line}\n| {token} | {arguments.scope:<19} |\n{line}"
    )
    return 0


def parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="photoprism", description="PhotoPrism double; see demo/images/README.md")
    parser.add_argument("-v", "--version", action="version", version=VERSION)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("start", "up", "status", "version"):
        commands.add_parser(name)
    index = commands.add_parser("index")
    index.add_argument("-f", "--force", action="store_true")
    index.add_argument("-c", "--cleanup", action="store_true")
    index.add_argument("sub", nargs="?", default="")
    for name in ("import", "mv", "copy", "cp"):
        bring = commands.add_parser(name)
        bring.add_argument("-d", "--dest", default="")
        bring.add_argument("source", nargs="?", default="")
    show = commands.add_parser("show").add_subparsers(dest="what", required=True)
    show.add_parser("config").add_argument("--json", action="store_true")
    users = commands.add_parser("users").add_subparsers(dest="what", required=True)
    listing = users.add_parser("ls")
    listing.add_argument("-j", "--json", action="store_true")
    listing.add_argument("-n", "--count", type=int, default=100)
    for what in ("add", "mod"):
        one = users.add_parser(what)
        one.add_argument("-p", "--password", required=what == "add")
        one.add_argument("-l", "--no-login", nargs="?", const="true", choices=("true", "false"))
        one.add_argument("user")
    add = commands.add_parser("auth").add_subparsers(dest="what", required=True).add_parser("add")
    add.add_argument("-n", "--name", required=True)
    add.add_argument("-s", "--scope", required=True)
    add.add_argument("-e", "--expires", type=int, default=31_536_000)
    add.add_argument("user", nargs="?", default="")
    return parser.parse_args(words)


def main() -> int:
    arguments, settings = parse(sys.argv[1:]), Settings.from_environment()
    if arguments.command in {"start", "up"}:
        return start(settings)
    if arguments.command == "version":
        print(VERSION)
    elif arguments.command == "status":
        with urllib.request.urlopen(settings.text("SITE_URL").rstrip("/") + "/api/v1/status", timeout=10) as answer:  # noqa: S310 - our own address
            print(json.load(answer)["status"])
    elif arguments.command == "show":
        report(settings, as_json=arguments.json)
    else:
        return with_database(settings, arguments)
    return 0


def with_database(settings: Settings, arguments: argparse.Namespace) -> int:
    database = Database(settings)
    library = Library(settings, database)
    if arguments.command == "index":
        library.index(arguments.sub, rescan=arguments.force)
    elif arguments.command in {"import", "mv", "copy", "cp"}:
        if settings.flag("READONLY"):
            msg = "read-only mode: import is disabled"
            raise SystemExit(msg)
        source = arguments.source and os.path.relpath(
            Path(settings.path("IMPORT"), arguments.source), settings.path("IMPORT")
        )
        library.bring_in(source, move=arguments.command in {"import", "mv"}, dest=arguments.dest)
    elif arguments.command == "auth":
        return add_token(database, arguments)
    else:
        users(database, arguments)
    return 0


def users(database: Database, arguments: argparse.Namespace) -> None:
    if arguments.what == "ls":
        rows = database.run("SELECT user_uid, user_name, user_role, can_login FROM auth_users")
        if arguments.json:
            names = {True: "Enabled", False: "Disabled"}
            print(json.dumps([
                {
                    "uid": row["user_uid"], "username": row["user_name"], "role": row["user_role"].title(),
                    "web_login": names[bool(row["can_login"])],
                }
                for row in rows[: arguments.count]
            ]))  # fmt: skip
        else:
            for row in rows:
                print("| {user_uid} | {user_name} | {user_role} |".format(**row))
        return
    user = database.one("SELECT user_uid FROM auth_users WHERE user_name = %s", arguments.user)
    if arguments.what == "add" and user:
        msg = "account already exists"
        raise SystemExit(msg)
    if arguments.what == "mod" and not user:
        msg = f"user {arguments.user!r} not found"
        raise SystemExit(msg)
    user = user or database.add_user(arguments.user)
    if arguments.no_login:
        database.let_in(user["user_uid"], arguments.no_login == "false")
    if arguments.password and not database.set_password(user["user_uid"], arguments.password):
        msg = "the password does not have 8-72 characters"
        raise SystemExit(msg)


if __name__ == "__main__":
    sys.exit(main())
