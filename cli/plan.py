"""`./photos plan`: what the program declares, without the engine."""

from __future__ import annotations

from typing import Any

from rich.text import Text

from cli import stack_config
from cli.console import fail, out, say, wrapped
from components.messages import message
from components.service import Owner
from stacks.config import load
from stacks.host.endpoint import EndpointError
from stacks.host.library import DEFAULT_OWNER, library_owner
from stacks.host.machines import library_machine
from stacks.languages import text
from stacks.program import declare
from stacks.recording import Recorded, Recorder, is_secret, plain, record
from stacks.sections import Settings

KIND_WIDTH = 15
READ_ONLY = message("plan_read_only", " (read-only)")


def show(stack: str) -> None:
    """Print the resources of `stack`; secrets as names only."""
    config = stack_config.offline(stack)
    try:
        _print(recorded(stack))
    except EndpointError as error:
        fail(error.finding.line)
    say(
        message(
            "plan_photos", "Photos stay in: {folders}", folders=", ".join(config.settings.library.library().folders)
        )
    )
    keeps = config.settings.data.on_destroy == "keep"
    say(
        message("plan_volumes_kept", "Volumes outlive destroy.")
        if keeps
        else message("plan_volumes_deleted", "Volumes are deleted by destroy.")
    )


def recorded(stack: str) -> Recorder:
    """Return what the program declares for the stack file, or the example, of `stack`."""

    def program() -> None:
        config = load()
        declare(config, _owner(config.settings))

    values, secret_keys = stack_config.offline_values(stack)
    return record(program, stack=stack, config=values, secret_keys=secret_keys, preview=True)


def _owner(settings: Settings) -> Owner:
    """Return whom the photos belong to; on another machine nobody is asked, and the stack file says it after the first `up`."""
    if library_machine(settings).here:
        return library_owner(settings)
    return Owner(uid=settings.owner.uid, gid=settings.owner.gid) if settings.owner else DEFAULT_OWNER


def _print(recorder: Recorder) -> None:
    """Print each component with its resources, a fact a line: they fit a small terminal without breaking a word."""
    say(message("plan_title", "photos: what would be created"))
    for component in (resource for resource in recorder.resources if not resource.custom):
        children = [child for child in recorder.resources if child.custom and child.parent == component.urn]
        if children:
            out.print(Text(f"\n{component.name} ({component.type.split(':')[-1]})", "bold"))
        for child in children:
            kind, *facts = _facts(child)
            for label, fact in zip([kind, *[""] * len(facts)], facts, strict=False):
                out.print(wrapped(fact, out.width, first=f"  {label:<{KIND_WIDTH}}", then=" " * (KIND_WIDTH + 6)))


def _facts(resource: Recorded) -> list[str]:
    """Return the kind of a resource, its name, and what there is to know of it."""
    inputs = plain(resource.inputs)
    kind = resource.type.split(":")[-1]
    kept, deleted = message("plan_kept", ", kept"), message("plan_deleted", ", deleted by destroy")
    fate = text(kept if resource.options["retain_on_delete"] else deleted) if kind == "Volume" else ""
    return [
        kind,
        f"{inputs.get('name', resource.name)}{fate}",
        *(_port(port) for port in inputs.get("ports") or ()),
        *(_mount(mount) for mount in inputs.get("mounts") or ()),
        *([_secrets(names)] if (names := _secret_names(resource)) else []),
    ]


def _secrets(names: list[str]) -> str:
    return text(message("plan_secrets", "secrets: {names}", names=", ".join(names)))


def _port(port: dict[str, Any]) -> str:
    return f"{port['ip']}:{int(port['external'])} → {int(port['internal'])}/{port.get('protocol', 'tcp')}"


def _mount(mount: dict[str, Any]) -> str:
    return f"{mount['source']} → {mount['target']}" + (text(READ_ONLY) if mount.get("readOnly") else "")


def _secret_names(resource: Recorded) -> list[str]:
    uploads = resource.inputs.get("uploads")
    if not is_secret(uploads):
        return []
    return [
        upload["file"].rsplit("/", 1)[-1] for upload in plain(uploads) if upload["file"].startswith("/run/secrets/")
    ]
