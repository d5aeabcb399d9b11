"""Where the content of a file at the time of a run lies at a remote.

A mirror moves old content away, so what a file was at run R lies in the first version after R that has it, else in
`current`. A vault brings new content, so it lies in the last version up to R, else in `current`. Hashes have the last
word: where the first place is wrong, the others are tried.
"""

from __future__ import annotations

from collections import defaultdict

from keeper.remotes import Remote
from keeper.upload import CURRENT, VERSIONS


class Places:
    """The places of every file at one remote, likeliest first."""

    def __init__(self, remote: Remote, run: str) -> None:
        self._run, self._is_vault = run, remote.is_vault
        self._versions: dict[str, list[str]] = defaultdict(list)
        for name in sorted(remote.rclone.sizes(remote.at(VERSIONS))):
            mover, _, path = name.partition("/")
            self._versions[path].append(mover)

    def of(self, path: str) -> list[str]:
        """Return the folders of the remote that may hold the content of `path` at the run."""
        runs = self._versions.get(path, [])
        if self._is_vault:
            first = [run for run in reversed(runs) if run <= self._run]
        else:
            first = [run for run in runs if run > self._run]
        rest = [run for run in runs if run not in first]
        likely, unlikely = ([f"{VERSIONS}/{run}" for run in some] for some in (first, rest))
        return [*likely, CURRENT, *unlikely] if self._is_vault or likely else [CURRENT, *unlikely]
