"""`photos:publish`: which services the internet may reach, under which names, and who may enter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field, field_validator, model_validator

from components.cloudflared import CloudflaredConfig
from components.fields import Section
from components.messages import Message, either, listed, message
from components.refusals import refusal
from stacks.sections.publish.fields import (
    HexId,
    HostnameText,
    MailAddress,
    MailDomain,
    ObjectId,
    PathPattern,
    Session,
    Team,
    TokenName,
)

BODY_LIMIT = message(
    "body_limit", "100 MB per request (Cloudflare's free plan); larger files through Syncthing or at home"
)


class AllowConfig(Section):
    """Who may enter. Whoever is named in any of the lists gets in; nobody else."""

    emails: list[MailAddress] = Field([], description="mail addresses")
    email_domains: list[MailDomain] = Field([], description="mail domains of your own: everyone with an address there")
    groups: list[ObjectId] = Field([], description="ids of Access groups that exist in the account")
    service_tokens: list[TokenName] = Field(
        [], description="names of service tokens to make, for programs that can send headers (rclone, scripts)"
    )

    @field_validator("*")
    @classmethod
    def _each_once(cls, values: list[str]) -> list[str]:
        """Cloudflare keeps a set: what stands twice would be shown as a change for ever."""
        for value in values:
            if values.count(value) > 1:
                raise refusal("stands_twice", '"{value}" stands here twice. Leave out one', value=value)
        return values

    @property
    def people(self) -> bool:
        """Whether a person can enter."""
        return bool(self.emails or self.email_domains or self.groups)

    def __bool__(self) -> bool:
        """Whether anyone can enter."""
        return self.people or bool(self.service_tokens)


class PathConfig(Section):
    """A part of a hostname that another service answers."""

    path: PathPattern = Field(description="regular expression of the path, e.g. ^/dav/")
    service: str = Field(description="service that answers there, e.g. drive")


class HostnameConfig(Section):
    """One public name."""

    hostname: HostnameText = Field(description="the name, e.g. photos.example.com")
    service: str = Field(description="service that answers, e.g. photoprism")
    paths: list[PathConfig] = Field([], description="parts that other services answer; the first that matches wins")
    access: Literal["login", "public"] = Field("login", description="login, or public: no login by Cloudflare at all")
    allow: AllowConfig = Field(default_factory=AllowConfig, description="who may enter, see below")
    session: Session = Field("24h", description="how long a login lasts, e.g. 30m or 24h")

    def services(self) -> Iterator[tuple[str, str]]:
        """Yield key and name of every service that answers here."""
        yield "service", self.service
        for index, rule in enumerate(self.paths):
            yield f"paths.{index}.service", rule.service

    @property
    def protection(self) -> Message:
        """Say what stands before the service."""
        if self.access == "public":
            return message("protected_by_itself", "nothing but the service's own login")
        who = [
            (self.allow.emails, message("mail_address", "mail address"), message("mail_addresses", "mail addresses")),
            (self.allow.email_domains, message("mail_domain", "mail domain"), message("mail_domains", "mail domains")),
            (self.allow.groups, message("group", "group"), message("groups", "groups")),
            (self.allow.service_tokens, message("token", "service token"), message("tokens", "service tokens")),
        ]
        counts = [
            message("count_of", "{count} {what}", count=len(items), what=one if len(items) == 1 else several)
            for items, one, several in who
            if items
        ]
        return message(
            "protected_by_access",
            "Cloudflare Access: {who}; a login lasts {session}",
            who=listed(counts),
            session=self.session,
        )


class AccessConfig(Section):
    """Cloudflare Access, the login in front of the services."""

    team: Team = Field(description="name of your Zero Trust team: what stands before .cloudflareaccess.com")


class AdoptConfig(Section):
    """Things that exist at Cloudflare already. `up` takes them over as they are; remove this section afterwards."""

    tunnel: ObjectId | None = Field(None, description="id of a tunnel")
    records: dict[HostnameText, HexId] = Field({}, description="hostname: id of its DNS record")
    applications: dict[HostnameText, ObjectId] = Field({}, description="hostname: id of its Access application")

    def names(self, hostname: str) -> bool:
        """Whether something of this hostname is taken over."""
        return hostname in self.records or hostname in self.applications


class PublishConfig(Section):
    """What the internet may reach, through a Cloudflare tunnel."""

    account: HexId = Field(description="Cloudflare account id, 32 hex digits")
    zones: dict[HostnameText, HexId] = Field(description="domain: its zone id, 32 hex digits", min_length=1)
    access: AccessConfig = Field(description="the login in front of the services")
    hostnames: list[HostnameConfig] = Field(description="the public names", min_length=1)
    cloudflared: CloudflaredConfig = Field(default_factory=CloudflaredConfig, description="the connector, see below")
    adopt: AdoptConfig = Field(default_factory=AdoptConfig, description="existing things to take over, see below")

    @model_validator(mode="after")
    def _each_hostname_once_and_in_a_zone(self) -> PublishConfig:
        seen: set[str] = set()
        for entry in self.hostnames:
            if entry.hostname in seen:
                raise refusal(
                    "hostname_twice",
                    "hostnames: {hostname} stands here twice. Put what other services answer under its paths",
                    hostname=entry.hostname,
                )
            seen.add(entry.hostname)
            if not self.zone_of(entry.hostname):
                raise refusal(
                    "hostname_outside_zones",
                    "hostnames: {hostname} is not in {zones}. Add its domain under zones",
                    hostname=entry.hostname,
                    zones=either(self.zones),
                )
        for hostname in {*self.adopt.records, *self.adopt.applications} - seen:
            raise refusal(
                "adopted_not_published", "adopt: {hostname} is not among hostnames. Add it there", hostname=hostname
            )
        return self

    def zone_of(self, hostname: str) -> str | None:
        """Return the domain that `hostname` belongs to: the longest that fits."""
        fitting = [zone for zone in self.zones if hostname == zone or hostname.endswith(f".{zone}")]
        return max(fitting, key=len, default=None)

    def url_of(self, service: str) -> str | None:
        """Return the first public address of a service, None when it has none."""
        return next((f"https://{entry.hostname}/" for entry in self.hostnames if entry.service == service), None)

    def deep_hostnames(self) -> list[str]:
        """Return the names more than one level below their domain, which Cloudflare's free certificate does not cover."""
        return [
            entry.hostname
            for entry in self.hostnames
            if "." in entry.hostname.removesuffix(str(self.zone_of(entry.hostname))).removesuffix(".")
        ]

    def service_tokens(self) -> list[str]:
        """Return the names of all service tokens, each once."""
        return sorted({name for entry in self.hostnames for name in entry.allow.service_tokens})
