"""Everything that a stack needs before `pulumi up`: tools, stack file, passphrase, secrets, marked library.

Nothing of it is written before the stack file and the host were looked at as a whole.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from cli import (
    another_host,
    database_version,
    docker_host,
    engine,
    firewall,
    first_run,
    generated,
    images,
    late_addresses,
    paths,
    prepared,
    stack_config,
    stackfile,
    swarm,
    tool_download,
    workspace,
)
from cli.console import fail, say
from cli.takeover import pending
from components.messages import Said, message
from stacks.config import StackConfig
from stacks.host.images import check_images
from stacks.host.library import folders
from stacks.host.machines import library_machine
from stacks.languages import text
from stacks.names import NAMESPACE
from stacks.preflight import Report, look


def prepare(stack: str, *, marking: bool = True, unreachable: Callable[[Said], NoReturn] = fail) -> None:
    """Check everything, then set the stack up; what is done already is left alone.

    `marking` off: write no secret, marker or id (preview). `unreachable` is told what cannot be fetched, before
    anything is written.
    """
    chosen = _beginning(stack)
    if pending.identity(stack) and marking:
        fail(
            message(
                "takeover_pending",
                'Taking an old set-up over into "{stack}" was cut short, and its volumes are half-made. Run the same ./photos adopt again: it begins anew, and the old set-up is untouched.',
                stack=stack,
            )
        )
    report = look_at(stack, chosen)
    if report.config and not docker_host.answers(stack):
        docker_host.ensure(stack)
        report = look_at(stack, chosen)
    # Of another machine nothing is changed but its Docker and its folders.
    ours_to_change = report.config and library_machine(report.config.settings).here
    offers = [swarm.offered, *((firewall.offered, late_addresses.offered) if ours_to_change else ())]
    for offered in offers if marking else ():
        if offered(report):
            report = look_at(stack, chosen)
    config = _usable(stack, report, marking=marking)
    another_host.refuse_without_data(config)
    if lacking := _not_fetched(stack, config, marking=marking):
        unreachable("\n".join(lacking))
    if marking and config.first_run:
        first_run.agree_to_folders(folders(config.settings).values(), library_machine(config.settings))
    _open(stack, chosen)
    if marking:
        make_secrets(stack, config)
        if config.first_run:
            first_run.mark(stack, config.settings)
        else:
            first_run.fix_owner(stack, config.settings)
    if not config.first_run:  # for a preview, too: what runs is written down, and nothing that runs changes
        images.write_down(stack, config.settings)
    stackfile.keep_copy(stack)


def reach(stack: str) -> None:
    """Have Docker, the tools and the stack's own files, whatever the host looks like: to leave, or to take over."""
    docker_host.ensure(stack)
    begin(stack)


def begin(stack: str) -> None:
    """Have the tools and the stack's own files, so that a person can type a secret before the first `up`."""
    chosen = _beginning(stack)
    try:
        tool_download.ensure(stack)
    except tool_download.UnreachableError as error:
        fail(error.said)
    _open(stack, chosen)
    stackfile.keep_copy(stack)


def look_at(stack: str, file: Path | None = None, *, place: Mapping[str, str] | None = None) -> Report:
    """Return what is wrong with `file`, by default the stack file or its example, and with the host. Writes nothing.

    `place`: service → the host that it is looked at on, whatever the file says.
    """

    def load() -> StackConfig:
        config = stack_config.load(stack, file, workspace.secrets(stack), place)
        settings = images.with_running(stack, first_run.with_owner(stack, config.settings))
        return replace(
            config,
            settings=settings,
            pending_id=first_run.pending_id(stack),
            database_written=database_version.written(stack),
        )

    return look(load)


def _beginning(stack: str) -> Path:
    """Return the file that the stack begins with, once it is clear that it is this person's."""
    if stack == prepared.DEMO:
        fail(
            message(
                "name_of_demo",
                '"{demo}" is what ./photos demo calls its own stack. Choose another name for yours.',
                demo=stack,
            )
        )
    _outside_git()
    _same_person(stack)
    return stackfile.choose(stack)


def _usable(stack: str, report: Report, *, marking: bool) -> StackConfig:
    """Return the stack file's content; end the program with everything that is wrong."""
    needed = report.config.still_needed if report.config and marking else ()
    if report.errors or needed or not report.config:
        lines = [text(finding.line, stack=stack) for finding in (*report.errors, *needed)]
        fail(message("nothing_changed_because", "Nothing was created or changed:\n{lines}", lines="\n".join(lines)))
    return report.config


def _not_fetched(stack: str, config: StackConfig, *, marking: bool) -> list[str]:
    """Fetch the tools; return what of them, and before an `up` of the images, cannot be had."""
    problems = []
    try:
        tool_download.ensure(stack)
    except tool_download.UnreachableError as error:
        problems.append(text(error.said))
    if marking:
        seen = list(check_images(config))
        problems += [text(finding.line) for finding in seen if finding.level != "ok"]
        if any(finding.level == "error" for finding in seen):  # a login: no reason for another way out
            fail(
                message(
                    "nothing_changed_because", "Nothing was created or changed:\n{lines}", lines="\n".join(problems)
                )
            )
    return problems


def _open(stack: str, chosen: Path) -> None:
    """Have the stack file, the passphrase and the state."""
    stackfile.ensure(stack, chosen)
    paths.make_private(paths.state_folder())
    passphrase(stack)
    workspace.select(stack)


def _outside_git() -> None:
    """Refuse to keep state and passphrases where a commit could take them along."""
    data = paths.data_folder()
    if work_tree := prepared.git_around(data):
        fail(
            message(
                "data_in_git",
                "The data folder {data} lies in the git work tree {parent}. Set PHOTOS_DATA to a folder outside of it.",
                data=data,
                parent=work_tree,
            )
        )


def _same_person(stack: str) -> None:
    """Refuse a stack whose passphrase and state are in another account: with sudo and without it are two accounts."""
    file = paths.stack_file(stack)
    if not file.exists() or paths.passphrase_file(stack).exists():
        return
    owner = file.stat().st_uid
    if owner != os.geteuid() and (
        not os.access(file, os.R_OK) or "encryptionsalt" in file.read_text("utf-8", "replace")
    ):
        name = _name_of(owner)
        how = (
            message("with_sudo", "with sudo")
            if owner == 0
            else message("without_sudo", "as {name}, without sudo", name=name)
        )
        fail(
            message(
                "stack_of_another",
                'The stack "{stack}" belongs to {name}: stacks/{file} is theirs, and so are its passphrase and state. '
                "Run ./photos {how}. Nothing was created or changed.",
                stack=stack,
                name=name,
                file=file.name,
                how=how,
            )
        )


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def need_passphrase(stack: str) -> None:
    """End the program where the stack's secrets cannot be read: they were never made, or what opens them is gone."""
    file = paths.passphrase_file(stack)
    if file.exists():
        return
    _refuse_a_lost_passphrase(stack, file)
    fail(
        message(
            "no_logins_yet",
            'The stack "{stack}" was not started yet, and its logins are made then: ./photos up {stack}',
            stack=stack,
        )
    )


def _refuse_a_lost_passphrase(stack: str, file: Path) -> None:
    stack_file = paths.stack_file(stack)
    if stack_file.exists() and "encryptionsalt" in stack_file.read_text("utf-8"):
        sudo = message("perhaps_sudo", " Was it set up with sudo? Then run ./photos with sudo again.")
        fail(
            message(
                "passphrase_gone",
                "The passphrase of the stack is gone ({file}), so its secrets cannot be read.{sudo}\n"
                "Put it back from where you keep it. The containers keep running meanwhile.",
                file=file,
                sudo="" if os.geteuid() == 0 else sudo,
            )
        )


def passphrase(stack: str) -> None:
    """Make the passphrase of `stack` once, and say what losing it means."""
    file = paths.passphrase_file(stack)
    if file.exists():
        return
    _refuse_a_lost_passphrase(stack, file)
    paths.write_private(file, generated.password())
    say(
        message(
            "passphrase_made",
            "Made a passphrase for the stack's secrets: {file}\nKeep a copy of {folder} off this machine: without passphrase and stack file nobody can read the logins again. Your photos do not depend on it.",
            file=file,
            folder=paths.data_folder(),
        )
    )


def make_secrets(stack: str, config: StackConfig) -> None:
    """Make the logins and keys that are not in the stack file yet."""
    present = stackfile.read(paths.stack_file(stack))
    absent = [key for key in config.settings.generated_secret_keys() if NAMESPACE + key not in present]
    for key, left in generated.half_lost(absent).items():
        # A new certificate does not fit the old key, and phones would no longer know this server.
        fail(
            message(
                "identity_half_lost",
                "{key} is missing in {file}, and {left} is there: neither is of use alone, and devices know this server by "
                "them. Take both from a kept copy in {copies}; or take {left} out as well, and both are made anew",
                key=NAMESPACE + key,
                left=NAMESPACE + left,
                file=paths.stack_file(stack),
                copies=paths.copies_folder(stack),
            )
        )
    for key, value in generated.values_for(absent).items():
        engine.set_secret(stack, NAMESPACE + key, value)
    if absent:
        say(
            message(
                "logins_made",
                "Made {count} logins and identities; they are encrypted in stacks/Pulumi.{stack}.yaml.",
                count=len(absent),
                stack=stack,
            )
        )
