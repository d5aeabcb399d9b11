"""What `./photos` says about the way in from the internet, and how it waits for Cloudflare at the end."""

from __future__ import annotations

import time
from collections.abc import Mapping

from cli import stack_config, workspace
from cli.console import say, warn
from components.messages import message
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
        taken_over = publish.adopt.tunnel or publish.adopt.names(entry.hostname)
        waiting = message("tunnel_waiting", "; being taken over, not served yet") if taken_over else ""
        say(
            message(
                "tunnel_address",
                "https://{hostname}/ ({service}): {protection}{waiting}",
                hostname=entry.hostname,
                service=entry.service,
                protection=entry.protection,
                waiting=waiting,
            )
        )
    say(message("tunnel_limit", "Through the tunnel fit {limit}.", limit=BODY_LIMIT))


def show(stack: str, health: Mapping[str | None, str]) -> None:
    """Print the public addresses and whether the tunnel is up, by the health of each service."""
    addresses(stack)
    state = health.get("cloudflared")
    if state == "healthy":
        say(message("tunnel_connected", "The tunnel is connected to Cloudflare."))
    elif state == "starting":
        say(
            message(
                "tunnel_not_yet",
                "The tunnel is not connected to Cloudflare yet. Should it stay so: ./photos logs cloudflared --stack {stack}",
                stack=stack,
            )
        )
    elif state:
        warn(
            message(
                "tunnel_down",
                "The tunnel is not connected to Cloudflare ({state}). Why: ./photos logs cloudflared --stack {stack}. Where the network blocks UDP write publish.cloudflared.protocol: http2; a tunnel that was deleted at Cloudflare comes back after ./photos state delete on its URN and ./photos up {stack}.",
                state=state,
                stack=stack,
            )
        )


def lingers(stack: str) -> bool:
    """Whether a failed destroy left nothing but the tunnel to wait for; waits for it."""
    remaining = [str(resource["type"]) for resource in workspace.resources(stack)]
    if not any(kind.endswith(TUNNEL) for kind in remaining) or any(kind.endswith(":Container") for kind in remaining):
        return False
    say(
        message(
            "tunnel_lingers",
            "Cloudflare may still count the connector as connected. Trying again in {seconds} seconds ...",
            seconds=LINGER_S,
        )
    )
    time.sleep(LINGER_S)
    return True
