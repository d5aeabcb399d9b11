"""What is asked for newer releases: the images that a stack pulls."""

from __future__ import annotations

from keeper.settings import UpdateSettings
from stacks.images import image_keys
from stacks.sections import Settings


def release_settings(settings: Settings) -> UpdateSettings:
    """Return what to ask, and whether to; the keeper's own image is built here and has no releases."""
    keys = list(image_keys(settings))
    return UpdateSettings(
        check=settings.updates.check,
        registry=settings.image_registry,
        # Without digests: to pin what runs must not change what the keeper is told.
        images={key.name: key.current.partition("@")[0] for key in keys},
        series={key.name: key.series for key in keys if key.series is not None},
    )
