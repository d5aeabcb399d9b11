"""`./photos keeper estimate`: what each copy costs in traffic, said from the stack file and the library alone."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.table import Table

from cli import stack_config
from cli.console import fail, out
from components.messages import message
from components.storage import MARKER
from keeper.settings import CopySettings, KeepSettings
from stacks.host.library import folders
from stacks.host.machine import HERE, Machine, MachinePath
from stacks.host.machines import library_machine
from stacks.languages import text
from stacks.sections.backup import BackupConfig

if TYPE_CHECKING:
    from keeper.backup.estimate import Estimate

YEAR_SECONDS, MONTHS = 365 * 24 * 3600, 12
UNITS = ("B", "KB", "MB", "GB", "TB")


@dataclass
class Library:
    """What lies in the library. Sizes in bytes; `new_bytes_month`: a twelfth of what was shot in the last year."""

    files: int = 0
    bytes: int = 0
    new_bytes_month: int = 0


def show(stack: str, copy: str | None, *, as_json: bool) -> int:
    """Print what each copy of the stack file costs; return the exit code."""
    settings = stack_config.offline(stack).settings
    if not settings.backup:
        fail(
            message(
                "estimate_no_backup",
                "The stack file has no photos:backup yet. Write the copies that you think of, then ask again: docs/backup.md",
            )
        )
    if copy and copy not in settings.backup.remotes:
        fail(
            message(
                "estimate_no_copy",
                "The stack file names no such copy under photos:backup. There is: {known}",
                known=", ".join(settings.backup.remotes),
            )
        )
    from keeper.backup.estimate import estimate  # noqa: PLC0415 - of the keeper only what is needed, when it is needed

    library = count(folders(settings).values(), library_machine(settings))
    names = [copy] if copy else list(settings.backup.remotes)
    found = {
        name: estimate(library.files, library.bytes, library.new_bytes_month, as_keeper_has_it(settings.backup, name))
        for name in names
    }
    if as_json:
        out.print_json(
            json.dumps({"library": vars(library), "copies": {name: vars(cost) for name, cost in found.items()}})
        )
    else:
        _print(library, found)
    return 0


def count(roots: Iterable[MachinePath], machine: Machine = HERE) -> Library:
    """Count the files below `roots`; what cannot be looked at is left out."""
    library, year_ago, recent = Library(), time.time() - YEAR_SECONDS, 0
    for name, size, changed in (file for root in roots for file in machine.files(root)):
        if name != MARKER:
            library.files += 1
            library.bytes += size
            recent += size if changed > year_ago else 0
    library.new_bytes_month = recent // MONTHS
    return library


def as_keeper_has_it(backup: BackupConfig, name: str) -> CopySettings:
    """Return a copy of the stack file as the keeper is told it, without its login."""
    remote = backup.remotes[name]
    return CopySettings(
        name=name,
        kind=remote.kind,
        type=remote.type,
        path=remote.path,
        options=remote.options,
        secrets=remote.secrets,
        schedule=backup.schedule_of(name),
        verify_days=backup.verify_days_of(name),
        keep=KeepSettings(**backup.keep_of(name).model_dump()),
        bandwidth=remote.bandwidth,
        connections=remote.connections,
    )


def _print(library: Library, found: Mapping[str, Estimate]) -> None:
    counted = message(
        "estimate_library",
        "The library: {files} files, {size}; about {new} come in a month.",
        files=f"{library.files:,}",
        size=size(library.bytes),
        new=size(library.new_bytes_month),
    )
    out.print(text(counted), soft_wrap=True)
    heads = (
        message("estimate_copy", "copy"),
        message("estimate_first", "first upload"),
        message("estimate_up", "sent a month"),
        message("estimate_down", "fetched a month"),
        message("estimate_requests", "requests a month"),
    )
    table = Table(*(text(head) for head in heads))
    for name, cost in found.items():
        sizes = (cost.first_upload, cost.monthly_up, cost.monthly_down)
        table.add_row(name, *map(size, sizes), f"{cost.requests:,}")
    out.print(table)


def size(count: float) -> str:
    """Write a number of bytes as people read it."""
    unit = 0
    while count >= 1000 and unit < len(UNITS) - 1:  # noqa: PLR2004 - SI
        count, unit = count / 1000, unit + 1
    return f"{count:.1f} {UNITS[unit]}" if unit and count < 10 else f"{count:.0f} {UNITS[unit]}"  # noqa: PLR2004
