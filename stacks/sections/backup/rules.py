"""What must hold between `photos:backup` and the other keys of the stack file."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from components.keeper import OPENLIST
from components.messages import Message, message
from components.ports import host_ports
from stacks.findings import Finding
from stacks.problems import problem
from stacks.sections import Settings
from stacks.sections.backup import BackupConfig
from stacks.sections.backup.copies import RemoteConfig
from stacks.sections.backup.secrets import ALERT_KEYS, OWN_KEYS, secret_key

SECTION, PREFIX = "backup", "backup_"


def flat_keys(values: Mapping[str, str]) -> set[str]:
    """Return the flat keys that `photos:backup` knows, and those that are kept for copies that may come back."""
    section = _section(values)
    kept = {key for key in values if key.startswith(PREFIX) and (section is None or key.endswith(OWN_KEYS))}
    return kept if section is None else kept | set(ALERT_KEYS) | set(_asked_for(section))


def unknown_keys(values: Mapping[str, str]) -> list[str]:
    """Return the flat keys that look like the backup's and are none."""
    return sorted(key for key in values if key.startswith(PREFIX) and key not in flat_keys(values))


def unknown_key_problem(key: str, values: Mapping[str, str]) -> Finding:
    """Say what to do with a flat key that no copy asks for."""
    return problem(
        key,
        message(
            "flat_key_of_no_copy",
            "no copy asks for it. {meant}: ./photos config rm photos:{key}",
            meant=key_meant(key, flat_keys(values)),
            key=key,
        ),
    )


def key_meant(key: str, known: Collection[str]) -> Message:
    """Return what to do with a flat key that nothing asks for, and which one may be meant."""
    if near := get_close_matches(key, sorted(known), 1):
        return message("flat_key_meant", "Did you mean photos:{near}? Take this one out", near=near[0])
    return message("flat_key_take_out", "Take it out")


def backup_problems(settings: Settings) -> list[Finding]:
    """Return what is wrong with `photos:backup`, beyond what the model sees by itself."""
    if not settings.backup:
        return []
    taken = [
        problem(
            "backup.port",
            message(
                "backup_port_taken",
                "{number} is used by {place} already. Choose another",
                number=port.number,
                place=f"{name}.{port.field}",
            ),
        )
        for name, service in settings.enabled().items()
        for port in host_ports(service)
        if port.number == settings.backup.port
    ]
    return taken + [
        problem(f"backup.remotes.{name}.{key}", text)
        for name, remote in settings.backup.remotes.items()
        for key, text in _problems_of(remote, settings)
    ]


def _problems_of(remote: RemoteConfig, settings: Settings) -> Iterator[tuple[str, Message]]:
    if remote.type == OPENLIST and "drive" not in settings.enabled():
        yield (
            "type",
            message(
                "openlist_not_there",
                "openlist is the stack's OpenList, and it is not among services. Write `drive: {}` under photos:services",
            ),
        )
    if not remote.is_local:
        return
    for folder in settings.library.library().folders:
        one, two = f"{remote.folder}/", f"{folder}/"
        if one.startswith(two) or two.startswith(one):
            yield (
                "path",
                message(
                    "copy_in_library",
                    "{folder} and the library {library} lie in each other. Write a folder on another disk",
                    folder=remote.folder,
                    library=folder,
                ),
            )


def _section(values: Mapping[str, str]) -> dict[str, Any] | None:
    """Return the section as it was written, before anything is known to be right in it; None where it names no copies."""
    try:
        section = json.loads(values.get(SECTION) or "null")
    except ValueError:
        return None
    return section if isinstance(section, dict) and section else None


def _asked_for(section: Mapping[str, Any]) -> Iterator[str]:
    remotes = section.get("remotes")
    for name, remote in remotes.items() if isinstance(remotes, dict) else ():
        options = remote.get("secrets", []) if isinstance(remote, dict) else []
        for option in (*OWN_KEYS, *(options if isinstance(options, list) else [])):
            yield secret_key(str(name), str(option))


def status_line(backup: BackupConfig, page: str | None = None) -> Message:
    """Say in one line what is copied where, and when; `page` is where the keeper's is, by default on this machine."""
    copies = ", ".join(f"{name} ({remote.kind})" for name, remote in backup.remotes.items())
    return message(
        "backup_status",
        "Backup to {copies}, by the schedule {schedule}; how it goes: {page}",
        copies=copies,
        schedule=repr(backup.schedule),
        page=page or page_url(backup),
    )


def page_url(backup: BackupConfig) -> str:
    """Return where a browser on this machine finds the keeper's page."""
    return f"http://localhost:{backup.port}/"
