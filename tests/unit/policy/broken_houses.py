"""Small Pulumi programs: one that keeps every house rule, and for each rule one that breaks it and nothing else.

`tests/unit/policy` runs them under mocks, `tests/engine/test_policy.py` under the real engine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_docker as docker
import pulumi_random as random

PINNED = "mariadb:11.8.8"
GOOD: dict[str, Any] = {
    "image": PINNED,
    "envs": [
        "TZ=Asia/Shanghai",
        "MARIADB_PASSWORD_FILE=/run/secrets/mariadb_password",
        "MARIADB_RANDOM_ROOT_PASSWORD=1",
    ],
    "command": ["serve", "--password-file", "/run/secrets/mariadb_password", "--token=$TOKEN"],
    "mounts": [{"type": "bind", "source": "/srv/photos/originals", "target": "/photos"}],
    "ports": [
        {"internal": 2342, "external": 12343, "ip": "127.0.0.1"},
        {"internal": 22000, "external": 22000, "ip": "0.0.0.0"},  # noqa: S104 - mutual TLS
    ],
    "uploads": [{"file": "/run/secrets/mariadb_password", "content": "canary", "permissions": "0444"}],
    "capabilities": {"drops": ["ALL"], "adds": ["CAP_CHOWN"]},
    "security_opts": ["no-new-privileges:true"],
    "log_driver": "json-file",
    "log_opts": {"max-size": "10m", "max-file": "3"},
    "init": True,
    "restart": "unless-stopped",
    "memory": 512,
    "memory_swap": 1024,
    "healthcheck": {"tests": ["CMD", "healthcheck.sh"]},
    "destroy_grace_seconds": 30,
}
"""A container as the rules want it."""

Program = Callable[[str], Any]
"""Declares what breaks a rule; the resource that breaks it is called as the rule."""


def container(name: str, **changes: Any) -> docker.Container:
    """Declare a good container with `changes`."""
    return docker.Container(
        name, name=f"house-{name}", **{**GOOD, **changes}, opts=pulumi.ResourceOptions(delete_before_replace=True)
    )


def with_container(**changes: Any) -> Program:
    return lambda name: container(name, **changes)


def _fixed_name_without_room(name: str) -> None:
    docker.Container(name, name=f"house-{name}", **GOOD)


def _volume_that_its_labels_empty(name: str) -> None:
    docker.Volume(name, opts=pulumi.ResourceOptions(ignore_changes=["labels", "driver"]))


def _database_network_with_a_way_out(name: str) -> None:
    docker.Network(name, name="house-db", internal=False)


def _generated_password_in_the_environment(name: str) -> None:
    password = random.RandomPassword("password", length=32, special=False)
    container(name, envs=[pulumi.Output.concat("CONNECTION=", password.result)])


def house_without_faults() -> None:
    """Declare one of each resource, with nothing to complain about."""
    container("album")
    # What waits for a person: nobody restarts it or asks for its health.
    container("restore", start=False, restart="no", healthcheck=None)
    # Its name is Pulumi's: the successor gets another one.
    docker.Container("unnamed", **GOOD)
    docker.Volume("data", opts=pulumi.ResourceOptions(ignore_changes=["labels", "driver", "driverOpts"]))
    docker.Network("house-db", name="house-db", internal=True)
    docker.Network("house-apps", name="house-apps")
    docker.RemoteImage("image", name=PINNED, keep_locally=True)
    password = random.RandomPassword("password-in-a-file", length=32, special=False)
    container("with-a-secret", uploads=[{"file": "/run/secrets/it", "content": password.result, "permissions": "0444"}])


BROKEN: dict[str, Program] = {
    "not-privileged": with_container(privileged=True),
    "own-namespaces": with_container(pid_mode="host"),
    "no-docker-socket": with_container(
        mounts=[{"type": "bind", "source": "/var/run/docker.sock", "target": "/var/run/docker.sock"}]
    ),
    "least-capabilities": with_container(capabilities={"drops": ["ALL"], "adds": ["CAP_SYS_ADMIN"]}),
    "no-new-privileges": with_container(security_opts=[]),
    "confined": with_container(security_opts=["no-new-privileges:true", "seccomp=unconfined"]),
    "pinned-image": with_container(image="mariadb:latest"),
    "log-rotation": with_container(log_opts=None),
    "init-process": with_container(init=None),
    "comes-back": with_container(restart="no"),
    "memory-limit": with_container(memory_swap=None),
    "health-check": with_container(healthcheck={"tests": ["NONE"]}),
    "time-to-stop": with_container(destroy_grace_seconds=None),
    "name-is-free-first": _fixed_name_without_room,
    "no-published-database": with_container(ports=[{"internal": 3306, "external": 3306, "ip": "127.0.0.1"}]),
    "ports-stay-here": with_container(ports=[{"internal": 2342, "external": 12343}]),
    "binds-fail-closed": with_container(
        mounts=[], volumes=[{"host_path": "/srv/photos/originals", "container_path": "/photos"}]
    ),
    "uploads-are-read-only": with_container(uploads=[{"file": "/a", "content": "canary", "permissions": "0666"}]),
    "volumes-outlive-their-labels": _volume_that_its_labels_empty,
    "database-network-is-internal": _database_network_with_a_way_out,
    "no-secret-in-clear": with_container(envs=["MARIADB_PASSWORD=canary"]),
    "generated-secrets-stay-in-files": _generated_password_in_the_environment,
}
"""Rule → a program for the Docker provider that breaks it."""

KNOWN_AFTER_UP = {"generated-secrets-stay-in-files"}
"""What a first preview cannot see: the password is made by `up`."""
