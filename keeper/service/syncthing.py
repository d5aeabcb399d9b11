"""The stack's Syncthing, as those ask it who watch the phones."""

from __future__ import annotations

import httpx

from keeper.settings import Settings

API_KEY = "syncthing_api_key"


def syncthing(settings: Settings, timeout: httpx.Timeout) -> httpx.Client:
    """Return a client of Syncthing's REST API."""
    return httpx.Client(
        base_url=settings.syncthing_url or "", headers={"X-API-Key": settings.secret(API_KEY)}, timeout=timeout
    )
