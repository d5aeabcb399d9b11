"""The double of Tailscale's image: there is no tailnet to join here."""

from __future__ import annotations

from components.services.tailscale import TailscaleConfig
from demo.images.build import Recipe, build, push
from tests.found import PROJECT

RECIPE = Recipe("tailscale", TailscaleConfig.model_fields["image"].default)


def provide(registry: str) -> None:
    """Make its image under a registry's name, and push it there."""
    build(registry, cache=PROJECT / ".cache" / "images", echo=print, recipes=(RECIPE,))
    push(registry, (RECIPE,))
