"""Types for the values that a person writes into a stack file. Each error says what to write instead."""

from __future__ import annotations

import ipaddress
import re
import zoneinfo
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

from croniter import croniter
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

PROJECT = Path(__file__).resolve().parent.parent
"""The folder of Pulumi.yaml: relative paths in a stack file start here."""

SYSTEM_FOLDERS = (
    "/bin", "/boot", "/dev", "/etc", "/lib", "/proc", "/run", "/sbin", "/sys", "/usr", "/var/lib/docker",
)  # fmt: skip
BARE_FOLDERS = ("/", "/home", "/media", "/mnt", "/opt", "/root", "/srv", "/tmp", "/var", "/var/lib")  # noqa: S108 - refused, not used
LOCAL_NETWORKS = ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
UNPRIVILEGED_PORTS = range(1024, 65536)


class Section(BaseModel):
    """A section of the stack file: unknown keys are errors, and values are never bent into another type."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


def host_path(value: str) -> str:
    """Return `value` as an absolute path of the host, `~` and project-relative paths resolved."""
    if re.match(r"^([A-Za-z]:[\\/]|\\\\)", value):
        drive = value[0].lower() if value[1] == ":" else "d"
        rest = value[3:].replace("\\", "/") if value[1] == ":" else "Photos"
        msg = f'"{value}" looks like a Windows path. In WSL write /mnt/{drive}/{rest}'
        raise ValueError(msg)
    if (
        not value.strip()
        or value != value.strip()
        or re.match(r"~[^/]", value)
        or ".." in value.split("/")
        or re.search(r"[\x00-\x1f:]", value)
    ):
        msg = f"{value!r} is not a plain path. Write an absolute path without '..', ':' or line breaks, e.g. /mnt/d/Photos"
        raise ValueError(msg)
    path = re.sub("^//+", "/", str(PROJECT / Path(value).expanduser()))
    if path in BARE_FOLDERS or any(path == s or path.startswith(f"{s}/") for s in SYSTEM_FOLDERS):
        msg = f"{path} is a system folder. Give the photos a folder of their own, e.g. /mnt/d/Photos"
        raise ValueError(msg)
    if path == str(Path.home()) or path == str(PROJECT) or str(PROJECT).startswith(f"{path}/"):
        msg = f"{path} holds more than photos. Give the photos a folder of their own, e.g. ~/Photos"
        raise ValueError(msg)
    return path


def _image(value: str) -> str:
    name = value.partition("@")[0]
    tag = name.rpartition("/")[2].partition(":")[2]
    if not re.fullmatch(
        r"([a-z0-9.-]+(:[0-9]+)?/)?[a-z0-9][a-z0-9._/-]*(:[\w.-]*)?(@sha256:[0-9a-f]{64})?", value, re.ASCII
    ):
        msg = f'"{value}" is not an image name. Write name:tag, e.g. mariadb:11.8.8'
        raise ValueError(msg)
    if tag in ("", "latest"):
        msg = f'"{value}" has no fixed tag: it would change under you. Write one, e.g. mariadb:11.8.8'
        raise ValueError(msg)
    return value


def _time_zone(value: str) -> str:
    zones = zoneinfo.available_timezones()
    if value not in zones:
        city = value.rpartition("/")[2]
        near = {"Peking": "Asia/Shanghai", "Beijing": "Asia/Shanghai"}.get(city) or next(
            iter(get_close_matches(value, zones, 1)), "Asia/Shanghai"
        )
        msg = f'"{value}" is not a known time zone. Did you mean {near}?'
        raise ValueError(msg)
    return value


def _memory(value: object) -> int:
    match = re.fullmatch(r"([1-9][0-9]{0,6})([mg])", value) if isinstance(value, str) else None
    if not match:
        msg = f'"{value}" is not an amount of memory. Write megabytes or gigabytes, e.g. 512m or 4g'
        raise ValueError(msg)
    return int(match[1]) * (1024 if match[2] == "g" else 1)


def _port(value: int) -> int:
    if value not in UNPRIVILEGED_PORTS:
        msg = f"{value} is outside 1024-65535. Choose a free port in that range, e.g. 12343"
        raise ValueError(msg)
    return value


def _bind_address(value: str) -> str:
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        msg = f'"{value}" is not an IP address. Write 127.0.0.1, or the address of this machine in your LAN'
        raise ValueError(msg) from None
    local = (ipaddress.ip_network(net) for net in LOCAL_NETWORKS)
    if isinstance(address, ipaddress.IPv4Address) and any(address in net for net in local):
        return value
    msg = f"{value} opens the port to the internet, past ufw. Write 127.0.0.1, or the machine's LAN address"
    raise ValueError(msg)


def _site_url(value: str) -> str:
    if not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[\w./-]*)?", value, re.ASCII):
        msg = f'"{value}" is not a web address. Write it as the browser shows it, e.g. http://192.168.1.5:12343/'
        raise ValueError(msg)
    return value.rstrip("/") + "/"


def _registry(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)*", value) or not re.search(r"[.:]", value):
        msg = f'"{value}" is not a registry. Write its host without https://, e.g. docker.example.com'
        raise ValueError(msg)
    return value


def _schedule(value: str) -> str:
    if value == "" or re.fullmatch(r"@every [1-9][0-9]*[hms]", value) or croniter.is_valid(value):
        return value
    msg = f'"{value}" is not a schedule. Write five cron fields ("0 3 * * *"), "@every 3h", or "" for never'
    raise ValueError(msg)


HostPath = Annotated[str, AfterValidator(host_path)]
Image = Annotated[str, AfterValidator(_image)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
Memory = Annotated[int, BeforeValidator(_memory)]
Port = Annotated[int, AfterValidator(_port)]
BindAddress = Annotated[str, AfterValidator(_bind_address)]
SiteUrl = Annotated[str, AfterValidator(_site_url)]
Registry = Annotated[str, AfterValidator(_registry)]
Schedule = Annotated[str, AfterValidator(_schedule)]
Rotation = Annotated[int, Field(ge=1)]
