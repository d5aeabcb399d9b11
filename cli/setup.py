"""Everything that a stack needs before `pulumi up`: tools, stack file, passphrase, secrets, marked library."""

from __future__ import annotations

from cli import docker_host, engine, first_run, generated, paths, stackfile, tools
from cli.console import fail, say
from stacks.config import NAMESPACE


def prepare(stack: str, *, marking: bool = True) -> None:
    """Set the stack up; what is done already is left alone. `marking` off: write no secret, marker or id (preview)."""
    _outside_git()
    docker_host.ensure()
    tools.ensure(stack)
    stackfile.ensure(stack)
    paths.make_private(paths.state_folder())
    passphrase(stack)
    engine.ask(stack, "stack", "select", "--create", stack)
    if marking:
        _secrets(stack)
        if not stackfile.stack_id(paths.stack_file(stack)):
            first_run.mark(stack, stackfile.offline(stack).settings)
    stackfile.keep_copy(stack)


def _outside_git() -> None:
    """Refuse to keep state and passphrases where a commit could take them along."""
    data = paths.data_folder()
    real = data.resolve()
    for parent in (data, *data.parents, real, *real.parents):
        if (parent / ".git").exists():
            fail(
                f"The data folder {data} lies in the git work tree {parent}. Set PHOTOS_DATA to a folder outside of it."
            )


def passphrase(stack: str) -> None:
    """Make the passphrase of `stack` once, and say what losing it means."""
    file = paths.passphrase_file(stack)
    if file.exists():
        return
    if "encryptionsalt" in paths.stack_file(stack).read_text("utf-8"):
        fail(
            f"The passphrase of the stack is gone ({file}), so its secrets cannot be read.\n"
            "Put it back from where you keep it. The containers keep running meanwhile; nothing was changed."
        )
    paths.write_private(file, generated.password())
    say(
        f"Made a passphrase for the stack's secrets: {file}\n"
        f"Keep a copy of {paths.data_folder()} off this machine: without passphrase and stack file nobody can read the "
        "logins again. Your photos do not depend on it."
    )


def _secrets(stack: str) -> None:
    config = stackfile.offline(stack)
    present = stackfile.read(paths.stack_file(stack))
    absent = [key for key in config.settings.generated_secret_keys() if NAMESPACE + key not in present]
    for key, value in generated.values_for(absent).items():
        # Through standard input: an argument could be read by any process of this machine.
        engine.ask(stack, "config", "set", "--secret", NAMESPACE + key, "--stack", stack, stdin=value)
    if absent:
        say(f"Made {len(absent)} logins and identities; they are encrypted in stacks/Pulumi.{stack}.yaml.")
