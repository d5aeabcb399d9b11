"""Defaults that the keeper has itself: they stand in keeper/settings.py, and only there."""

from __future__ import annotations

from typing import Any

from keeper.settings import GateSettings, KeepSettings, RemoteSettings, Settings


def _default(model: type[GateSettings | KeepSettings | RemoteSettings | Settings], key: str) -> Any:
    return model.model_fields[key].get_default(call_default_factory=False)


def keeper_default(key: str) -> Any:
    """Return the default of a key of the keeper's settings, e.g. "schedule"."""
    return _default(Settings, key)


def copy_default(key: str) -> Any:
    """Return the default of a key of one copy, e.g. "transfers"."""
    return _default(RemoteSettings, key)


def gate_default(key: str) -> Any:
    """Return the default of a limit, e.g. "max_delete_percent"."""
    return _default(GateSettings, key)


def keep_default(key: str) -> Any:
    """Return the default of a span in days, e.g. "all_days"."""
    return _default(KeepSettings, key)
