"""`./photos demo`: a stack of its own with sample photos, from images built of Debian packages.

Everything of it lies below `demo/` in the data folder; it never reads or changes another stack. With the Pulumi
command it is created by Pulumi, else through the Docker SDK, as tests/docker does it.
"""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

from docker.errors import DockerException

from cli import docker_host, paths, tools
from cli.console import fail, say
from components.messages import message
from demo.creation import AGAIN, through_docker, through_pulumi
from demo.description import REGISTRY, Description, described
from demo.docker_runner import remove_all
from demo.folder import LOGIN, STACK, UNFINISHED, WAY, enter
from demo.library import lay_out
from demo.progress import Stages
from demo.stand_ins import build_images, root_for_the_base


def start(*, with_pulumi: bool) -> None:
    """Build the images, write the samples, create the stack, index, say where the album is.

    May be called by `up` too. Whatever a killed start left behind is used by the next one, or removed by `down`.
    """
    say(
        message(
            "demo_is_this",
            "This is the demo: sample photos in a folder of its own. PhotoPrism and OpenList are stand-ins, small doubles that behave like them; your own photos and stacks are not touched.",
        )
    )
    docker_host.ensure()
    folder = enter()
    pulumi = with_pulumi and not tools.missing(STACK)
    way = "pulumi" if pulumi else "docker"
    _same_way(folder, way)
    become_root = root_for_the_base()
    with Stages() as stages:
        build_images(REGISTRY, stages, become_root)
        stages.stage(message("demo_writing", "Demo: writing sample photos"))
        description = described(folder)
        lay_out(folder, description.id)
        _begin(folder, description, way)
        if not pulumi:
            stages.stage(
                message("demo_creating", "Demo: creating through Docker's own interface, without the Pulumi command")
            )
            through_docker(folder, description, stages)
    if pulumi:
        through_pulumi(folder, description)
    with Stages() as stages:
        stages.stage(message("demo_indexing", "Demo: indexing the sample photos"))
        _index()
    (folder / UNFINISHED).unlink(missing_ok=True)
    say(
        message(
            "demo_runs",
            "\nThe demo runs. Stand-ins: PhotoPrism and OpenList are small doubles that behave like them. Real: MariaDB, Syncthing, networks, volumes, health checks, hardening.\nThe album: http://localhost:{port}/   user: admin   password: cat {file}\nRemove it: ./photos demo --down",
            port=description.album_port,
            file=shlex.quote(str(folder / LOGIN)),
        )
    )


def _same_way(folder: Path, way: str) -> None:
    note = folder / WAY
    if note.exists() and note.read_text("utf-8") != way:
        fail(
            message(
                "demo_created_otherwise",
                "The demo was created through {how}. Remove it first: ./photos demo --down",
                how=note.read_text("utf-8"),
            )
        )


def _begin(folder: Path, description: Description, way: str) -> None:
    """Note that something is created from here on; begin anew where the first time was not finished.

    A database that was stopped in its very first start is refused for ever, and nothing but samples is lost.
    """
    unfinished = folder / UNFINISHED
    if unfinished.exists():
        with docker_host.connect() as client:
            remove_all(client, description.id)
        shutil.rmtree(folder / "state", ignore_errors=True)
    if not (folder / WAY).exists():
        paths.write_private(unfinished, "")
        paths.write_private(folder / WAY, way)


def _index() -> None:
    try:
        with docker_host.connect() as client:
            done = client.containers.get(f"photos-{STACK}-photoprism").exec_run(["photoprism", "index"])
    except DockerException as error:
        fail(message("demo_no_album", "The demo's album is not there: {error}\n{again}", error=error, again=AGAIN))
    if done.exit_code:
        fail(message("demo_no_index", "The album could not index the samples: {said}", said=repr(done.output)))
