"""PhotoPrism: albums, search, upload, WebDAV, index and import.

Environment variables: photoprism-docs, getting-started/config-options.md; their reading order and `_FILE` variables:
internal/config in photoprism/photoprism. What is set here wins: what PhotoPrism's settings page changes of it is shown
by a preview that looks, and is gone with the next start.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import pulumi
from pydantic import AfterValidator, Field, model_validator

from components.addresses import IN_THE_LAN, asked_at, in_url
from components.apps.photoprism import AppPassword, Options, OptionsProvider, Settings, SettingsProvider
from components.apps.photoprism_people import DOCKER, PERSON, Person, PersonProvider
from components.apps.resource import CONTAINER, KEY, URL
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
from components.fields import BindAddresses, Image, IndexSchedule, Memory, Port, Section, SiteUrl
from components.messages import message
from components.photoprism_import import IMPORT_PATTERN, go_layout, import_pattern
from components.refusals import refusal
from components.schedules import CronOrNever
from components.service import Belongings, Platform, Secret, Service, ServiceArgs
from components.service_config import ServiceConfig
from components.storage import MARKER

HTTP_PORT = 2342
MINIMUM_MEMORY_MB = 1024

# Newer images start through s6 (/init), which needs root or a /run of its own; the older entrypoint passes no TERM on
# to the server. What both do for a fixed user is this. What the stack sets is taken out of the file that the settings
# page writes, since that file beats it: a key with the lines below it, in any spelling of its letters. And an import
# that moves deletes every file whose name begins with a dot, unless .ppignore names it: the library's marker would go.
START = """#!/bin/sh
set -eu
umask 0002
if [ ! -w /photoprism/storage ]; then
  echo "photos: /photoprism/storage is not writable for user $(id -u)" >&2
  exit 1
fi
options=/photoprism/storage/config/options.yml
if [ -s "$options" ]; then
  awk '/^[^ \\t#-]/ {{ ours = tolower($0) ~ /^"?({keys})"?[ \\t]*:/ }} !ours' "$options" > "$options.new"
  cmp -s "$options" "$options.new" && rm "$options.new" || mv "$options.new" "$options"
fi
kept=/photoprism/import/.ppignore
if [ -w /photoprism/import ]; then
  [ -z "$(tail -c 1 "$kept" 2>/dev/null)" ] || echo >> "$kept"
  for name in {kept}; do
    grep -qxF -- "$name" "$kept" 2>/dev/null || echo "$name" >> "$kept"
  done
fi
exec /opt/photoprism/bin/photoprism start
"""


KEPT_AT_IMPORT = (MARKER, ".stfolder", ".stignore", ".syncthing.*", "~syncthing~*")
"""What an import must not delete: the library's marker, and what Syncthing needs in a folder that it fills."""

# What its pages speak: frontend/src/locales.js. Anything else becomes English, without a word.
LANGUAGES = (
    "af", "ar", "be", "bg", "ca", "cs", "da", "de", "el", "en", "es", "et", "eu", "fa", "fi", "fr", "ga", "he", "hi",
    "hr", "hu", "id", "it", "ja", "ko", "ku", "lt", "lv", "ms", "nb", "nl", "pl", "pt", "pt_BR", "ro", "ru", "sk", "sl",
    "sv", "th", "tr", "uk", "vi", "zh", "zh_TW",
)  # fmt: skip
VARIABLES = {
    "SiteUrl": "SITE_URL", "SiteTitle": "SITE_TITLE", "DefaultLocale": "DEFAULT_LOCALE",
    "DefaultTimezone": "DEFAULT_TIMEZONE", "DisableTLS": "DISABLE_TLS", "DefaultTLS": "DEFAULT_TLS",
    "OriginalsLimit": "ORIGINALS_LIMIT", "ReadOnly": "READONLY", "DisableWebDAV": "DISABLE_WEBDAV",
    "IndexSchedule": "INDEX_SCHEDULE", "Experimental": "EXPERIMENTAL", "DisableFaces": "DISABLE_FACES",
    "DisableClassification": "DISABLE_CLASSIFICATION", "DisablePlaces": "DISABLE_PLACES", "DisableRaw": "DISABLE_RAW",
    "FFmpegEncoder": "FFMPEG_ENCODER", "FFmpegSize": "FFMPEG_SIZE", "FFmpegPreset": "FFMPEG_PRESET",
    "ThumbSize": "THUMB_SIZE", "JpegQuality": "JPEG_QUALITY", "IndexWorkers": "WORKERS",
}  # fmt: skip
"""Option → the variable (PHOTOPRISM_...) that sets it: internal/config/flags.go."""
BEYOND_THE_PAGE = (
    "adminuser", "authmode", "databasedriver", "databasedsn", "databasename", "databasepassword", "databaseserver",
    "databaseuser", "disablesettings", "public", "trustedproxies",
)  # fmt: skip
"""Options that only a hand in the file sets: they would open the album, or take it off its database."""
CLIENT = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")
PERSON_NAME = re.compile(r"[a-z][a-z0-9.-]{1,30}[a-z0-9]")
TAKEN_NAMES = ("drive", "keeper", "photoprism", "syncthing")
"""Logins that `./photos password` shows, or will not."""
TAKEN_PEOPLE = ("admin", "visitor", *TAKEN_NAMES)
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


def _clients(names: list[str]) -> list[str]:
    if (name := _unfit(names, CLIENT, TAKEN_NAMES)) is not None:
        raise refusal(
            "client_name",
            '"{name}" cannot be the name of a WebDAV client, or stands there twice. Write lower-case letters, digits '
            "and -, e.g. laptop",
            name=name,
        )
    return names


def _people(names: list[str]) -> list[str]:
    if (name := _unfit(names, PERSON_NAME, TAKEN_PEOPLE)) is not None:
        raise refusal(
            "person_name",
            '"{name}" cannot be the login of a person, or stands there twice. Write 3 to 32 lower-case letters, '
            "digits, . and -, e.g. anna",
            name=name,
        )
    return names


def _unfit(names: list[str], pattern: re.Pattern[str], taken: tuple[str, ...]) -> str | None:
    """Return the first name that does not fit, is taken or stands there twice."""
    unfit = (name for name in names if not pattern.fullmatch(name) or name in taken or names.count(name) > 1)
    return next(unfit, None)


class Features(Section):
    """What PhotoPrism does with a picture, and what its pages offer."""

    faces: bool = Field(True, description="recognise faces")
    classification: bool = Field(True, description="recognise what a picture shows")
    places: bool = Field(True, description="maps and place names (asks PhotoPrism's server)")
    raw: bool = Field(True, description="convert RAW files")
    settings: bool = Field(True, description="settings page; what it changes of the stack file's keys is put back")


class Thumbnails(Section):
    """The small pictures that its pages show. Those that are there stay as they are."""

    size: int | None = Field(
        None, description="largest thumbnail that is kept, in pixels; default: PhotoPrism's, 1920", ge=720, le=15360
    )
    quality: int | None = Field(
        None, description="JPEG quality of thumbnails; default: PhotoPrism's, 83", ge=25, le=100
    )


class Transcoding(Section):
    """Video conversion."""

    encoder: Literal["software", "intel", "vaapi", "nvidia"] = Field(
        "software", description="who converts videos: software, intel, vaapi or nvidia"
    )
    device: Annotated[str, AfterValidator(_device)] = Field("/dev/dri", description="device of intel and vaapi")
    device_group: int | None = Field(
        None, description="group number that owns the device (stat -c %g /dev/dri/renderD128)", ge=1
    )
    size: int | None = Field(
        None, description="largest width of a converted video, in pixels; default: PhotoPrism's, 4096", ge=720, le=15360
    )
    speed: Literal["veryfast", "faster", "fast", "medium", "slow"] | None = Field(
        None, description="speed of software and intel: the faster, the larger the file; default: PhotoPrism's, fast"
    )


ImportPattern = Annotated[str, AfterValidator(import_pattern)]


def password_of(person: str) -> str:
    """Return the name of a person's first password among the secrets inside the album."""
    return f"person_{person}_password"


class PhotoPrismConfig(ServiceConfig):
    """PhotoPrism, the album."""

    has_inner_secrets = True
    release_series = 0  # its tags are dates

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
        r"INDEX_SCHEDULE|EXPERIMENTAL|DISABLE_(FACES|CLASSIFICATION|PLACES|RAW|SETTINGS)|FFMPEG_ENCODER|"
        r"(INDEX_)?WORKERS)": (message("rule_own_key", "has a key of its own in this section")),
        r"PHOTOPRISM_(THUMB_SIZE|JPEG_QUALITY)": message(
            "rule_thumbnails", "is thumbnails.size or thumbnails.quality here"
        ),
        r"PHOTOPRISM_FFMPEG_(SIZE|PRESET)": message(
            "rule_transcoding", "is transcoding.size or transcoding.speed here"
        ),
        r"NVIDIA_.*": message("rule_encoder", "follows from transcoding.encoder"),
    }

    image: Image = Field("photoprism/photoprism:260728-ce", description="image with a fixed tag")
    memory: Memory = Field(4096, description="memory limit, at least 1g; 4g for a real library")
    port: Port = Field(12343, description="port of the album on this machine")
    bind: BindAddresses = Field(
        ("127.0.0.1",), description="address the album answers on, a list of them, or lan: see docs/lan.md"
    )
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
    import_pattern: ImportPattern = Field(
        IMPORT_PATTERN, description="where an import puts a photo in originals, and under which name"
    )
    import_schedule: CronOrNever = Field(
        "",
        description='when the album takes over what lies in the import folder: five cron fields, e.g. "0 4 * * *"; "" for never',
    )
    import_mode: Literal["copy", "move"] = Field(
        "copy", description="whether a scheduled import copies or moves; from a folder that Syncthing syncs it copies"
    )
    webdav_clients: Annotated[list[str], AfterValidator(_clients)] = Field(
        [],
        description="computers that get a password of their own for WebDAV, e.g. [laptop]; ./photos password shows it",
    )
    people: Annotated[list[str], AfterValidator(_people)] = Field(
        [],
        description="people with a login of their own, e.g. [anna]; each may change and delete everything; ./photos password shows the first password",
    )
    experimental: bool = Field(False, description="PhotoPrism's unfinished features")
    features: Features = Field(default_factory=Features, description="switches, see below")
    thumbnails: Thumbnails = Field(
        default_factory=Thumbnails, description="the pictures that its pages show, see below"
    )
    transcoding: Transcoding = Field(default_factory=Transcoding, description="video conversion, see below")

    @classmethod
    def made_secrets(cls, section: Mapping[str, Any]) -> list[str]:
        """Return the first passwords of the people."""
        people = section.get("people")
        return [password_of(name) for name in people if isinstance(name, str)] if isinstance(people, list) else []

    @model_validator(mode="after")
    def _people_are_apart(self) -> PhotoPrismConfig:
        if both := sorted({*self.people} & {*self.webdav_clients}):
            raise refusal(
                "person_is_client",
                '"{name}" stands in people and in webdav_clients. Write another name for one of them',
                name=both[0],
            )
        if self.people and not self.features.settings:
            raise refusal(
                "people_need_settings",
                "people: PhotoPrism changes no password while its settings page is off. Leave out features.settings: false",
            )
        return self

    @model_validator(mode="after")
    def _import_is_possible(self) -> PhotoPrismConfig:
        if self.import_schedule and self.read_only:
            raise refusal(
                "import_read_only",
                "read_only: true lets nothing into the album, so it cannot import. Leave out import_schedule or read_only",
            )
        return self

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
        beyond = [
            address for address in self.bind if address not in ("::1", IN_THE_LAN) and not address.startswith("127.")
        ]
        return self.site_url or f"http://{in_url(beyond[0]) if beyond else 'localhost'}:{self.port}/"


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
    in_library = True
    Args = PhotoPrismArgs
    Config = PhotoPrismConfig
    login = Login(argument="admin_password")
    data: ClassVar = {"storage": "/photoprism/storage"}
    endpoint = Endpoint(port=HTTP_PORT)
    in_panel_network = True
    backed_up = BackedUp(role="storage", leave_out=("cache",))

    def furnish(self, name: str, args: PhotoPrismArgs, base: Platform) -> None:
        """Declare the options and settings that its page could change, and the passwords of WebDAV clients.

        Where there is no such page nobody changes anything, and PhotoPrism's API does not either.
        """
        config = args.config
        if config.features.settings:
            options = {**self._reached, "options": album_options(config, base)}
            Options(OptionsProvider(), f"{name}-options", options, parent=self, inside=self.container)
            settings = {**self._reached, "settings": {"import": {"dest": go_layout(config.import_pattern)}}}
            Settings(SettingsProvider(), f"{name}-settings", settings, parent=self, inside=self.container)
        for client in config.webdav_clients:
            self.password_for(client, "webdav")
        self._let_in(name, args, base)

    def _let_in(self, name: str, args: PhotoPrismArgs, base: Platform) -> None:
        """Declare the people, one after the other: each is a run of PhotoPrism's command beside the server."""
        inside = {**self._reached, CONTAINER: base.container_name(self.service), DOCKER: dict(self.host.environment)}
        before: list[pulumi.Resource] = []
        for person in args.config.people:
            inputs = {**inside, PERSON: person, KEY: args.inner_secrets[password_of(person)]}
            resource = f"{name}-person-{person}"
            before = [Person(PersonProvider(), resource, inputs, parent=self, inside=self.container, after=before)]

    @property
    def _reached(self) -> dict[str, pulumi.Input[str]]:
        config = self.args.config
        return {
            URL: f"http://{self.host.reach(asked_at(config.bind))}:{config.port}",
            KEY: self.secrets["admin_password"],
        }

    def password_for(self, program: str, scope: str) -> pulumi.Output[str]:
        """Declare a password for another program, which may do what is in `scope`: "webdav", "photos files"."""
        inputs = {**self._reached, "program": f"photos {program}", "scope": scope}
        name = f"{self.pulumi_resource_name}-password-{program}"
        return AppPassword(name, inputs, parent=self, inside=self.container).password

    @classmethod
    def spec(cls, args: PhotoPrismArgs, base: Platform, belongings: Belongings) -> ContainerSpec:
        """Describe the album; see the class."""
        config = args.config
        return ContainerSpec(
            image=config.image,
            memory_mb=config.memory,
            networks=["db", "edge"],
            user=f"{base.owner.uid}:{base.owner.gid}",
            groups=[str(config.transcoding.device_group)] if config.transcoding.device_group else [],
            working_dir="/photoprism",
            entrypoint=["/photos/start"],
            env={**_environment(config, base), "PHOTOPRISM_TRUSTED_PROXY": base.networks.edge_subnet},
            files=[
                ContainerFile(path="/photos/start", content=_start(config, base), executable=True),
                ContainerFile(
                    path="/run/secrets/photoprism_admin_password", content=belongings.secrets["admin_password"]
                ),
                ContainerFile(path="/run/secrets/mariadb_password", content=base.database.password),
            ],
            volumes=[belongings.volumes["storage"]],
            binds=base.library.mounts("/photoprism/originals", "/photoprism/import"),
            ports=[PublishedPort(internal=HTTP_PORT, external=config.port, ip=address) for address in config.bind],
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


def album_options(config: PhotoPrismConfig, base: Platform) -> dict[str, str | int | bool]:
    """Return what a person chooses, by the names of PhotoPrism's options.yml: internal/config/options.go."""
    features = config.features
    return {
        "SiteUrl": base.public_urls.get("photoprism", config.url),
        "SiteTitle": config.site_title,
        "DefaultLocale": config.locale,
        "DefaultTimezone": base.timezone,
        # The image's default makes a certificate and then speaks TLS on the plain port.
        "DisableTLS": True,
        "DefaultTLS": False,
        "OriginalsLimit": config.originals_limit,
        "ReadOnly": config.read_only,
        "DisableWebDAV": not config.webdav,
        "IndexSchedule": config.index_schedule,
        "Experimental": config.experimental,
        "DisableFaces": not features.faces,
        "DisableClassification": not features.classification,
        "DisablePlaces": not features.places,
        "DisableRaw": not features.raw,
        "FFmpegEncoder": config.transcoding.encoder,
        **{name: value for name, value in _chosen(config).items() if value is not None},
    }


def _chosen(config: PhotoPrismConfig) -> dict[str, str | int | None]:
    """Return the options that PhotoPrism decides where nobody chooses; as its API has them: some numbers are texts."""
    thumbnails, transcoding = config.thumbnails, config.transcoding
    return {
        "IndexWorkers": str(config.workers) if config.workers else None,
        "ThumbSize": thumbnails.size,
        "JpegQuality": thumbnails.quality,
        "FFmpegSize": transcoding.size,
        # Nvidia's encoder has other names for it and refuses these; vaapi has none (internal/ffmpeg/nvidia, vaapi).
        "FFmpegPreset": transcoding.speed if transcoding.encoder in ("software", "intel") else None,
    }


def _environment(config: PhotoPrismConfig, base: Platform) -> dict[str, str]:
    database = base.database
    environment = {
        "AUTH_MODE": "password",
        "ADMIN_USER": "admin",
        "ADMIN_PASSWORD_FILE": "/run/secrets/photoprism_admin_password",
        "DATABASE_DRIVER": "mysql",
        "DATABASE_SERVER": f"{database.host}:{database.port}",
        "DATABASE_NAME": database.database,
        "DATABASE_USER": database.user,
        "DATABASE_PASSWORD_FILE": "/run/secrets/mariadb_password",
        "INIT": "",
        "DISABLE_SETTINGS": _text_of(not config.features.settings),
        **{VARIABLES[name]: _text_of(value) for name, value in album_options(config, base).items()},
    }
    variables = {f"PHOTOPRISM_{key}": value for key, value in environment.items()}
    if config.transcoding.encoder == "nvidia":
        variables |= {"NVIDIA_VISIBLE_DEVICES": "all", "NVIDIA_DRIVER_CAPABILITIES": "all"}
    return variables


def _start(config: PhotoPrismConfig, base: Platform) -> str:
    keys = [name.lower() for name in album_options(config, base)]
    kept = " ".join(f"'{name}'" for name in KEPT_AT_IMPORT)
    return START.format(keys="|".join(sorted([*keys, *BEYOND_THE_PAGE])), kept=kept)


def _devices(transcoding: Transcoding) -> Devices:
    if transcoding.encoder in ("intel", "vaapi"):
        return Devices(paths=[transcoding.device])
    return Devices(nvidia=transcoding.encoder == "nvidia")


def _text_of(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
