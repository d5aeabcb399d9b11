"""A stack of the Docker tier: own name, id, ports and library, created through the Docker SDK."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import docker
import yaml
from docker.models.containers import Container

from cli import generated
from cli.docker_host import of_stack
from cli.first_run import write_marker
from components.service import Owner
from demo.docker_runner import DockerRunner, remove_all
from demo.ports import free_ports
from stacks.config import load
from stacks.names import NAMESPACE
from stacks.program import declare
from stacks.recording import Recorded, Recorder, config_text, plain, record
from stacks.sections.flat_secrets import flat_secrets

PROJECT = Path(__file__).resolve().parents[2]
REGISTRY = "photos-test.local"
OWNER = Owner(uid=1000, gid=1000)
PORTS = free_ports(10000, 20000)


def free_port() -> int:
    """Return a port that no other tier takes, and none twice."""
    return next(PORTS)


def service_of(container: Recorded) -> str:
    """Return the service of a declared container."""
    labels = {label["label"]: label["value"] for label in plain(container.inputs["labels"])}
    return str(labels["photos.service"])


class WatchingRunner(DockerRunner):
    """A runner that notes which containers were healthy just before each one is created."""

    def __init__(self, client: docker.DockerClient, identity: str) -> None:
        super().__init__(client)
        self.healthy_before: dict[str, set[str]] = {}
        self._identity = identity

    def create(self, resource: Recorded) -> dict[str, Any]:
        if resource.type.endswith(":Container"):
            there = self._client.containers.list(ignore_removed=True, filters=of_stack(self._identity))
            healthy = {c.labels["photos.service"] for c in there if c.attrs["State"]["Health"]["Status"] == "healthy"}
            self.healthy_before.setdefault(service_of(resource), healthy)
        return super().create(resource)


@dataclass
class Stack:
    """A stack of the tests: own name, id, ports and library."""

    root: Path
    client: docker.DockerClient
    name: str = field(default_factory=lambda: f"t-{uuid4().hex[:6]}")
    id: str = field(default_factory=lambda: str(uuid4()))
    secrets: dict[str, str] = field(default_factory=lambda: generated.values_for(sorted(flat_secrets())))
    recorder: Recorder = field(default_factory=Recorder)
    healthy_before: dict[str, set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        config = yaml.safe_load((PROJECT / "stacks/examples/Pulumi.dev.yaml").read_text())["config"]
        services = config["photos:services"]
        services["photoprism"] |= {"port": free_port(), "memory": "1g"}
        services["syncthing"] |= {"port": free_port(), "sync_port": free_port()}
        services["drive"] |= {"port": free_port()}
        library = {"originals": str(self.root / "originals"), "import": str(self.root / "import")}
        self.config: dict[str, Any] = config | {
            "photos:id": self.id,
            "photos:image_registry": REGISTRY,
            "photos:library": library,
        }
        for folder in ("originals", "originals/phones", "import"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
            os.chown(self.root / folder, OWNER.uid, OWNER.gid)
        for folder in ("originals", "import"):
            write_marker(self.root / folder, self.id)

    def up(self) -> Recorder:
        """Create everything, or create it again; volumes are kept."""
        runner = WatchingRunner(self.client, self.id)
        self.declare(runner)
        self.healthy_before = runner.healthy_before
        return runner

    def declare(self, recorder: Recorder) -> Recorder:
        """Run the program into `recorder`."""
        values = self.config | {NAMESPACE + key: value for key, value in self.secrets.items()}
        self.recorder = record(
            lambda: declare(load(), OWNER),
            stack=self.name,
            config=config_text(values),
            secret_keys={NAMESPACE + key for key in self.secrets},
            recorder=recorder,
        )
        return self.recorder

    def down(self, *, volumes: bool) -> None:
        """Remove containers and networks, and the volumes only when told."""
        if volumes:
            remove_all(self.client, self.id)
            return
        for container in self.containers():
            container.stop(timeout=60)
            container.remove()
        for network in self.client.networks.list(filters=of_stack(self.id)):
            network.remove()

    def containers(self) -> list[Container]:
        return list(self.client.containers.list(all=True, ignore_removed=True, filters=of_stack(self.id)))

    def container(self, service: str) -> Container:
        return self.client.containers.get(f"photos-{self.name}-{service}")

    def port(self, service: str, key: str = "port") -> int:
        return int(self.config["photos:services"][service][key])

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{self.port(service)}"

    def declared(self, service: str) -> dict[str, Any]:
        """Return what the program declared of a container, secrets unwrapped."""
        return dict(plain(self.recorded(service).inputs))

    def recorded(self, service: str) -> Recorded:
        """Return the container as the program declared it."""
        (container,) = [item for item in self.recorder.of_type("Container") if service_of(item) == service]
        return container

    def secret_files(self, service: str) -> dict[str, str]:
        """Return file name → content of the secrets that a container was given."""
        uploads = self.declared(service)["uploads"]
        return {file["file"].rsplit("/", 1)[-1]: file["content"] for file in uploads if "/run/secrets/" in file["file"]}

    def run(self, service: str, command: str) -> str:
        """Run a shell line in a container and return what it printed."""
        done = self.container(service).exec_run(["sh", "-c", command])
        assert done.exit_code == 0, done.output
        assert isinstance(done.output, bytes)
        return done.output.decode().strip()

    def sql(self, statement: str) -> str:
        """Run SQL as PhotoPrism's user with its generated password."""
        login = 'mariadb -h127.0.0.1 -uphotoprism -p"$(cat /run/secrets/mariadb_password)" -N -B photoprism'
        return self.run("mariadb", f'exec {login} -e "{statement}"')
