"""The committed example stacks, completed with an id and canary secrets, and what they declare."""

from __future__ import annotations

import re
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any

import pulumi
import yaml

from components.service import Owner
from stacks.config import load
from stacks.program import NAME, declare
from stacks.recording import Recorded, Recorder, config_text, plain, record
from stacks.sections.backup.secrets import ALERT_KEYS
from stacks.sections.flat_secrets import PEM_SECRETS, flat_secrets

Config = dict[str, Any]

EXAMPLES_FOLDER = Path(__file__).parents[2] / "stacks" / "examples"
EXAMPLES = sorted(path.name.split(".")[1] for path in EXAMPLES_FOLDER.glob("Pulumi.*.yaml"))
HOSTS = {"nas": {}, "gpu": {"docker": "unix:///run/photos-gpu.sock", "address": "192.168.1.20"}}
ON_GPU = ("mariadb", "photoprism", "syncthing", "drive", "cloudflared", "keeper")
"""What stands on the second host in an example on two: with the keeper go its watch and its restore."""
STACK_ID = "11111111-2222-4333-8444-555555555555"
OTHER_ID = "99999999-2222-4333-8444-555555555555"
OWNER = Owner(uid=1000, gid=1000)
CANARY = "canary-of-"


class OnTwoHosts(str):
    """The name of an example, for this example on two hosts."""

    __slots__ = ()


DROP = object()
"""In `changed`: take the key away."""


def uncommented(text: str) -> str:
    """Return a stack file with everything that its examples leave to a person; "# Prose" has a blank, "#key:" none."""
    return re.sub(r"^( +)#(?=\S)", r"\1", text, flags=re.MULTILINE)


def example(name: str) -> Config:
    """Return the example stack file `name` as a person has it after the first `./photos up`, with all that it offers."""
    document = yaml.safe_load(uncommented((EXAMPLES_FOLDER / f"Pulumi.{name}.yaml").read_text("utf-8")))
    services = document["config"]["photos:services"]  # with an address that no machine has
    services["photoprism"].pop("bind", None)
    if "https" in services:
        services["https"]["bind"] = "127.0.0.1"
    secrets = {f"photos:{key}": canary(key) for key in flat_secrets(sections(document["config"]))}
    return (
        {**document["config"], "photos:id": STACK_ID}
        | secrets
        | (hosts_of(document) if isinstance(name, OnTwoHosts) else {})
    )


def hosts_of(document: Config) -> Config:
    """Return what puts an example on two hosts."""
    config = document["config"]
    there = {"mariadb", *config["photos:services"]}
    there |= {"keeper"} if "photos:backup" in config else set()
    there |= {"cloudflared"} if "photos:publish" in config else set()
    return {"photos:hosts": HOSTS, "photos:place": dict.fromkeys(sorted(there.intersection(ON_GPU)), "gpu")}


def canary(key: str) -> str:
    """Return a value for a flat secret that passes the checks and is easy to find."""
    if key in PEM_SECRETS:
        return f"-----BEGIN {CANARY}{key}-----"
    return f"https://{CANARY}{key}/" if key in ALERT_KEYS else f"{CANARY}{key}"


def sections(config: Config) -> dict[str, str]:
    """Return the values of the namespace `photos:` without it, as the program reads them."""
    return {key.removeprefix("photos:"): text for key, text in config_text(config).items() if key.startswith("photos:")}


def changed(config: Config, changes: dict[str, Any]) -> Config:
    """Return a copy of `config` with the values at dotted paths ("services.photoprism.port") replaced."""
    copy = deepcopy(config)
    for path, value in changes.items():
        first, *rest = path.split(".")
        keys = [first if ":" in first else f"photos:{first}", *rest]
        section = copy
        for key in keys[:-1]:
            section = section.setdefault(key, {})
        if value is DROP:
            del section[keys[-1]]
        else:
            section[keys[-1]] = value
    return copy


def secret_keys(config: Config | None = None) -> set[str]:
    """Return the full keys of all flat secrets, those of the backup in `config` among them."""
    return {f"photos:{key}" for key in flat_secrets(sections(config or {}))}


def declare_stack(config: Config, stack: str = "dev", *, preview: bool = False) -> Recorder:
    """Declare the stack under mocks, without a look at the host."""
    return record(
        lambda: declare(load(), OWNER),
        stack=stack,
        config=config_text(config),
        secret_keys=secret_keys(config),
        preview=preview,
    )


def outputs_of(config: Config, stack: str = "dev") -> dict[str, Any]:
    """Return what the stack exports."""
    outputs: dict[str, Any] = {}
    record(
        lambda: pulumi.Output.from_input(declare(load(), OWNER)).apply(outputs.update),
        stack=stack,
        config=config_text(config),
        secret_keys=secret_keys(config),
    )
    return outputs


@lru_cache(maxsize=None, typed=True)
def declared(name: str) -> Recorder:
    """Return what the example `name` declares; recorded once, for reading only."""
    return declare_stack(example(name), name)


def role(item: Recorded) -> str:
    """Return the name of a resource without that of the photo system: "photos-mariadb" is its "mariadb"."""
    return plain_name(item.name)


def plain_name(urn_or_name: str) -> str:
    """Return the name at the end of a URN, without that of the photo system."""
    return urn_or_name.rpartition("::")[2].removeprefix(f"{NAME}-")


def resource(recorder: Recorder, kind: str, name: str) -> Recorded:
    """Return the one resource of that kind and that name in the photo system."""
    (found,) = [item for item in recorder.of_type(kind) if role(item) == name]
    return found


def container(recorder: Recorder, service: str) -> dict[str, Any]:
    """Return the inputs of one container, secret wrappers taken off."""
    inputs: dict[str, Any] = plain(resource(recorder, "Container", service).inputs)
    return inputs


def environment(recorder: Recorder, service: str) -> dict[str, str]:
    """Return the environment of one container."""
    return dict(line.split("=", 1) for line in container(recorder, service)["envs"])


def uploads(recorder: Recorder, service: str) -> dict[str, str]:
    """Return path → content of the files put into one container."""
    return {upload["file"]: upload["content"] for upload in container(recorder, service)["uploads"]}


def secret_values(recorder: Recorder) -> dict[str, str]:
    """Return name → value of everything that must stay secret in what was recorded: canaries and generated passwords."""
    generated = {role(item): str(item.outputs["result"]) for item in recorder.of_type("RandomPassword")}
    return {**generated, "canaries": CANARY}
