"""`photos:backup`: where the photos are copied to, when, and how much may vanish before a person is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from itertools import pairwise
from typing import Literal

from pydantic import Field, field_validator, model_validator

from components.fields import Memory, Port, Section
from components.messages import message
from components.refusals import refusal
from stacks.sections.backup.copies import RemoteConfig, overlap
from stacks.sections.backup.keeper_defaults import KEEPER, keeper_default
from stacks.sections.backup.mirrors import MirrorsConfig
from stacks.sections.backup.retention import GateConfig, KeepConfig
from stacks.sections.backup.schedules import Cron, firings
from stacks.sections.backup.secrets import CRYPT_KEYS, TAKEN_NAMES, secret_key


class BackupConfig(Section):
    """The backup: what copies the photos, and where to."""

    schedule: Cron = Field(
        keeper_default(KEEPER, "schedule"), description="when to back up: minute, hour, day, month, weekday"
    )
    drill_schedule: Cron = Field(
        keeper_default(KEEPER, "drill_schedule"), description="when to restore a run for a test"
    )
    remotes: dict[str, RemoteConfig] = Field(description="the copies, by name", min_length=1)
    gate: GateConfig = Field(default_factory=GateConfig, description="what stops a run, see below")
    keep: KeepConfig = Field(default_factory=KeepConfig, description="how long to keep old versions, see below")
    strict: bool = Field(keeper_default(KEEPER, "strict"), description="findings about the set of copies stop `up`")
    language: Literal["en", "zh"] = Field(
        keeper_default(KEEPER, "language"), description="language of the page and the alerts"
    )
    port: Port = Field(keeper_default(KEEPER, "port"), description="port of its page, on 127.0.0.1")
    memory: Memory = Field(1024, description="memory limit, e.g. 512m or 4g")
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
        moments = firings(self.schedule)
        longest = max(after - before for before, after in pairwise(moments))
        if self.keep.all_days < longest.days:
            raise refusal(
                "keep_too_short",
                "keep.all_days: {days} is less than the {longest} days between two runs. Write at least {longest}",
                days=self.keep.all_days,
                longest=longest.days,
            )
        return self

    @model_validator(mode="after")
    def _different_places(self) -> BackupConfig:
        for one, other in self.pairs():
            a, b = self.remotes[one], self.remotes[other]
            if a.account == b.account and overlap(a, b):
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

    def crypt_keys(self) -> list[str]:
        """Return the flat keys of what encrypts: made by `./photos`, one password and one salt per remote."""
        return [secret_key(name, key) for name, remote in self.remotes.items() if remote.encrypt for key in CRYPT_KEYS]

    def typed_keys(self) -> list[str]:
        """Return the flat keys of what only a person can supply."""
        return [secret_key(name, option) for name, remote in self.remotes.items() for option in remote.secrets]
