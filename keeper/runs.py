"""A good run as it lies at a remote: manifest, dump, report, and `OK`, which vouches for the first two."""

from __future__ import annotations

import hashlib
import secrets

from keeper import manifest
from keeper.errors import Code, KeeperError
from keeper.manifest import Manifest
from keeper.remotes import Remote
from keeper.report import now

MANIFEST, DATABASE, REPORT, OK = "manifest.jsonl.zst", "db.sql.zst", "report.json", "OK"


def new_run() -> str:
    """Return the name of a run that starts now; names sort by time."""
    return f"{now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def ok_text(hashes: dict[str, str]) -> bytes:
    """Return what the object `OK` holds: the hashes of manifest and dump, as sha256sum writes them."""
    return "".join(f"{digest}  {name}\n" for name, digest in hashes.items()).encode()


def vouched(remote: Remote, run: str) -> dict[str, str]:
    """Return file name → SHA-256 of what a run's `OK` vouches for; empty when the run is not whole."""
    lines = (remote.rclone.read(remote.at("runs", run, OK)) or b"").decode(errors="replace").splitlines()
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def newest_run(remote: Remote) -> str:
    """Return the newest whole run of a remote.

    Raises:
        KeeperError: with `Code.PREFLIGHT` when there is none.
    """
    if runs := remote.runs():
        return runs[-1]
    raise KeeperError(Code.PREFLIGHT, f"{remote.name}: there is no good run yet. First: ./photos keeper backup")


def read_manifest(remote: Remote, run: str) -> Manifest:
    """Fetch the manifest of a good run.

    Raises:
        KeeperError: with `Code.VERIFY` when it is not what `OK` vouches for.
    """
    packed = remote.rclone.read(remote.at("runs", run, MANIFEST))
    if packed is None or hashlib.sha256(packed).hexdigest() != vouched(remote, run).get(MANIFEST):
        raise KeeperError(Code.VERIFY, f"{remote.name}: the manifest of run {run} is damaged")
    return manifest.unpack(packed)
