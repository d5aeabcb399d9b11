"""One checkout with its own data folder, and the commands in it; and what a run leaves behind."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import json
import os
import pty
import select
import shutil
import struct
import subprocess
import sys
import tarfile
import termios
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import docker
import psutil
import yaml
from docker.models.containers import Container

from cli.docker_host import connect, of_stack
from demo.docker_runner import remove_all, wait_until_healthy
from demo.ports import free_ports
from demo.samples import write_samples
from stacks.program import NAME
from tests.waiting import PATIENCE, until

PROJECT = Path(__file__).resolve().parents[2]
COPIED = (
    "cli",
    "components",
    "stacks",
    "keeper",
    "demo",
    "tests",
    "photos",
    "Pulumi.yaml",
    "__main__.py",
    "requirements.lock",
    "pyproject.toml",
)
SECONDS_TO_BE_HEALTHY = 180
FAR = {"kind": "mirror", "type": "webdav", "path": "x", "options": {"url": "http://127.0.0.1:9"}}
"""A copy that is never there, for keepers that only have to run."""
RUN_FILE = PROJECT / ".cache" / "engine-run.json"
PORTS = free_ports(20000, 32000)


def own_name(name: str) -> str:
    """Return a stack's name that no other run on this machine has: Docker's names are one room for all checkouts."""
    return f"{name}{os.getpid()}"


def free_port() -> int:
    """Return a port that no other tier takes, and none twice."""
    return next(PORTS)


@dataclass
class World:
    """One checkout, one data folder, and the commands in them."""

    root: Path
    registry: str
    output: list[str] = field(default_factory=list)
    arguments: set[str] = field(default_factory=set)
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def project(self) -> Path:
        return self.root / "photos"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def environment(self) -> dict[str, str]:
        clean = {
            key: value for key, value in os.environ.items() if not key.startswith(("PULUMI_", "PHOTOS_", "CLOUDFLARE_"))
        }
        return {
            **clean,
            "PHOTOS_DATA": str(self.data),
            "PHOTOS_PYTHON": sys.executable,
            "PULUMI_HOME": str(self.root / "pulumi-home"),
            "COLUMNS": "200",
            **self.variables,
        }

    def checkout(self, name: str = "photos") -> Path:
        """Copy the project to `name` below the world, with the interpreter of this run as its .venv."""
        target = self.root / name
        for part in COPIED:
            source = PROJECT / part
            if source.is_dir():
                shutil.copytree(source, target / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                target.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target / part)
        for own in (target / "stacks").glob("Pulumi.*.yaml"):
            own.unlink()
        (target / ".venv").symlink_to(sys.prefix)
        plugins = Path(os.environ.get("PULUMI_HOME", Path.home() / ".pulumi")) / "plugins"
        (self.root / "pulumi-home").mkdir(exist_ok=True)
        if plugins.is_dir() and not (self.root / "pulumi-home/plugins").exists():
            (self.root / "pulumi-home/plugins").symlink_to(plugins)
        return target

    def photos(
        self, *words: str, check: bool = True, code: int | None = None, project: Path | None = None, typed: str = ""
    ) -> str:
        """Run ./photos, hand it what is `typed`, and return all it printed.

        Fail the test when it fails; with `check` off, when it does not; with `code`, when it ends with another one.
        """
        with (
            subprocess.Popen(
                ["./photos", *words],
                cwd=project or self.project,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            ) as run,
            self.watching(run.pid),
        ):
            text, _ = run.communicate(typed, timeout=900)
        self.output.append(text)
        if code is not None:
            assert run.returncode == code, f"./photos {' '.join(words)} ended with {run.returncode}:\n{text[-6000:]}"
        elif check:
            assert run.returncode == 0, f"./photos {' '.join(words)} failed:\n{text[-6000:]}"
        else:
            assert run.returncode != 0, f"./photos {' '.join(words)} should have failed:\n{text[-3000:]}"
        return text

    @contextlib.contextmanager
    def watching(self, pid: int) -> Iterator[None]:
        """Note the command lines of all processes that descend from `pid`, as anyone on the machine can read them."""
        over = threading.Event()

        def look() -> None:
            while not over.wait(0.1):
                with contextlib.suppress(psutil.Error):
                    for process in psutil.Process(pid).children(recursive=True):
                        self.arguments.add(" ".join(process.cmdline()))

        watcher = threading.Thread(target=look)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()

    def timed(self, *words: str) -> float:
        start = time.monotonic()
        self.photos(*words)
        return round(time.monotonic() - start, 2)

    def preview(self, stack: str, *options: str) -> dict[str, str]:
        """Return logical name and type → operation, for all that a preview would not leave as it is."""
        text = self.photos("preview", stack, "--json", *options)
        return changes(text)

    def stack_file(self, stack: str) -> Path:
        return self.project / "stacks" / f"Pulumi.{stack}.yaml"

    def config(self, stack: str) -> dict[str, Any]:
        return dict(yaml.safe_load(self.stack_file(stack).read_text())["config"])

    def write(self, stack: str, project: Path | None = None, **sections: Any) -> None:
        """Write the stack file `stack`: the dev example on free ports with a library of its own."""
        example = yaml.safe_load((PROJECT / "stacks/examples/Pulumi.dev.yaml").read_text())["config"]
        library = self.root / f"library-{stack}"
        example |= {
            "photos:image_registry": self.registry,
            # The engine of the tests is an old one, and its machine's firewall is not theirs.
            "photos:neighbours": "trusted",
            "photos:library": {"originals": str(library / "originals"), "import": str(library / "import")},
        }
        services = example["photos:services"]
        services["photoprism"] |= {"port": free_port(), "memory": "1g"}
        services["syncthing"] |= {"port": free_port(), "sync_port": free_port()}
        services["drive"] |= {"port": free_port()}
        example |= {f"photos:{name}": value for name, value in sections.items()}
        file = (project or self.project) / "stacks" / f"Pulumi.{stack}.yaml"
        file.write_text(yaml.safe_dump({"config": example}, sort_keys=False))

    def change(self, stack: str, path: str, value: Any) -> None:
        """Change one value of the stack file, e.g. "services.photoprism.site_title", or a whole section."""
        document = yaml.safe_load(self.stack_file(stack).read_text())
        *parents, last = f"photos:{path}".split(".")
        target = document["config"]
        for key in parents:
            target = target.setdefault(key, {})
        target[last] = value
        self.stack_file(stack).write_text(yaml.safe_dump(document, sort_keys=False))

    def drop(self, stack: str, section: str, name: str) -> None:
        """Remove one entry of a section of the stack file."""
        document = yaml.safe_load(self.stack_file(stack).read_text())
        del document["config"][f"photos:{section}"][name]
        self.stack_file(stack).write_text(yaml.safe_dump(document, sort_keys=False))

    def id(self, stack: str) -> str:
        return str(self.config(stack)["photos:id"])

    def port(self, stack: str, service: str) -> int:
        return int(self.config(stack)["photos:services"][service]["port"])

    def password(self, stack: str, service: str) -> str:
        text = self.photos("password", service, "--stack", stack)
        self.output.pop()  # the one command whose job is to show it
        return text.split("password: ")[1].strip()

    def samples(self, stack: str) -> int:
        """Put the sample photos into the library of `stack`; return how many."""
        return len(write_samples(self.root / f"library-{stack}" / "originals"))

    def ours(self, stack: str) -> list[str]:
        """Return the names of the running containers of `stack`."""
        with connect() as client:
            return sorted(str(c.name) for c in client.containers.list(filters=of_stack(self.id(stack))))

    def ours_by_name(self, stack: str) -> list[str]:
        """Return what carries the stack's name on this host, whoever made it."""
        with connect() as client:
            return [str(c.name) for c in client.containers.list(all=True, filters={"label": f"photos.stack={stack}"})]


class Dialogue:
    """What `./photos` says in a terminal of its own, and a person who answers."""

    def __init__(self, ours: int, command: subprocess.Popen[bytes]) -> None:
        self._ours, self._command, self._said = ours, command, ""

    @classmethod
    @contextlib.contextmanager
    def of(cls, world: World, *words: str) -> Iterator[Dialogue]:
        """Run a command in a terminal, and end it with the block."""
        ours, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
        # Of a CI's variables none: Pulumi asks nobody there.
        kept = ("PHOTOS_", "PULUMI_", "PYTHON", "PATH", "HOME")
        environment = {name: value for name, value in world.environment.items() if name.startswith(kept)}
        command = subprocess.Popen(
            ["./photos", *words],
            cwd=world.project,
            env={**environment, "TERM": "xterm"},
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
        )
        os.close(terminal)
        try:
            yield cls(ours, command)
        finally:
            command.kill()
            command.wait()
            os.close(ours)

    def answer(self, question: str, typed: str) -> str:
        """Wait for a question, type an answer; return what was said until then."""
        until(lambda: self._hears() and question in self._said)
        said, self._said = self._said, ""
        os.write(self._ours, f"{typed}\r".encode())
        return said

    def rest(self) -> str:
        """Wait for the good end of the command, and return what was said since the last answer."""
        with contextlib.suppress(EOFError):
            until(lambda: not self._hears())
        assert self._command.wait(PATIENCE) == 0, self._said[-4000:]
        return self._said

    def _hears(self) -> bool:
        """Take what is said within a moment.

        Raises:
            EOFError: nobody is left on the other side.
        """
        if select.select([self._ours], [], [], 0.2)[0]:
            try:
                heard = os.read(self._ours, 65536)
            except OSError:  # as Linux says it
                raise EOFError(self._said) from None
            self._said += heard.decode(errors="replace")
        return True


@contextlib.contextmanager
def new_world(root: Path, registry: str) -> Iterator[World]:
    """Yield a world without a checkout; all its stacks are removed afterwards."""
    made = World(root, registry)
    root.chmod(0o755)
    yield made
    with connect() as client:
        for file in (made.project / "stacks").glob("Pulumi.*.yaml"):
            if identity := yaml.safe_load(file.read_text())["config"].get("photos:id"):
                remove_all(client, identity)


def remade_by_a_panel(name: str) -> str:
    """Make a container anew as a panel does: same name, labels, settings, files and networks. Return its other id."""
    with connect() as client:
        old = client.containers.get(name)
        files = _packed(old)
        endpoints = old.attrs["NetworkSettings"]["Networks"]
        body = {**old.attrs["Config"], "HostConfig": old.attrs["HostConfig"]}
        old.stop()
        old.remove()
        made = str(client.api.create_container_from_config(body, name)["Id"])  # type: ignore[no-untyped-call]
        client.api.put_archive(made, "/", files)
        for network, endpoint in endpoints.items():
            client.api.connect_container_to_network(made, network, aliases=endpoint["Aliases"])
        client.api.disconnect_container_from_network(made, "bridge")
        client.api.start(made)
        wait_until_healthy(client.containers.get(made), SECONDS_TO_BE_HEALTHY)
    return made


def _packed(container: Container) -> bytes:
    """Return the files that the stack put into a container, as an archive for `/`."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as whole:
        for label in container.labels:
            prefix, _, path = label.partition("/")
            if prefix == "photos.file":
                with tarfile.open(fileobj=io.BytesIO(b"".join(container.get_archive(f"/{path}")[0]))) as single:
                    (member,) = single.getmembers()
                    content = single.extractfile(member)
                    member.name = path
                    whole.addfile(member, content)
    return packed.getvalue()


def photographed(*folders: Path) -> dict[Path, tuple[int, bytes]]:
    """Return what is below the folders: path → when it was changed, and its content."""
    found = (path for folder in folders for path in (folder, *folder.rglob("*")) if path.exists())
    return {
        path: (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in found
        if "__pycache__" not in path.parts
    }


def changes(preview_json: str) -> dict[str, str]:
    """Return name in the photo system:type → operation from `pulumi preview --json`, only what changes."""
    document = json.loads(preview_json[preview_json.index("{") :])
    steps = document.get("steps") or []
    return {
        f"{step['urn'].split('::')[-1].removeprefix(f'{NAME}-')}:{step['urn'].split('::')[-2].split(':')[-1]}": step[
            "op"
        ]
        for step in steps
        if step["op"] not in ("same", "read", "refresh")
    }


def tree_hash() -> str:
    """Return the hash of components/ and stacks/, which the run speaks for."""
    digest = hashlib.sha256()
    for folder in ("components", "stacks"):
        for file in sorted((PROJECT / folder).rglob("*.py")):
            digest.update(str(file.relative_to(PROJECT)).encode() + file.read_bytes())
    return digest.hexdigest()


def save_run(figures: dict[str, float]) -> None:
    """Keep what was run, with which versions, and how long it took."""
    found = subprocess.run(["pulumi", "version"], capture_output=True, text=True, check=True).stdout.strip()
    RUN_FILE.parent.mkdir(exist_ok=True)
    document = {
        "versions": {
            "pulumi command": found,
            **{name: version(name) for name in ("pulumi", "pulumi-docker", "pulumi-random", "pulumi-cloudflare")},
            "docker": docker.from_env().version()["Version"],
        },
        "sha256_of_components_and_stacks": tree_hash(),
        "seconds": figures,
    }
    RUN_FILE.write_text(json.dumps(document, indent=2) + "\n")
