"""The images of a stack by their place in its stack file. The first `up` writes those that it starts.

From then on a newer checkout, whose defaults are others, changes nothing that runs: `./photos upgrade` does.
"""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel

from cli import paths, private_state, stackfile, workspace
from stacks.images import image_keys
from stacks.names import NAMESPACE
from stacks.sections import Settings

IMAGE = "docker:index/remoteImage:RemoteImage"
OFFICIAL = "library/"
"""What Docker Hub's own images are below, where a mirror is asked for them."""
Model = TypeVar("Model", bound=BaseModel)


def with_running(stack: str, settings: Settings) -> Settings:
    """Return the settings with the images that run, where a stack file of an older version names none."""
    if not settings.id:
        return settings
    running = _running(stack, settings)
    for each in image_keys(settings):
        if each.resource in running and not _is_written(settings, each.key):
            settings = _replaced(settings, each.key.split("."), running[each.resource])
    return settings


def write_down(stack: str, settings: Settings) -> None:
    """Write the images into a stack file that names none; what a person wrote stays. `settings`: with what runs."""
    written = stackfile.read(paths.stack_file(stack))
    absent = {
        NAMESPACE + each.key: each.current for each in image_keys(settings) if not stackfile.holds(written, each.key)
    }
    if absent:
        workspace.set_values(stack, absent)


def _running(stack: str, settings: Settings) -> dict[str, str]:
    """Return logical name → image of the state of `stack`, as it would stand in a stack file."""
    defaults = {each.resource: each.default for each in image_keys(settings)}
    images: dict[str, str] = {}
    for resource in private_state.resources(stack):
        name = resource["urn"].rpartition("::")[2]
        pulled = str((resource.get("inputs") or {}).get("name") or "")
        if resource.get("type") == IMAGE and name in defaults and pulled and not resource.get("delete"):
            images[name] = _as_written(pulled, settings.image_registry, defaults[name])
    return images


def _as_written(pulled: str, registry: str | None, default: str) -> str:
    """Return the name of an image without the mirror that it came through, be it today's mirror or another one."""
    if registry and pulled.startswith(f"{registry.rstrip('/')}/"):
        return pulled.removeprefix(f"{registry.rstrip('/')}/").removeprefix(OFFICIAL)
    repository = default.rpartition(":")[0]
    mirrored = f"/{repository if '/' in repository else OFFICIAL + repository}:"
    return f"{repository}:{pulled.partition(mirrored)[2]}" if mirrored in pulled else pulled


def _is_written(settings: Settings, key: str) -> bool:
    section: Any = settings
    *parents, field = key.split(".")
    for parent in parents:
        section = getattr(section, parent)
    return field in section.model_fields_set


def _replaced(section: Model, path: list[str], value: str) -> Model:
    """Return a copy of a section in which one key has another value; `path` leads there."""
    first, *rest = path
    inner: object = _replaced(getattr(section, first), rest, value) if rest else value
    return section.model_copy(update={first: inner})
