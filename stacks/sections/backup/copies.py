"""`photos:backup.remotes`: one place to which everything is copied."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from components.fields import Section, host_path, path_too_long
from components.keeper import OPENLIST
from components.messages import Message, Said, message
from components.refusals import refusal, refused
from components.schedules import Cron
from stacks.sections.backup.keeper_defaults import COPY, keeper_default
from stacks.sections.backup.rclone_options import HOST_ONLY, OPTIONS, RCLONE_TYPES
from stacks.sections.backup.retention import OwnKeepConfig
from stacks.sections.backup.secrets import OWN_KEYS

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


def _s3(provider: str) -> Message:
    return message(
        "type_with_option", "{type} with `options: {option}`", type="s3", option=f"{{provider: {provider}, …}}"
    )


MEANT: dict[str, Said] = {
    "cos": _s3("TencentCOS"),
    "gdrive": "drive (Google Drive)",
    "googledrive": "drive (Google Drive)",
    "minio": _s3("Minio"),
    "nas": message("type_any_of", "sftp, smb or webdav"),
    "oss": _s3("Alibaba"),
    "r2": _s3("Cloudflare"),
}
# Options whose values open something, whatever the type: a name that rclone does not know may hold one, too.
SECRET_OPTION = re.compile(r"(.*_)?(pass|password2?|secret|token|key|pem|credentials|cookie|headers|sas_url|2fa)")
OPTION = re.compile(r"[a-z0-9][a-z0-9_]*")
ALBUM = "album"


def _encrypted_anyway() -> Message:
    return message(
        "copies_are_encrypted",
        "every copy is encrypted, and `kind: album` is the one to look at. Take the line out",
    )


NO_MORE: dict[str, Message] = {
    "encrypt": _encrypted_anyway(),
    "accept_plain": _encrypted_anyway(),
    "name_encoding": message("names_are_no_limit", "every name that a disk holds is backed up. Take the line out"),
    "transfers": message("transfers_are_connections", "Write `connections` instead, e.g. `connections: 2`"),
}
"""Keys of earlier stack files → what to write instead."""


def _type(value: str) -> str:
    if value in (*RCLONE_TYPES, OPENLIST):
        return value
    plain = re.sub(r"[^a-z0-9]", "", value.lower())
    if any(plain.startswith(drive) for drive in NET_DRIVES):
        raise refusal(
            "type_net_drive",
            '"{value}": rclone has no such type. Add the drive in OpenList (services.drive) and write `type: {openlist}`',
            value=value,
            openlist=OPENLIST,
        )
    if plain in MEANT:
        raise refusal(
            "type_meant", '"{value}": rclone has no such type. Write {meant}', value=value, meant=MEANT[plain]
        )
    if value in WRAPPERS:
        raise refusal(
            "type_wrapper",
            '"{value}" wraps another remote. Write the remote itself; what lies there is encrypted anyway',
            value=value,
        )
    near = get_close_matches(value, RCLONE_TYPES, 1) or ["s3"]
    raise refusal(
        "type_unknown",
        '"{value}": rclone has no such type. Did you mean {near}? All are listed by rclone help backends',
        value=value,
        near=near[0],
    )


def _remote_path(value: str) -> str:
    if not value.strip("/ ") or value != value.strip() or not value.isprintable() or ".." in value.split("/"):
        raise refusal(
            "copy_path_unreadable",
            "{value} is not a folder. Write a folder of its own for this copy, e.g. photos-backup",
            value=repr(value),
        )
    if reason := path_too_long(value):
        raise refused(reason)
    return value


def _bandwidth(value: str) -> str:
    rate = r"(off|[0-9]+(\.[0-9]+)?[BKMGbkmg]?(:(off|[0-9]+(\.[0-9]+)?[BKMGbkmg]?))?)"
    slot = rf"((Mon|Tue|Wed|Thu|Fri|Sat|Sun)-)?([01][0-9]|2[0-3]):[0-5][0-9],{rate}"
    if not re.fullmatch(rf"{rate}|{slot}( {slot})*", value, re.ASCII):
        raise refusal(
            "bandwidth_unreadable",
            '"{value}" is not a bandwidth. Write bytes per second, e.g. 2M, or a timetable, e.g. "08:00,512K 23:00,off"',
            value=value,
        )
    return value


def _option_name(value: str) -> str:
    if value in OWN_KEYS:
        raise refusal(
            "option_made_by_photos",
            '"{value}" is not the name of an option: ./photos makes that key. Leave it out here, and write e.g. secret_access_key',
            value=value,
        )
    if not OPTION.fullmatch(value) or value == "type":
        snake = re.sub(r"[^a-z0-9]+", "_", value.lower()).strip("_")
        meant = snake if OPTION.fullmatch(snake) and snake != "type" else "secret_access_key"
        raise refusal(
            "option_unreadable",
            '"{value}" is not the name of an option. Write it as `rclone help backend` does, e.g. {meant}',
            value=value,
            meant=meant,
        )
    return value


class RemoteConfig(Section):
    """One place to which everything is copied."""

    kind: Literal["disk", "mirror", "vault", "album"] = Field(
        description="disk: a second disk here; mirror: elsewhere; vault: elsewhere, and nobody can delete from here; album: plain files to look at, no backup"
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
    schedule: Cron | None = Field(
        None, description="when this copy is made: minute, hour, day, month, weekday; default: `backup.schedule`"
    )
    verify_days: int | None = Field(
        None, ge=1, le=365, description="all of it is read back within so many days; default: `backup.verify_days`"
    )
    keep: OwnKeepConfig | None = Field(None, description="how long old snapshots are kept here, see below")
    bandwidth: Annotated[str, AfterValidator(_bandwidth)] | None = Field(
        None, description='bytes per second, e.g. 2M, or a timetable, e.g. "08:00,512K 23:00,off"'
    )
    connections: int = Field(
        keeper_default(COPY, "connections"),
        description="requests at the same time; 1 or 2 for drives of OpenList and slow lines",
        ge=1,
        le=32,
    )

    @model_validator(mode="before")
    @classmethod
    def _no_more(cls, values: Any) -> Any:
        for key, instead in NO_MORE.items() if isinstance(values, dict) else ():
            if key in values:
                raise refusal(
                    "key_no_more", "{key}: there is no such key any more: {instead}", key=key, instead=instead
                )
        return values

    @model_validator(mode="after")
    def _plain_options_of_no_host(self) -> RemoteConfig:
        for option, value in self.options.items():
            if not value.isprintable() or value != value.strip():
                raise refusal(
                    "option_not_plain",
                    "options.{option}: holds a line break, another control character or an outer space. Write plain text",
                    option=option,
                )
        for place, options in (("options", self.options), ("secrets", self.secrets)):
            for option in options:
                # A switch that is off asks for nothing.
                if option in HOST_ONLY and self.options.get(option, "").lower() != "false":
                    raise refusal(
                        "option_of_this_host",
                        "{place}.{option}: names something of this host, which the keeper's container does not have. {instead}",
                        place=place,
                        option=option,
                        instead=HOST_ONLY[option],
                    )
        return self

    @model_validator(mode="after")
    def _place(self) -> RemoteConfig:
        if self.is_local:
            try:
                host_path(self.path)
            except PydanticCustomError as error:
                reason = (error.context or {})["said"]
                raise refusal("copy_path", "path: {reason}", reason=reason) from None
        elif self.kind == "disk":
            raise refusal(
                "disk_not_local",
                "kind: a disk is a folder of this machine, and {type} is not. Write `type: local`, or `kind: mirror`",
                type=self.type,
            )
        if self.type == OPENLIST and (taken := sorted({*self.options, *self.secrets} & set(OPENLIST_OWN))):
            raise refusal(
                "openlist_needs_no_login",
                "{option}: the stack's own OpenList needs no login here. Leave it out, or for another server write `type: webdav`",
                option=taken[0],
            )
        for option in {*self.options} & {*self.secrets}:
            raise refusal(
                "option_twice", "secrets: {option} stands in options, too. Leave it in one of the two", option=option
            )
        return self

    @model_validator(mode="after")
    def _album_is_only_added_to(self) -> RemoteConfig:
        meant = {"verify_days": self.verify_days, "keep": self.keep}
        if not self.is_repository and (key := next((key for key, value in meant.items() if value is not None), None)):
            raise refusal(
                "album_keeps_all",
                "{key}: an album holds no snapshots, nothing in it is read back or forgotten. Take the line out",
                key=key,
            )
        return self

    @property
    def is_local(self) -> bool:
        """Whether it is a folder of this machine."""
        return self.type == LOCAL

    @property
    def folder(self) -> str:
        """The folder of this machine, in full."""
        return host_path(self.path)

    @property
    def is_repository(self) -> bool:
        """Whether it is a backup; an album is only to look at."""
        return self.kind != ALBUM

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
    def server(self) -> tuple[object, ...]:
        """What tells one server, disk or set of options from another."""
        return (self.type, *sorted(self.options.items()))


def overlap(one: RemoteConfig, other: RemoteConfig) -> bool:
    """Whether two copies in one account are one place, or one lies inside the other."""
    paths = [f"{(remote.folder if remote.is_local else remote.path).strip('/')}/" for remote in (one, other)]
    return paths[0].startswith(paths[1]) or paths[1].startswith(paths[0])
