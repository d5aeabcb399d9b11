"""The keeper, which backs everything up, and its watch, which raises the alarm when it goes silent.

Both run in one image that is built from `keeper/` on the stack's own MariaDB image, so that dump, server and test
restore are of one version. Nothing depends on them: an image that cannot be built leaves the album as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, NamedTuple

import pulumi

from components.container import (
    BindMount,
    ContainerFile,
    ContainerSpec,
    HealthCheck,
    ImageBuild,
    PublishedPort,
    VolumeMount,
    image_reference,
)
from components.keeper_image import SOURCES, build_args, source_hash
from components.service import Belongings, DatabaseConnection, Platform, Service, ServiceArgs
from keeper.errors import Problem
from keeper.settings import (
    PASSWORD,
    CopySettings,
    DatabaseSettings,
    GateSettings,
    KeepSettings,
    Kind,
    PhoneSettings,
    Settings,
    StorageSettings,
    UpdateSettings,
)

OPENLIST = "openlist"
"""The type of a copy that lies in a drive of the system's own OpenList; the keeper's own word for it (tested)."""
SECRETS = PurePosixPath("/run/secrets")
SETTINGS_FILE = "/etc/keeper/keeper.json"
STATE, WATCH_STATE = "/var/lib/keeper", "/var/lib/watch"
LIBRARY, REMOTES = PurePosixPath("/library"), PurePosixPath("/remotes")
MARKER_ROOTS = ["originals", "import"]
"""The folders of `/library` that carry the marker of the stack."""
WATCH_MEMORY_MB = 256


class Door(NamedTuple):
    """How the keeper gets into an app: the app's secret or generated password, and the file that it reads it from."""

    credential: str
    file: str


DRIVE_ADMIN, DRIVE = Door("admin_password", "drive_admin_password"), Door("keeper", "drive_keeper_password")
"""As the admin it mends the drive of a copy, as a user of its own it writes, and looks whether the others are there."""
SYNCTHING = Door("api-key", "syncthing_api_key")
ALBUM_PASSWORD, ALBUM_SCOPE = "photoprism_app_password", "photos files"
"""The file of the keeper's own password for the album, and what it may do there: index, and import."""


@dataclass(frozen=True, kw_only=True)
class CopyArgs:
    """One place to which everything is copied. `type`, `options` and `bandwidth` are rclone's.

    `folder` is a folder of the host where the copy lies on it, else None; `path` the folder at the remote. `schedule` is
    five fields of cron in the system's time zone. `repository_password` encrypts it; an album, which is plain, has none.
    `secrets` maps the names of options to values, in the order in which their files are put into the container.
    """

    kind: Kind
    type: str
    path: str
    folder: str | None
    options: Mapping[str, str]
    schedule: str
    verify_days: int
    keep: KeepSettings
    bandwidth: str | None
    connections: int
    repository_password: pulumi.Input[str] | None
    secrets: Mapping[str, pulumi.Input[str]]


@dataclass(frozen=True, kw_only=True)
class BackupArgs:
    """What is copied where, when, and how much may vanish before a person is asked.

    `drill_schedule` is five fields of cron in the system's time zone; `findings` is what is not good about the set of
    copies; `updates` is what is asked for newer releases; `alert_urls` are Apprise's, separated by blanks; `ping_url` is of a watcher elsewhere. The programs restic and
    rclone are taken out of the images `restic_image` and `rclone_image`.
    """

    drill_schedule: str
    copies: Mapping[str, CopyArgs]
    gate: GateSettings
    strict: bool
    language: str
    port: int
    memory_mb: int
    apt_mirror: str | None
    pip_index: str | None
    restic_image: str
    rclone_image: str
    findings: Sequence[Problem]
    updates: UpdateSettings
    alert_urls: pulumi.Input[str] | None
    ping_url: pulumi.Input[str] | None


@dataclass(frozen=True, kw_only=True)
class KeeperArgs(ServiceArgs):
    """What the keeper has to know of the system.

    `base_image` is MariaDB's, as it was pulled; `reading` its user who may only read; `services` are the leaf services;
    `album_password` opens the album for what `ALBUM_SCOPE` names; `after` is what must stand before anything is built.
    """

    backup: BackupArgs
    base_image: str
    reading: DatabaseConnection
    services: Mapping[str, Service[Any, Any]]
    album_password: pulumi.Input[str] | None
    after: Sequence[pulumi.Resource]


class Keeper(Service[KeeperArgs, Platform]):
    """The backup runner with its page. Nothing waits for it.

    Creates: a `docker.RemoteImage` that is built here, and those of restic and rclone, which it takes these programs
    from; a `docker.Container` and a `docker.Volume` for its state.
    """

    service = "keeper"
    in_library = True
    Args = KeeperArgs
    data: ClassVar = {"": STATE}
    waited_for = False

    @classmethod
    def spec(cls, args: KeeperArgs, base: Platform, belongings: Belongings) -> ContainerSpec:
        """Describe the keeper; see the class."""
        backup, settings = args.backup, settings_of(args, base)
        programs = {"restic": backup.restic_image, "rclone": backup.rclone_image}
        pulled = {name: image_reference(image, base.image_registry) for name, image in programs.items()}
        arguments = build_args(args.base_image, pulled, backup.apt_mirror, backup.pip_index)
        return ContainerSpec(
            # With the system's name: it is removed with it, and a neighbour may run on the same sources.
            image=f"{base.prefix}-{cls.service}:{source_hash(arguments)}",
            build=ImageBuild(context=SOURCES, args=arguments, parts=pulled),
            memory_mb=backup.memory_mb,
            networks=["db", "apps"],
            user=f"{base.owner.uid}:{base.owner.gid}",
            files=keeper_files(args, settings),
            # The image leaves the folder open to all, and a fresh volume takes that over.
            volumes=[belongings.volumes[""], *kept_volumes(args)],
            binds=[
                *base.library.mounts(str(LIBRARY / "originals"), str(LIBRARY / "import"), read_only=True),
                *local_copies(backup),
            ],
            ports=[PublishedPort(internal=settings.port, external=backup.port)],
            health=HealthCheck(command=["keeper", "health"], interval_s=60, timeout_s=20, start_period_s=60, retries=3),
            stop_grace_s=120,
            depends_on=list(args.after),
        )


@dataclass(frozen=True, kw_only=True)
class WatchArgs(ServiceArgs):
    """The keeper that is watched."""

    keeper: Keeper


class Watch(Service[WatchArgs, Platform]):
    """The dead-man switch: reads the keeper's state and alerts, also when the keeper itself cannot.

    It has no key to any copy and sees no photo.

    Creates: a `docker.Container` of the keeper's image and a `docker.Volume` for what it has told already.
    """

    service = "watch"
    beside = Keeper.service
    Args = WatchArgs
    data: ClassVar = {"": WATCH_STATE}
    waited_for = False

    @classmethod
    def spec(cls, args: WatchArgs, base: Platform, belongings: Belongings) -> ContainerSpec:
        """Describe the watch; see the class."""
        keeper = args.keeper
        return ContainerSpec(
            image=keeper.image,
            image_id=keeper.image_id,
            memory_mb=WATCH_MEMORY_MB,
            networks=["apps"],
            user=f"{base.owner.uid}:{base.owner.gid}",
            command=["watch"],
            files=[
                _settings_file(settings_of(keeper.args, base)),
                *_secret_files(_alerts(keeper.args.backup)),
            ],
            volumes=[belongings.volumes[""], replace(keeper.volumes[""], read_only=True)],
            health=HealthCheck(
                command=["keeper", "health", "--watch"], interval_s=60, timeout_s=20, start_period_s=60, retries=3
            ),
            # A fresh volume takes its mode over from whoever mounts it first.
            depends_on=[keeper.container],
        )


def kept_volumes(args: KeeperArgs) -> list[VolumeMount]:
    """Return the services' volumes that are backed up, where the keeper sees them."""
    return [
        replace(service.volumes[service.backed_up.role], target=str(LIBRARY / name), read_only=True)
        for name, service in args.services.items()
        if service.backed_up
    ]


def local_copies(backup: BackupArgs) -> list[BindMount]:
    """Return the folders of this host that hold a copy, where the keeper sees them."""
    return [
        BindMount(source=copy.folder, target=str(REMOTES / name)) for name, copy in backup.copies.items() if copy.folder
    ]


def keeper_files(args: KeeperArgs, settings: Settings) -> list[ContainerFile]:
    """Return the settings, and every key that a copy, an alert or the index after sync needs."""
    return [_settings_file(settings), *_secret_files(_secrets(args, settings))]


def settings_of(args: KeeperArgs, base: Platform) -> Settings:
    """Return what the keeper reads from its settings file; nothing in it is secret."""
    backup = args.backup
    kept = {name: service.backed_up for name, service in args.services.items() if service.backed_up}
    origins = {name: service.endpoint.url(name) for name, service in args.services.items() if service.endpoint}
    return Settings(
        stack=base.stack,
        id=base.id,
        timezone=base.timezone,
        language=backup.language,
        roots={name: Path(LIBRARY / name) for name in (*MARKER_ROOTS, *kept)},
        marked=MARKER_ROOTS,
        leave_out={name: list(volume.leave_out) for name, volume in kept.items()},
        database=DatabaseSettings(
            host=args.reading.host, port=args.reading.port, name=args.reading.database, user=args.reading.user
        ),
        copies=[_copy(name, copy, origins.get("drive", "")) for name, copy in backup.copies.items()],
        drill_schedule=backup.drill_schedule,
        gate=backup.gate,
        strict=backup.strict,
        findings=list(backup.findings),
        memory_mb=backup.memory_mb,
        syncthing_url=origins.get("syncthing"),
        photoprism_url=origins.get("photoprism"),
        phones=_phones(args.services),
        drive_url=origins.get("drive"),
        storages=_storages(args.services),
        **_addresses(args.services, base),
        updates=backup.updates,
        **_imports(args.services),
    )


def _imports(services: Mapping[str, Service[Any, Any]]) -> dict[str, Any]:
    config = services["photoprism"].args.config if "photoprism" in services else None
    return {"import_schedule": config.import_schedule, "import_mode": config.import_mode} if config else {}


def _addresses(services: Mapping[str, Service[Any, Any]], base: Platform) -> dict[str, str]:
    """Return where people open the album and OpenList: on the internet, else on this machine or in its network."""
    found = {}
    if "photoprism" in services:
        found["album_address"] = base.public_urls.get("photoprism") or services["photoprism"].args.config.url
    if "drive" in services:
        local = f"http://localhost:{services['drive'].args.config.port}/"
        found["drive_address"] = base.public_urls.get("drive") or local
    return found


def _storages(services: Mapping[str, Service[Any, Any]]) -> list[StorageSettings]:
    config = services["drive"].args.config if "drive" in services else None
    return [
        StorageSettings(name=name, mount=storage.mount or f"/{name}")
        for name, storage in (config.storages if config else {}).items()
    ]


def _phones(services: Mapping[str, Service[Any, Any]]) -> list[PhoneSettings]:
    config = services["syncthing"].args.config if "syncthing" in services else None
    return [
        PhoneSettings(name=name, device=phone.device, deletions=phone.deletions, quiet_days=phone.quiet_days)
        for name, phone in (config.phones if config else {}).items()
    ]


def _copy(name: str, copy: CopyArgs, drive: str) -> CopySettings:
    options = {**copy.options, "url": drive} if copy.type == OPENLIST else copy.options
    return CopySettings(
        name=name,
        kind=copy.kind,
        type=copy.type,
        path=_path(name, copy),
        place=copy.folder or f"{copy.type}: {copy.path}",
        options=dict(options),
        secrets=list(copy.secrets),
        schedule=copy.schedule,
        verify_days=copy.verify_days,
        keep=copy.keep,
        bandwidth=copy.bandwidth,
        connections=copy.connections,
    )


def _path(name: str, copy: CopyArgs) -> str:
    if copy.folder:
        return str(REMOTES / name)
    # Below OpenList's WebDAV, not below the server's root.
    return copy.path.strip("/") if copy.type == OPENLIST else copy.path


def _secrets(args: KeeperArgs, settings: Settings) -> dict[str, pulumi.Input[str]]:
    """Return file name → content of every key that a copy, an alert or the index after sync needs."""
    copies, services = args.backup.copies, args.services
    contents: dict[str, pulumi.Input[str]] = {"keeper_database_password": args.reading.password}
    copies_there = any(copy.type == OPENLIST for copy in copies.values())
    for door in [*([DRIVE_ADMIN] if copies_there else []), *([DRIVE] if copies_there or settings.storages else [])]:
        contents[door.file] = _credentials(services["drive"])[door.credential]
    for copy in settings.copies:
        if (password := copies[copy.name].repository_password) is not None:
            contents[copy.secret_name(PASSWORD)] = password
        contents |= {copy.secret_name(option): value for option, value in copies[copy.name].secrets.items()}
    contents |= _alerts(args.backup)
    if "syncthing" in services:
        contents[SYNCTHING.file] = _credentials(services["syncthing"])[SYNCTHING.credential]
    if args.album_password is not None:
        contents[ALBUM_PASSWORD] = args.album_password
    return contents


def _credentials(service: Service[Any, Any]) -> dict[str, pulumi.Output[str]]:
    return {**service.secrets, **service.passwords}


def _alerts(backup: BackupArgs) -> dict[str, pulumi.Input[str]]:
    """Return file name → content of what alerts need: keeper/alerts.py."""
    contents = {"backup_alert_urls": backup.alert_urls, "backup_ping_url": backup.ping_url}
    return {name: content for name, content in contents.items() if content is not None}


def _settings_file(settings: Settings) -> ContainerFile:
    return ContainerFile(path=SETTINGS_FILE, content=settings.model_dump_json(indent=1) + "\n")


def _secret_files(secrets: Mapping[str, pulumi.Input[str]]) -> list[ContainerFile]:
    return [
        ContainerFile(path=str(SECRETS / name), content=pulumi.Output.secret(content))
        for name, content in secrets.items()
    ]
