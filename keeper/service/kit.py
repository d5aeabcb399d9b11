"""Which keys a recovery kit must hold, so that it can be said when an older one no longer opens everything."""

from __future__ import annotations

import hashlib

from keeper.settings import PASSWORD, Settings
from keeper.state import KitState


def keys_of(settings: Settings) -> dict[str, str]:
    """Return name → fingerprint of every key without which a copy is lost; no key can be guessed from it."""
    names = [copy.secret_name(PASSWORD) for copy in settings.repositories]
    return {name: hashlib.sha256(f"{settings.id} {settings.secret(name)}".encode()).hexdigest()[:16] for name in names}


def missing_keys(settings: Settings, kit: KitState) -> list[str]:
    """Return the copies that the kit does not open: they were added, or got another key, after it was made."""
    now = keys_of(settings)
    return [
        copy.name for copy in settings.repositories if kit.keys.get(name := copy.secret_name(PASSWORD)) != now[name]
    ]
