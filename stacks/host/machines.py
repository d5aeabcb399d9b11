"""Which machine a stack's folders and services are on, by the sections of its stack file."""

from __future__ import annotations

from stacks.host.machine import HERE, Machine, machine_at
from stacks.sections import Settings
from stacks.sections.places import host_of, library_host

SSH = "ssh://"


def machine_of(settings: Settings, host: str = "") -> Machine:
    """Return the machine of a host, by its name below `photos:hosts`; "" where there is one.

    A socket of this machine is its own Docker, or leads to one whose folders are here, too.
    """
    listed = settings.hosts.get(host)
    url = (listed and listed.docker) or settings.host
    return machine_at(url) if url and url.startswith(SSH) else HERE


def machine_with(settings: Settings, service: str) -> Machine:
    """Return the machine that a service is on."""
    return machine_of(settings, host_of(settings, service))


def library_machine(settings: Settings) -> Machine:
    """Return the machine that has the photos, and with them the copies in folders."""
    return machine_of(settings, library_host(settings))
