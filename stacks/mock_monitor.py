"""What Pulumi tells its mocks nothing of: where a resource stands, its options, and `register_outputs`.

`pulumi.runtime.Mocks` is given type, name and inputs alone (pulumi/pulumi#14421, open), but `pulumi.runtime.set_mocks`
takes a monitor, and a monitor is sent everything. So this one file builds on what Pulumi's API reference does not list:
`pulumi.runtime.mocks.MockMonitor`, and the fields of the requests, which are the engine's protocol
(pulumi/pulumi, proto/pulumi/resource.proto).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from pulumi.runtime import Mocks
from pulumi.runtime.mocks import MockMonitor


@dataclass(frozen=True, kw_only=True)
class Registration:
    """What a resource is registered with beside type, name and inputs."""

    urn: str
    parent: str
    options: dict[str, Any]


registration: ContextVar[Registration | None] = ContextVar("registration", default=None)
"""The registration that the mocks are asked about; resources are registered side by side, in threads."""


class AttentiveMonitor(MockMonitor):
    """Tells the mocks of each registration, and keeps the URNs of what registered its outputs."""

    def __init__(self, mocks: Mocks, *, project: str, stack: str) -> None:
        super().__init__(mocks)
        self._project, self._stack = project, stack
        self.with_outputs: set[str] = set()

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """Return the URN that the engine gives: with the types of all components above, of which mocks take the last."""
        above = "" if "::pulumi:pulumi:Stack::" in parent or not parent else f"{parent.split('::')[2]}$"
        return f"urn:pulumi:{self._stack}::{self._project}::{above}{type_}::{name}"

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - gRPC's name
        """Register a resource; its registration is the current one meanwhile."""
        urn = self.make_urn(request.parent, request.type, request.name)
        token = registration.set(Registration(urn=urn, parent=request.parent, options=_options(request)))
        try:
            with event_loop():
                return super().RegisterResource(request)  # type: ignore[no-untyped-call]
        finally:
            registration.reset(token)

    def Invoke(self, request: Any) -> Any:  # noqa: N802 - gRPC's name
        """Ask a provider."""
        with event_loop():
            return super().Invoke(request)  # type: ignore[no-untyped-call]

    def ReadResource(self, request: Any) -> Any:  # noqa: N802 - gRPC's name
        """Read what is not the program's own."""
        with event_loop():
            return super().ReadResource(request)  # type: ignore[no-untyped-call]

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 - gRPC's name
        """Note that a component is complete."""
        self.with_outputs.add(request.urn)
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]


def _options(request: Any) -> dict[str, Any]:
    return {
        "retain_on_delete": request.retainOnDelete,
        "delete_before_replace": request.deleteBeforeReplace,
        "ignore_changes": list(request.ignoreChanges),
        "replace_on_changes": list(request.replaceOnChanges),
        "replacement_trigger": request.replacement_trigger.string_value or None,
        "protect": request.protect,
        "import": request.importId,
        "depends_on": list(request.dependencies),
        "provider": request.provider,
        "aliases": [alias.urn or _spec(alias.spec) for alias in request.aliases],
    }


def _spec(spec: Any) -> dict[str, Any]:
    """Return what an alias says beside what the resource has now."""
    return {field.name: value for field, value in spec.ListFields()}


@contextmanager
def event_loop() -> Iterator[None]:
    """Give this thread an event loop, and close it: Pulumi makes one where there is none, and leaves it open."""
    with asyncio.Runner() as runner:
        asyncio.set_event_loop(runner.get_loop())
        try:
            yield
        finally:
            asyncio.set_event_loop(None)
