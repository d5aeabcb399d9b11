"""A checkout and a Docker host for the commands: temporary folders and a made-up client."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import docker
import pytest
import yaml
from example_stack import example

from cli import console, engine, paths, releases, stackfile, workspace
from components.storage import MARKER
from keeper.state import UpdatesState, now

STACK_FILE = "Pulumi.dev.yaml"


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """Take back the umask of `./photos`: the tests of the shim, as root, let other users read their checkout."""
    before = os.umask(0o022)
    yield
    os.umask(before)


class FakeClient:
    """As much of a Docker client as the commands ask for; it filters by label as Docker does."""

    def __init__(self) -> None:
        self.things: dict[str, list[SimpleNamespace]] = {"containers": [], "volumes": []}
        self.containers = SimpleNamespace(list=lambda **arguments: self._filtered("containers", arguments))
        self.volumes = SimpleNamespace(list=lambda **arguments: self._filtered("volumes", arguments))

    def close(self) -> None:
        """Say goodbye."""

    def ping(self) -> bool:
        """Be there."""
        return True

    def _filtered(self, kind: str, arguments: dict[str, Any]) -> list[SimpleNamespace]:
        named = arguments["filters"]["label"]
        wanted = {named} if isinstance(named, str) else set(named)
        return [
            thing
            for thing in self.things[kind]
            if wanted <= {f"{key}={value}" for key, value in thing.attrs["Labels"].items()}
        ]

    def add_volume(self, name: str, labels: dict[str, str]) -> None:
        self.things["volumes"].append(SimpleNamespace(name=name, attrs={"Labels": labels}))

    def add_services(self, identity: str, *services: str) -> None:
        """Let the services of the dev example run, and those named beside them."""
        for service in ("mariadb", "photoprism", "syncthing", "drive", *services):
            self.add_container(service, identity)

    def add_container(self, service: str, identity: str, health: str = "healthy", log: Sequence[bytes] = ()) -> None:
        labels = {"photos.id": identity, "photos.service": service}
        state = {"Status": "running", "Health": {"Status": health}}
        bindings = {"2342/tcp": [{"HostIp": "127.0.0.1", "HostPort": "12343"}], "9/udp": None}
        self.things["containers"].append(
            SimpleNamespace(
                name=f"photos-dev-{service}",
                labels=labels,
                status="running",
                image=SimpleNamespace(tags=[f"{service}:1"]),
                attrs={"Labels": labels, "State": state, "RestartCount": 0, "HostConfig": {"PortBindings": bindings}},
                id=f"id-of-{service}",
                logs=lambda **arguments: iter(log) if arguments.get("stream") else b"".join(log),
            )
        )


class Checkout:
    """Stack files, a data folder and a library in a temporary place; `asked` is what pulumi was asked."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.file = root / "stacks" / STACK_FILE
        self.originals, self.imports = root / "library/originals", root / "library/import"
        self.asked: list[tuple[str, ...]] = []
        for folder in (self.file.parent, self.originals, self.imports):
            folder.mkdir(parents=True)

    def write(self, identity: str | None, changes: dict[str, Any] | None = None) -> None:
        """Write the stack file: the dev example with this library, secrets encrypted."""
        config = {key: value for key, value in example("dev").items() if key != "photos:id"}
        config = {
            key: {"secure": f"v1:{value}"} if isinstance(value, str) and "canary" in value else value
            for key, value in config.items()
        }
        config["photos:library"] = {"originals": str(self.originals), "import": str(self.imports)}
        if identity:
            config["photos:id"] = identity
        self.file.write_text(yaml.safe_dump({"config": config | (changes or {})}), "utf-8")

    def select(self, stack: str) -> None:
        """Stand in for pulumi, as all of these: remember what it is asked."""
        assert stack == "dev"
        self.asked.append(("select",))

    def set_value(self, stack: str, key: str, value: str) -> None:
        """Set the id as pulumi would; nobody reads the other values."""
        assert stack == "dev"
        self.asked.append(("set", key, value))
        if key == "photos:id":
            document = yaml.safe_load(self.file.read_text("utf-8"))
            document["config"]["photos:id"] = value
            self.file.write_text(yaml.safe_dump(document), "utf-8")

    def set_values(self, stack: str, values: Mapping[str, str]) -> None:
        """Set the images as pulumi would."""
        assert stack == "dev"
        self.asked.append(("set all", *values))
        document = yaml.safe_load(self.file.read_text("utf-8"))
        for key, value in values.items():
            # As Pulumi: a[b.c] has b.c as one key where it is in quotes.
            first, *rest = [quoted or plain for quoted, plain in re.findall(r'\["([^"]+)"\]|([^.\[\]]+)', key)]
            *parents, last = rest
            section = document["config"][first] = document["config"].get(first) or {}
            for parent in parents:
                section[parent] = section = section.get(parent) or {}
            section[last] = value
        self.file.write_text(yaml.safe_dump(document), "utf-8")

    def set_secret(self, stack: str, key: str, value: str) -> None:
        assert (stack, bool(value)) == ("dev", True)
        self.asked.append(("set secret", key))

    def secret(self, stack: str, key: str) -> str:
        assert stack == "dev"
        self.asked.append(("secret", key))
        return "the-answer"

    def marker(self, folder: Path) -> str | None:
        with suppress(FileNotFoundError):
            return (folder / MARKER).read_text("utf-8").strip()
        return None

    def identity(self) -> str | None:
        return stackfile.stack_id(self.file)


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    """Give the process its umask back: the command line narrows it for itself."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    made = Checkout(tmp_path)
    monkeypatch.setenv("PHOTOS_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("PHOTOS_STACK", raising=False)
    monkeypatch.setattr(paths, "STACK_FILES", tmp_path / "stacks")
    for name in ("select", "set_value", "set_values", "secret"):
        monkeypatch.setattr(workspace, name, getattr(made, name))
    monkeypatch.setattr(engine, "set_secret", made.set_secret)
    monkeypatch.setattr(releases, "ask", lambda *_, **__: UpdatesState(looked=now()))  # no registry is asked here
    monkeypatch.setattr(console.Unattended, "yes", False)
    return made


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> FakeClient:
    made = FakeClient()
    monkeypatch.setattr(docker, "from_env", lambda **_: made)
    return made


@pytest.fixture
def agreed(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer every question with yes."""
    assert checkout
    monkeypatch.setattr(console.Unattended, "yes", True)
