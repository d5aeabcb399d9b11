"""What is not good about a set of copies: they are made, but the photos are less safe than a family needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from stacks.sections import Settings
from stacks.sections.backup import BackupConfig
from stacks.sections.backup.secrets import ALERT_URLS


@dataclass(frozen=True)
class Shortcoming:
    """What is not good about the set of copies. `place` is a key below `photos:`."""

    place: str
    text: str
    fix: str

    def __str__(self) -> str:
        """Return it as one line, as a family member reads it."""
        return f"{self.text}. {self.fix}"


def shortcomings(settings: Settings, values: Mapping[str, str]) -> list[Shortcoming]:
    """Return what is not good about the copies."""
    backup = settings.backup
    if not backup:
        return []
    return [*_set_of_copies(backup), *_plain_disks(backup), *_one_account(backup), *_no_alerts(values)]


def _set_of_copies(backup: BackupConfig) -> Iterator[Shortcoming]:
    kinds = [remote.kind for remote in backup.remotes.values()]
    have = ", ".join(f"{name} ({remote.kind})" for name, remote in backup.remotes.items())
    needed = [
        ("a second copy", len(kinds) > 1),
        ("one that is not in this house", any(kind != "disk" for kind in kinds)),
        ("one that nobody can delete (kind: vault)", "vault" in kinds),
    ]
    if lacking := [text for text, there in needed if not there]:
        text = f"there is {have}; 3-2-1-1-0 also needs {' and '.join(lacking)}"
        yield Shortcoming("backup.remotes", text, "Add it under photos:backup")


def _plain_disks(backup: BackupConfig) -> Iterator[Shortcoming]:
    for name, remote in backup.remotes.items():
        if remote.kind == "disk" and not remote.encrypt and not remote.accept_plain:
            yield Shortcoming(
                f"backup.remotes.{name}",
                f"{name} is not encrypted, whoever finds the disk sees the photos",
                "Write `encrypt: true`, or `accept_plain: true` if that is meant",
            )


def _one_account(backup: BackupConfig) -> Iterator[Shortcoming]:
    for one, other in backup.pairs():
        first, second = backup.remotes[one], backup.remotes[other]
        if not first.is_local and first.account == second.account and first.secrets == second.secrets == []:
            text = f"{one} and {other} are in one account, which can be lost as a whole"
            yield Shortcoming("backup.remotes", text, "Use another one")


def _no_alerts(values: Mapping[str, str]) -> Iterator[Shortcoming]:
    if not values.get(ALERT_URLS):
        yield Shortcoming(
            "backup",
            "there is no alert target, a failed backup would stay unnoticed",
            f"Run ./photos config set --secret photos:{ALERT_URLS} and type an address, e.g. mailto://… or wecombot://…",
        )
