"""Clear the lock that a killed `pulumi` leaves behind, and the plugins that outlived it."""

from __future__ import annotations

import os
import socket
from contextlib import suppress

import psutil

from cli import private_state
from cli.console import say
from cli.private_state import Lock
from components.messages import message

PLUGIN_NAMES = ("pulumi-resource", "pulumi-languag")  # the kernel keeps 15 letters of a name


def unlock(stack: str) -> None:
    """Remove the locks of dead processes, and end the plugins that outlived them; name each lock."""
    for lock in private_state.locks(stack):
        if lock_is_dead(lock):
            _end_orphaned_plugins()
            lock.remove()
            say(message("lock_removed", "Removed the lock of a pulumi that is gone ({lock}).", lock=lock.file.name))


def lock_is_dead(lock: Lock) -> bool:
    """Whether the process that made the lock is gone from this machine."""
    if lock.pid is None or lock.pid <= 0 or lock.hostname != socket.gethostname():
        return False
    try:
        return "pulumi" not in psutil.Process(lock.pid).name() or lock.pid == os.getpid()
    except psutil.NoSuchProcess:
        return True


def _end_orphaned_plugins() -> None:
    """End provider processes whose `pulumi` is gone: they would go on creating behind the sweep's back."""
    orphans = []
    for process in psutil.process_iter(["name", "uids"]):
        with suppress(psutil.NoSuchProcess):
            parent = process.parent()
            plugin = process.info["name"].startswith(PLUGIN_NAMES) and process.info["uids"].real == os.getuid()
            if plugin and (parent is None or parent.name() != "pulumi"):
                process.terminate()
                orphans.append(process)
    psutil.wait_procs(orphans, timeout=10)
