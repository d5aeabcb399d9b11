"""Secrets travel in files: what stands in an environment, a label or a command is read with `docker inspect` and `ps`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from house_rules.docker import CONTAINER
from house_rules.rule import Declared, resource_rule, stack_rule

SECRET = r"(?:password|passwd|passphrase|secret|token|api_?key|access_?key|private_?key|credential)s?"  # noqa: S105
NAMED = re.compile(rf"(?:^|[._-]){SECRET}$", re.IGNORECASE)
OPTION = re.compile(rf"(?:^|\s)--?[\w-]*{SECRET}[=\s]+(?P<value>\S+)", re.IGNORECASE)
LOGIN_IN_URL = re.compile(r"\w+://[^\s:/@]*:(?P<value>[^\s:/@]+)@")
SWITCHES = {"", "0", "1", "true", "false", "yes", "no", "on", "off"}
FILE = "Put it into a file (`uploads`) and name that in the image's variable ending in _FILE."
SHORTEST_SECRET = 8
"""What is shorter may be in a text by chance."""


@resource_rule(CONTAINER)
def no_secret_in_clear(container: Declared) -> Iterator[str]:
    """No password, token or key stands in a container's environment, labels or command."""
    pairs: list[tuple[str, str, object]] = []
    pairs += [("variable", *line.partition("=")[::2]) for line in container.texts("envs")]
    files = tuple(item["file"] for item in container.items("uploads") if isinstance(item.get("file"), str))
    # A label that ends in the path of a file tells its version, by a digest.
    labels = [(str(item.get("label")), item.get("value")) for item in container.items("labels")]
    pairs += [("label", *label) for label in labels if not label[0].endswith(files)]
    for kind, name, value in pairs:
        if isinstance(value, str) and NAMED.search(name) and _is_secret(value):
            yield f"everyone who may look at the container reads the {kind} {name}. {FILE}"
        elif isinstance(value, str) and LOGIN_IN_URL.search(value):
            yield f"the {kind} {name} holds an address with a password in it. {FILE}"
    for key in ("entrypoints", "command"):
        line = " ".join(container.texts(key))
        if (option := OPTION.search(line)) and _is_secret(option["value"]):
            yield f"everyone on the host reads {option[0].split(option['value'])[0].strip(' =')} in `ps`. {FILE}"
        elif LOGIN_IN_URL.search(line):
            yield f"everyone on the host reads the password of an address in `ps`. {FILE}"


@stack_rule
def generated_secrets_stay_in_files(resources: Sequence[Declared]) -> Iterator[tuple[Declared, str]]:
    """A password that the stack generates reaches a container in a file only."""
    secrets = {
        value: resource.name
        for resource in resources
        if resource.type.startswith("random:")
        for key in ("result", "hex", "base64", "b64Std", "b64Url")
        if resource.type.rpartition(":")[2] in {"RandomPassword", "RandomBytes"}
        and isinstance(value := resource.inputs.get(key), str)
        and len(value) >= SHORTEST_SECRET
    }
    for container in (item for item in resources if item.type == CONTAINER):
        for key in ("envs", "labels", "command", "entrypoints"):
            shown = str(container.inputs.get(key))
            for name in (name for value, name in secrets.items() if value in shown):
                yield container, f"{key} shows what {name} generated, to all who may look at the container. {FILE}"


def _is_secret(value: str) -> bool:
    """Whether a value can be one: the path of a file, a variable of the shell and a switch are none."""
    return value.lower() not in SWITCHES and not value.startswith(("/", "$"))
