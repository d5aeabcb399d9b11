"""Which keys the kit holds that a person put in a safe place, and which have come since: then it opens not everything."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ValidationError

from cli import paths, stack_config, stackfile
from cli.console import fail
from components.messages import message
from stacks.names import NAMESPACE

PASSPHRASE = "passphrase"  # noqa: S105 - the name of a file


class KeptKit(BaseModel):
    """A kit. `keys`: flat key → digest of its encrypted text, which is another when it is set again; `fingerprints`: the keeper's."""

    made: datetime
    keys: dict[str, str]
    fingerprints: dict[str, str] = {}
    confirmed: datetime | None = None


def note_made(stack: str, fingerprints: Mapping[str, str]) -> None:
    """Note that a kit was made, and what it opens."""
    made = KeptKit(made=datetime.now(UTC), keys=_keys_now(stack), fingerprints=dict(fingerprints))
    paths.write_private(_file(stack, ".made"), made.model_dump_json())


def confirm(stack: str) -> KeptKit:
    """Note that a person put the kit that was made last in a safe place; return it."""
    made = _read(_file(stack, ".made"))
    if made is None:
        fail(
            message(
                "kit_not_made", "No kit was made here yet. Make it: ./photos keeper kit --stack {stack}", stack=stack
            )
        )
    kept = made.model_copy(update={"confirmed": datetime.now(UTC)})
    paths.write_private(_file(stack), kept.model_dump_json())
    return kept


def confirmed(stack: str) -> KeptKit | None:
    """Return the kit that a person put in a safe place."""
    return _read(_file(stack))


def lacking(stack: str) -> list[str]:
    """Return what came or changed after the confirmed kit was made: flat keys of copies, or the passphrase."""
    kept = confirmed(stack)
    return [name for name, digest in _keys_now(stack).items() if kept and kept.keys.get(name) != digest]


def _keys_now(stack: str) -> dict[str, str]:
    """Return what a kit of today opens. It is read without the engine, so a value is known by its encrypted text."""
    settings, document = stack_config.offline(stack).settings, stackfile.read(paths.stack_file(stack))
    names = [*settings.backup.repository_keys(), *settings.backup.typed_keys()] if settings.backup else []
    texts = {name: json.dumps(document.get(NAMESPACE + name)) for name in names}
    with suppress(OSError):
        texts[PASSPHRASE] = paths.passphrase_file(stack).read_text("utf-8")
    return {name: hashlib.sha256(f"{name} {text}".encode()).hexdigest()[:16] for name, text in texts.items()}


def _read(file: Path) -> KeptKit | None:
    with suppress(OSError, ValidationError):
        return KeptKit.model_validate_json(file.read_bytes())
    return None


def _file(stack: str, end: str = "") -> Path:
    return paths.data_folder() / "kits" / f"{stack}{end}"
