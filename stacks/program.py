"""One run of the Pulumi program: load, check the host, declare, export."""

from __future__ import annotations

import os
from typing import Any

import pulumi

from components.messages import message
from components.photo_system import PhotoSystem
from components.service import Owner
from stacks.arguments import photo_system_args
from stacks.config import StackConfig, load
from stacks.docker_provider import docker_hosts
from stacks.host.endpoint import EndpointError
from stacks.host.forwarding import forward
from stacks.host.library import library_owner
from stacks.host.ssh import LineError
from stacks.languages import text
from stacks.names import DESTROYING
from stacks.outputs import outputs
from stacks.preflight import look

NAME = "photos"
"""The photo system's name in the program: it begins the logical name of every resource, so it never changes."""


def run() -> None:
    """Run the program that `pulumi up`, `preview` and `destroy --run-program` ask for."""
    report = look(load, leaving=bool(os.environ.get(DESTROYING)))
    config, stack = report.config, pulumi.get_stack()
    if report.errors or config is None:
        # What `./photos` writes before (folders, markers, the id) it writes only after the same look.
        nothing = message("nothing_declared", "no resource was created or changed:")
        raise pulumi.RunError("\n".join([text(nothing), *(text(wrong.line, stack=stack) for wrong in report.errors)]))
    for finding in (*report.warnings, *config.still_needed):
        pulumi.log.warn(text(finding.line, stack=stack))
    try:
        forward(config)
        exports = declare(config, library_owner(config.settings))
    except (EndpointError, LineError) as error:  # at a destroy, which looks at no host before
        raise pulumi.RunError(str(error)) from error
    for name, value in exports.items():
        pulumi.export(name, value)


def declare(config: StackConfig, owner: Owner) -> dict[str, Any]:
    """Declare every resource of the stack and return what it exports.

    Providers are explicit, so that everything goes where the checks have looked, and a second system could go elsewhere.
    """
    first, hosts = docker_hosts(config)
    providers: list[pulumi.ProviderResource] = [first]
    if config.settings.publish:
        providers.append(_cloudflare(config))
    system = PhotoSystem(NAME, photo_system_args(config, owner, hosts), pulumi.ResourceOptions(providers=providers))
    return outputs(config, system)


def _cloudflare(config: StackConfig) -> pulumi.ProviderResource:
    # Here and not above: importing it costs seconds, which only a stack that publishes something pays.
    from components.tunnel import cloudflare_provider  # noqa: PLC0415

    return cloudflare_provider("cloudflare", config.cloudflare)
