"""Clear what a killed `pulumi` leaves behind: its lock, and containers that hold a name but are in no state."""

from __future__ import annotations

import json
import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from cli import docker_host, engine, paths, stackfile
from cli.console import say
from stacks.config import PLACEHOLDER_ID

PLUGIN_NAMES = ("pulumi-resource", "pulumi-languag")  # the kernel keeps 15 letters of a name
CONTAINER, NETWORK = "docker:index/container:Container", "docker:index/network:Network"


def unlock(stack: str) -> None:
    """Remove the locks of dead processes, and end the plugins that outlived them; name each lock."""
    for lock in engine.locks(stack):
        if lock_is_dead(lock):
            _end_orphaned_plugins()
            lock.unlink(missing_ok=True)
            say(f"Removed the lock of a pulumi that is gone ({lock.name}).")


def sweep(stack: str) -> None:
    """Remove dead locks, then this stack's containers and networks that its state does not know; name each."""
    unlock(stack)
    if engine.locks(stack):
        return  # pulumi is at work: what is not in the state yet is its own
    identity = stackfile.stack_id(paths.stack_file(stack))
    if identity and identity != PLACEHOLDER_ID:
        _orphans(identity, engine.state(stack))


def lock_is_dead(lock: Path) -> bool:
    """Whether the process that made the lock is gone from this machine."""
    try:
        content = json.loads(lock.read_text("utf-8"))
        pid, host = int(content["pid"]), str(content["hostname"])
    except (OSError, ValueError, KeyError, TypeError):
        return False
    if pid <= 0 or host != socket.gethostname():
        return False
    try:
        return "pulumi" not in psutil.Process(pid).name() or pid == os.getpid()
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


def known(state: dict[str, Any]) -> set[str]:
    """Return the Docker ids of the containers and networks in the state."""
    return {
        str(resource.get("id"))
        for resource in state.get("resources") or ()
        if resource.get("type") in (CONTAINER, NETWORK)
    }


def _orphans(identity: str, state: dict[str, Any]) -> None:
    """Remove what carries exactly this id; never a volume, never another stack's."""
    ours, in_state = docker_host.of_stack(identity), known(state)
    with docker_host.connect() as client:
        for container in client.containers.list(all=True, ignore_removed=True, filters=ours):
            if container.id not in in_state:
                container.stop(timeout=120)
                container.remove()
                say(f"Removed the container {container.name}: an interrupted run left it outside the state.")
        for network in client.networks.list(filters=ours):
            if network.id not in in_state:
                network.remove()
                say(f"Removed the network {network.name}: an interrupted run left it outside the state.")
