"""Bring one remote to the state of a manifest: by lists, so that exactly what was hashed is sent, and nothing else.

What must give way is moved to `versions/<run>` first, then what is missing is copied. Each step can be killed: the
next run lists the remote again and goes on. A vault is only ever added to.
"""

from __future__ import annotations

from dataclasses import dataclass

from keeper import gate
from keeper.errors import Code, KeeperError
from keeper.manifest import Manifest
from keeper.rclone import Progress
from keeper.remotes import Remote
from keeper.settings import GateSettings

CURRENT, VERSIONS, QUARANTINE = "current", "versions", "quarantine"
LIBRARY = ":local,encoding='Slash,Dot':"
"""How rclone reads the roots: the file names as they are on the disk."""
SPARE_BYTES = 64 << 20


@dataclass(frozen=True)
class There:
    """What lies at a remote: path → folder in which its newest content is, and its size in bytes."""

    folders: dict[str, str]
    sizes: dict[str, int]


def look(remote: Remote) -> There:
    """List a remote. In a vault the newest content of a changed file lies in the newest of its versions."""
    sizes = remote.rclone.sizes(remote.at(CURRENT))
    folders = dict.fromkeys(sizes, CURRENT)
    if remote.is_vault:
        versions = remote.rclone.sizes(remote.at(VERSIONS))
        for name in sorted(versions):
            run, _, path = name.partition("/")
            folders[path], sizes[path] = f"{VERSIONS}/{run}", versions[name]
    return There(folders=folders, sizes=sizes)


@dataclass(frozen=True)
class Plan:
    """What an upload does, as sorted paths.

    `away`: objects that move to `versions`; `send`: files that are copied to `current`; `beside`: changed files that
    a vault takes into `versions`; `doubtful`: files that lie there, but no good run vouches for them.
    """

    away: list[str]
    send: list[str]
    beside: list[str]
    doubtful: list[str]

    @property
    def losses(self) -> gate.Difference:
        """What the remote's `current` loses."""
        away, send = frozenset(self.away), frozenset(self.send)
        return gate.Difference(added=send - away, changed=away & send, deleted=away - send)


def plan(remote: Remote, wanted: Manifest, proven: Manifest, there: There) -> Plan:
    """Decide what to do. `proven`: the manifest of the newest good run at this remote."""
    present = wanted.keys() & there.sizes.keys()
    missing = wanted.keys() - present
    changed = {
        path
        for path in present
        if there.sizes[path] != wanted[path].size or (path in proven and proven[path].sha256 != wanted[path].sha256)
    }
    doubtful = sorted(present - changed - proven.keys())
    if remote.is_vault:
        return Plan(away=[], send=sorted(missing), beside=sorted(changed), doubtful=doubtful)
    away = changed | (there.sizes.keys() - wanted.keys())
    return Plan(away=sorted(away), send=sorted(missing | changed), beside=[], doubtful=doubtful)


def second_gate(todo: Plan, there: There, settings: GateSettings) -> list[str]:
    """Return why a remote must not be changed like this, whatever the first gate thought: it counts what lies there."""
    count, losses = len(there.sizes), todo.losses
    return [
        *gate.too_many(losses.deleted, count, settings.max_delete_percent, settings.floor, "would be moved away"),
        *gate.too_many(losses.changed, count, settings.max_change_percent, settings.floor, "would be replaced"),
    ]


def has_room(remote: Remote, size: int) -> None:
    """Check that `size` bytes fit, as far as the remote tells.

    Raises:
        KeeperError: with `Code.REMOTE` when they do not.
    """
    free = remote.rclone.free(f"{remote.name}-raw:{remote.settings.path}")
    if free is not None and free < size + SPARE_BYTES:
        raise KeeperError(
            Code.REMOTE,
            f"full: {size / 1e9:.1f} GB to send, {free / 1e9:.1f} GB free. Free some space there; nothing is deleted for it",
        )


def carry_out(remote: Remote, todo: Plan, run: str, source: str, progress: Progress | None = None) -> None:
    """Do what the plan says. `source` is the folder that holds the roots by their names."""
    if todo.away:
        remote.rclone.move(remote.at(CURRENT), remote.at(VERSIONS, run), todo.away, *remote.flags)
    if todo.send:
        remote.rclone.copy(f"{LIBRARY}{source}", remote.at(CURRENT), todo.send, *remote.flags, progress=progress)
    if todo.beside:
        beside = remote.at(VERSIONS, run)
        remote.rclone.copy(f"{LIBRARY}{source}", beside, todo.beside, *remote.flags, progress=progress)
