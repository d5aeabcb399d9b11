"""OpenList: net drives and the library as one file tree, in the browser and over WebDAV.

Environment, entrypoint and first start: Dockerfile, entrypoint.sh, cmd/admin.go and internal/bootstrap in
OpenListTeam/OpenList. Storages and users are declared inside it: components/apps/drive.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import pulumi
from pydantic import AfterValidator, Field, field_validator, model_validator

from components.apps.drive import (
    PROXY,
    TAKEN,
    Admin,
    AdminProvider,
    Storage,
    StorageProvider,
    User,
    UserProvider,
)
from components.apps.openlist_driver import is_secret
from components.apps.resource import CONTAINER, KEY, URL
from components.container import ContainerFile, ContainerSpec, Endpoint, HealthCheck, Login, PublishedPort
from components.fields import Image, Memory, Port, Section
from components.messages import message
from components.refusals import refusal
from components.service import Belongings, Platform, Secret, Service, ServiceArgs
from components.service_config import ServiceConfig

HTTP_PORT = 5244
ADMIN, KEEPER = "admin", "keeper"
"""Users of OpenList: the one that it makes itself, and the one of the keeper (keeper/copies/openlist.py)."""

# OpenList prints the password of the admin row when it makes it, so the row is made here, with the output thrown away.
# At every start: it changes nothing where the row is, and mends a first start that was cut short.
START = """#!/bin/sh
set -eu
cd /opt/openlist
password=$(cat /run/secrets/drive_admin_password)
JWT_SECRET=$(cat /run/secrets/drive_jwt_secret)
if [ -z "$password" ] || [ -z "$JWT_SECRET" ]; then
  echo "photos: an empty secret in /run/secrets" >&2
  exit 1
fi
# OpenList rewrites this file in place at every start; one that was cut short would stop it for ever.
if [ -e data/config.json ] && [ "$(tail -n 1 data/config.json)" != "}" ]; then
  mv data/config.json data/config.json.damaged
fi
if ! OPENLIST_ADMIN_PASSWORD="$password" ./openlist admin --no-prefix > /dev/null 2>&1; then
  echo "photos: OpenList could not prepare its data in /opt/openlist/data" >&2
  exit 1
fi
unset password
export JWT_SECRET
exec /entrypoint.sh
"""


NAME = re.compile(r"[a-z][a-z0-9]{0,19}")
OWN_NAMES = ("admin", "user")
"""Names that no storage can have: their flat secrets would be those of the admin and of the users."""
OWN_USERS = (ADMIN, "guest", KEEPER)
RIGHTS = {"read": ["webdav read"]}
RIGHTS["write"] = ["upload", "rename", "move", "copy", "remove", *RIGHTS["read"], "webdav write"]


def _mount(value: str) -> str:
    parts = value.removeprefix("/").split("/")
    if not value.startswith("/") or not value.isprintable() or any(part.strip(" .") == "" for part in parts):
        raise refusal(
            "drive_mount_unreadable",
            "{value} is no place in OpenList. Write its path from the top, e.g. /baidu",
            value=repr(value),
        )
    return value


def _folder(value: str) -> str:
    return value if value == "/" else _mount(value)


def _option(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_]+", value):
        raise refusal(
            "drive_option_unreadable",
            '"{value}" is not the name of an option. Write it as docs/net-drives.md has it, e.g. refresh_token',
            value=value,
        )
    return value


class StorageConfig(Section):
    """A net drive, or a folder, that OpenList mounts."""

    driver: str = Field(description="OpenList's driver, e.g. BaiduNetdisk; see docs/net-drives.md", min_length=1)
    options: dict[str, str | bool | int | float] = Field(
        {}, description="the driver's options, nothing secret; what is left out is as on OpenList's page"
    )
    secrets: list[Annotated[str, AfterValidator(_option)]] = Field(
        [], description="options whose values are the flat secrets `photos:drive_STORAGE_OPTION`"
    )
    mount: Annotated[str, AfterValidator(_mount)] | None = Field(
        None, description="where it lies in OpenList; default: its name, e.g. /baidu"
    )


class DriveUserConfig(Section):
    """A person, or a program, who gets into OpenList and its WebDAV."""

    rights: Literal["read", "write"] = Field(
        "read", description="look and download (read), or also upload, rename, move and delete (write)"
    )
    folder: Annotated[str, AfterValidator(_folder)] = Field(
        "/", description="the folder below which lies all that this user sees, e.g. /baidu/photos"
    )


class DriveConfig(ServiceConfig):
    """OpenList, net drives as one file tree."""

    has_inner_secrets = True

    ruled_variables: ClassVar = {
        r"(OPENLIST_|ALIST_)?(ADMIN_.*|JWT_SECRET|TOKEN_EXPIRES_IN|FORCE|CORS_.*)": message(
            "rule_drive_login", "decides who gets into OpenList"
        ),
        r"(OPENLIST_|ALIST_)?(DB_.*|DATABASE_.*|DATA|DATA_DIR|TEMP_DIR|BLEVE_DIR|RUN_ARIA2|P[UG]ID|UMASK)": (
            message("rule_data_place", "would move data out of its place")
        ),
        r"(OPENLIST_|ALIST_)?(SITE_URL|CDN|ADDR|ADDRESS|.*_PORT|CERT_FILE|KEY_FILE|UNIX_FILE.*|FTP_.*|SFTP_.*|S3_.*)": (
            message("rule_drive_network", "is how the network reaches OpenList")
        ),
    }

    image: Image = Field("openlistteam/openlist:v4.2.5", description="image with a fixed tag")
    memory: Memory = Field(256, description="memory limit, e.g. 512m or 4g")
    port: Port = Field(5244, description="port of its pages, on 127.0.0.1")
    storages: dict[str, StorageConfig] = Field({}, description="name: net drive; it lies in OpenList as /<name>")
    users: dict[str, DriveUserConfig] = Field(
        {}, description="name: user; the password is `photos:drive_user_<name>_password`, made at the first up"
    )

    @classmethod
    def typed_secrets(cls, section: Mapping[str, Any]) -> list[str]:
        """Return what opens the storages."""
        return [
            f"{name}_{option}" for name, each in _sections(section, "storages") for option in _list(each, "secrets")
        ]

    @classmethod
    def made_secrets(cls, section: Mapping[str, Any]) -> list[str]:
        """Return the passwords of the users."""
        return [_password_of(name) for name, _ in _sections(section, "users")]

    @field_validator("image")
    @classmethod
    def _not_alist(cls, image: str) -> str:
        if "alist" in image.partition(":")[0].rpartition("/")[2]:
            raise alist_refused()
        return image

    @model_validator(mode="after")
    def _names(self) -> DriveConfig:
        for kind, names, taken in (("storages", self.storages, OWN_NAMES), ("users", self.users, OWN_USERS)):
            for name in names:
                if not NAME.fullmatch(name) or name in taken:
                    why = message("drive_name_taken", ": OpenList or ./photos uses it") if name in taken else ""
                    raise refusal(
                        "drive_name",
                        '{kind}: "{name}" cannot be a name here{why}. Write up to 20 small letters and digits, a letter first, e.g. baidu or mum',
                        kind=kind,
                        name=name,
                        why=why,
                    )
        return self

    @model_validator(mode="after")
    def _one_drive_per_place(self) -> DriveConfig:
        places: dict[str, str] = {}
        for name, storage in self.storages.items():
            place = storage.mount or f"/{name}"
            if place in places:
                raise refusal(
                    "drive_mounted_twice",
                    "storages.{name}: {other} lies at {place} already. Write another `mount`",
                    name=name,
                    other=places[place],
                    place=place,
                )
            places[place] = name
        return self

    @model_validator(mode="after")
    def _nothing_in_clear(self) -> DriveConfig:
        for name, storage in self.storages.items():
            for option in filter(is_secret, storage.options):
                raise refusal(
                    "drive_option_in_clear",
                    "storages.{name}.options.{option}: stored in clear. Choose a new one, write `secrets: [{option}]` instead and run ./photos config set --secret photos:{key}",
                    name=name,
                    option=option,
                    key=f"drive_{name}_{option}",
                )
            for option in set(storage.options) & set(storage.secrets):
                raise refusal(
                    "drive_option_twice",
                    "storages.{name}: {option} is among options and secrets. Take one out",
                    name=name,
                    option=option,
                )
        return self


def alist_refused() -> Exception:
    """Return why there is no AList, and what to do."""
    return refusal(
        "alist_refused",
        "AList was sold in 2025, and who owns it now holds the keys of the server that renews your drives' tokens "
        "(AlistGo/alist#8659, #9083). OpenList is the same program, carried on by its community: write `drive: {}`, declare "
        "your drives under `storages`, and log in to them anew: docs/net-drives.md",
    )


def _sections(section: Mapping[str, Any], key: str) -> Iterator[tuple[str, Any]]:
    """Return the sections below a key, as they were written."""
    below = section.get(key)
    return iter(below.items() if isinstance(below, Mapping) else ())


def _list(section: Any, key: str) -> list[Any]:
    below = section.get(key) if isinstance(section, Mapping) else None
    return below if isinstance(below, list) else []


def _password_of(user: str) -> str:
    return f"user_{user}_password"


@dataclass(frozen=True, kw_only=True)
class DriveArgs(ServiceArgs):
    """OpenList's configuration and the password of its user `admin`.

    `keeper_may` is what the keeper does in it, names of `RIGHTS` in components/apps/drive.py: with none it may look, as any
    user may; None for no user at all.
    """

    config: DriveConfig
    admin_password: Secret
    keeper_may: tuple[str, ...] | None = None


class Drive(Service[DriveArgs, Platform]):
    """The file tree.

    Creates: a `docker.RemoteImage`, a `docker.Container`, a `docker.Volume` for its database, a `random.RandomPassword`
    that signs its sessions, and inside OpenList an `Admin`, a `Storage` per drive and a `User` per user.
    """

    service = "drive"
    in_library = True
    Args = DriveArgs
    Config = DriveConfig
    login = Login(argument="admin_password")
    data: ClassVar = {"": "/opt/openlist/data"}
    endpoint = Endpoint(port=HTTP_PORT, admin=True)
    in_panel_network = True

    @classmethod
    def rotations(cls, args: DriveArgs) -> dict[str, int]:
        """Return what signs its sessions, and the password of the keeper's user."""
        return {"jwt-secret": 1, **({KEEPER: 1} if args.keeper_may is not None else {})}

    def furnish(self, name: str, args: DriveArgs, base: Platform) -> None:
        """Declare the password of the admin, the storages and the users, the keeper's among them."""
        reached = {
            URL: f"http://{self.host.reach()}:{args.config.port}",
            KEY: self.secrets["admin_password"],
            CONTAINER: base.container_name(self.service),
        }
        if not (args.config.storages or args.config.users or args.keeper_may is not None):
            return  # nothing inside OpenList is the stack's, so a family may do there as it likes
        admin = Admin(AdminProvider(), f"{name}-admin", {**reached, "login": TAKEN}, parent=self, inside=self.container)
        for storage, config in args.config.storages.items():
            inputs = {**reached, **storage_inputs(storage, config), "secrets": _secrets(args, storage, config)}
            Storage(
                StorageProvider(),
                f"{name}-storage-{storage}",
                inputs,
                parent=self,
                inside=self.container,
                after=[admin],
            )
        for user, inputs in self._users(args).items():
            User(
                UserProvider(),
                f"{name}-user-{user}",
                {**reached, "user": user, "disabled": False, **inputs},
                parent=self,
                inside=self.container,
                after=[admin],
            )

    def _users(self, args: DriveArgs) -> dict[str, dict[str, Any]]:
        users: dict[str, dict[str, Any]] = {
            user: {
                "folder": config.folder,
                "may": RIGHTS[config.rights],
                "password": pulumi.Output.secret(args.inner_secrets[_password_of(user)]),
            }
            for user, config in args.config.users.items()
        }
        if args.keeper_may is not None:
            users[KEEPER] = {"folder": "/", "may": list(args.keeper_may), "password": self.passwords[KEEPER]}
        return users

    @classmethod
    def spec(cls, args: DriveArgs, base: Platform, belongings: Belongings) -> ContainerSpec:
        """Describe the service; see the class."""
        config = args.config
        return ContainerSpec(
            image=config.image,
            memory_mb=config.memory,
            networks=["apps"],
            # The image leaves its data folder to root; root without any capability may write there and nowhere else.
            user="0:0",
            entrypoint=["/photos/start"],
            env={"SITE_URL": base.public_urls.get("drive", f"http://localhost:{config.port}")},
            files=[
                ContainerFile(path="/photos/start", content=START, executable=True),
                ContainerFile(path="/run/secrets/drive_admin_password", content=belongings.secrets["admin_password"]),
                ContainerFile(path="/run/secrets/drive_jwt_secret", content=belongings.passwords["jwt-secret"]),
            ],
            volumes=[belongings.volumes[""]],
            binds=base.library.mounts("/photos/originals", "/photos/import", read_only=True),
            ports=[PublishedPort(internal=HTTP_PORT, external=config.port)],
            health=HealthCheck(command=["wget", "-qO-", f"http://127.0.0.1:{HTTP_PORT}/ping"]),
            wait_s=120,
        )


def storage_inputs(name: str, storage: StorageConfig) -> dict[str, Any]:
    """Return what OpenList is told of a storage, but for its secrets."""
    return {
        "storage": name,
        "mount": storage.mount or f"/{name}",
        "driver": storage.driver,
        "options": dict(storage.options),
        "disabled": False,
        **PROXY,
    }


def _secrets(args: DriveArgs, name: str, storage: StorageConfig) -> pulumi.Output[dict[str, str]]:
    """Return option → value, as one secret: nothing of it is to be seen in the state, not even which is which."""
    values = {option: args.inner_secrets[f"{name}_{option}"] for option in storage.secrets}
    # Of nothing, `all` would make a list.
    return pulumi.Output.secret(pulumi.Output.all(**values) if values else {})
