"""A machine for the checks to look at: real folders in a temporary place, everything else made up."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import docker
import psutil
import pulumi
import pytest
from docker.errors import DockerException, NotFound
from example_stack import OWNER, STACK_ID, Config, changed, example, secret_keys

from components.storage import MARKER
from stacks.host import GIB, disks, late_addresses, way_out, wsl
from stacks.host.machine import Here
from stacks.program import run
from stacks.recording import Recorder, config_text, record
from stacks.sections.publish.token import OTHER_LOGINS, TOKEN_VARIABLE

Break = Callable[["FakeHost"], object]
"""What a test does to the healthy host."""


def every(*breaks: Break) -> Break:
    """Return all of `breaks` as one."""

    def break_all(host: FakeHost) -> None:
        for one in breaks:
            one(host)

    return break_all


class FakeDocker:
    """As much of the Docker client as the checks ask for."""

    def __init__(self, host: FakeHost) -> None:
        self._host = host
        self.containers = SimpleNamespace(list=self._containers, get=self._container)
        self.networks = SimpleNamespace(list=lambda: host.networks)
        self.volumes = SimpleNamespace(list=lambda: host.volumes)
        self.api = SimpleNamespace(containers=self._summaries)

    def info(self) -> dict[str, Any]:
        """Return what `docker info` knows."""
        return self._host.info

    def version(self) -> dict[str, Any]:
        """Return what `docker version` knows."""
        return self._host.version

    def close(self) -> None:
        """Count the goodbye."""
        self._host.open_clients -= 1

    def _summaries(self, *, all: bool) -> list[dict[str, Any]]:  # noqa: A002 - docker-py's name
        assert all, "a stopped container holds its name, too"
        return [
            {
                "Names": [f"/{found.name}"] if found.name else None,
                "Labels": found.labels,
                "State": getattr(found, "status", "running"),
                "Ports": [
                    {"PublicPort": int(binding["HostPort"])}
                    for bindings in (found.attrs.get("HostConfig", {}).get("PortBindings") or {}).values()
                    for binding in bindings or ()
                ],
            }
            for found in self._host.containers
        ]

    def _containers(self, **arguments: Any) -> list[SimpleNamespace]:
        wanted = arguments.get("filters", {}).get("label")
        found = self._host.containers
        return [c for c in found if not wanted or wanted in {f"{key}={value}" for key, value in c.labels.items()}]

    def _container(self, name: str) -> SimpleNamespace:
        for found in self._host.containers:
            if found.name == name:
                return found
        raise NotFound(name)


class FakeHost:
    """A healthy machine with a marked library. A test breaks what it is about."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch
        self.root = folder
        self.originals, self.imports = folder / "library" / "originals", folder / "library" / "import"
        self.phones = self.originals / "phones"
        for path in (self.originals, self.imports, self.phones):
            self.make_folder(path)
        self.containers: list[SimpleNamespace] = []
        self.networks: list[SimpleNamespace] = []
        self.volumes: list[SimpleNamespace] = []
        self.info: dict[str, Any] = {
            "ServerVersion": "29.1.0",
            "OperatingSystem": "Debian GNU/Linux 13",
            "DockerRootDir": "/var/lib/docker",
            "MemTotal": 16 * GIB,
        }
        self.version: dict[str, Any] = {"Components": [{"Name": "Engine"}]}
        self.free_bytes = 100 * GIB
        self.swap_bytes = 8 * GIB
        self.file_systems = {"/": "ext4"}
        self.addresses = ["127.0.0.1", "192.168.1.5"]
        self.ways_out = {4, 6}
        self.taken: set[tuple[str, int]] = set()
        self.mount_points = {"/"}
        self.docker_problem: DockerException | None = None
        self.second_disks: list[Path] = []
        self.names: dict[str, list[str]] = {}
        self.more: dict[str, Any] = {}
        """Changes of the stack file that depend on this host."""
        self.open_clients = 0
        self._install()

    def _install(self) -> None:
        patch = self.monkeypatch.setattr
        patch(docker, "from_env", lambda **_: self._client())
        patch(psutil, "disk_usage", lambda _: SimpleNamespace(free=self.free_bytes))
        patch(
            psutil,
            "disk_partitions",
            lambda **_: [SimpleNamespace(mountpoint=p, fstype=t) for p, t in self.file_systems.items()],
        )
        patch(psutil, "net_if_addrs", lambda: {"lo": [SimpleNamespace(address=a) for a in self.addresses]})
        patch(psutil, "swap_memory", lambda: SimpleNamespace(total=self.swap_bytes))
        patch(os.path, "ismount", lambda path: str(path) in self.mount_points)
        patch(Here, "is_free", lambda _, address, port: (address, port) not in self.taken)
        patch(wsl, "in_wsl", lambda _: False)
        patch(way_out, "goes_out", lambda _, version: version in self.ways_out)
        patch(late_addresses, "SWITCHES", {4: self.root / "nonlocal4", 6: self.root / "nonlocal6"})
        patch(disks, "_disks", self._disks)
        patch(disks, "_addresses", lambda host: self.names.get(host, []))
        for variable in ("PHOTOS_DESTROY", "PULUMI_CONFIG", "PULUMI_CONFIG_SECRET_KEYS"):
            self.monkeypatch.delenv(variable, raising=False)
        for variable in OTHER_LOGINS:
            self.monkeypatch.delenv(variable, raising=False)
        self.monkeypatch.setenv(TOKEN_VARIABLE, "made-up-token-of-cloudflare-0123456789-abcdef")

    def add_disk(self, name: str = "backup") -> Path:
        """Add a disk of its own; return the folder on it that everyone may use."""
        self.second_disks.append(self.root / name)
        return self.make_folder(self.root / name / "photos", marker=None)

    def _disks(self, folder: Path) -> frozenset[str]:
        """Which disk a folder is on: Docker has one of its own."""
        if folder == Path(self.info["DockerRootDir"]):
            return frozenset(["system"])
        if not folder.exists():
            return frozenset()
        return frozenset([disk.name for disk in self.second_disks if folder.is_relative_to(disk)] or ["first"])

    def _client(self) -> FakeDocker:
        if self.docker_problem:
            raise self.docker_problem
        self.open_clients += 1
        return FakeDocker(self)

    def make_folder(self, path: Path, marker: str | None = STACK_ID) -> Path:
        """Make a folder that everyone may use, so that it does not matter who runs the tests."""
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o777)
        if marker:
            (path / MARKER).write_text(f"{marker}\n", "utf-8")
        return path

    def be_wsl(self, systemd: bool = True, wslconfig: str | None = None) -> None:
        """Become Windows' Linux subsystem; its files stand below `root`."""
        self.monkeypatch.setattr(wsl, "in_wsl", lambda _: True)
        of_wsl = ("/run/systemd", "/mnt/c")
        self.monkeypatch.setattr(
            Here, "path", lambda _, path: self.root / path.lstrip("/") if path.startswith(of_wsl) else Path(path)
        )
        if systemd:
            (self.root / "run/systemd/system").mkdir(parents=True)
        if wslconfig is not None:
            user = self.root / "mnt/c/Users/anna"
            user.mkdir(parents=True)
            (user / ".wslconfig").write_text(wslconfig, "utf-8")

    def add_container(
        self,
        name: str,
        labels: Mapping[str, str] | None = None,
        *,
        image: str = "x:1",
        port: int | None = None,
        state: str = "running",
    ) -> None:
        """Add a container that is here."""
        bindings = {f"{port}/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(port)}], "9/udp": None} if port else None
        self.containers.append(
            SimpleNamespace(
                name=name,
                labels=dict(labels or {}),
                status=state,
                image=SimpleNamespace(tags=[image]),
                attrs={"HostConfig": {"PortBindings": bindings}, "Config": {"Image": image}},
            )
        )

    def config(self, changes: Mapping[str, Any] | None = None) -> Config:
        """Return the dev example with this host's library, and with `changes` at dotted paths."""
        here = {
            "library.originals": str(self.originals),
            "library.import": str(self.imports),
            "owner": {"uid": OWNER.uid, "gid": OWNER.gid},
        }
        return changed(changed(example("dev"), here), {**self.more, **(changes or {})})

    def run(
        self, config: Config | None = None, *, stack: str = "dev", preview: bool = False, secret: set[str] | None = None
    ) -> tuple[str, Recorder]:
        """Run the whole program. Return its error text, "" for none, and what it declared."""
        recorder = Recorder()
        values = self.config() if config is None else config
        keys = secret_keys(values) if secret is None else secret
        try:
            record(run, stack=stack, config=config_text(values), secret_keys=keys, recorder=recorder, preview=preview)
        except pulumi.RunError as error:
            return str(error), recorder
        return "", recorder
