"""Defaults that the keeper has itself: they stand in keeper/settings.py, and only there."""

from __future__ import annotations

from typing import Any

from keeper.settings import GateSettings, KeepSettings, RemoteSettings, Settings

KEEPER, COPY, GATE, KEEP = Settings, RemoteSettings, GateSettings, KeepSettings


def keeper_default(model: type[Settings | RemoteSettings | GateSettings | KeepSettings], key: str) -> Any:
    """Return the default of a key, e.g. of `transfers` of a `COPY`."""
    return model.model_fields[key].default
