"""Write the same containers as a compose file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from bench.trace import with_references
from stacks.recording import Recorded, plain

THEIRS = "com.docker.compose."
"""Labels that compose sets itself."""
ANY_SUBNET, PASSWORD = "172.16.0.0/12", "x" * 32
"""What a person would write who has no outputs to refer to."""
SAME = {
    "hostname": "hostname",
    "restart": "restart",
    "init": "init",
    "user": "user",
    "workingDir": "working_dir",
    "groupAdds": "group_add",
    "securityOpts": "security_opt",
}
"""What only has another name in compose."""


def compose_file(resources: list[Recorded], folder: Path) -> str:
    """Return the file's text; what the stack uploads is written into `folder` and bound."""

    def named_by_hand(number: int, output: str) -> str:
        return ANY_SUBNET if output == "subnet" else str(resources[number].inputs.get("name", PASSWORD))

    named = [with_references(plain(item.inputs), named_by_hand) for item in resources]
    containers = {
        item.name: inputs for item, inputs in zip(resources, named, strict=True) if item.type.endswith(":Container")
    }
    by_urn = {item.urn: item.name for item in resources if item.name in containers}
    after = {
        item.name: {by_urn[urn] for urn in item.options["depends_on"] if urn in by_urn} - {item.name}
        for item in resources
        if item.type.endswith(":Container")
    }
    networks = {
        inputs["name"]: inputs for item, inputs in zip(resources, named, strict=True) if item.type.endswith(":Network")
    }
    volumes = [inputs["name"] for item, inputs in zip(resources, named, strict=True) if item.type.endswith(":Volume")]
    document = {
        "name": folder.name,
        "services": {name: _service(inputs, after[name], folder / name) for name, inputs in containers.items()},
        "networks": {
            name: {"name": name, "internal": bool(inputs.get("internal"))} for name, inputs in networks.items()
        },
        "volumes": {name: {"name": name} for name in volumes},
    }
    return yaml.safe_dump(_escaped(document), sort_keys=False)


def _service(inputs: Mapping[str, Any], after: set[str], files: Path) -> dict[str, Any]:
    health = inputs["healthcheck"]
    service = {
        "container_name": inputs["name"],
        "image": inputs["image"],
        "environment": inputs["envs"],
        "labels": {
            label["label"]: label["value"] for label in inputs["labels"] if not label["label"].startswith(THEIRS)
        },
        "volumes": [*map(_mount, inputs.get("mounts", [])), *_files(inputs.get("uploads", []), files)],
        "ports": [
            f"{port['ip']}:{int(port['external'])}:{int(port['internal'])}/{port['protocol']}"
            for port in inputs.get("ports", [])
        ],
        "networks": {item["name"]: {"aliases": item["aliases"]} for item in inputs["networksAdvanced"]},
        "healthcheck": {
            "test": health["tests"],
            "interval": health["interval"],
            "timeout": health["timeout"],
            "start_period": health["startPeriod"],
            "retries": int(health["retries"]),
        },
        "mem_limit": f"{int(inputs['memory'])}m",
        "memswap_limit": f"{int(inputs['memorySwap'])}m",
        "cap_drop": inputs["capabilities"]["drops"],
        "cap_add": inputs["capabilities"].get("adds", []),
        "tmpfs": [f"{path}:{options}".rstrip(":") for path, options in inputs.get("tmpfs", {}).items()],
        "logging": {"driver": inputs["logDriver"], "options": inputs["logOpts"]},
        "stop_grace_period": f"{int(inputs['destroyGraceSeconds'])}s",
        "depends_on": {name: {"condition": "service_healthy"} for name in sorted(after)},
        **{theirs: inputs[ours] for ours, theirs in SAME.items() if inputs.get(ours)},
    }
    for ours, theirs in (("entrypoints", "entrypoint"), ("command", "command")):
        if inputs.get(ours):
            service[theirs] = inputs[ours]
    return service


def _mount(mount: Mapping[str, Any]) -> dict[str, Any]:
    return {key: mount[ours] for key, ours in (("type", "type"), ("source", "source"), ("target", "target"))} | (
        {"read_only": True} if mount.get("readOnly") else {}
    )


def _files(uploads: list[Mapping[str, Any]], folder: Path) -> list[dict[str, Any]]:
    bound = []
    for upload in uploads:
        file = folder / upload["file"].lstrip("/").replace("/", "_")
        file.parent.mkdir(exist_ok=True)
        file.write_text(upload["content"])
        file.chmod(int(upload["permissions"], 8))
        bound.append({"type": "bind", "source": str(file), "target": upload["file"], "read_only": True})
    return bound


def _escaped(value: Any) -> Any:
    """Return a document in which no $ means a variable to compose."""
    if isinstance(value, dict):
        return {key: _escaped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_escaped(item) for item in value]
    return value.replace("$", "$$") if isinstance(value, str) else value
