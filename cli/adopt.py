"""`./photos adopt PATH`: take a library folder over, a moved one or one whose stack file is lost."""

from __future__ import annotations

from pathlib import Path

from cli import containers, docker_host, first_run, paths, setup, stack_config, stackfile, workspace
from cli.console import confirm, fail, say
from components.messages import message
from stacks.host.library import folders, read_marker
from stacks.host.machine import Machine, MachinePath
from stacks.host.machines import library_machine


def adopt(stack: str, named: Path) -> None:
    """Mark a folder as this stack's, or take over the id that it and the kept volumes carry; after asking."""
    machine = library_machine(stack_config.offline(stack).settings)
    folder = machine.path(str(named))
    if not folder.is_dir():
        fail(message("adopt_no_folder", "{folder} is not a folder. Is its drive mounted?", folder=folder))
    setup.reach(stack)
    stack_identity = stackfile.stack_id(paths.stack_file(stack))
    marker = read_marker(folder)
    say(
        message(
            "library_holds",
            "{folder} holds {count} files. They stay as they are.",
            folder=folder,
            count=first_run.count_files(folder, machine),
        )
    )
    if marker and marker != stack_identity:
        _refuse_if_running(stack, marker)
    if stack_identity is None:
        _take_over(stack, folder, marker, machine)
    elif marker == stack_identity:
        say(message("adopt_is_ours", "It is this stack's library already."))
    else:
        _mark(stack, folder, stack_identity, marker, machine)


def _take_over(stack: str, folder: MachinePath, marker: str | None, machine: Machine) -> None:
    """Give a stack without id the id of a library whose own stack file is lost."""
    identity = marker or _id_of_volumes(stack)
    if not identity:
        fail(
            message(
                "adopt_no_id",
                "Neither {folder} nor a kept volume carries an id. Start afresh: ./photos up {stack}",
                folder=folder,
                stack=stack,
            )
        )
    if not confirm(
        message(
            "adopt_take_id",
            'Take over id {identity} for the stack "{stack}"? Logins are made anew unless you set the old ones.',
            identity=identity,
            stack=stack,
        )
    ):
        fail(message("nothing_changed", "Nothing was changed."))
    workspace.set_value(stack, stackfile.ID_KEY, identity)
    if not marker:
        first_run.write_marker(folder, identity, machine)
    setup.make_secrets(stack, stack_config.offline(stack))
    say(
        message(
            "adopt_new_logins",
            "The logins in the stack file are new, but PhotoPrism and OpenList keep the old ones in their volumes, and phones must be paired with Syncthing again. Old passwords: ./photos config set --secret photos:<name> puts them back.",
        )
    )
    say(
        message(
            "adopt_has_id",
            'The stack "{stack}" has the id {identity} now. Next: ./photos up {stack}',
            stack=stack,
            identity=identity,
        )
    )


def _mark(stack: str, folder: MachinePath, stack_identity: str, marker: str | None, machine: Machine) -> None:
    if folder not in folders(stack_config.offline(stack).settings).values():
        fail(
            message(
                "adopt_not_in_library",
                "{folder} is not in photos:library of stacks/Pulumi.{stack}.yaml. Write it there first.",
                folder=folder,
                stack=stack,
            )
        )
    whose = (
        message("belongs_to_stack", "belongs to the stack with id {id}", id=marker)
        if marker
        else message("is_not_marked", "is not marked")
    )
    if not confirm(
        message(
            "adopt_make_library",
            '{folder} {whose}. Make it the library of "{stack}" (id {ours})?',
            folder=folder,
            whose=whose,
            stack=stack,
            ours=stack_identity,
        )
    ):
        fail(message("nothing_changed", "Nothing was changed."))
    first_run.write_marker(folder, stack_identity, machine)
    first_run.make_places(stack_config.offline(stack).settings)
    say(message("adopt_marked", "Marked. Next: ./photos up {stack}", stack=stack))


def _id_of_volumes(stack: str) -> str | None:
    with containers.connected(stack) as dockers:
        listed = (
            client.volumes.list(filters={"label": f"photos.stack={stack}"}) for client in dockers.clients.values()
        )
        return next((str(volume.attrs["Labels"]["photos.id"]) for volumes in listed for volume in volumes), None)


def _refuse_if_running(stack: str, identity: str) -> None:
    with containers.connected(stack) as dockers:
        of_other = docker_host.of_stack(identity)
        listed = (client.containers.list(ignore_removed=True, filters=of_other) for client in dockers.clients.values())
        if running := [container for found in listed for container in found]:
            names = ", ".join(str(container.name) for container in running)
            fail(
                message(
                    "adopt_runs_here",
                    "The stack with id {identity} runs on this host ({names}).\nDestroy it first, from its own folder. Where that folder and its stack file are lost: docker rm -f {words}. Photos and volumes stay.",
                    identity=identity,
                    names=names,
                    words=names.replace(",", ""),
                )
            )
