"""Run the Pulumi program without the engine and keep what it declares: for `plan`, the demo and the tests.

Uses Pulumi's own mocks: no engine, no Docker, no network. Diffs, refresh and locks exist only with the real engine.
"""

from __future__ import annotations

import json
import os
import secrets
import string
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import pulumi
from pulumi.runtime import MockCallArgs, MockResourceArgs, Mocks

from stacks.mock_monitor import AttentiveMonitor, event_loop, registration

PROJECT_NAME = "photos"
# How a secret is written (pulumi/pulumi, sdk/go/common/apitype/property-values.json).
SIGNATURE, SECRET = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"
HANDED_OVER = ("PULUMI_CONFIG", "PULUMI_CONFIG_SECRET_KEYS")
"""The variables in which Pulumi hands the stack file to a program, in clear, and the names of its secrets."""


@dataclass
class Recorded:
    """One registered resource. `inputs` and `outputs` as on the wire: camelCase, numbers as float, secrets wrapped."""

    type: str
    name: str
    parent: str
    custom: bool
    inputs: dict[str, Any]
    outputs: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    urn: str = ""


class Recorder(Mocks):
    """Pulumi's mocks, with a memory. A subclass may create what it is told of and return real outputs."""

    def __init__(self) -> None:
        self.resources: list[Recorded] = []
        self.components_with_outputs: set[str] = set()
        self._urns, self._lock = set[str](), Lock()

    def create(self, resource: Recorded) -> dict[str, Any]:
        """Return the outputs of `resource`; here made up, except for passwords, which are really random."""
        inputs = dict(resource.inputs)
        if resource.type == "random:index/randomPassword:RandomPassword":
            return {**inputs, "result": _word(int(inputs["length"]))}
        if resource.type.endswith(":AppPassword"):
            return {**inputs, "password": _word(24)}
        if resource.type == "docker:index/network:Network":
            # Docker takes a network's name in place of its id.
            return {**inputs, "id": inputs["name"], "ipamConfigs": [{"subnet": "172.30.0.0/16"}]}
        if resource.type == "docker:index/remoteImage:RemoteImage":
            return {**inputs, "imageId": f"sha256:{inputs['name']}", "repoDigest": ""}
        if resource.type.endswith(":ZeroTrustAccessApplication"):
            return {**inputs, "aud": f"audience of {resource.name}"}
        return inputs

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        """Record a registration; called by Pulumi."""
        registered = registration.get()
        if registered is None:
            msg = f"the program must not read {args.typ}"
            raise RuntimeError(msg)
        resource = Recorded(
            type=args.typ,
            name=args.name,
            parent=registered.parent,
            custom=bool(args.custom),
            inputs=args.inputs,
            options=registered.options,
            urn=registered.urn,
        )
        with self._lock:
            if resource.urn in self._urns:
                msg = f"Duplicate resource URN {resource.urn}: two resources below parents of one type need two names"
                raise RuntimeError(msg)
            self._urns.add(resource.urn)
        resource.outputs = self.create(resource)
        self.resources.append(resource)
        return str(resource.outputs.get("id", f"{args.name}-id")), resource.outputs

    def call(self, args: MockCallArgs) -> Any:
        """Refuse: the program asks no provider anything."""
        msg = f"the program must not call {args.token}"
        raise RuntimeError(msg)

    def of_type(self, kind: str) -> list[Recorded]:
        """Return the resources whose type ends with `kind`, e.g. "Container"."""
        return [resource for resource in self.resources if resource.type.endswith(f":{kind}")]


def record(
    program: Callable[[], object],
    *,
    stack: str,
    config: Mapping[str, str] | None = None,
    secret_keys: set[str] | None = None,
    recorder: Recorder | None = None,
    preview: bool = False,
) -> Recorder:
    """Run `program` as the stack `stack` and return what it registered, in the program's order.

    `config` maps full keys ("photos:timezone") to text, objects as JSON; `secret_keys` names those that are secret.
    """
    recorder = recorder or Recorder()
    order: list[tuple[str, str]] = []

    def run() -> None:
        monitor = AttentiveMonitor(recorder, project=PROJECT_NAME, stack=stack)
        pulumi.runtime.set_mocks(recorder, project=PROJECT_NAME, stack=stack, preview=preview, monitor=monitor)
        recorder.components_with_outputs = monitor.with_outputs
        # Asked as each resource is constructed; registered they are in threads, in any order.
        pulumi.runtime.register_stack_transformation(lambda args: order.append((args.type_, args.name)))
        pulumi.runtime.test(lambda: program() and None)()  # type: ignore[no-untyped-call]

    with _handed_over(dict(config or {}), sorted(secret_keys or ())), event_loop():
        # Pulumi keeps a program's root and settings in context variables: what is set in a copy ends with it, and the
        # resources of one recording never belong to the stack of another.
        copy_context().run(run)
    recorder.resources.sort(key=lambda resource: order.index((resource.type, resource.name)))
    return recorder


@contextmanager
def _handed_over(*values: object) -> Iterator[None]:
    before = {name: os.environ.pop(name, None) for name in HANDED_OVER}
    os.environ.update({name: json.dumps(value) for name, value in zip(HANDED_OVER, values, strict=True)})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _word(length: int) -> str:
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(length))


def plain(value: Any) -> Any:
    """Return `value` with all secret wrappers taken off."""
    if is_secret(value):
        return plain(value["value"])
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def is_secret(value: Any) -> bool:
    """Whether `value` travels as a secret."""
    return isinstance(value, dict) and value.get(SIGNATURE) == SECRET


def config_text(values: Mapping[str, Any]) -> dict[str, str]:
    """Write the values of a stack file as Pulumi hands them to the program: text as it is, the rest as JSON."""
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}
