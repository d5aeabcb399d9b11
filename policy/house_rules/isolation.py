"""What a container may do to its host."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from house_rules.docker import CONTAINER, host_folders
from house_rules.rule import Declared, resource_rule

SOCKETS = tuple(
    map(
        PurePosixPath,
        ("/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock", "/run/podman/podman.sock"),
    )
)
NAMESPACES = ("networkMode", "pidMode", "ipcMode", "usernsMode", "cgroupnsMode")
UNCONFINED = ("seccomp", "apparmor", "label", "systempaths")


@resource_rule(CONTAINER)
def not_privileged(container: Declared) -> Iterator[str]:
    """A container is not privileged."""
    if container["privileged"]:
        yield "privileged: true hands over the host. Write the capabilities and devices that it needs."


@resource_rule(CONTAINER)
def own_namespaces(container: Declared) -> Iterator[str]:
    """A container shares no namespace with its host."""
    for key in NAMESPACES:
        if container[key] == "host":
            yield f"{key}: host lets it see and reach what is the host's. Leave it out; publish ports one by one."


@resource_rule(CONTAINER)
def no_docker_socket(container: Declared) -> Iterator[str]:
    """No container reaches the socket of Docker."""
    for folder in host_folders(container):
        path = PurePosixPath(folder)
        if path.name.endswith(".sock") or any(path in socket.parents or path == socket for socket in SOCKETS):
            yield f"{folder} holds the socket of Docker or of a runtime like it, and who has that has the host. Mount less."


@resource_rule(CONTAINER)
def least_capabilities(
    container: Declared,
    *,
    allowed: tuple[str, ...] = ("CAP_CHOWN", "CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_SETGID", "CAP_SETUID"),
) -> Iterator[str]:
    """A container drops every capability and gets back only what an image needs to change its user or open a port."""
    capabilities = container["capabilities"] or {}
    if "ALL" not in (capabilities.get("drops") or ()):
        yield 'it keeps the capabilities that Docker gives to all. Write capabilities: drops ["ALL"].'
    names = [name if name.startswith("CAP_") else f"CAP_{name}" for name in capabilities.get("adds") or ()]
    for name in names:
        if name not in allowed:
            yield f"{name} is more than {', '.join(allowed)}. Leave it out, or write it into this rule's `allowed`."


@resource_rule(CONTAINER)
def no_new_privileges(container: Declared) -> Iterator[str]:
    """No program inside a container gets more rights than the one that started it."""
    if not {"no-new-privileges:true", "no-new-privileges"} & set(container.texts("securityOpts")):
        yield 'a setuid program inside becomes root. Write security_opts ["no-new-privileges:true"].'


@resource_rule(CONTAINER)
def confined(container: Declared) -> Iterator[str]:
    """The kernel's filters for containers stay on."""
    for option in container.texts("securityOpts"):
        key, _, value = option.replace(":", "=", 1).partition("=")
        if key in UNCONFINED and value in {"unconfined", "disable"}:
            yield f"{option} takes a filter of the kernel away. Leave it out: Docker's own profile is the right one."
