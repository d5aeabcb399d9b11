"""How patient, how wide and in how large pieces the way to a copy is."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from keeper.settings import LOCAL, OPENLIST, CopySettings

LOCAL_PACK, NATIVE_PACK, OPENLIST_PACK, SLOW_PACK = 128, 64, 32, 16
"""MiB. Larger packs are fewer objects to list and to ask for; a broken upload costs one of them. OpenList takes the whole
object before it sends it on, and Baidu then wants each of its slices within 30 seconds (OpenList#742, #2455)."""
NATIVE_TIMEOUT, OPENLIST_TIMEOUT = "2m", "15m"
"""How long rclone waits for a sign of life. OpenList gives none until the drive has the object; others should in 2 minutes,
and every object that hangs is tried again for a quarter of an hour."""
SLOW = 1.0
"""MiB a second. Below, a pack of 64 MiB is under way for more than a minute."""
SLOW_CONNECTIONS = 1
"""With several, the first packs of a slow line end together and late, and only what an index names counts as sent: killed
after 14 minutes, five connections had to send all of 170 MB again, one only 30 MB (seen)."""
OPENLIST_CONNECTIONS = 2
RATE = re.compile(r"^(\d+(?:\.\d+)?)([BKMGTP]?)$", re.IGNORECASE)
MIB = {"B": 1 / 2**20, "": 1 / 2**10, "K": 1 / 2**10, "M": 1, "G": 2**10, "T": 2**20, "P": 2**30}
"""A rate without a suffix is KiB to rclone."""


@dataclass(frozen=True)
class Transport:
    """`environment` of restic and rclone, `options` of every call of restic; `pack_bytes`: how large an object becomes."""

    environment: dict[str, str] = field(default_factory=dict)
    options: list[str] = field(default_factory=list)
    pack_bytes: int = NATIVE_PACK << 20


def transport(copy: CopySettings) -> Transport:
    """Return how restic and rclone are to reach a copy."""
    slow, through_openlist = _slowest(copy.bandwidth or "") < SLOW, copy.type == OPENLIST
    pack = LOCAL_PACK if copy.type == LOCAL else OPENLIST_PACK if through_openlist else NATIVE_PACK
    pack = SLOW_PACK if slow else pack
    wide = (
        SLOW_CONNECTIONS
        if slow
        else min(copy.connections, OPENLIST_CONNECTIONS)
        if through_openlist
        else copy.connections
    )
    environment = {
        "RESTIC_PACK_SIZE": str(pack),
        "RCLONE_TIMEOUT": OPENLIST_TIMEOUT if through_openlist else NATIVE_TIMEOUT,
        "RCLONE_TRANSFERS": str(wide),
        "RCLONE_CHECKERS": str(wide),
        **({"RCLONE_BWLIMIT": copy.bandwidth} if copy.bandwidth else {}),
    }
    kind = "local" if copy.type == LOCAL else "rclone"
    return Transport(environment, ["-o", f"{kind}.connections={wide}"], pack << 20)


def _slowest(bandwidth: str) -> float:
    """Return the lowest rate of rclone's --bwlimit in MiB a second, of uploads; infinity where nothing limits."""
    rates = (RATE.match(slot.rpartition(",")[2].partition(":")[0]) for slot in bandwidth.split())
    return min(
        (float(rate[1]) * MIB[rate[2].upper()] for rate in rates if rate and float(rate[1])), default=float("inf")
    )
