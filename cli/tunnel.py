"""What `./photos` says about the way in from the internet, and how it waits for Cloudflare at the end."""

from __future__ import annotations

import time
from collections.abc import Mapping

from cli import stack_config, workspace
from cli.console import say, warn
from stacks.sections.publish import BODY_LIMIT

TUNNEL = ":ZeroTrustTunnelCloudflared"
LINGER_S = 15
"""Cloudflare refuses to delete a tunnel (1022) until it notices that the connector is gone."""


def addresses(stack: str) -> None:
    """Print each public address with what protects it."""
    publish = stack_config.offline(stack).settings.publish
    if not publish:
        return
    for entry in publish.hostnames:
        waiting = (
            "; being taken over, not served yet" if publish.adopt.tunnel or publish.adopt.names(entry.hostname) else ""
        )
        say(f"https://{entry.hostname}/ ({entry.service}): {entry.protection}{waiting}")
    say(f"Through the tunnel fit {BODY_LIMIT}.")


def show(stack: str, health: Mapping[str | None, str]) -> None:
    """Print the public addresses and whether the tunnel is up, by the health of each service."""
    addresses(stack)
    state = health.get("cloudflared")
    if state == "healthy":
        say("The tunnel is connected to Cloudflare.")
    elif state == "starting":
        say(
            f"The tunnel is not connected to Cloudflare yet. Should it stay so: ./photos logs cloudflared --stack {stack}"
        )
    elif state:
        warn(
            f"The tunnel is not connected to Cloudflare ({state}). Why: ./photos logs cloudflared --stack {stack}. "
            "Where the network blocks UDP write publish.cloudflared.protocol: http2; a tunnel that was deleted at "
            f"Cloudflare comes back after ./photos state delete on its URN and ./photos up {stack}."
        )


def lingers(stack: str) -> bool:
    """Whether a failed destroy left nothing but the tunnel to wait for; waits for it."""
    remaining = [str(resource["type"]) for resource in workspace.resources(stack)]
    if not any(kind.endswith(TUNNEL) for kind in remaining) or any(kind.endswith(":Container") for kind in remaining):
        return False
    say(f"Cloudflare may still count the connector as connected. Trying again in {LINGER_S} seconds ...")
    time.sleep(LINGER_S)
    return True
