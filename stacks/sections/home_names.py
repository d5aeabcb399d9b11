"""What must hold between the ways in at home and in the tailnet (`services.https`, `services.tailscale`) and the services."""

from __future__ import annotations

from components.messages import message
from components.services import origins
from components.services.https import Https
from components.services.tailscale import ALBUM, Tailscale
from stacks.findings import Finding
from stacks.problems import problem
from stacks.sections import Settings


def home_name_problems(settings: Settings) -> list[Finding]:
    """Return the names, and the way in, behind which nothing of this stack answers."""
    enabled = settings.enabled()
    section, offered = enabled.get(Https.service), origins(enabled)
    if Tailscale.service in enabled and ALBUM not in offered:
        needs = message(
            "tailnet_without_album",
            "leads to the album, which is not among services. Write `photoprism: {}` there, too",
        )
        return [problem(f"services.{Tailscale.service}", needs)]
    if not isinstance(section, Https.Config):
        return []
    return [
        problem(
            f"services.{Https.service}.names.{name}",
            message(
                "service_not_there",
                '"{service}" is not among services. Write one of: {known}',
                service=service,
                known=", ".join(offered) or message("no_service_with_pages", "photoprism, with a section of its own"),
            ),
        )
        for name, service in section.names.items()
        if service not in offered
    ]
