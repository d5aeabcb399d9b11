"""`photos:backup`: where the photos are copied to, when, and how much may vanish before a person is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from components.fields import Memory, Port, Section
from components.messages import message
from components.refusals import refusal
from components.schedules import Cron, longest_interval
from stacks.sections.backup.copies import RemoteConfig, overlap
from stacks.sections.backup.keeper_defaults import COPY, KEEPER, keeper_default
from stacks.sections.backup.mirrors import MirrorsConfig
from stacks.sections.backup.programs import RCLONE, RESTIC, RcloneImage, ResticImage
from stacks.sections.backup.retention import GateConfig, KeepConfig
from stacks.sections.backup.secrets import OWN_KEYS, TAKEN_NAMES, secret_key


class BackupConfig(Section):
    """The backup: what copies the photos, and where to."""

    schedule: Cron = Field(
        keeper_default(COPY, "schedule"), description="when to back up: minute, hour, day, month, weekday"
    )
    verify_days: int = Field(
        keeper_default(COPY, "verify_days"), ge=1, le=365, description="all of a copy is read back within so many days"
    )
    drill_schedule: Cron = Field(
        keeper_default(KEEPER, "drill_schedule"), description="when to restore a snapshot for a test"
    )
    remotes: dict[str, RemoteConfig] = Field(description="the copies, by name", min_length=1)
    gate: GateConfig = Field(default_factory=GateConfig, description="what stops the forgetting, see below")
    keep: KeepConfig = Field(default_factory=KeepConfig, description="how long to keep old snapshots, see below")
    strict: bool = Field(keeper_default(KEEPER, "strict"), description="findings about the set of copies stop `up`")
    language: Literal["en", "zh"] = Field(
        keeper_default(KEEPER, "language"), description="language of the page and the alerts"
    )
    port: Port = Field(keeper_default(KEEPER, "port"), description="port of its page, on 127.0.0.1")
    memory: Memory = Field(keeper_default(KEEPER, "memory_mb"), description="memory limit, e.g. 512m or 4g")
    restic_image: ResticImage = Field(
        RESTIC.default, description=f"image that restic is taken from, {RESTIC.least_text} or newer"
    )
    rclone_image: RcloneImage = Field(
        RCLONE.default, description=f"image that rclone is taken from, {RCLONE.least_text} or newer"
    )
    mirrors: MirrorsConfig = Field(default_factory=MirrorsConfig, description="package mirrors, see below")

    @field_validator("remotes")
    @classmethod
    def _names(cls, remotes: dict[str, RemoteConfig]) -> dict[str, RemoteConfig]:
        for name in remotes:
            if not re.fullmatch(r"[a-z][a-z0-9]{0,19}", name) or name in TAKEN_NAMES:
                why = (
                    message("copy_name_taken", ": it is the name of a key of the backup") if name in TAKEN_NAMES else ""
                )
                raise refusal(
                    "copy_name",
                    '"{name}" cannot name a copy{why}. Write up to 20 small letters and digits, a letter first, e.g. disk or onedrive',
                    name=name,
                    why=why,
                )
        return remotes

    @model_validator(mode="after")
    def _nothing_in_clear(self) -> BackupConfig:
        for name, remote in self.remotes.items():
            for option in filter(remote.is_secret, remote.options):
                raise refusal(
                    "option_in_clear",
                    "remotes.{name}.options.{option}: stored in clear. Choose a new one, write `secrets: [{option}]` instead and run ./photos config set --secret photos:{key}",
                    name=name,
                    option=option,
                    key=secret_key(name, option),
                )
        return self

    @model_validator(mode="after")
    def _no_login_in_an_address(self) -> BackupConfig:
        for name, remote in self.remotes.items():
            for option, value in remote.options.items():
                if re.match(r"[a-z+]+://[^/@]*:[^/@]*@", value.lower()):
                    raise refusal(
                        "address_with_password",
                        "remotes.{name}.options.{option}: the address holds a password in clear. Choose a new one, write the address without it, and user and `secrets: [pass]` beside it",
                        name=name,
                        option=option,
                    )
        return self

    @model_validator(mode="after")
    def _options_of_the_type(self) -> BackupConfig:
        for name, remote in self.remotes.items():
            known = remote.known_options
            for option in [*remote.options, *remote.secrets]:
                if option not in known:
                    near = get_close_matches(option, known, 1)
                    meant = (
                        message("did_you_mean", "Did you mean {near}?", near=near[0])
                        if near
                        else message("options_known", "It knows: {known}", known=", ".join(sorted(known)))
                    )
                    place = "options" if option in remote.options else "secrets"
                    raise refusal(
                        "option_unknown",
                        "remotes.{name}.{place}.{option}: rclone's {type} has no such option. {meant}",
                        name=name,
                        place=place,
                        option=option,
                        type=remote.type,
                        meant=meant,
                    )
        return self

    @model_validator(mode="after")
    def _kept_for_an_interval(self) -> BackupConfig:
        places = [("", self.schedule, self.keep)]
        for name in self.repositories:
            try:
                places.append((f"remotes.{name}.", self.schedule_of(name), self.keep_of(name)))
            except ValidationError:
                raise refusal(
                    "keep_order_of_copy",
                    "remotes.{name}.keep: with what backup.keep says, weekly_days are below all_days, or monthly_days below weekly_days. Write all three",
                    name=name,
                ) from None
        for place, schedule, keep in places:
            longest = longest_interval(schedule)
            if keep.all_days < longest.days:
                raise refusal(
                    "keep_too_short",
                    "{place}keep.all_days: {days} is less than the {longest} days between two runs. Write at least {longest}",
                    place=place,
                    days=keep.all_days,
                    longest=longest.days,
                )
        return self

    @model_validator(mode="after")
    def _some_backup(self) -> BackupConfig:
        if not self.repositories:
            raise refusal(
                "albums_alone",
                "remotes: an album is to look at and no backup: it has no yesterday. Add a copy of the kind disk, mirror or vault",
            )
        return self

    @model_validator(mode="after")
    def _different_places(self) -> BackupConfig:
        for one, other in self.pairs():
            a, b = self.remotes[one], self.remotes[other]
            if a.server == b.server and overlap(a, b):
                raise refusal(
                    "copies_overlap",
                    'remotes: "{one}" and "{other}" are the same place or one lies inside the other. Give each a place of its own',
                    one=one,
                    other=other,
                )
        return self

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Yield the names of every two remotes."""
        names = list(self.remotes)
        for index, one in enumerate(names):
            yield from ((one, other) for other in names[index + 1 :])

    @property
    def repositories(self) -> dict[str, RemoteConfig]:
        """The copies that are backups, by name."""
        return {name: remote for name, remote in self.remotes.items() if remote.is_repository}

    def schedule_of(self, name: str) -> str:
        """Return when a copy is made."""
        return self.remotes[name].schedule or self.schedule

    def verify_days_of(self, name: str) -> int:
        """Return within how many days all of a copy is read back."""
        return self.remotes[name].verify_days or self.verify_days

    def keep_of(self, name: str) -> KeepConfig:
        """Return how long a copy keeps its snapshots."""
        own = self.remotes[name].keep
        return own.over(self.keep) if own else self.keep

    def repository_keys(self) -> list[str]:
        """Return the flat keys of what encrypts: made by `./photos`, one password per repository."""
        return [secret_key(name, key) for name in self.repositories for key in OWN_KEYS]

    def typed_keys(self) -> list[str]:
        """Return the flat keys of what only a person can supply."""
        return [secret_key(name, option) for name, remote in self.remotes.items() for option in remote.secrets]
