"""Traps of Windows' Linux subsystem. Elsewhere it finds nothing."""

from __future__ import annotations

from collections.abc import Iterator

from components.messages import message
from stacks.host import GIB, Finding, advice, ok, warning
from stacks.host.machine import Machine

RELEASE = "/proc/sys/kernel/osrelease"


def in_wsl(machine: Machine) -> bool:
    """Whether this is WSL; its kernel says so (microsoft/WSL, src/linux/init/util.cpp)."""
    return "microsoft" in machine.path(RELEASE).read_text().lower()


def check_wsl(machine: Machine) -> Iterator[Finding]:
    """Look for what stops the containers behind the family's back."""
    if not in_wsl(machine):
        return
    if machine.path("/run/systemd/system").exists():
        yield ok("wsl", message("wsl_systemd", "systemd is on"))
    else:
        yield warning(
            "wsl",
            *advice(
                "wsl_no_systemd",
                "systemd is off, so Docker does not start by itself",
                "Write [boot] and systemd=true into /etc/wsl.conf, then run wsl --shutdown in Windows",
            ),
        )
    if not _never_idle(machine):
        yield warning(
            "wsl",
            *advice(
                "wsl_sleeps",
                "Windows stops this distribution 15 s after the last window closes, and the containers with it",
                "Write [general] and instanceIdleTimeout=-1, then [wsl2] and vmIdleTimeout=-1 into %UserProfile%\\.wslconfig",
            ),
        )
    if machine.swap_bytes() < 4 * GIB:
        yield warning(
            "wsl",
            *advice(
                "wsl_little_swap",
                "less than 4 GB of swap; indexing may be killed",
                "Write [wsl2] and swap=8GB into %UserProfile%\\.wslconfig",
            ),
        )


def _never_idle(machine: Machine) -> bool:
    users = machine.path("/mnt/c/Users")
    for user in users.iterdir() if users.is_dir() else ():
        try:
            text = (user / ".wslconfig").read_text("utf-8", errors="replace").replace(" ", "")
        except OSError:
            continue
        if "instanceIdleTimeout=-" in text and "vmIdleTimeout=-" in text:
            return True
    return False
