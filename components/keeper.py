"""The keeper, which backs everything up, and its watch, which raises the alarm when it goes silent.

Both run in one image that is built from `keeper/` on the stack's own MariaDB image, so that dump, server and test
restore are of one version. Nothing depends on them: an image that cannot be built leaves the album as it is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pulumi
from docker.utils.build import exclude_paths

from components.backup import ALERT_KEYS, OPENLIST, BackupConfig, MirrorsConfig, RemoteConfig
from components.container import BindMount, ContainerFile, ContainerSpec, HealthCheck, ImageBuild, PublishedPort
from components.fields import PROJECT
from components.service import DatabaseConnection, Foundation, Platform, Service
from keeper.settings import DatabaseSettings, GateSettings, KeepSettings, RemoteSettings, Settings

SOURCES = "keeper"
IGNORED = ".dockerignore"
SECRETS = PurePosixPath("/run/secrets")
SETTINGS_FILE = "/etc/keeper/keeper.json"
STATE, WATCH_STATE = "/var/lib/keeper", "/var/lib/watch"
LIBRARY, REMOTES = PurePosixPath("/library"), PurePosixPath("/remotes")
MARKER_ROOTS = ["originals", "import"]
"""The folders of `/library` that carry the marker of the stack."""
DRIVE_LOGIN = "drive_admin_password"
ALBUM_LOGIN = "photoprism_admin_password"
WATCH_MEMORY_MB = 256


@dataclass(frozen=True, kw_only=True)
class KeeperArgs:
    """What the keeper has to know of the stack.

    `base_image` is MariaDB's, as it was pulled; `reading` its user who may only read; `services` are the leaf services;
    `findings` is what is not good about the set of remotes; `after` is what must stand before anything is built.
    """

    base_image: str
    reading: DatabaseConnection
    services: Mapping[str, Service[Any, Any]]
    findings: Sequence[str]
    after: Sequence[pulumi.Resource]


class Keeper(Service[BackupConfig, Platform]):
    """The backup runner with its page.

    Creates: a `docker.RemoteImage` that is built here, a `docker.Container` and a `docker.Volume` for its state.
    """

    Config = BackupConfig
    data: ClassVar = {"": STATE}
    waited_for = False

    def __init__(
        self,
        name: str,
        config: BackupConfig,
        base: Platform,
        args: KeeperArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        self._args = args
        self.settings = settings_of(config, base, args)
        build_args = _build_args(args.base_image, config.mirrors)
        self._build = ImageBuild(context=SOURCES, args=build_args)
        # With the stack's name: it is removed with the stack, and a neighbour may run on the same sources.
        self.image = f"{base.prefix}-{name}:{source_hash(build_args)}"
        super().__init__(name, config, base, opts)

    def spec(self, config: BackupConfig, base: Platform) -> ContainerSpec:
        """Describe the keeper; see the class. Nothing waits for it."""
        kept = [
            replace(service.volumes[service.backed_up.role], target=str(LIBRARY / name), read_only=True)
            for name, service in self._args.services.items()
            if service.backed_up
        ]
        disks = [
            BindMount(source=remote.folder, target=str(REMOTES / name))
            for name, remote in config.remotes.items()
            if remote.is_local
        ]
        return ContainerSpec(
            image=self.image,
            build=self._build,
            memory_mb=config.memory,
            networks=["db", "apps"],
            user=f"{base.owner.uid}:{base.owner.gid}",
            files=[_settings_file(self.settings), *_secret_files(self._secrets(config))],
            # The image leaves the folder open to all, and a fresh volume takes that over.
            volumes=[self.volume(), *kept],
            binds=[
                *base.library.mounts(str(LIBRARY / "originals"), str(LIBRARY / "import"), read_only=True),
                *disks,
            ],
            ports=[PublishedPort(internal=self.settings.port, external=config.port)],
            health=HealthCheck(command=["keeper", "health"], interval_s=60, timeout_s=20, start_period_s=60, retries=3),
            stop_grace_s=120,
            depends_on=list(self._args.after),
        )

    def _secrets(self, config: BackupConfig) -> dict[str, pulumi.Output[str]]:
        """Return file name → content of every key that a copy, an alert or the index after sync needs."""
        flat, services = self._base.secrets, self._args.services
        found = {"keeper_database_password": self._args.reading.password}
        if any(remote.type == OPENLIST for remote in config.remotes.values()):
            found[DRIVE_LOGIN] = flat[DRIVE_LOGIN]
        found |= {key: flat[key] for key in (*config.crypt_keys(), *config.typed_keys())}
        found |= {key: flat[key] for key in ALERT_KEYS if key in flat}
        if "photoprism" in services:
            found[ALBUM_LOGIN] = flat[ALBUM_LOGIN]
        for service in services.values():
            found |= service.shared
        return found


class Watch(Service[BackupConfig, Foundation]):
    """The dead-man switch: reads the keeper's state and alerts, also when the keeper itself cannot.

    Creates: a `docker.Container` of the keeper's image and a `docker.Volume` for what it has told already.
    """

    Config = BackupConfig
    data: ClassVar = {"": WATCH_STATE}
    waited_for = False

    def __init__(
        self,
        name: str,
        config: BackupConfig,
        base: Foundation,
        keeper: Keeper,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        self._keeper = keeper
        super().__init__(name, config, base, opts)

    def spec(self, config: BackupConfig, base: Foundation) -> ContainerSpec:
        """Describe the watch; see the class. It has no key to any copy and sees no photo."""
        del config
        return ContainerSpec(
            image=self._keeper.image,
            image_id=self._keeper.image_id,
            memory_mb=WATCH_MEMORY_MB,
            networks=["apps"],
            user=f"{base.owner.uid}:{base.owner.gid}",
            command=["watch"],
            files=[
                _settings_file(self._keeper.settings),
                *_secret_files({key: base.secrets[key] for key in ALERT_KEYS if key in base.secrets}),
            ],
            volumes=[self.volume(), replace(self._keeper.volumes[""], read_only=True)],
            health=HealthCheck(
                command=["keeper", "health", "--watch"], interval_s=60, timeout_s=20, start_period_s=60, retries=3
            ),
            # A fresh volume takes its mode over from whoever mounts it first.
            depends_on=[self._keeper.container],
        )


def settings_of(config: BackupConfig, base: Platform, args: KeeperArgs) -> Settings:
    """Return what the keeper reads from its settings file; nothing in it is secret."""
    kept = {name: service.backed_up for name, service in args.services.items() if service.backed_up}
    origins = {name: service.endpoint.url(name) for name, service in args.services.items() if service.endpoint}
    return Settings(
        stack=base.stack,
        id=base.id,
        timezone=base.timezone,
        language=config.language,
        roots={name: Path(LIBRARY / name) for name in (*MARKER_ROOTS, *kept)},
        marked=MARKER_ROOTS,
        leave_out={name: list(volume.leave_out) for name, volume in kept.items()},
        database=DatabaseSettings(
            host=args.reading.host, port=args.reading.port, name=args.reading.database, user=args.reading.user
        ),
        remotes=[_remote(name, remote, origins.get("drive", "")) for name, remote in config.remotes.items()],
        schedule=config.schedule,
        drill_schedule=config.drill_schedule,
        gate=GateSettings(**config.gate.model_dump()),
        keep=KeepSettings(**config.keep.model_dump()),
        strict=config.strict,
        findings=list(args.findings),
        syncthing_url=origins.get("syncthing"),
        photoprism_url=origins.get("photoprism"),
    )


def _remote(name: str, remote: RemoteConfig, drive: str) -> RemoteSettings:
    options = {**remote.options, "url": drive} if remote.type == OPENLIST else remote.options
    return RemoteSettings(
        name=name,
        kind=remote.kind,
        type=remote.type,
        path=_path(name, remote),
        place=remote.folder if remote.is_local else f"{remote.type}: {remote.path}",
        options=dict(options),
        secrets=list(remote.secrets),
        encrypt=remote.encrypt,
        name_encoding=remote.name_encoding,
        bandwidth=remote.bandwidth,
        transfers=remote.transfers,
    )


def _path(name: str, remote: RemoteConfig) -> str:
    if remote.is_local:
        return str(REMOTES / name)
    # Below OpenList's WebDAV, not below the server's root.
    return remote.path.strip("/") if remote.type == OPENLIST else remote.path


def source_hash(build_args: Mapping[str, str], folder: Path = PROJECT / SOURCES) -> str:
    """Return what tells one image of the keeper from another: the hash of its sources and of what its build is told.

    All that replaces the image must be in it: the old one is removed by its name, after the new one is made.
    """
    digest = hashlib.sha256(json.dumps(build_args, sort_keys=True).encode())
    for name in sources(folder):
        content = (folder / name).read_bytes()
        digest.update(f"\0{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:12]


def sources(folder: Path = PROJECT / SOURCES) -> list[str]:
    """Return the files that the build reads, by Docker's own reading of .dockerignore, which itself says nothing new."""
    lines = (line.strip() for line in (folder / IGNORED).read_text("utf-8").splitlines())
    patterns = [line for line in lines if line and not line.startswith("#")]
    names = (str(name) for name in exclude_paths(str(folder), patterns))
    return sorted(name for name in names if name != IGNORED and (folder / name).is_file())


def _build_args(base_image: str, mirrors: MirrorsConfig) -> dict[str, str]:
    args = {"BASE": base_image}
    if mirrors.apt:
        args["APT_MIRROR"] = mirrors.apt
    if mirrors.pip:
        args["PIP_INDEX_URL"] = mirrors.pip
        where = urlsplit(mirrors.pip)
        if where.scheme == "http" and where.hostname:
            args["PIP_TRUSTED_HOST"] = where.hostname
    return args


def _settings_file(settings: Settings) -> ContainerFile:
    return ContainerFile(path=SETTINGS_FILE, content=settings.model_dump_json(indent=1) + "\n")


def _secret_files(secrets: Mapping[str, pulumi.Output[str]]) -> list[ContainerFile]:
    return [ContainerFile(path=str(SECRETS / name), content=content) for name, content in secrets.items()]
