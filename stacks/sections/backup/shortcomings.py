"""What is not good about a set of copies: they are made, but the photos are less safe than a family needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from components.messages import Message, both, message
from stacks.findings import advice
from stacks.sections import Settings
from stacks.sections.backup import BackupConfig
from stacks.sections.backup.secrets import ALERT_URLS


@dataclass(frozen=True)
class Shortcoming:
    """What is not good about the set of copies. `place` is a key below `photos:`."""

    place: str
    text: Message
    fix: Message

    @property
    def line(self) -> Message:
        """It as one line, as a family member reads it."""
        return message("text_with_fix", "{text}. {fix}", text=self.text, fix=self.fix)

    def __str__(self) -> str:
        """Return the line in English."""
        return str(self.line)


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
        (message("second_copy", "a second copy"), len(kinds) > 1),
        (message("copy_elsewhere", "one that is not in this house"), any(kind != "disk" for kind in kinds)),
        (message("copy_undeletable", "one that nobody can delete (kind: vault)"), "vault" in kinds),
    ]
    if lacking := [text for text, fulfilled in needed if not fulfilled]:
        yield Shortcoming(
            "backup.remotes",
            *advice(
                "copies_lacking",
                "there is {have}; 3-2-1-1-0 also needs {lacking}",
                "Add it under photos:backup",
                have=have,
                lacking=both(lacking),
            ),
        )


def _plain_disks(backup: BackupConfig) -> Iterator[Shortcoming]:
    for name, remote in backup.remotes.items():
        if remote.kind == "disk" and not remote.encrypt and not remote.accept_plain:
            yield Shortcoming(
                f"backup.remotes.{name}",
                *advice(
                    "disk_not_encrypted",
                    "{name} is not encrypted, whoever finds the disk sees the photos",
                    "Write `encrypt: true`, or `accept_plain: true` if that is meant",
                    name=name,
                ),
            )


def _one_account(backup: BackupConfig) -> Iterator[Shortcoming]:
    for one, other in backup.pairs():
        first, second = backup.remotes[one], backup.remotes[other]
        if not first.is_local and first.account == second.account and first.secrets == second.secrets == []:
            yield Shortcoming(
                "backup.remotes",
                *advice(
                    "copies_in_one_account",
                    "{one} and {other} are in one account, which can be lost as a whole",
                    "Use another one",
                    one=one,
                    other=other,
                ),
            )


def _no_alerts(values: Mapping[str, str]) -> Iterator[Shortcoming]:
    if not values.get(ALERT_URLS):
        yield Shortcoming(
            "backup",
            *advice(
                "no_alerts",
                "there is no alert target, a failed backup would stay unnoticed",
                "Run ./photos config set --secret photos:{key} and type an address, e.g. mailto://… or wecombot://…",
                key=ALERT_URLS,
            ),
        )
