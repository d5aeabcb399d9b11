"""The two ways to create the demo: with the Pulumi command, or without it through Docker's own interface."""

from __future__ import annotations

from pathlib import Path

import yaml
from docker.errors import DockerException

from cli import docker_host, engine, paths, setup, stackfile, sweep, workspace
from cli.console import fail
from components.messages import message
from demo.description import Description
from demo.docker_runner import DockerRunner
from demo.folder import STACK
from demo.library import owner
from demo.progress import Stages
from stacks.config import load
from stacks.names import NAMESPACE
from stacks.program import declare
from stacks.recording import config_text, record

AGAIN = message("demo_again", "Run it again, or remove what is there: ./photos demo --down")


def through_pulumi(folder: Path, description: Description) -> None:
    """Write the stack file `demo`, which must not be somebody's, and run `pulumi up`."""
    file = paths.stack_file(STACK)
    if file.exists() and stackfile.stack_id(file) != description.id:
        fail(
            message(
                "demo_file_foreign",
                "{file} is not the demo's. Nothing was changed. Give that stack another name first.",
                file=file,
            )
        )
    if not file.exists():
        paths.write_private(file, yaml.safe_dump({"config": description.config}, sort_keys=False))
    setup.passphrase(STACK)
    paths.make_private(folder / "state")
    workspace.select(STACK)
    for key, value in description.secrets.items():
        if NAMESPACE + key not in stackfile.read(file):
            engine.set_secret(STACK, NAMESPACE + key, value)
    if sweep.run_up(STACK, "--yes", "--skip-preview"):
        fail(message("demo_pulumi_failed", "Pulumi could not create the demo. {again}", again=AGAIN))


def through_docker(folder: Path, description: Description, stages: Stages) -> None:
    """Run the same program, and create through the Docker SDK what it declares."""
    secrets = {NAMESPACE + key: value for key, value in description.secrets.items()}
    try:
        with docker_host.connect() as client:
            record(
                lambda: declare(load(), owner(folder)),
                stack=STACK,
                config=config_text(description.config | secrets),
                secret_keys=set(secrets),
                recorder=DockerRunner(
                    client, tell=lambda step: stages.stage(message("demo_step", "Demo: {step}", step=step))
                ),
            )
    except (DockerException, RuntimeError) as error:
        fail(message("demo_failed", "The demo could not be created: {error}\n{again}", error=error, again=AGAIN))
