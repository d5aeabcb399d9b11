"""The `openlist` command of the double: server, version, admin, admin random|set|token."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from . import web
from .store import Store, random_text


def serve(store: Store) -> None:
    server = web.server(store)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"start HTTP server @ {store.config['address']}:{store.config['http_port']}", flush=True)
    server.serve_forever(poll_interval=0.2)


def admin(store: Store, words: list[str]) -> int:
    """Like upstream, `admin` alone shows nothing secret; `set` and `random` print the new password."""
    user = store.admin()
    if not words:
        print(f"Admin user's username: {user['username']}")
        print(
            "The password can only be output at the first startup, and then stored as a hash value, which cannot be reversed"
        )
        print("You can reset the password with a random string by running [openlist admin random]")
        print("You can also set a new password by running [openlist admin set NEW_PASSWORD]")
    elif words[0] == "token":
        print("Admin token:", store.token())
    elif words[0] == "random" or (words[0] == "set" and len(words) > 1):
        password = random_text(8) if words[0] == "random" else words[1]
        store.set_password(user["id"], password)
        print(f"admin user has been updated:\nusername: {user['username']}\npassword: {password}")
    else:
        print("Error: Please enter the new password", file=sys.stderr)
        return 1
    return 0


def main() -> int:
    print("This is a stand-in for OpenList (demo/images), not the upstream program.", file=sys.stderr, flush=True)
    parser = argparse.ArgumentParser(prog="openlist")
    parser.add_argument("--data", default="data")
    parser.add_argument("--no-prefix", action="store_true")
    parser.add_argument("command", choices=["server", "version", "admin", "password"])
    parser.add_argument("words", nargs="*")
    arguments = parser.parse_intermixed_args()
    if arguments.command == "version":
        print(f"Version: {os.environ.get('OPENLIST_DOUBLE_VERSION', 'unknown')}-double")
        return 0
    try:
        store = Store(Path(arguments.data).resolve(), prefix="" if arguments.no_prefix else "OPENLIST_")
    except OSError as error:
        print(f"FATAL failed to create config file: {error}", file=sys.stderr)
        return 1
    if arguments.command == "server":
        serve(store)
        return 0
    return admin(store, arguments.words)


if __name__ == "__main__":
    sys.exit(main())
