"""Defaults that the keeper has itself: they stand in keeper/settings.py, and only there."""

from __future__ import annotations

from typing import Any

from keeper.errors import Problem
from keeper.settings import PASSWORD, CopySettings, GateSettings, KeepSettings, Settings

__all__ = ["COPY", "GATE", "KEEP", "KEEPER", "REPOSITORY_PASSWORD", "Problem", "keeper_default"]

KEEPER, COPY, GATE, KEEP = Settings, CopySettings, GateSettings, KeepSettings
REPOSITORY_PASSWORD = PASSWORD


def keeper_default(model: type[Settings | CopySettings | GateSettings | KeepSettings], key: str) -> Any:
    """Return the default of a key, e.g. of `connections` of a `COPY`."""
    return model.model_fields[key].default
