"""`./photos demo --down`: what carries the demo's id goes, and of its library only what it made and nobody changed."""

from __future__ import annotations

import shutil

from cli import docker_host, paths, stackfile
from cli.console import say, warn
from components.messages import message
from demo.description import kept
from demo.docker_runner import remove_all
from demo.folder import OWN_FILES, OWN_FOLDERS, STACK, demo_folder
from demo.library import remove_samples


def down() -> None:
    """Remove the demo, a half-made one too; name the files that are somebody's and stay."""
    folder = demo_folder()
    if not folder.exists():
        say(message("demo_none", "There is no demo here."))
        return
    if description := kept(folder):
        docker_host.ensure()
        with docker_host.connect() as client:
            for name in remove_all(client, description.id):
                say(message("demo_removed", "Removed {name}.", name=name))
        if stackfile.stack_id(paths.stack_file(STACK)) == description.id:
            paths.stack_file(STACK).unlink()
    stays = remove_samples(folder)
    for name in OWN_FOLDERS:
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in OWN_FILES:
        (folder / name).unlink(missing_ok=True)
    if stays:
        warn(
            message(
                "demo_files_stay",
                "These files are not the demo's own, so they stay:\n{files}",
                files="\n".join(map(str, stays)),
            )
        )
    else:
        shutil.rmtree(folder)
        say(message("demo_gone", "The demo is gone."))
