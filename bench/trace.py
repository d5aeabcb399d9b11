"""Record what the program declares so that each value still tells which resource it came from."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from threading import Lock
from typing import Any

from stacks.recording import Recorded, Recorder, record

REFERENCE = re.compile(r"«(\d+)\.(\w+)»")
"""Stands in a value for an output: «number of the resource.output»."""

# Type → its outputs that others use, as on the wire → their names in Python.
OUTPUTS = {
    "docker:index/network:Network": {"id": "id"},
    "docker:index/volume:Volume": {"name": "name"},
    "docker:index/remoteImage:RemoteImage": {"imageId": "image_id"},
    "random:index/randomPassword:RandomPassword": {"result": "result"},
}


class Tracer(Recorder):
    """A recorder whose outputs are references."""

    def __init__(self) -> None:
        super().__init__()
        self._numbered: list[Recorded] = []
        self._numbering = Lock()

    def create(self, resource: Recorded) -> dict[str, Any]:
        """Return the outputs of `resource`, each in a form that is found again inside another resource's inputs."""
        with self._numbering:  # they come side by side, in threads
            number = len(self._numbered)
            self._numbered.append(resource)
        outputs: dict[str, Any] = {
            wire: f"«{number}.{name}»" for wire, name in OUTPUTS.get(resource.type, {"id": "id"}).items()
        }
        if resource.type.endswith(":Network"):
            outputs["ipamConfigs"] = [{"subnet": f"«{number}.subnet»"}]
        if resource.type.endswith(":ZeroTrustAccessApplication"):
            outputs["aud"] = f"«{number}.aud»"
        if resource.type.endswith(":AppPassword"):
            # No provider of the flat program makes it: there it is a text like any other.
            outputs["password"] = "made inside the album"  # noqa: S105 - it stands in for one
        return {**resource.inputs, **outputs}

    def traced(self) -> list[Recorded]:
        """Return the resources in the program's order; references have their places in it."""
        places = {id(item): place for place, item in enumerate(self.resources)}
        return [
            replace(
                item,
                inputs=with_references(
                    item.inputs, lambda number, name: f"«{places[id(self._numbered[number])]}.{name}»"
                ),
            )
            for item in self.resources
        ]


def trace(program: Callable[[], object], stack: str, **options: Any) -> list[Recorded]:
    """Record `program` (see `record`) and return what it declares, with references between the resources."""
    tracer = Tracer()
    record(program, stack=stack, recorder=tracer, **options)
    return tracer.traced()


def with_references(value: Any, name: Callable[[int, str], Any]) -> Any:
    """Return `value` with `name(number, output)` in place of each reference."""
    if isinstance(value, dict):
        return {key: with_references(item, name) for key, item in value.items()}
    if isinstance(value, list):
        return [with_references(item, name) for item in value]
    if isinstance(value, str):
        return REFERENCE.sub(lambda match: str(name(int(match[1]), match[2])), value)
    return value
