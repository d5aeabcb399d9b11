"""How patient, how wide and in how large pieces the way to a copy is."""

from __future__ import annotations

from dataclasses import dataclass, field

from keeper.settings import LOCAL, OPENLIST, CopySettings

PACK_MIB = {LOCAL: 128, OPENLIST: 32}
NATIVE_PACK_MIB = 64


@dataclass(frozen=True)
class Transport:
    """`environment` of restic and rclone, `options` of every call of restic."""

    environment: dict[str, str] = field(default_factory=dict)
    options: list[str] = field(default_factory=list)


def transport(copy: CopySettings) -> Transport:
    """Return how restic and rclone are to reach a copy."""
    environment = {
        "RESTIC_PACK_SIZE": str(PACK_MIB.get(copy.type, NATIVE_PACK_MIB)),
        "RCLONE_TIMEOUT": "15m" if copy.type == OPENLIST else "2m",
    }
    if copy.bandwidth:
        environment["RCLONE_BWLIMIT"] = copy.bandwidth
    return Transport(environment, [])
