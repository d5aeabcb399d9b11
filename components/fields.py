"""Types for the values that a person writes into a stack file. Each error says what to write instead."""

from __future__ import annotations

import re
import unicodedata
import zoneinfo
from difflib import get_close_matches
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from components.addresses import any_address, bind_addresses, site_url, too_long
from components.messages import Message, described, message
from components.photoprism_cron import index_schedule
from components.refusals import refusal, refused

PROJECT = Path(__file__).resolve().parent.parent
"""The folder of Pulumi.yaml: relative paths in a stack file start here."""

SYSTEM_FOLDERS = (
    "/bin", "/boot", "/dev", "/etc", "/lib", "/proc", "/run", "/sbin", "/sys", "/usr", "/var/lib/docker",
)  # fmt: skip
BARE_FOLDERS = ("/", "/home", "/media", "/mnt", "/opt", "/root", "/srv", "/tmp", "/var", "/var/lib")  # noqa: S108 - refused, not used
PART_BYTES, PATH_BYTES = 255, 4095
"""What Linux takes: of one name in a path, and of the whole path."""
NO_ZONES = ("posix", "right/")
"""What a system keeps beside its zones; `zoneinfo.available_timezones` leaves it out."""
PORTS, UNPRIVILEGED_PORTS = range(1, 65536), range(1024, 65536)
BRACES: dict[Any, str] = {list: "[]", dict: "{}"}
"""How a person writes that there are none."""


class Section(BaseModel):
    """A section of the stack file: unknown keys are errors, and values are never bent into another type.

    A key with nothing after its colon is never silently absent: a section means its defaults, anything else is an error.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _empty_is_default(cls, values: Any) -> Any:
        """An item of a list or dictionary of sections."""
        return {} if values is None else values

    @field_validator("*", mode="before")
    @classmethod
    def _nothing_after_the_colon(cls, value: Any, info: ValidationInfo) -> Any:
        """A key of this section: an optional section would otherwise be taken for one that nobody wrote."""
        if value is not None:
            return value
        field = cls.model_fields[str(info.field_name)]
        if any(isinstance(kind, type) and issubclass(kind, Section) for kind in kinds(field.annotation)):
            return {}
        braces = BRACES.get(get_origin(field.annotation))
        otherwise = (
            message("or_braces_for_none", ", or `{braces}` for none", braces=braces)
            if braces
            else message("or_take_the_line_out", ", or take the line out")
        )
        raise refusal(
            "nothing_after_the_colon",
            "empty: nothing stands after the colon. Write a value ({description}){otherwise}",
            description=described(field.description or ""),
            otherwise="" if field.is_required() else otherwise,
        )


def kinds(annotation: Any) -> tuple[Any, ...]:
    """Return the alternatives of a field's type: itself, or the members of a union."""
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


def host_path(value: str) -> str:
    """Return `value` as an absolute path of the host, `~` and project-relative paths resolved."""
    if re.match(r"^([A-Za-z]:[\\/]|\\\\)", value):
        drive = value[0].lower() if value[1] == ":" else "d"
        rest = value[3:].replace("\\", "/") if value[1] == ":" else "Photos"
        raise refusal(
            "path_of_windows",
            '"{value}" looks like a Windows path. In WSL write {path}',
            value=value,
            path=f"/mnt/{drive}/{rest}",
        )
    if (
        not value.strip()
        or value != value.strip()
        or re.match(r"~[^/]", value)
        or ".." in value.split("/")
        or ":" in value
        or any(unicodedata.category(letter) in ("Cc", "Zl", "Zp") for letter in value)
    ):
        raise refusal(
            "path_not_plain",
            "{value} is not a plain path. Write an absolute path without '..', ':', line breaks or other control "
            "characters, e.g. /mnt/d/Photos",
            value=repr(value),
        )
    path = re.sub("^//+", "/", str(PROJECT / Path(value).expanduser()))
    if reason := path_too_long(path):
        raise refused(reason)
    if path in BARE_FOLDERS or any(path == s or path.startswith(f"{s}/") for s in SYSTEM_FOLDERS):
        raise refusal(
            "system_folder",
            "{path} is a system folder. Give the photos a folder of their own, e.g. /mnt/d/Photos",
            path=path,
        )
    if path == str(Path.home()) or path == str(PROJECT) or str(PROJECT).startswith(f"{path}/"):
        raise refusal(
            "folder_of_more_than_photos",
            "{path} holds more than photos. Give the photos a folder of their own, e.g. ~/Photos",
            path=path,
        )
    return path


def path_too_long(path: str) -> Message | None:
    """Say what of a path is longer than a Linux disk takes, in bytes; None when it fits."""
    sizes = {part: len(part.encode()) for part in path.split("/")}
    if long := next((part for part, size in sizes.items() if size > PART_BYTES), None):
        return message(
            "folder_name_too_long",
            'the folder name "{begin}…" has {size} bytes, a disk takes at most {most}. Write a shorter one',
            begin=long[:12],
            size=sizes[long],
            most=PART_BYTES,
        )
    if (size := len(path.encode())) > PATH_BYTES:
        return message(
            "path_too_long",
            "the path has {size} bytes, Linux takes at most {most}. Write a shorter one",
            size=size,
            most=PATH_BYTES,
        )
    return None


# distribution/reference: the grammar of Docker's image names.
HOST = r"[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?"
PORT = r"(:[0-9]{1,5})?"
REPOSITORY = r"[a-z0-9]+((\.|_{1,2}|-+)[a-z0-9]+)*"
NAME = rf"({HOST}(\.{HOST})*{PORT}/)?{REPOSITORY}(/{REPOSITORY})*"
IMAGE_BYTES, TAG_BYTES = 255, 128


def _image(value: str) -> str:
    name, _, _ = value.partition("@")
    folders, slash, last = name.rpartition("/")
    repository, _, tag = last.partition(":")
    if tag and re.fullmatch(r"\w[\w.-]*", tag, re.ASCII) and len(tag) > TAG_BYTES:
        raise refusal(
            "image_tag_too_long",
            "the tag has {size} bytes, Docker takes at most {most}. Write name:tag, e.g. mariadb:11.8.8",
            size=len(tag),
            most=TAG_BYTES,
        )
    if len(folders + slash + repository) > IMAGE_BYTES:
        raise refusal(
            "image_name_too_long",
            "the name has {size} bytes, Docker takes at most {most}. Write a shorter one",
            size=len(folders + slash + repository),
            most=IMAGE_BYTES,
        )
    if not re.fullmatch(rf"{NAME}(:(\w[\w.-]*)?)?(@sha256:[0-9a-f]{{64}})?", value, re.ASCII):
        raise refusal(
            "image_unreadable", '"{value}" is not an image name. Write name:tag, e.g. mariadb:11.8.8', value=value
        )
    if tag in ("", "latest"):
        raise refusal(
            "image_without_tag",
            '"{value}" has no fixed tag: it would change under you. Write one, e.g. mariadb:11.8.8',
            value=value,
        )
    return value


def _time_zone(value: str) -> str:
    if not _is_time_zone(value):
        zones = zoneinfo.available_timezones()
        city = value.rpartition("/")[2]
        near = {"Peking": "Asia/Shanghai", "Beijing": "Asia/Shanghai"}.get(city) or next(
            iter(get_close_matches(value, zones, 1)), "Asia/Shanghai"
        )
        raise refusal(
            "time_zone_unknown", '"{value}" is not a known time zone. Did you mean {near}?', value=value, near=near
        )
    return value


def _is_time_zone(value: str) -> bool:
    """Ask for this one: to list all of them takes 30 ms."""
    try:
        zoneinfo.ZoneInfo(value)
    except (KeyError, ValueError, OSError):  # there is none, it is no name, it is a folder
        return False
    return not value.startswith(NO_ZONES)


def _memory(value: object) -> int:
    text = value if isinstance(value, str) else ""
    if match := re.fullmatch(r"([1-9][0-9]{0,6})([mg])", text, re.ASCII):
        return int(match[1]) * (1024 if match[2] == "g" else 1)
    near = re.fullmatch(r" *([1-9][0-9]{0,6}) *(m|g)(i?b)? *", str(value).lower(), re.ASCII)
    raise refusal(
        "memory_unreadable",
        '"{value}" is not an amount of memory. '
        "Write megabytes or gigabytes as whole numbers, with a small m or g: {meant}",
        value=value,
        meant=f"{near[1]}{near[2]}" if near else message("memory_examples", "e.g. 512m or 4g"),
    )


def memory_text(megabytes: int) -> str:
    """Return an amount of memory as a person writes it.

    >>> memory_text(512), memory_text(4096)
    ('512m', '4g')
    """
    return f"{megabytes}m" if megabytes % 1024 else f"{megabytes // 1024}g"


def _port(value: int) -> int:
    if value not in UNPRIVILEGED_PORTS:
        raise refusal(
            "port_out_of_range",
            "{value} is outside 1024-65535. Choose a free port in that range, e.g. 12343",
            value=value,
        )
    return value


def _any_port(value: int) -> int:
    if value not in PORTS:
        raise refusal(
            "port_impossible",
            "{value} is outside 1-65535. Choose a free port in that range, e.g. 443",
            value=value,
        )
    return value


def _registry(value: str) -> str:
    host, _, path = value.partition("/")
    bare = host.rpartition(":")[0] or host
    if reason := too_long(bare):
        raise refusal(
            "registry_too_long", "{reason}. Write its host without https://, e.g. docker.example.com", reason=reason
        )
    is_host = (
        re.fullmatch(rf"{HOST}(\.{HOST})*{PORT}", host, re.ASCII) and re.search(r"[.:]", host) and host == host.lower()
    )
    if not is_host or ("/" in value and not re.fullmatch(rf"{REPOSITORY}(/{REPOSITORY})*", path, re.ASCII)):
        raise refusal(
            "registry_unreadable",
            '"{value}" is not a registry. Write its host in small letters without https://, e.g. docker.example.com',
            value=value,
        )
    return value


OWN_NETWORKS = ("bridge", "host", "none")


def _network(value: str) -> str:
    if value in OWN_NETWORKS:
        raise refusal(
            "network_of_docker",
            '"{value}" is Docker\'s own network, where containers have no names. Write one that a panel or a proxy made, '
            "e.g. 1panel-network",
            value=value,
        )
    if not re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*", value, re.ASCII):
        raise refusal(
            "network_unreadable",
            '"{value}" is not the name of a Docker network. Write one that `docker network ls` shows, e.g. 1panel-network',
            value=value,
        )
    return value


HostPath = Annotated[str, AfterValidator(host_path)]
Image = Annotated[
    str,
    AfterValidator(_image),
    WithJsonSchema({"type": "string", "pattern": r"^[^\s@]+:(?!latest(@|$))\w[\w.-]*(@sha256:[0-9a-f]{64})?$"}),
]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
Memory = Annotated[
    int, BeforeValidator(_memory), WithJsonSchema({"type": "string", "pattern": "^[1-9][0-9]{0,6}[mg]$"})
]
Port = Annotated[
    int,
    AfterValidator(_port),
    WithJsonSchema({"type": "integer", "minimum": UNPRIVILEGED_PORTS[0], "maximum": UNPRIVILEGED_PORTS[-1]}),
]
AnyPort = Annotated[int, AfterValidator(_any_port)]
AS_WRITTEN = WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]})
BindAddresses = Annotated[tuple[str, ...], BeforeValidator(bind_addresses), AS_WRITTEN]
AnyAddress = Annotated[str, AfterValidator(any_address)]
SiteUrl = Annotated[str, AfterValidator(site_url)]
Registry = Annotated[str, AfterValidator(_registry)]
ForeignNetwork = Annotated[str, AfterValidator(_network)]
IndexSchedule = Annotated[str, AfterValidator(index_schedule)]
Rotation = Annotated[int, Field(ge=1)]
