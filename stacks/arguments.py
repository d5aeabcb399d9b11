"""From the sections of a stack file to the typed arguments of `PhotoSystem`: what a person wrote, as components take it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pulumi

from components.apps.drive import may, permission
from components.database import Database, DatabaseArgs
from components.hosts import Hosts
from components.keeper import OPENLIST, BackupArgs, CopyArgs
from components.photo_system import PhotoSystemArgs
from components.publishing import Adoption, PublicName, PublishArgs, Route, Visitors
from components.service import Owner, ServiceArgs
from components.service_config import ServiceConfig
from components.services import origins, services_by_name
from components.services.drive import Drive
from components.services.https import Https
from components.services.tailscale import Tailscale
from keeper.settings import GateSettings, KeepSettings
from stacks.config import StackConfig
from stacks.expected import prefix
from stacks.host import keeps_permissions, reports_changes
from stacks.releases import release_settings
from stacks.sections import Settings
from stacks.sections.backup import BackupConfig
from stacks.sections.backup.keeper_defaults import REPOSITORY_PASSWORD
from stacks.sections.backup.secrets import ALERT_URLS, PING_URL, secret_key
from stacks.sections.backup.shortcomings import Shortcoming
from stacks.sections.publish import HostnameConfig, PublishConfig
from stacks.sections.secrets import service_key, service_keys

Secrets = Mapping[str, pulumi.Output[str]]
"""Flat key → value."""


def photo_system_args(config: StackConfig, owner: Owner, hosts: Hosts) -> PhotoSystemArgs:
    """Return what the photo system of this stack file is made from."""
    settings, secrets = config.settings, config.secrets
    root_password = secrets[service_keys(Database)["root_password"]]
    return PhotoSystemArgs(
        stack=config.stack,
        prefix=prefix(config.stack),
        id=config.id,
        timezone=settings.timezone,
        owner=owner,
        library=replace(
            settings.library.library(),
            keeps_permissions=keeps_permissions(config.originals_on),
            reports_changes=reports_changes(config.originals_on),
        ),
        database=DatabaseArgs(
            config=settings.database, root_password=root_password, dumped=settings.backup is not None
        ),
        services=_services(settings, secrets),
        public_urls=settings.public_urls(),
        image_registry=settings.image_registry,
        panel_network=settings.panel_network,
        published=config.published,
        keep_data=settings.data.on_destroy == "keep",
        publish=_publish(settings.publish) if settings.publish else None,
        backup=_backup(settings, settings.backup, secrets, [*config.shortcomings, *config.host_shortcomings])
        if settings.backup
        else None,
        hosts=hosts,
    )


def _services(settings: Settings, secrets: Secrets) -> list[ServiceArgs]:
    args: list[ServiceArgs] = []
    for name, chosen in settings.enabled().items():
        service = services_by_name()[name]
        handed_in = {argument: secrets[key] for argument, key in service_keys(service).items()}
        section = chosen.model_dump()
        inner = {
            each: secrets[service_key(name, each)]
            for each in (*chosen.typed_secrets(section), *chosen.made_secrets(section))
        }
        args.append(service.Args(config=chosen, inner_secrets=inner, **handed_in, **_more(name, chosen, settings)))  # type: ignore[call-arg] # each subclass adds these
    return args


def _more(service: str, chosen: ServiceConfig, settings: Settings) -> dict[str, Any]:
    """Return what a service is told of the rest of the stack."""
    if service == Drive.service:
        return {"keeper_may": _keeper_may(settings.backup, chosen)}
    if service in (Https.service, Tailscale.service):
        return {"origins": origins(settings.enabled())}
    return {}


def _keeper_may(backup: BackupConfig | None, drive: ServiceConfig) -> tuple[str, ...] | None:
    """Return what the keeper does in OpenList: a repository is tidied, an album only grows and renames what it keeps.

    Where no copy lies in it the keeper only looks whether the net drives can be reached.
    """
    kinds = {remote.is_repository for remote in (backup.remotes if backup else {}).values() if remote.type == OPENLIST}
    if not kinds:
        return () if backup and isinstance(drive, Drive.Config) and drive.storages else None
    tidies = [*(["remove"] if True in kinds else []), *(["rename"] if False in kinds else [])]
    return tuple(may(permission(["upload", "webdav read", "webdav write", *tidies])))


def _publish(section: PublishConfig) -> PublishArgs:
    adopt = section.adopt
    return PublishArgs(
        account_id=section.account,
        team=section.access.team,
        names=[_public_name(entry, section) for entry in section.hostnames],
        cloudflared=section.cloudflared,
        adoption=Adoption(tunnel=adopt.tunnel, records=adopt.records, applications=adopt.applications),
    )


def _public_name(entry: HostnameConfig, section: PublishConfig) -> PublicName:
    routes = [Route(service=rule.service, path=rule.path) for rule in entry.paths]
    allow = entry.allow
    visitors = Visitors(
        emails=allow.emails,
        email_domains=allow.email_domains,
        groups=allow.groups,
        service_tokens=allow.service_tokens,
        session=entry.session,
    )
    return PublicName(
        hostname=entry.hostname,
        zone_id=section.zones[str(section.zone_of(entry.hostname))],
        routes=[*routes, Route(service=entry.service)],
        visitors=None if entry.access == "public" else visitors,
    )


def _backup(settings: Settings, section: BackupConfig, secrets: Secrets, found: Sequence[Shortcoming]) -> BackupArgs:
    return BackupArgs(
        drill_schedule=section.drill_schedule,
        copies={name: _copy(name, section, secrets) for name in section.remotes},
        gate=GateSettings(**section.gate.model_dump()),
        strict=section.strict,
        language=section.language,
        port=section.port,
        memory_mb=section.memory,
        apt_mirror=section.mirrors.apt,
        pip_index=section.mirrors.pip,
        restic_image=section.restic_image,
        rclone_image=section.rclone_image,
        findings=[item.problem for item in found],
        updates=release_settings(settings),
        alert_urls=secrets.get(ALERT_URLS),
        ping_url=secrets.get(PING_URL),
    )


def _copy(name: str, section: BackupConfig, secrets: Secrets) -> CopyArgs:
    remote = section.remotes[name]
    return CopyArgs(
        kind=remote.kind,
        type=remote.type,
        path=remote.path,
        folder=remote.folder if remote.is_local else None,
        options=remote.options,
        schedule=section.schedule_of(name),
        verify_days=section.verify_days_of(name),
        keep=KeepSettings(**section.keep_of(name).model_dump()),
        bandwidth=remote.bandwidth,
        connections=remote.connections,
        repository_password=secrets[secret_key(name, REPOSITORY_PASSWORD)] if remote.is_repository else None,
        secrets={option: secrets[secret_key(name, option)] for option in remote.secrets},
    )
