"""What is not good about a set of copies: they are made, but the photos are less safe than a family needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from components.messages import Message, both, message
from stacks.findings import advice
from stacks.sections import Settings
from stacks.sections.backup import BackupConfig
from stacks.sections.backup.copies import RemoteConfig
from stacks.sections.backup.keeper_defaults import Problem
from stacks.sections.backup.nearness import account_of, is_at_home, servers
from stacks.sections.backup.secrets import ALERT_URLS


@dataclass(frozen=True)
class Shortcoming:
    """What is not good about the set of copies. `place` is a key below `photos:`."""

    place: str
    text: Message
    fix: Message

    @property
    def problem(self) -> Problem:
        """It as the keeper takes it, which tells it in the family's language."""
        return _problem(self.text, self.fix.values)

    @property
    def line(self) -> Message:
        """It as one line, as a family member reads it."""
        return message("text_with_fix", "{text}. {fix}", text=self.text, fix=self.fix)

    def __str__(self) -> str:
        """Return the line in English."""
        return str(self.line)


def _problem(said: Message, more: Mapping[str, object] | None = None) -> Problem:
    """Return a message as a problem, with those inside it. The keeper has a text for each: keeper/texts/findings.py."""
    values = {**said.values, **(more or {})}
    values = {name: _problem(value) if isinstance(value, Message) else value for name, value in values.items()}
    return Problem.of(f"finding.{said.code}", **values)


def shortcomings(settings: Settings, values: Mapping[str, str]) -> list[Shortcoming]:
    """Return what is not good about the copies, as far as the stack file tells; `stacks/host/disks.py` looks at the host."""
    backup = settings.backup
    if not backup:
        return []
    return [*_set_of_copies(backup), *_not_elsewhere(backup), *_one_account(backup, values), *_no_alerts(values)]


def _set_of_copies(backup: BackupConfig) -> Iterator[Shortcoming]:
    copies = backup.repositories
    have = ", ".join(f"{name} ({remote.kind})" for name, remote in copies.items())
    needed = [
        (message("second_copy", "a second copy"), len(copies) > 1),
        (
            message("copy_elsewhere", "one that is not in this house"),
            any(remote.kind != "disk" and not _nearby(remote) for remote in copies.values()),
        ),
        (
            message("copy_undeletable", "one that nobody can delete (kind: vault)"),
            any(remote.kind == "vault" and not remote.is_local for remote in copies.values()),
        ),
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


def _not_elsewhere(backup: BackupConfig) -> Iterator[Shortcoming]:
    for name, remote in backup.repositories.items():
        if remote.kind == "disk":
            continue
        if remote.is_local:
            yield Shortcoming(
                f"backup.remotes.{name}",
                *advice(
                    "copy_on_this_host",
                    "{name} is called a {kind} and lies on this machine: fire, theft and whoever gets in here reach it, too",
                    "Write `kind: disk`, and add a copy elsewhere",
                    name=name,
                    kind=remote.kind,
                ),
            )
        elif near := _nearby(remote):
            yield in_this_house(name, remote, near)


def in_this_house(name: str, remote: RemoteConfig, server: str) -> Shortcoming:
    """Return the shortcoming of a copy that is called elsewhere, and whose server is in this house."""
    return Shortcoming(
        f"backup.remotes.{name}",
        *advice(
            "copy_in_this_house",
            "{name} is called a {kind}, and {server} is in this house: fire and theft reach it, too",
            "Add a copy elsewhere",
            name=name,
            kind=remote.kind,
            server=server,
        ),
    )


def _nearby(remote: RemoteConfig) -> str:
    """Return the server in this house that a copy lies on; empty when it is elsewhere, as far as its name tells."""
    if remote.is_local:
        return remote.folder
    return next(filter(is_at_home, servers(remote)), "")


def _one_account(backup: BackupConfig, values: Mapping[str, str]) -> Iterator[Shortcoming]:
    accounts = {
        name: account_of(name, remote, values) for name, remote in backup.repositories.items() if not remote.is_local
    }
    for (one, first), (other, second) in combinations(accounts.items(), 2):
        if first is not None and first == second:
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
