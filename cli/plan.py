"""`./photos plan`: what the program declares, as a table, without the engine."""

from __future__ import annotations

from typing import Any

from rich.table import Column, Table
from rich.text import Text

from cli import stackfile
from cli.console import out, say
from cli.recording import Recorded, Recorder, is_secret, plain, record
from stacks.checks.library import library_owner
from stacks.config import load
from stacks.photo_system import declare


def show(stack: str) -> None:
    """Print the resource table of `stack`; secrets as names only."""
    config = stackfile.offline(stack)
    out.print(table(recorded(stack)))
    say("Photos stay in: " + ", ".join(config.settings.library.library().folders))
    say("Volumes " + ("outlive destroy." if config.settings.data.on_destroy == "keep" else "are deleted by destroy."))


def recorded(stack: str) -> Recorder:
    """Return what the program declares for the stack file, or the example, of `stack`."""

    def program() -> None:
        config = load()
        declare(config, library_owner(config.settings))

    values, secret_keys = stackfile.offline_values(stack)
    return record(program, stack=stack, config=values, secret_keys=secret_keys, preview=True)


def table(recorder: Recorder) -> Table:
    """Return one row per resource: components first, their resources below them."""
    names = ("name", "type", "image", "ports", "mounts", "data", "secrets")
    result = Table(*(Column(name, overflow="fold") for name in names), title="photos: what would be created")
    for component in (resource for resource in recorder.resources if not resource.custom):
        result.add_row(component.name, component.type.split(":")[-1], style="bold")
        for child in recorder.resources:
            if child.custom and child.parent.endswith(f"{component.type}::{component.name}"):
                result.add_row(*(Text(cell) for cell in _row(child)))
    return result


def _row(resource: Recorded) -> list[str]:
    inputs = plain(resource.inputs)
    kind = resource.type.split(":")[-1]
    return [
        f"  {inputs.get('name', resource.name)}",
        kind,
        str(inputs["image"]).removeprefix("sha256:") if "image" in inputs else "",
        "\n".join(_port(port) for port in inputs.get("ports") or ()),
        "\n".join(_mount(mount) for mount in inputs.get("mounts") or ()),
        {"Volume": "kept" if resource.options["retain_on_delete"] else "deleted by destroy"}.get(kind, ""),
        "\n".join(_secret_names(resource)),
    ]


def _port(port: dict[str, Any]) -> str:
    return f"{port['ip']}:{int(port['external'])} → {int(port['internal'])}/{port.get('protocol', 'tcp')}"


def _mount(mount: dict[str, Any]) -> str:
    return f"{mount['source']} → {mount['target']}" + (" (read-only)" if mount.get("readOnly") else "")


def _secret_names(resource: Recorded) -> list[str]:
    if resource.type.endswith(":RandomPassword"):
        return [resource.name]
    uploads = resource.inputs.get("uploads")
    if not is_secret(uploads):
        return []
    return [
        upload["file"].rsplit("/", 1)[-1] for upload in plain(uploads) if upload["file"].startswith("/run/secrets/")
    ]
