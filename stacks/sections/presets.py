"""`photos:preset`: what a stack file means where it says nothing, for one kind of machine. What a person writes wins.

`small` is for 2 cores and 4 GB: all memory limits together, with a tunnel and a backup, are below that. Of PhotoPrism
one worker took 0.7 GB without its models; one photo of 12 megapixels took 1.7 s of a core and 1.7 MB of thumbnails, with
1280 pixels 1.0 MB (the real program of 2026-06-30, measured on 2026-11-29). So smaller thumbnails save disk, and what
saves time is what is not done: no guess of what a picture shows. Faces stay, since families look for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

Preset = Literal["small"]

PRESETS: Mapping[Preset, Mapping[str, Any]] = {
    "small": {
        "database": {"memory": "512m", "buffer_pool": "128m"},
        "services": {
            "photoprism": {
                "memory": "1792m",
                "workers": 1,
                "features": {"classification": False},
                "thumbnails": {"size": 1280},
                "transcoding": {"size": 1280, "speed": "veryfast"},
            },
            "syncthing": {"memory": "384m"},
            "drive": {"memory": "192m"},
            "https": {"memory": "56m"},
            "tailscale": {"memory": "128m"},
        },
        "publish": {"cloudflared": {"memory": "128m"}},
        "backup": {"memory": "768m"},
    },
}
ALWAYS_THERE = ("database",)
"""Sections that a stack has without writing them; any other is there only where a person wrote it."""


def with_preset(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stack file with what its preset says where it says nothing. A preset that is none is told elsewhere."""
    preset = document.get("preset")
    values = PRESETS.get(preset) if isinstance(preset, str) else None  # type: ignore[call-overload]
    if values is None:
        return dict(document)
    there = {**{name: {} for name in ALWAYS_THERE}, **document}
    return {name: _below(section, values.get(name), switch=name == "services") for name, section in there.items()}


def _below(written: Any, values: Any, *, switch: bool = False) -> Any:
    """Put `values` below what was written. `switch`: a key that nobody wrote means that there is no such thing."""
    if not isinstance(values, Mapping):
        return written  # a key with nothing after its colon is refused, whatever the preset says
    if written is not None and not isinstance(written, Mapping):
        return written  # wrong, and told as it stands
    section = dict(written or {})
    for name, value in values.items():
        if name in section:
            section[name] = _below(section[name], value)
        elif not switch:
            section[name] = _below(None, value) if isinstance(value, Mapping) else value
    return section
