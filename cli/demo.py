"""`./photos demo`: a stack of its own with sample photos, from images built of Debian packages.

Everything of it lies below `demo/` in the data folder; it never reads or changes another stack. With the Pulumi
command it is created by Pulumi, else through the Docker SDK, as tests/docker does it.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shlex
import shutil
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import yaml
from docker.errors import DockerException

from cli import docker_host, engine, generated, paths, prepared, setup, stackfile, sweep, tools, workspace
from cli.console import fail, say, warn
from cli.docker_runner import DockerRunner, remove_all
from cli.first_run import hand_over, write_marker
from cli.progress import Stages
from cli.recording import config_text, record
from cli.samples import samples, write_samples
from components.service import Owner
from components.storage import MARKER, PHONES
from stacks.config import load
from stacks.host.library import DEFAULT_OWNER
from stacks.names import NAMESPACE
from stacks.photo_system import declare
from stacks.settings import id_problem

STACK = prepared.DEMO
REGISTRY = "photos-test.local"
UNFINISHED = "unfinished"
PORTS = {"photoprism": ("port",), "syncthing": ("port", "sync_port"), "drive": ("port",)}


def start(*, with_pulumi: bool) -> None:
    """Build the images, write the samples, create the stack, index, say where the album is.

    May be called by `up` too. Whatever a killed start left behind is used by the next one, or removed by `down`.
    """
    from cli import demo_images  # noqa: PLC0415 - it takes tests/images, which nothing else of the command line needs

    say(
        "This is the demo: sample photos in a folder of its own. PhotoPrism and OpenList are stand-ins, small doubles "
        "that behave like them; your own photos and stacks are not touched."
    )
    docker_host.ensure()
    folder = _folder()
    pulumi = with_pulumi and not tools.missing(STACK)
    way = "pulumi" if pulumi else "docker"
    _same_way(folder, way)
    become_root = demo_images.root_for_the_base()
    with Stages() as stages:
        demo_images.build_images(REGISTRY, stages, become_root)
        stages.stage("Demo: writing sample photos")
        description = _description(folder)
        _library(folder, description)
        _begin(folder, description, way)
        if not pulumi:
            stages.stage("Demo: creating through Docker's own interface, without the Pulumi command")
            _through_docker(description, folder, stages)
    if pulumi:
        _through_pulumi(folder, description)
    with Stages() as stages:
        stages.stage("Demo: indexing the sample photos")
        _index()
    (folder / UNFINISHED).unlink(missing_ok=True)
    say(
        "\nThe demo runs. Stand-ins: PhotoPrism and OpenList are small doubles that behave like them. Real: MariaDB, "
        "Syncthing, networks, volumes, health checks, hardening.\n"
        f"The album: http://localhost:{description['config']['photos:services']['photoprism']['port']}/   user: admin   "
        f"password: cat {shlex.quote(str(folder / 'password'))}\n"
        "Remove it: ./photos demo --down"
    )


def down() -> None:
    """Remove what carries the demo's id; from its library only the files that it made and nobody changed."""
    folder = paths.data_folder() / STACK
    if not folder.exists():
        say("There is no demo here.")
        return
    about = folder / "demo.yaml"
    if about.exists():
        docker_host.ensure()
        description = yaml.safe_load(about.read_text("utf-8"))
        with docker_host.connect() as client:
            for name in remove_all(client, description["config"]["photos:id"]):
                say(f"Removed {name}.")
        if stackfile.stack_id(paths.stack_file(STACK)) == description["config"]["photos:id"]:
            paths.stack_file(STACK).unlink()
    kept = _remove_samples(folder)
    for name in ("images", "state", "passphrases", "stack-files"):
        shutil.rmtree(folder / name, ignore_errors=True)
    for file in (
        folder / "made.json",
        folder / "password",
        folder / "way",
        folder / UNFINISHED,
        about,
    ):
        file.unlink(missing_ok=True)
    if kept:
        warn("These files are not the demo's own, so they stay:\n" + "\n".join(map(str, kept)))
    else:
        shutil.rmtree(folder)
        say("The demo is gone.")


def _folder() -> Path:
    """Return the demo's folder, from here on the data folder of this process."""
    folder = paths.data_folder() / STACK
    paths.make_private(folder.parent)
    folder.mkdir(mode=0o755, exist_ok=True)
    os.environ["PHOTOS_DATA"] = str(folder)
    return folder


def _same_way(folder: Path, way: str) -> None:
    note = folder / "way"
    if note.exists() and note.read_text("utf-8") != way:
        fail(f"The demo was created through {note.read_text('utf-8')}. Remove it first: ./photos demo --down")


def _begin(folder: Path, description: dict[str, Any], way: str) -> None:
    """Note that something is created from here on; begin anew where the first time was not finished.

    A database that was stopped in its very first start is refused for ever, and nothing but samples is lost.
    """
    unfinished = folder / UNFINISHED
    if unfinished.exists():
        with docker_host.connect() as client:
            remove_all(client, description["config"]["photos:id"])
        shutil.rmtree(folder / "state", ignore_errors=True)
    if not (folder / "way").exists():
        paths.write_private(unfinished, "")
        paths.write_private(folder / "way", way)


def _description(folder: Path) -> dict[str, Any]:
    """Return the demo's stack file with its secrets in clear: made once, kept private."""
    about = folder / "demo.yaml"
    if not about.exists():
        paths.write_private(about, yaml.safe_dump(_new_description(folder), sort_keys=False))
    description = dict(yaml.safe_load(about.read_text("utf-8")))
    paths.write_private(folder / "password", description["secrets"]["photoprism_admin_password"] + "\n")
    return description


def _new_description(folder: Path) -> dict[str, Any]:
    config = stackfile.read(paths.EXAMPLES / "Pulumi.dev.yaml")
    services = {name: dict(section) for name, section in config["photos:services"].items()}
    for name, fields in PORTS.items():
        services[name] |= {field: _free_port() for field in fields}
    services["photoprism"] |= {"site_title": "Demo"}
    config |= {
        "photos:id": str(uuid4()),
        "photos:image_registry": REGISTRY,
        "photos:library": {"originals": str(folder / "originals"), "import": str(folder / "import")},
        "photos:services": services,
    }
    keys = ["mariadb_root_password", "photoprism_admin_password", "drive_admin_password"]
    keys += ["syncthing_gui_password", "syncthing_cert", "syncthing_key"]
    return {"config": config, "secrets": generated.values_for(keys)}


def _library(folder: Path, description: dict[str, Any]) -> None:
    for name in ("originals", f"originals/{PHONES}", "import"):
        (folder / name).mkdir(mode=0o755, parents=True, exist_ok=True)
    made = samples(folder / "originals")
    hashes = {path: hashlib.sha256(content).hexdigest() for path, content in made.items()}
    # First what is to be written: a start that is killed in between leaves nothing that `down` takes for the family's.
    paths.write_private(folder / "made.json", json.dumps(hashes))
    write_samples(folder / "originals")
    for name in ("originals", "import"):
        write_marker(folder / name, description["config"]["photos:id"])
    # Only what the demo made: whatever else lies here, or is linked from here, keeps its owner and mode.
    parts = [folder / "originals", folder / "import"]
    own = {*parts, folder / "originals" / PHONES, *(part / MARKER for part in parts), *map(Path, made)}
    own |= {Path(path).parent for path in made}
    for item in (item for item in own if not item.is_symlink()):
        item.chmod(0o755 if item.is_dir() else 0o644)
        if os.geteuid() == 0:
            os.chown(item, DEFAULT_OWNER.uid, DEFAULT_OWNER.gid)
        else:
            hand_over(item)


def _through_pulumi(folder: Path, description: dict[str, Any]) -> None:
    file = paths.stack_file(STACK)
    if file.exists() and stackfile.stack_id(file) != description["config"]["photos:id"]:
        fail(f"{file} is not the demo's. Nothing was changed. Give that stack another name first.")
    if not file.exists():
        paths.write_private(file, yaml.safe_dump({"config": description["config"]}, sort_keys=False))
    setup.passphrase(STACK)
    paths.make_private(folder / "state")
    workspace.select(STACK)
    for key, value in description["secrets"].items():
        if NAMESPACE + key not in stackfile.read(file):
            engine.set_secret(STACK, NAMESPACE + key, value)
    if sweep.run_up(STACK, "--yes", "--skip-preview"):
        fail("Pulumi could not create the demo. Run it again, or remove what is there: ./photos demo --down")


def _owner(folder: Path) -> Owner:
    """Return who the services run as: whoever the demo's library belongs to, where the apps can run as that user."""
    found = (folder / "originals").stat()
    usable = not (id_problem(found.st_uid, "uid") or id_problem(found.st_gid, "gid"))
    return Owner(uid=found.st_uid, gid=found.st_gid) if usable else DEFAULT_OWNER


def _through_docker(description: dict[str, Any], folder: Path, stages: Stages) -> None:
    secret_keys = {NAMESPACE + key for key in description["secrets"]}
    values = description["config"] | {NAMESPACE + key: value for key, value in description["secrets"].items()}
    try:
        with docker_host.connect() as client:
            record(
                lambda: declare(load(), _owner(folder)),
                stack=STACK,
                config=config_text(values),
                secret_keys=secret_keys,
                recorder=DockerRunner(client, tell=lambda step: stages.stage(f"Demo: {step}")),
            )
    except (DockerException, RuntimeError) as error:
        fail(f"The demo could not be created: {error}\nRun it again, or remove what is there: ./photos demo --down")


def _index() -> None:
    try:
        with docker_host.connect() as client:
            done = client.containers.get(f"photos-{STACK}-photoprism").exec_run(["photoprism", "index"])
    except DockerException as error:
        fail(f"The demo's album is not there: {error}\nRun it again, or remove what is there: ./photos demo --down")
    if done.exit_code:
        fail(f"The album could not index the samples: {done.output!r}")


def _remove_samples(folder: Path) -> list[Path]:
    """Remove the demo's own unchanged files and then empty folders; return the files that stay."""
    made = json.loads((folder / "made.json").read_text("utf-8")) if (folder / "made.json").exists() else {}
    for path, digest in made.items():
        file = Path(path)
        if file.is_file() and not file.is_symlink() and hashlib.sha256(file.read_bytes()).hexdigest() == digest:
            file.unlink()
        file.with_name(f".{file.name}.partial").unlink(missing_ok=True)
    stays: list[Path] = []
    for part in (folder / "originals", folder / "import"):
        (part / MARKER).unlink(missing_ok=True)
        for item in sorted(part.rglob("*"), reverse=True):
            if item.is_dir() and not item.is_symlink():
                if not any(item.iterdir()):
                    item.rmdir()
            else:
                stays.append(item)
    return stays


def _free_port() -> int:
    """Return a free port below the range from which the kernel takes ports of outgoing connections."""
    while True:
        port = 20000 + secrets.randbelow(12000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("0.0.0.0", port))  # noqa: S104 - for a moment
            return port
