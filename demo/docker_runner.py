"""Create what the program declares through the Docker SDK, without the engine: for `demo` and tests/docker.

What is declared inside an app, its own provider makes there. Else it knows exactly the resources and arguments that
`components/` uses; any other is an error, so that nothing declared is dropped in silence. Of a provider resource it takes nothing: its client is the Docker host. It knows no diff, refresh or state: an existing container of this stack is replaced, volumes are kept.
"""

from __future__ import annotations

import base64
import io
import tarfile
import time
from collections.abc import Callable
from typing import Any

import dill  # type: ignore[import-untyped] # as Pulumi does
import docker
from docker.errors import ImageNotFound, NotFound
from docker.models.containers import Container
from docker.models.images import Image
from docker.types import DeviceRequest, EndpointConfig, Healthcheck, LogConfig, Mount
from pulumi.dynamic import ResourceProvider

from cli.docker_host import of_stack
from cli.paths import PROJECT
from components.apps.resource import PROVIDER
from stacks.recording import Recorded, Recorder, plain

INSIDE_AN_APP = "pulumi-python:dynamic"
"""What the type of a dynamic resource begins with."""
MEGABYTE = 1024**2
NANOSECONDS = 10**9
RESTARTS = 3
"""A container that ended so often will not become healthy by waiting."""
UNITS = {"h": 3600, "m": 60, "s": 1}


class DockerRunner(Recorder):
    """A recorder that really creates networks, volumes and containers, waits for health, and returns real outputs."""

    def __init__(self, client: docker.DockerClient, tell: Callable[[str], None] = lambda _: None) -> None:
        super().__init__()
        self._client, self._tell = client, tell
        self._makers: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "docker:index/network:Network": self._network,
            "docker:index/volume:Volume": self._volume,
            "docker:index/remoteImage:RemoteImage": self._image,
            "docker:index/container:Container": self._container,
        }

    def create(self, resource: Recorded) -> dict[str, Any]:
        """Create the resource on the Docker host and return its outputs."""
        if resource.type.startswith(INSIDE_AN_APP):
            return _inside(resource)
        maker = self._makers.get(resource.type)
        if maker is None:
            if resource.type.startswith("docker:"):
                msg = f"the Docker runner cannot create {resource.type} ({resource.name})"
                raise TypeError(msg)
            return super().create(resource)
        return {**resource.inputs, **maker(plain(resource.inputs))}

    def _network(self, inputs: dict[str, Any]) -> dict[str, Any]:
        _known(inputs, "name driver internal labels")
        found = self._client.networks.list(names=[f"^{inputs['name']}$"])
        network = (
            found[0]
            if found
            else self._client.networks.create(
                inputs["name"], driver=inputs["driver"], internal=inputs.get("internal", False), labels=_labels(inputs)
            )
        )
        network.reload()
        _ours("network", inputs, network.attrs["Labels"])
        return {
            "id": inputs["name"],
            "ipamConfigs": [{"subnet": config["Subnet"]} for config in network.attrs["IPAM"]["Config"]],
        }

    def _volume(self, inputs: dict[str, Any]) -> dict[str, Any]:
        _known(inputs, "name labels")
        try:
            volume = self._client.volumes.get(inputs["name"])
            _ours("volume", inputs, volume.attrs["Labels"])
        except NotFound:
            self._client.volumes.create(inputs["name"], labels=_labels(inputs))
        return {}

    def _image(self, inputs: dict[str, Any]) -> dict[str, Any]:
        _known(inputs, "name keepLocally forceRemove build")
        try:
            image = self._client.images.get(inputs["name"])
        except ImageNotFound:
            self._tell(f"getting {inputs['name']}")
            image = self._build(inputs) if "build" in inputs else self._pull(inputs["name"])
        return {"imageId": image.id, "repoDigest": ""}

    def _pull(self, name: str) -> Image:
        repository, _, tag = name.rpartition(":")
        return self._client.images.pull(repository, tag)

    def _build(self, inputs: dict[str, Any]) -> Image:
        """Build an image; the context is a folder of the project, as for the provider."""
        build = inputs["build"]
        _known(build, "context buildArgs")
        image, _ = self._client.images.build(
            path=str(PROJECT / build["context"]),
            buildargs=build["buildArgs"],
            tag=inputs["name"],
            rm=True,
            forcerm=True,
        )
        return image

    def _container(self, inputs: dict[str, Any]) -> dict[str, Any]:
        options = dict(inputs)
        uploads, networks = options.pop("uploads", []), options.pop("networksAdvanced")
        grace, wait = int(options.pop("destroyGraceSeconds")), options.pop("wait")
        start, _ = options.pop("start", True), options.pop("mustRun", True)
        patience = int(options.pop("waitTimeout"))
        self._replace(options["name"], _labels(options), grace)
        first, *others = networks
        self._tell(f"creating {options['name']}")
        container: Container = self._client.containers.create(
            network=first["name"],
            networking_config={first["name"]: EndpointConfig(self._client.api.api_version, aliases=first["aliases"])},
            **_arguments(options),
        )
        for network in others:
            self._client.networks.get(network["name"]).connect(container, aliases=network["aliases"])
        if uploads:
            container.put_archive("/", _archive(uploads))
        if start:
            container.start()
        if wait:
            self._tell(f"waiting until {inputs['name']} is healthy")
            wait_until_healthy(container, patience)
        return {"name": inputs["name"]}

    def _replace(self, name: str, labels: dict[str, str], grace: int) -> None:
        """Remove the container of that name if it is this stack's own."""
        try:
            old = self._client.containers.get(name)
        except NotFound:
            return
        _ours("container", {"name": name, "labels": [{"label": k, "value": v} for k, v in labels.items()]}, old.labels)
        old.stop(timeout=grace)
        old.remove()


def _ours(kind: str, inputs: dict[str, Any], found: dict[str, str] | None) -> None:
    """Refuse what is there under a declared name but carries another id."""
    if (found or {}).get("photos.id") != _labels(inputs)["photos.id"]:
        msg = f"the {kind} {inputs['name']} belongs to something else"
        raise RuntimeError(msg)


def wait_until_healthy(container: Container, seconds: int) -> None:
    """Return when the health check passes.

    Raises:
        RuntimeError: it does not within `seconds`, or it ends again and again; with its last lines.
    """
    start = time.monotonic()
    restarts = int(container.attrs.get("RestartCount", 0))
    while time.monotonic() - start < seconds and int(container.attrs.get("RestartCount", 0)) - restarts < RESTARTS:
        container.reload()
        if container.attrs["State"].get("Health", {}).get("Status") == "healthy":
            return
        time.sleep(0.5)
    last = container.logs(tail=15).decode(errors="replace")
    msg = f"{container.name} is not healthy after {time.monotonic() - start:.0f} s. Its last lines:\n{last}"
    raise RuntimeError(msg)


def remove_all(client: docker.DockerClient, identity: str) -> list[str]:
    """Remove containers, networks and volumes that carry exactly this id, and what was built for them; return their names."""
    ours, names, removed = of_stack(identity), set[str](), []
    for container in client.containers.list(all=True, ignore_removed=True, filters=ours):
        container.stop(timeout=60)
        container.remove(v=True)
        names.add(str(container.name))
        removed.append(f"container {container.name}")
    for network in client.networks.list(filters=ours):
        network.remove()
        removed.append(f"network {network.name}")
    for volume in client.volumes.list(filters=ours):
        volume.remove()
        names.add(str(volume.name))
        removed.append(f"volume {volume.name}")
    for tag in [tag for name in sorted(names) for tag in _built_for(client, name)]:
        client.images.remove(tag, force=True)
        removed.append(f"image {tag}")
    return removed


def _built_for(client: docker.DockerClient, name: str) -> list[str]:
    """Return the images that have the name of a container or of its volume: they were built for it."""
    tags = (tag for image in client.images.list(name) for tag in image.tags)
    return [tag for tag in tags if tag.startswith(f"{name}:")]


def _arguments(options: dict[str, Any]) -> dict[str, Any]:
    """Translate the declared inputs into the SDK's keyword arguments."""
    take = options.pop
    capabilities, health = take("capabilities"), take("healthcheck", None)
    arguments = {
        "image": take("image"),
        "name": take("name"),
        "hostname": take("hostname"),
        "entrypoint": take("entrypoints", None),
        "command": take("command", None),
        "environment": take("envs"),
        "labels": _labels({"labels": take("labels")}),
        "mounts": [_mount(mount) for mount in take("mounts", [])],
        "ports": _ports(take("ports", [])),
        "mem_limit": int(take("memory")) * MEGABYTE,
        "memswap_limit": int(take("memorySwap")) * MEGABYTE,
        "tmpfs": take("tmpfs", None) or None,
        "devices": [f"{d['hostPath']}:{d['hostPath']}:rwm" for d in take("devices", [])],
        "device_requests": [DeviceRequest(count=-1, capabilities=[["gpu"]])] if take("gpus", None) else [],
        "user": take("user", None),
        "group_add": take("groupAdds", None) or None,
        "working_dir": take("workingDir", None),
        "cap_add": capabilities["adds"],
        "cap_drop": capabilities["drops"],
        "security_opt": take("securityOpts"),
        "init": take("init"),
        "restart_policy": {"Name": take("restart")},
        "log_config": LogConfig(type=take("logDriver"), config=take("logOpts")),
        "healthcheck": _healthcheck(health) if health else None,
    }
    _known(options, "")
    return arguments


def _healthcheck(health: dict[str, Any]) -> Healthcheck:
    return Healthcheck(
        test=health["tests"],
        interval=seconds(health["interval"]) * NANOSECONDS,
        timeout=seconds(health["timeout"]) * NANOSECONDS,
        start_period=seconds(health["startPeriod"]) * NANOSECONDS,
        retries=int(health["retries"]),
    )


def seconds(duration: str) -> int:
    """Return the seconds of a Go duration.

    >>> seconds("1m30s")
    90
    """
    total, number = 0, ""
    for letter in duration:
        if letter.isdigit():
            number += letter
        else:
            total, number = total + int(number) * UNITS[letter], ""
    return total


def _known(inputs: dict[str, Any], names: str) -> None:
    if unknown := set(inputs) - set(names.split()):
        msg = f"the Docker runner does not know {', '.join(sorted(unknown))}"
        raise TypeError(msg)


def _inside(resource: Recorded) -> dict[str, Any]:
    """Have a thing inside an app made by its own provider, which travels with its inputs as Pulumi packs it."""
    inputs = plain(resource.inputs)
    provider: ResourceProvider = dill.loads(base64.b64decode(inputs.pop(PROVIDER)))  # noqa: S301 - packed by this program
    made = provider.create(inputs)
    return {**resource.inputs, **(made.outs or {}), "id": made.id}


def _labels(inputs: dict[str, Any]) -> dict[str, str]:
    return {label["label"]: label["value"] for label in inputs["labels"]}


def _mount(mount: dict[str, Any]) -> Mount:
    _known(mount, "type source target readOnly")
    return Mount(mount["target"], mount["source"], type=mount["type"], read_only=mount.get("readOnly", False))


def _ports(ports: list[dict[str, Any]]) -> dict[str, list[tuple[str, int]]]:
    bindings: dict[str, list[tuple[str, int]]] = {}
    for port in ports:
        place = f"{int(port['internal'])}/{port['protocol']}"
        bindings.setdefault(place, []).append((port["ip"], int(port["external"])))
    return bindings


def _archive(uploads: list[dict[str, Any]]) -> bytes:
    """Pack the uploads as the provider does: root-owned, unpacked at /."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as bundle:
        for upload in uploads:
            _known(upload, "file content permissions")
            content = upload["content"].encode()
            info = tarfile.TarInfo(upload["file"].lstrip("/"))
            info.size, info.mode, info.mtime = len(content), int(upload["permissions"], 8), time.time()
            bundle.addfile(info, io.BytesIO(content))
    return buffer.getvalue()
