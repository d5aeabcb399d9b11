"""Run the Pulumi program without the engine and keep what it declares: for `plan`, `demo` and the tests.

Uses Pulumi's own mocks: no engine, no Docker, no network. Diffs, refresh and locks exist only with the real engine.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pulumi
from pulumi.runtime.mocks import MockMonitor, MockResourceArgs, Mocks
from pulumi.runtime.rpc import _special_secret_sig, _special_sig_key
from pulumi.runtime.settings import ROOT

PROJECT_NAME = "photos"


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


class Recorder(Mocks):
    """Pulumi's mocks, with a memory. A subclass may create what it is told of and return real outputs."""

    def __init__(self) -> None:
        self.resources: list[Recorded] = []
        self.components_with_outputs: set[str] = set()

    def create(self, resource: Recorded) -> dict[str, Any]:
        """Return the outputs of `resource`; here made up, except for passwords, which are really random."""
        inputs = dict(resource.inputs)
        if resource.type == "random:index/randomPassword:RandomPassword":
            alphabet = string.ascii_letters + string.digits
            word = "".join(secrets.choice(alphabet) for _ in range(int(inputs["length"])))
            return {**inputs, "result": word}
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
        resource = Recorded(args.typ, args.name, "", bool(args.custom), args.inputs)
        resource.outputs = self.create(resource)
        self.resources.append(resource)
        return str(resource.outputs.get("id", f"{args.name}-id")), resource.outputs

    def call(self, args: pulumi.runtime.MockCallArgs) -> Any:
        """Refuse: the program asks no provider anything."""
        msg = f"the program must not call {args.token}"
        raise RuntimeError(msg)

    def of_type(self, kind: str) -> list[Recorded]:
        """Return the resources whose type ends with `kind`, e.g. "Container"."""
        return [resource for resource in self.resources if resource.type.endswith(f":{kind}")]


class _Monitor(MockMonitor):
    """Adds the resource options and `register_outputs`, which mocks do not see."""

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - gRPC's name
        response = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        recorder = self.mocks
        assert isinstance(recorder, Recorder)
        for resource in reversed(recorder.resources):
            if (resource.type, resource.name) == (request.type, request.name):
                resource.parent = request.parent
                resource.options = {
                    "retain_on_delete": request.retainOnDelete,
                    "delete_before_replace": request.deleteBeforeReplace,
                    "ignore_changes": list(request.ignoreChanges),
                    "replace_on_changes": list(request.replaceOnChanges),
                    "protect": request.protect,
                    "import": request.importId,
                    "depends_on": list(request.dependencies),
                }
                break
        return response

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 - gRPC's name
        recorder = self.mocks
        assert isinstance(recorder, Recorder)
        recorder.components_with_outputs.add(request.urn)
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]


@cache
def _event_loop() -> asyncio.AbstractEventLoop:
    """Return the loop of all recordings: Pulumi asks for the current one, which Python 3.12 warns about, 3.14 refuses."""
    return asyncio.new_event_loop()


def record(
    program: Callable[[], object],
    *,
    stack: str,
    config: Mapping[str, str] | None = None,
    secret_keys: set[str] | None = None,
    recorder: Recorder | None = None,
    preview: bool = False,
) -> Recorder:
    """Run `program` as the stack `stack` and return what it registered, in order.

    `config` maps full keys ("photos:timezone") to text, objects as JSON; `secret_keys` names those that are secret.
    """
    recorder = recorder or Recorder()
    asyncio.set_event_loop(_event_loop())
    ROOT.set(None)  # or the resources of this stack would belong to the one recorded before
    pulumi.runtime.set_mocks(recorder, project=PROJECT_NAME, stack=stack, preview=preview, monitor=_Monitor(recorder))
    pulumi.runtime.set_all_config(dict(config or {}), sorted(secret_keys or ()))
    run = pulumi.runtime.test(lambda: program() and None)  # type: ignore[no-untyped-call]
    run()
    return recorder


def plain(value: Any) -> Any:
    """Return `value` with all secret wrappers taken off."""
    if isinstance(value, dict):
        if value.get(_special_sig_key) == _special_secret_sig:
            return plain(value["value"])
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def is_secret(value: Any) -> bool:
    """Whether `value` travels as a secret."""
    return isinstance(value, dict) and value.get(_special_sig_key) == _special_secret_sig


def config_text(values: Mapping[str, Any]) -> dict[str, str]:
    """Write the values of a stack file as Pulumi hands them to the program: text as it is, the rest as JSON."""
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}
