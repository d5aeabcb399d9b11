"""Syncthing: phones to server, into `originals/phones`.

Environment, entrypoint and flags: Dockerfile, script/docker-entrypoint.sh and cmd/syncthing in syncthing/syncthing.
Options and phones are declared inside it: components/apps/syncthing.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal
from unicodedata import is_normalized

from pydantic import AfterValidator, Field, field_validator

from components.apps.syncthing import Options, OptionsProvider, Phone, PhoneProvider
from components.container import (
    BackedUp,
    BindMount,
    ContainerFile,
    ContainerSpec,
    Endpoint,
    HealthCheck,
    Login,
    PublishedPort,
)
from components.device_id import device_id
from components.fields import AnyAddress, Image, Memory, Port, Section
from components.messages import Message, message
from components.refusals import refusal
from components.service import Belongings, Platform, Secret, Service, ServiceArgs
from components.service_config import ServiceConfig
from components.storage import Library

HTTP_PORT, SYNC_PORT = 8384, 22000
API_KEY = "api-key"
SECRETS = "/run/secrets"
PHONES_IN_CONTAINER = "/phones"
"""The folder `phones` of the library, one folder per phone."""

# Runs as the photos' owner. The identity and the login are in place before the first serve: an instance without a
# login lets everyone in. Copied through a temporary name, so that a kill leaves the old file or the new one.
START = f"""#!/bin/sh
set -eu
umask 077
STGUIAPIKEY=$(cat {SECRETS}/syncthing_api_key)
if [ -z "$STGUIAPIKEY" ] || [ -z "$(head -n 1 {SECRETS}/syncthing_gui_password)" ]; then
  echo "photos: an empty secret in {SECRETS}; the admin page would be open" >&2
  exit 1
fi
mkdir -p "$STHOMEDIR"
for part in cert key; do
  cp {SECRETS}/syncthing_$part "$STHOMEDIR/$part.pem.new"
  mv "$STHOMEDIR/$part.pem.new" "$STHOMEDIR/$part.pem"
done
/bin/syncthing generate --gui-user=admin --gui-password=- < {SECRETS}/syncthing_gui_password
export STGUIAPIKEY
umask 022
exec /bin/syncthing
"""


DeviceId = Annotated[str, AfterValidator(device_id)]
NOT_ON_WINDOWS = {"con", "prn", "aux", "nul", *(f"{kind}{number}" for kind in ("com", "lpt") for number in range(10))}
"""Names that no folder on a Windows drive can have."""


def _phone_name(value: str) -> str:
    # A letter first: PhotoPrism shows nothing of a folder that begins with . @ _ (pkg/fs/name.go).
    if (
        not re.fullmatch(r"[^\W_][\w-]{0,31}", value)
        or value.lower() in NOT_ON_WINDOWS
        or not is_normalized("NFC", value)
    ):
        raise refusal(
            "phone_name",
            '"{name}" cannot be the name of a phone: a folder in the album will be called so. Write up to 32 letters, '
            "digits, - and _, beginning with a letter or digit, e.g. mum",
            name=value,
        )
    return value


def _folder_id(value: str) -> str:
    if not re.fullmatch(r"[^\s/\\?#%]{1,64}", value):
        raise refusal(
            "phone_folder",
            '"{value}" is not the ID of a folder. Syncthing\'s page shows it: the folder, Edit, Folder ID',
            value=value,
        )
    return value


PhoneName = Annotated[str, AfterValidator(_phone_name)]
FolderId = Annotated[str, AfterValidator(_folder_id)]


class PhoneConfig(Section):
    """A phone that sends its photos."""

    device: DeviceId = Field(description="the device ID that the phone shows, eight groups of seven letters and digits")
    deletions: Literal["keep", "follow"] = Field(
        "keep",
        description="what happens in the album to a photo that is deleted on the phone: it stays (keep), or goes, too (follow)",
    )
    quiet_days: int = Field(
        14, ge=0, description="after so many days without a sign of the phone the keeper says so; 0 for never"
    )
    folder: FolderId | None = Field(
        None, description="Syncthing's ID of its folder, to take over one that was made by hand; else phone-<name>"
    )

    def folder_id(self, name: str) -> str:
        """Return the ID that server and phone know its folder by."""
        return self.folder or f"phone-{name}"


class SyncthingConfig(ServiceConfig):
    """Syncthing, phones to server."""

    ruled_variables: ClassVar = {
        r"STGUI(ADDRESS|APIKEY|AUTH.*|ASSETS)|STNOUPGRADE": message(
            "rule_admin_login", "decides who gets into the admin page"
        ),
        r"ST(HOMEDIR|CONFDIR|DATADIR)|P[UG]ID|UMASK|PCAP|HOME": message(
            "rule_data_place", "would move data out of its place"
        ),
    }

    image: Image = Field("syncthing/syncthing:2.1.3", description="image with a fixed tag")
    memory: Memory = Field(512, description="memory limit, e.g. 512m or 4g")
    port: Port = Field(8384, description="port of the admin page, on 127.0.0.1")
    sync_port: Port = Field(SYNC_PORT, description="port that phones connect to (TCP and UDP)")
    sync_bind: AnyAddress = Field(
        "0.0.0.0",  # noqa: S104 - mutual TLS: only known devices get in
        description="address that phones connect to; any by default, the connection is mutual TLS",
    )
    discovery: bool = Field(
        True,
        description="phones find this server away from home: Syncthing's discovery servers learn its ID and address",
    )
    relays: bool = Field(
        True,
        description="where there is no direct way, photos go through Syncthing's relays, which cannot read them",
    )
    nat: bool = Field(
        True,
        description="ask a STUN server for a direct way through routers",
    )
    phones: dict[PhoneName, PhoneConfig] = Field(
        {}, description="name: phone; its photos lie in originals/phones/<name>"
    )

    @field_validator("phones")
    @classmethod
    def _apart(cls, phones: dict[str, PhoneConfig]) -> dict[str, PhoneConfig]:
        """Each has a device, a folder and a place of its own; on a Windows drive Mum and mum are one place."""
        seen: dict[str, str] = {}
        for name, phone in phones.items():
            for one in (phone.device, f"folder {phone.folder_id(name)}", f"place {name.lower()}"):
                if (other := seen.setdefault(one, name)) != name:
                    raise refusal(
                        "phones_alike",
                        "{one} and {other} have the same {what}. Each phone has its own",
                        one=other,
                        other=name,
                        what=_alike(one),
                    )
        return phones


def _alike(what: str) -> Message:
    if what.startswith("folder "):
        return message("alike_folder", "folder ID")
    if what.startswith("place "):
        return message("alike_name", "name: large and small letters are one on a Windows drive")
    return message("alike_device", "device ID")


@dataclass(frozen=True, kw_only=True)
class SyncthingArgs(ServiceArgs):
    """Syncthing's configuration, the password of its admin page, and its identity (PEM), which phones know it by."""

    config: SyncthingConfig
    gui_password: Secret
    cert: Secret
    key: Secret


WATCHED_RESCAN_S, SILENT_RESCAN_S = 3600, 300
"""How often a folder is looked through: where the file system reports what changes, and where it does not."""


def options(config: SyncthingConfig) -> dict[str, Any]:
    """Return Syncthing's options: nothing is reported about the family. lib/config/optionsconfiguration.go."""
    return {
        "urAccepted": -1,
        "crashReportingEnabled": False,
        "globalAnnounceEnabled": config.discovery,
        "relaysEnabled": config.relays,
        "natEnabled": config.nat,
        # They would be those of the container, which nobody in the LAN reaches; `./photos phone add` tells the right one.
        "announceLANAddresses": False,
    }


def phone_inputs(name: str, phone: PhoneConfig, library: Library) -> dict[str, Any]:
    """Return what Syncthing is told of a phone: a device that may do nothing by itself, and the folder that it sends."""
    return {
        "phone": name,
        "id": phone.device,
        "folder_id": phone.folder_id(name),
        "deletions": phone.deletions,
        "device": {
            "deviceID": phone.device,
            "name": name,
            "autoAcceptFolders": False,
            "introducer": False,
            "paused": False,
        },
        "folder": {
            "id": phone.folder_id(name),
            "label": name,
            "path": phone_path(name),
            "type": "receiveonly",
            "devices": [{"deviceID": phone.device}],
            "ignoreDelete": phone.deletions == "keep",
            "ignorePerms": not library.keeps_permissions,
            "versioning": {
                "type": "trashcan",
                "params": {"cleanoutDays": "0"},
                "fsPath": f"/var/syncthing/versions/{name}",
            },
            # Named since older versions leave what is not named at nothing (seen with 1.19).
            "fsWatcherEnabled": True,
            "fsWatcherDelayS": 10,
            "rescanIntervalS": WATCHED_RESCAN_S if library.reports_changes else SILENT_RESCAN_S,
            "maxConflicts": -1,
            "autoNormalize": True,
            "minDiskFree": {"value": 1, "unit": "%"},
            "paused": False,
        },
    }


def phone_path(name: str) -> str:
    """Return where Syncthing's container has a phone's photos."""
    return f"{PHONES_IN_CONTAINER}/{name}"


class Syncthing(Service[SyncthingArgs, Platform]):
    """Phone sync.

    Creates: a `docker.RemoteImage`, a `docker.Container`, a `docker.Volume` for its configuration and a
    `random.RandomPassword`, the API key.
    """

    service = "syncthing"
    in_library = True
    Args = SyncthingArgs
    Config = SyncthingConfig
    login = Login(argument="gui_password")
    data: ClassVar = {"": "/var/syncthing"}
    endpoint = Endpoint(port=HTTP_PORT, admin=True)
    # Its index of what it has; it scans anew without.
    backed_up = BackedUp(role="", leave_out=("config/index-*",))

    @classmethod
    def rotations(cls, args: SyncthingArgs) -> dict[str, int]:
        """Return the API key, which the keeper uses, too."""
        del args
        return {API_KEY: 1}

    def furnish(self, name: str, args: SyncthingArgs, base: Platform) -> None:
        """Declare Syncthing's options and the phones."""
        reached = {"url": f"http://{self.host.reach()}:{args.config.port}", "key": self.passwords[API_KEY]}
        Options(
            OptionsProvider(),
            f"{name}-options",
            {**reached, "options": options(args.config)},
            parent=self,
            inside=self.container,
        )
        for phone, config in args.config.phones.items():
            Phone(
                PhoneProvider(),
                f"{name}-phone-{phone}",
                {**reached, **phone_inputs(phone, config, base.library)},
                parent=self,
                inside=self.container,
            )

    @classmethod
    def spec(cls, args: SyncthingArgs, base: Platform, belongings: Belongings) -> ContainerSpec:
        """Describe the service; see the class."""
        config = args.config
        contents = {**belongings.secrets, "api_key": belongings.passwords[API_KEY]}
        return ContainerSpec(
            image=config.image,
            memory_mb=config.memory,
            networks=["apps"],
            # No `user`: the image leaves its volume to root and gives it to PUID at start.
            # KILL: docker's init could not pass TERM on to another user's process, and a stop would be a kill (seen).
            capabilities=["CHOWN", "KILL", "SETGID", "SETUID"],
            entrypoint=["/bin/entrypoint.sh", "/photos/start"],
            env={
                "PUID": str(base.owner.uid),
                "PGID": str(base.owner.gid),
                "STGUIADDRESS": f"0.0.0.0:{HTTP_PORT}",
                "STHOMEDIR": "/var/syncthing/config",
            },
            files=[
                ContainerFile(path="/photos/start", content=START, executable=True),
                *(
                    ContainerFile(path=f"{SECRETS}/syncthing_{name}", content=content)
                    for name, content in contents.items()
                ),
            ],
            volumes=[belongings.volumes[""]],
            binds=[BindMount(source=base.library.phones, target=PHONES_IN_CONTAINER)],
            ports=[
                PublishedPort(internal=HTTP_PORT, external=config.port),
                PublishedPort(internal=SYNC_PORT, external=config.sync_port, ip=config.sync_bind),
                PublishedPort(internal=SYNC_PORT, external=config.sync_port, ip=config.sync_bind, protocol="udp"),
            ],
            health=HealthCheck(
                command=["curl", "-fkLsS", "-m", "2", f"http://127.0.0.1:{HTTP_PORT}/rest/noauth/health"]
            ),
            stop_grace_s=60,
            wait_s=120,
        )
