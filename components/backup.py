"""Where the photos are copied to, when, and how much may vanish before a person is asked: the section `photos:backup`.

Plain data and plain decisions. The containers that do it are declared in `keeper.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from itertools import islice, pairwise
from typing import Annotated, Literal
from urllib.parse import urlsplit

from croniter import CroniterBadDateError, croniter
from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from components.addresses import too_long
from components.fields import Memory, Port, Section, host_path, path_too_long
from components.rclone_options import HOST_ONLY, OPTIONS, RCLONE_TYPES

OPENLIST = "openlist"
OPENLIST_OWN = ("url", "vendor", "user", "pass", "bearer_token")
"""What the keeper sets itself for a drive of the stack's OpenList."""
LOCAL = "local"
WRAPPERS = ("alias", "archive", "cache", "chunker", "combine", "compress", "crypt", "hasher", "union")
NET_DRIVES = (
    "115",
    "123",
    "139",
    "189",
    "aliyun",
    "aliyundrive",
    "alipan",
    "baidu",
    "quark",
    "tianyi",
    "weiyun",
    "xunlei",
)
MEANT = {
    "cos": "s3 with `options: {provider: TencentCOS, …}`",
    "gdrive": "drive (Google Drive)",
    "googledrive": "drive (Google Drive)",
    "minio": "s3 with `options: {provider: Minio, …}`",
    "nas": "sftp, smb or webdav",
    "oss": "s3 with `options: {provider: Alibaba, …}`",
    "r2": "s3 with `options: {provider: Cloudflare, …}`",
}
# Options whose values open something, whatever the type: a name that rclone does not know may hold one, too.
SECRET_OPTION = re.compile(r"(.*_)?(pass|password2?|secret|token|key|pem|credentials|cookie|headers|sas_url|2fa)")
OPTION = re.compile(r"[a-z0-9][a-z0-9_]*")
TAKEN_NAMES = ("alert", "ping")
"""Their flat keys would be `backup_alert_urls` and `backup_ping_url`."""
CRYPT_KEYS = ("crypt_password", "crypt_salt")
ALERT_KEYS = (ALERT_URLS, PING_URL) = ("backup_alert_urls", "backup_ping_url")
"""Flat keys that a person may set: where alerts go, and who notices when this machine is silent."""
SAMPLE_START = datetime(2026, 1, 1, tzinfo=UTC)
SHORTEST_INTERVAL = timedelta(hours=1)
PERCENT = range(1, 51)


def _cron(value: str) -> str:
    """Read a schedule as the keeper's scheduler does: by croniter."""
    if len(value.split()) != 5 or not croniter.is_valid(value):  # noqa: PLR2004 - minute, hour, day, month, weekday
        msg = f'"{value}" is not a cron schedule. Write minute, hour, day, month and weekday, e.g. "30 3 * * *" for 3:30 every day'
        raise ValueError(msg)
    if re.search(r"(^|[\s,])r([\s,(/]|$)", value.lower()):
        msg = f'"{value}" is another time whenever it is asked for. Write a fixed one, e.g. "30 3 * * *" for 3:30 every day'
        raise ValueError(msg)
    moments = firings(value)
    if len(moments) < 2 or moments[0] - SAMPLE_START > timedelta(days=366):  # noqa: PLR2004 - one is no schedule
        msg = f'"{value}" never fires within a year. Write a day that comes, e.g. "30 3 * * *" for 3:30 every day'
        raise ValueError(msg)
    if any(after - before < SHORTEST_INTERVAL for before, after in pairwise(moments)):
        msg = f'"{value}" fires more often than a run lasts. Write at most one time an hour, e.g. "0 * * * *"'
        raise ValueError(msg)
    return value


def firings(schedule: str) -> list[datetime]:
    """Return the next moments of a cron schedule, from a fixed day on; fewer than two when it hardly ever fires."""
    moments = croniter(schedule, SAMPLE_START, max_years_between_matches=2).all_next(datetime)
    try:
        return list(islice(moments, 100))
    except CroniterBadDateError:
        return []


def _type(value: str) -> str:
    if value in (*RCLONE_TYPES, OPENLIST):
        return value
    plain = re.sub(r"[^a-z0-9]", "", value.lower())
    if any(plain.startswith(drive) for drive in NET_DRIVES):
        msg = f'"{value}": rclone has no such type. Add the drive in OpenList (services.drive) and write `type: {OPENLIST}`'
    elif plain in MEANT:
        msg = f'"{value}": rclone has no such type. Write {MEANT[plain]}'
    elif value in WRAPPERS:
        msg = f'"{value}" wraps another remote. Write the remote itself; `encrypt: true` encrypts it'
    else:
        near = get_close_matches(value, RCLONE_TYPES, 1) or ["s3"]
        msg = f'"{value}": rclone has no such type. Did you mean {near[0]}? All are listed by rclone help backends'
    raise ValueError(msg)


def _remote_path(value: str) -> str:
    if not value.strip("/ ") or value != value.strip() or not value.isprintable() or ".." in value.split("/"):
        msg = f"{value!r} is not a folder. Write a folder of its own for this copy, e.g. photos-backup"
        raise ValueError(msg)
    if reason := path_too_long(value):
        raise ValueError(reason)
    return value


def _percent(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value not in PERCENT:
        msg = f"{value} is not a percentage. Write a whole number from 1 to 50, e.g. 2"
        raise ValueError(msg)
    return value


def _bandwidth(value: str) -> str:
    rate = r"(off|[0-9]+(\.[0-9]+)?[BKMGbkmg]?(:(off|[0-9]+(\.[0-9]+)?[BKMGbkmg]?))?)"
    slot = rf"((Mon|Tue|Wed|Thu|Fri|Sat|Sun)-)?([01][0-9]|2[0-3]):[0-5][0-9],{rate}"
    if not re.fullmatch(rf"{rate}|{slot}( {slot})*", value, re.ASCII):
        msg = f'"{value}" is not a bandwidth. Write bytes per second, e.g. 2M, or a timetable, e.g. "08:00,512K 23:00,off"'
        raise ValueError(msg)
    return value


def _option_name(value: str) -> str:
    if value in CRYPT_KEYS:
        msg = f'"{value}" is not the name of an option: ./photos makes that key. Leave it out here, and write e.g. secret_access_key'
        raise ValueError(msg)
    if not OPTION.fullmatch(value) or value == "type":
        snake = re.sub(r"[^a-z0-9]+", "_", value.lower()).strip("_")
        meant = snake if OPTION.fullmatch(snake) and snake != "type" else "secret_access_key"
        msg = f'"{value}" is not the name of an option. Write it as `rclone help backend` does, e.g. {meant}'
        raise ValueError(msg)
    return value


def _mirror(value: str) -> str:
    try:
        parts = urlsplit(value)
        good = (
            parts.scheme in ("http", "https")
            and re.fullmatch(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?", parts.netloc)
            and parts.port != 0
        )
    except ValueError:
        good = False
    if (
        not good
        or too_long(parts.hostname or "")
        or not re.fullmatch(r"[\w./-]*", parts.path)
        or parts.query
        or parts.fragment
    ):
        msg = f'"{value}" is not the address of a mirror. Write scheme and host, for pip the folder too, e.g. https://mirrors.ustc.edu.cn'
        raise ValueError(msg)
    return value


Mirror = Annotated[str, AfterValidator(_mirror)]
Cron = Annotated[str, AfterValidator(_cron)]
Percent = Annotated[int, BeforeValidator(_percent)]
Days = Annotated[int, Field(ge=1)]


class RemoteConfig(Section):
    """One place to which everything is copied."""

    kind: Literal["disk", "mirror", "vault"] = Field(
        description="disk: a second disk here; mirror: elsewhere, newest state and old versions; vault: a login that cannot delete"
    )
    type: Annotated[str, AfterValidator(_type)] = Field(
        description="local (a folder of this machine), openlist (a drive of the stack's OpenList), or any type of rclone, e.g. s3"
    )
    path: Annotated[str, AfterValidator(_remote_path)] = Field(
        description="a folder of its own for this copy, e.g. /mnt/backup/photos or bucket/photos"
    )
    options: dict[Annotated[str, AfterValidator(_option_name)], str] = Field(
        {}, description="rclone's options for the type, as text; nothing secret"
    )
    secrets: list[Annotated[str, AfterValidator(_option_name)]] = Field(
        [], description="options whose values are the flat secrets `photos:backup_NAME_OPTION`"
    )
    encrypt: bool = Field(True, description="encrypt contents and names with a key of this remote's own")
    accept_plain: bool = Field(False, description="yes, everyone who gets at this copy may see the photos")
    name_encoding: Literal["base32", "base64", "base32768"] = Field(
        "base32", description="of encrypted names; base64 and base32768 fit longer names where the remote allows them"
    )
    bandwidth: Annotated[str, AfterValidator(_bandwidth)] | None = Field(
        None, description='bytes per second, e.g. 2M, or a timetable, e.g. "08:00,512K 23:00,off"'
    )
    transfers: int = Field(4, description="files at the same time; 1 or 2 for drives of OpenList", ge=1, le=32)

    @model_validator(mode="after")
    def _plain_options_of_no_host(self) -> RemoteConfig:
        for option, value in self.options.items():
            if not value.isprintable() or value != value.strip():
                msg = f"options.{option}: holds a line break, another control character or an outer space. Write plain text"
                raise ValueError(msg)
        for place, options in (("options", self.options), ("secrets", self.secrets)):
            for option in options:
                # A switch that is off asks for nothing.
                if option in HOST_ONLY and self.options.get(option, "").lower() != "false":
                    msg = f"{place}.{option}: names something of this host, which the keeper's container does not have. {HOST_ONLY[option]}"
                    raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _place(self) -> RemoteConfig:
        if self.is_local:
            try:
                host_path(self.path)
            except ValueError as error:
                msg = f"path: {error}"
                raise ValueError(msg) from None
        elif self.kind == "disk":
            msg = f"kind: a disk is a folder of this machine, and {self.type} is not. Write `type: local`, or `kind: mirror`"
            raise ValueError(msg)
        if self.type == OPENLIST and (taken := sorted({*self.options, *self.secrets} & set(OPENLIST_OWN))):
            msg = f"{taken[0]}: the stack's own OpenList needs no login here. Leave it out, or for another server write `type: webdav`"
            raise ValueError(msg)
        for option in {*self.options} & {*self.secrets}:
            msg = f"secrets: {option} stands in options, too. Leave it in one of the two"
            raise ValueError(msg)
        if not self.is_off_site_in_clear:
            return self
        msg = "encrypt: the copy would lie there unencrypted. Write `encrypt: true`, or `accept_plain: true` if that is meant"
        raise ValueError(msg)

    @property
    def is_local(self) -> bool:
        """Whether it is a folder of this machine."""
        return self.type == LOCAL

    @property
    def folder(self) -> str:
        """The folder of this machine, in full."""
        return host_path(self.path)

    @property
    def is_off_site_in_clear(self) -> bool:
        """Whether strangers could look at the photos."""
        return self.kind != "disk" and not self.encrypt and not self.accept_plain

    @property
    def known_options(self) -> dict[str, str]:
        """Return rclone's options for the type with their marks, see `rclone_options.py`."""
        if self.type == OPENLIST:
            return {name: mark for name, mark in OPTIONS["webdav"].items() if name not in OPENLIST_OWN}
        return OPTIONS[self.type]

    def is_secret(self, option: str) -> bool:
        """Whether who has the value of an option gets in."""
        known = self.known_options.get(option)
        return bool(SECRET_OPTION.fullmatch(option)) if known is None else bool(known)

    @property
    def account(self) -> tuple[object, ...]:
        """What tells one account, server or disk from another."""
        return (self.type, *sorted(self.options.items()))


class GateConfig(Section):
    """How much may vanish or change between two runs before a person is asked."""

    max_delete_percent: Percent = Field(2, description="files that may vanish, percent; 20 files always may")
    max_change_percent: Percent = Field(2, description="files that may change, percent; 20 files always may")


class KeepConfig(Section):
    """How long old versions and runs are kept. The newest three good runs always are; a vault forgets nothing."""

    all_days: Days = Field(30, description="every run, days")
    weekly_days: Days = Field(180, description="one run a week, days")
    monthly_days: Days = Field(730, description="one run a month, days")

    @model_validator(mode="after")
    def _longer_and_longer(self) -> KeepConfig:
        if not self.all_days <= self.weekly_days <= self.monthly_days:
            msg = (
                "weekly_days must not be below all_days, nor monthly_days below weekly_days. Write e.g. 30, 180 and 730"
            )
            raise ValueError(msg)
        return self

    @field_validator("*", mode="before")
    @classmethod
    def _something(cls, days: object) -> object:
        if isinstance(days, int) and days < 1:
            msg = f"{days} would keep nothing. Write a number of days, e.g. 30"
            raise ValueError(msg)
        return days


class MirrorsConfig(Section):
    """Where the keeper's image gets its packages when it is built."""

    apt: Mirror | None = Field(None, description="scheme and host of a Debian or Ubuntu mirror")
    pip: Mirror | None = Field(None, description="a Python package index")

    @field_validator("apt")
    @classmethod
    def _host_alone(cls, value: str | None) -> str | None:
        if value and urlsplit(value).path.strip("/"):
            parts = urlsplit(value)
            msg = f'"{value}" holds a folder, which sources of apt bring along. Write {parts.scheme}://{parts.netloc}'
            raise ValueError(msg)
        return value


class BackupConfig(Section):
    """The backup: what copies the photos, and where to."""

    schedule: Cron = Field("30 3 * * *", description="when to back up: minute, hour, day, month, weekday")
    drill_schedule: Cron = Field("0 5 * * 0", description="when to restore a run for a test")
    remotes: dict[str, RemoteConfig] = Field(description="the copies, by name", min_length=1)
    gate: GateConfig = Field(default_factory=GateConfig, description="what stops a run, see below")
    keep: KeepConfig = Field(default_factory=KeepConfig, description="how long to keep old versions, see below")
    strict: bool = Field(False, description="findings about the set of copies stop `up`")
    language: Literal["en", "zh"] = Field("en", description="language of the page and the alerts")
    port: Port = Field(9410, description="port of its page, on 127.0.0.1")
    memory: Memory = Field(1024, description="memory limit, e.g. 512m or 4g")
    mirrors: MirrorsConfig = Field(default_factory=MirrorsConfig, description="package mirrors, see below")

    @field_validator("remotes")
    @classmethod
    def _names(cls, remotes: dict[str, RemoteConfig]) -> dict[str, RemoteConfig]:
        for name in remotes:
            if not re.fullmatch(r"[a-z][a-z0-9]{0,19}", name) or name in TAKEN_NAMES:
                why = ": it is the name of a key of the backup" if name in TAKEN_NAMES else ""
                msg = (
                    f'"{name}" cannot name a copy{why}. Write up to 20 small letters and digits, a letter first, '
                    "e.g. disk or onedrive"
                )
                raise ValueError(msg)
        return remotes

    @model_validator(mode="after")
    def _nothing_in_clear(self) -> BackupConfig:
        for name, remote in self.remotes.items():
            for option in filter(remote.is_secret, remote.options):
                msg = (
                    f"remotes.{name}.options.{option}: stored in clear. Choose a new one, write `secrets: [{option}]` "
                    f"instead and run ./photos config set --secret photos:{secret_key(name, option)}"
                )
                raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _no_login_in_an_address(self) -> BackupConfig:
        for name, remote in self.remotes.items():
            for option, value in remote.options.items():
                if re.match(r"[a-z+]+://[^/@]*:[^/@]*@", value.lower()):
                    msg = (
                        f"remotes.{name}.options.{option}: the address holds a password in clear. Choose a new one, "
                        f"write the address without it, and user and `secrets: [pass]` beside it"
                    )
                    raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _options_of_the_type(self) -> BackupConfig:
        for name, remote in self.remotes.items():
            known = remote.known_options
            for option in [*remote.options, *remote.secrets]:
                if option not in known:
                    near = get_close_matches(option, known, 1)
                    meant = f"Did you mean {near[0]}?" if near else f"It knows: {', '.join(sorted(known))}"
                    place = "options" if option in remote.options else "secrets"
                    msg = f"remotes.{name}.{place}.{option}: rclone's {remote.type} has no such option. {meant}"
                    raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _kept_for_an_interval(self) -> BackupConfig:
        moments = firings(self.schedule)
        longest = max(after - before for before, after in pairwise(moments))
        if self.keep.all_days < longest.days:
            msg = f"keep.all_days: {self.keep.all_days} is less than the {longest.days} days between two runs. Write at least {longest.days}"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _different_places(self) -> BackupConfig:
        for one, other in self.pairs():
            a, b = self.remotes[one], self.remotes[other]
            if a.account == b.account and _overlap(a, b):
                msg = f'remotes: "{one}" and "{other}" are the same place or one lies inside the other. Give each a place of its own'
                raise ValueError(msg)
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


def secret_key(remote: str, option: str) -> str:
    """Return the flat key of an option of a remote."""
    return f"backup_{remote}_{option}"


def _overlap(one: RemoteConfig, other: RemoteConfig) -> bool:
    paths = [f"{(remote.folder if remote.is_local else remote.path).strip('/')}/" for remote in (one, other)]
    return paths[0].startswith(paths[1]) or paths[1].startswith(paths[0])
