"""What lets a container run for years without anybody looking."""

from __future__ import annotations

import re
from collections.abc import Iterator

from house_rules.docker import CONTAINER, IMAGE, is_started
from house_rules.rule import Declared, resource_rule

ROTATING = {"local", "journald"}
"""Log drivers that remove old lines by themselves."""


@resource_rule(CONTAINER, IMAGE)
def pinned_image(resource: Declared) -> Iterator[str]:
    """An image is named by its id, its digest or a tag that stays: a number is in it."""
    image = resource["image"] if resource.type == CONTAINER else resource["name"]
    if not isinstance(image, str) or image.startswith("sha256:") or "@sha256:" in image:
        return
    tag = image.rpartition("/")[2].partition(":")[2]
    if not re.search(r"\d", tag):
        yield f"{image} is another image tomorrow. Write a version as its tag, or a digest."


@resource_rule(CONTAINER)
def log_rotation(container: Declared) -> Iterator[str]:
    """The log of a container cannot fill the disk."""
    driver = container["logDriver"]
    if driver not in ROTATING and not (container["logOpts"] or {}).get("max-size"):
        yield 'its log grows without end. Write log_opts {"max-size": "10m", "max-file": "3"}.'


@resource_rule(CONTAINER)
def init_process(container: Declared) -> Iterator[str]:
    """A container has an init process, which ends children and hands signals on."""
    if not container["init"]:
        yield "ended children stay, and a stop may not arrive. Write init: true."


@resource_rule(CONTAINER)
def comes_back(container: Declared) -> Iterator[str]:
    """A container comes back after a crash and after a restart of its host."""
    if is_started(container) and container["restart"] not in {"unless-stopped", "always"}:
        yield f'restart: {container["restart"] or "no"} leaves it down. Write "unless-stopped".'


@resource_rule(CONTAINER)
def memory_limit(container: Declared) -> Iterator[str]:
    """A container has a limit of memory, and one of memory with swap."""
    memory, swap = container["memory"] or 0, container["memorySwap"] or 0
    if memory <= 0:
        yield "a leak in it takes its neighbours down. Write memory, in MB."
    elif swap < memory:
        yield "without memory_swap it may swap without limit, and each preview shows a change. Write it, in MB."


@resource_rule(CONTAINER)
def health_check(container: Declared) -> Iterator[str]:
    """Docker is told how to ask a container whether it works."""
    tests = (container["healthcheck"] or {}).get("tests") or []
    if is_started(container) and (not tests or tests[0] == "NONE"):
        yield "nobody sees when it hangs. Write a healthcheck that asks the program inside."


@resource_rule(CONTAINER)
def time_to_stop(container: Declared, *, seconds: int = 10) -> Iterator[str]:
    """A container gets time to write down what it holds before it is killed."""
    if (container["destroyGraceSeconds"] or 0) < seconds:
        yield f"the provider kills it at once. Write destroy_grace_seconds, {seconds} or more."


@resource_rule(CONTAINER)
def name_is_free_first(container: Declared) -> Iterator[str]:
    """A container with a name of its own makes room before its successor comes."""
    chosen = container["name"]
    by_pulumi = re.fullmatch(rf"{re.escape(container.name)}-[0-9a-f]{{7}}", chosen or "")
    if chosen and not by_pulumi and not container.delete_before_replace:
        yield f"its successor finds the name {chosen} taken. Write delete_before_replace=True into its options."
