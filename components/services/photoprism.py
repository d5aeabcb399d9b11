"""PhotoPrism: albums, search, upload, WebDAV, index and import.

Environment variables: photoprism-docs, getting-started/config-options.md; their reading order and `_FILE` variables:
internal/config in photoprism/photoprism. What is set here wins only until someone changes it in PhotoPrism's own
settings page, which writes options.yml.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from components.container import (
    BackedUp,
    ContainerFile,
    ContainerSpec,
    Devices,
    Endpoint,
    HealthCheck,
    Login,
    PublishedPort,
)
from components.fields import BindAddress, Image, IndexSchedule, Memory, Port, Section, SiteUrl
from components.messages import message
from components.refusals import refusal
from components.service import Belongings, Platform, Secret, Service, ServiceArgs
from components.service_config import ServiceConfig

HTTP_PORT = 2342
MINIMUM_MEMORY_MB = 1024

# Newer images start through s6 (/init), which needs root or a /run of its own; the older entrypoint passes no TERM on
# to the server. What both do for a fixed user is this.
START = """#!/bin/sh
set -eu
umask 0002
if [ ! -w /photoprism/storage ]; then
  echo "photos: /photoprism/storage is not writable for user $(id -u)" >&2
  exit 1
fi
exec /opt/photoprism/bin/photoprism start
"""


# What its pages speak: frontend/src/locales.js. Anything else becomes English, without a word.
LANGUAGES = (
    "af", "ar", "be", "bg", "ca", "cs", "da", "de", "el", "en", "es", "et", "eu", "fa", "fi", "fr", "ga", "he", "hi",
    "hr", "hu", "id", "it", "ja", "ko", "ku", "lt", "lv", "ms", "nb", "nl", "pl", "pt", "pt_BR", "ro", "ru", "sk", "sl",
    "sv", "th", "tr", "uk", "vi", "zh", "zh_TW",
)  # fmt: skip
LARGEST_FILE_MB = 100_000
"""Above, PhotoPrism takes the limit for none: OriginalsLimit in internal/config."""


def _locale(value: str) -> str:
    if value in LANGUAGES:
        return value
    plain = value.strip().lower().replace("-", "_").partition(".")[0]
    chinese = {"zh_cn": "zh", "zh_hans": "zh", "zh_sg": "zh", "zh_hant": "zh_TW", "zh_hk": "zh_TW", "cn": "zh"}
    exact = {language.lower(): language for language in LANGUAGES} | chinese
    near = exact.get(plain) or exact.get(plain.partition("_")[0])
    meant = (
        message("did_you_mean", "Did you mean {near}?", near=near)
        if near
        else message("write_one_of", "Write one of {known}", known=", ".join(LANGUAGES))
    )
    raise refusal(
        "locale_unknown", '"{value}" is not a language of PhotoPrism\'s pages. {meant}', value=value, meant=meant
    )


def _text(value: str) -> str:
    if not value.strip() or any(unicodedata.category(letter) in ("Cc", "Zl", "Zp") for letter in value):
        raise refusal(
            "text_not_plain",
            "{value} is empty or holds a line break or another control character. Write one line, e.g. Family photos",
            value=repr(value),
        )
    return value


def _device(value: str) -> str:
    if not re.fullmatch(r"/dev(/[\w-]+)+", value, re.ASCII):
        raise refusal(
            "device_unreadable",
            '"{value}" is not a device. Write its path, e.g. /dev/dri or /dev/dri/renderD128',
            value=value,
        )
    return value


class Features(Section):
    """What PhotoPrism does with a picture, and what its pages offer."""

    faces: bool = Field(True, description="recognise faces")
    classification: bool = Field(True, description="recognise what a picture shows")
    places: bool = Field(True, description="maps and place names (asks PhotoPrism's server)")
    raw: bool = Field(True, description="convert RAW files")
    settings: bool = Field(True, description="settings page; what is changed there beats the stack file")


class Transcoding(Section):
    """Video conversion."""

    encoder: Literal["software", "intel", "vaapi", "nvidia"] = Field(
        "software", description="who converts videos: software, intel, vaapi or nvidia"
    )
    device: Annotated[str, AfterValidator(_device)] = Field("/dev/dri", description="device of intel and vaapi")
    device_group: int | None = Field(
        None, description="group number that owns the device (stat -c %g /dev/dri/renderD128)", ge=1
    )


class PhotoPrismConfig(ServiceConfig):
    """PhotoPrism, the album."""

    ruled_variables: ClassVar = {
        r"PHOTOPRISM_(AUTH_MODE|PUBLIC|DEMO|.*_PASSWORD.*|.*_SECRET.*|ADMIN_.*|LOGIN_.*|OIDC_.*|LDAP_.*)": (
            message("rule_album_login", "decides who gets into the album")
        ),
        r"PHOTOPRISM_DATABASE_.*": message("rule_album_database", "is how the album finds its database"),
        r"PHOTOPRISM_.*_(PATH|FILE|YAML)|PHOTOPRISM_(UID|GID|UMASK)": message(
            "rule_data_place", "would move data out of its place"
        ),
        r"PHOTOPRISM_(HTTP_.*|.*TLS.*|TRUSTED_.*|PROXY_.*|INIT)": message(
            "rule_album_network", "is how the network reaches the album"
        ),
        r"PHOTOPRISM_(SITE_URL|SITE_TITLE|DEFAULT_LOCALE|DEFAULT_TIMEZONE|ORIGINALS_LIMIT|READONLY|DISABLE_WEBDAV|"
        r"INDEX_SCHEDULE|EXPERIMENTAL|DISABLE_(FACES|CLASSIFICATION|PLACES|RAW|SETTINGS)|FFMPEG_ENCODER|WORKERS)": (
            message("rule_own_key", "has a key of its own in this section")
        ),
        r"NVIDIA_.*": message("rule_encoder", "follows from transcoding.encoder"),
    }

    image: Image = Field("photoprism/photoprism:260728-ce", description="image with a fixed tag")
    memory: Memory = Field(4096, description="memory limit, at least 1g; 4g for a real library")
    port: Port = Field(12343, description="port of the album on this machine")
    bind: BindAddress = Field("127.0.0.1", description="address the album answers on")
    site_url: SiteUrl | None = Field(
        None, description="address in the browser; default: the published one, else http://localhost:<port>/"
    )
    site_title: Annotated[str, AfterValidator(_text)] = Field(
        "Family photos", description="title of the album", max_length=100
    )
    locale: Annotated[str, AfterValidator(_locale)] = Field("en", description="language of the pages, e.g. en or zh")
    originals_limit: int = Field(5000, description="largest file to index, in megabytes", ge=1, le=LARGEST_FILE_MB)
    workers: int | None = Field(None, description="indexing threads; default: PhotoPrism decides", ge=1, le=64)
    read_only: bool = Field(False, description="no upload, no import, no delete")
    webdav: bool = Field(True, description="WebDAV at /originals/ and /import/")
    index_schedule: IndexSchedule = Field(
        "@every 3h", description='when to look for new files: five cron fields, Sunday is 0, or a pause; "" for never'
    )
    experimental: bool = Field(False, description="PhotoPrism's unfinished features")
    features: Features = Field(default_factory=Features, description="switches, see below")
    transcoding: Transcoding = Field(default_factory=Transcoding, description="video conversion, see below")

    @model_validator(mode="after")
    def _enough_memory(self) -> PhotoPrismConfig:
        if self.memory < MINIMUM_MEMORY_MB:
            raise refusal(
                "memory_too_little",
                "memory: {memory}m is too little, indexing would be killed. Write at least 1g",
                memory=self.memory,
            )
        return self

    @property
    def url(self) -> str:
        """Where a browser finds the album."""
        return self.site_url or f"http://{'localhost' if self.bind.startswith('127.') else self.bind}:{self.port}/"


@dataclass(frozen=True, kw_only=True)
class PhotoPrismArgs(ServiceArgs):
    """The album's configuration and the password of its user `admin`, which only its first start takes over."""

    config: PhotoPrismConfig
    admin_password: Secret


class PhotoPrism(Service[PhotoPrismArgs, Platform]):
    """The album.

    Creates: a `docker.RemoteImage`, a `docker.Container` and a `docker.Volume` for its storage folder.
    """

    service = "photoprism"
    Args = PhotoPrismArgs
    Config = PhotoPrismConfig
    login = Login(argument="admin_password")
    data: ClassVar = {"storage": "/photoprism/storage"}
    endpoint = Endpoint(port=HTTP_PORT)
    backed_up = BackedUp(role="storage", leave_out=("cache",))

    @classmethod
    def spec(cls, args: PhotoPrismArgs, base: Platform, belongings: Belongings) -> ContainerSpec:
        """Describe the album; see the class."""
        config = args.config
        return ContainerSpec(
            image=config.image,
            memory_mb=config.memory,
            networks=["db", "apps"],
            user=f"{base.owner.uid}:{base.owner.gid}",
            groups=[str(config.transcoding.device_group)] if config.transcoding.device_group else [],
            working_dir="/photoprism",
            entrypoint=["/photos/start"],
            env={**_environment(config, base), "PHOTOPRISM_TRUSTED_PROXY": base.networks.apps_subnet},
            files=[
                ContainerFile(path="/photos/start", content=START, executable=True),
                ContainerFile(
                    path="/run/secrets/photoprism_admin_password", content=belongings.secrets["admin_password"]
                ),
                ContainerFile(path="/run/secrets/mariadb_password", content=base.database.password),
            ],
            volumes=[belongings.volumes["storage"]],
            binds=base.library.mounts("/photoprism/originals", "/photoprism/import"),
            ports=[PublishedPort(internal=HTTP_PORT, external=config.port, ip=config.bind)],
            devices=_devices(config.transcoding),
            health=HealthCheck(
                # Not `photoprism status`: newer builds ask SITE_URL, that is the public address.
                command=["curl", "-fsS", f"http://127.0.0.1:{HTTP_PORT}/api/v1/status"],
                start_period_s=120,
            ),
            stop_grace_s=60,
            wait_s=600,
            depends_on=[base.database.ready],
        )


def _environment(config: PhotoPrismConfig, base: Platform) -> dict[str, str]:
    features, database = config.features, base.database
    environment = {
        "AUTH_MODE": "password",
        "ADMIN_USER": "admin",
        "ADMIN_PASSWORD_FILE": "/run/secrets/photoprism_admin_password",
        "DATABASE_DRIVER": "mysql",
        "DATABASE_SERVER": f"{database.host}:{database.port}",
        "DATABASE_NAME": database.database,
        "DATABASE_USER": database.user,
        "DATABASE_PASSWORD_FILE": "/run/secrets/mariadb_password",
        "SITE_URL": base.public_urls.get("photoprism", config.url),
        "SITE_TITLE": config.site_title,
        "DEFAULT_LOCALE": config.locale,
        "DEFAULT_TIMEZONE": base.timezone,
        # The image's default makes a certificate and then speaks TLS on the plain port.
        "INIT": "",
        "DISABLE_TLS": "true",
        "DEFAULT_TLS": "false",
        "ORIGINALS_LIMIT": str(config.originals_limit),
        "READONLY": _flag(config.read_only),
        "DISABLE_WEBDAV": _flag(not config.webdav),
        "INDEX_SCHEDULE": config.index_schedule,
        "EXPERIMENTAL": _flag(config.experimental),
        "DISABLE_FACES": _flag(not features.faces),
        "DISABLE_CLASSIFICATION": _flag(not features.classification),
        "DISABLE_PLACES": _flag(not features.places),
        "DISABLE_RAW": _flag(not features.raw),
        "DISABLE_SETTINGS": _flag(not features.settings),
        "FFMPEG_ENCODER": config.transcoding.encoder,
    }
    if config.workers:
        environment["WORKERS"] = str(config.workers)
    variables = {f"PHOTOPRISM_{key}": value for key, value in environment.items()}
    if config.transcoding.encoder == "nvidia":
        variables |= {"NVIDIA_VISIBLE_DEVICES": "all", "NVIDIA_DRIVER_CAPABILITIES": "all"}
    return variables


def _devices(transcoding: Transcoding) -> Devices:
    if transcoding.encoder in ("intel", "vaapi"):
        return Devices(paths=[transcoding.device])
    return Devices(nvidia=transcoding.encoder == "nvidia")


def _flag(value: bool) -> str:
    return "true" if value else "false"
