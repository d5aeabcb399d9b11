"""Which services the internet may reach, under which names, and who may enter: the section `photos:publish`.

Plain data and plain decisions. What Cloudflare needs for it is declared in `tunnel.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from components.addresses import LABEL, too_long
from components.cloudflared import CloudflaredConfig
from components.fields import Section

BODY_LIMIT = "100 MB per request (Cloudflare's free plan); larger files through Syncthing or at home"
# Whoever has an address there is nobody in particular.
MAIL_PROVIDERS = {
    "126.com", "139.com", "163.com", "aliyun.com", "foxmail.com", "gmail.com", "gmx.de", "gmx.net", "googlemail.com",
    "hotmail.com", "icloud.com", "live.com", "mail.ru", "me.com", "msn.com", "outlook.com", "proton.me", "protonmail.com",
    "qq.com", "sina.com", "sohu.com", "web.de", "yahoo.com", "yandex.ru", "yeah.net",
}  # fmt: skip
ANYONE = ("*", "everyone", "anyone", "all", "public")
HOSTNAME = rf"({LABEL}\.)+[a-z]([a-z0-9-]{{0,61}}[a-z0-9])?"
MAIL_BYTES, MAILBOX_BYTES = 254, 64
# Python reads these and cloudflared, written in Go, does not: look-arounds, atomic groups, conditions, back-references.
UNKNOWN_TO_GO = r"\(\?<?[=!]|\(\?[>(]|\(\?P=|\\[1-9]"
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def _bare_hostname(value: str) -> str | None:
    """Return the hostname that `value` holds, as DNS writes it; None when there is none."""
    host = re.sub(r"^[a-z]+://", "", value.strip().lower()).partition("/")[0].rpartition("@")[2].partition(":")[0]
    bare = re.sub(r"\s", "", host).strip(".").replace("_", "-")
    try:
        bare = bare.encode("idna").decode() if not bare.isascii() else bare
    except UnicodeError:
        return None
    return bare if re.fullmatch(HOSTNAME, bare) and not too_long(bare) else None


def _hostname(value: str) -> str:
    if value.startswith("*"):
        msg = f'"{value}" would publish every name. Write each hostname by itself, e.g. photos.example.com'
        raise ValueError(msg)
    if reason := too_long(value):
        msg = f"{reason}. Write a shorter name, e.g. photos.example.com"
        raise ValueError(msg)
    if not re.fullmatch(HOSTNAME, value):
        meant = _bare_hostname(value) or "photos.example.com"
        msg = f'"{value}" is not a bare hostname. Write it in small letters without scheme, port, space or _, e.g. {meant}'
        raise ValueError(msg)
    return value


def _hex_id(value: str) -> str:
    if re.fullmatch(r"[0-9a-f]{32}", value):
        return value
    where = "Copy it from the domain's overview page at Cloudflare"
    plain = value.strip().lower().replace("-", "")
    if re.fullmatch(r"[0-9a-f]{32}", plain):
        msg = f"32 of 0-9 and a-f expected, small and without anything between. Write {plain}"
    elif len(value) == 32:  # noqa: PLR2004 - its length is right
        wrong = next(letter for letter in value if letter not in "0123456789abcdef")
        msg = f'"{wrong}" is none of 0-9 and a-f. {where}'
    else:
        msg = f"{len(value)} characters, 32 of 0-9 and a-f expected. {where}"
    raise ValueError(msg)


def _uuid(value: str) -> str:
    if not re.fullmatch(UUID, value):
        plain = value.strip().lower()
        meant = plain if re.fullmatch(UUID, plain) else "f174e90a-fafe-4643-bbbc-4a0ed4fc8415"
        msg = f'"{value}" is not an id. Write it as Cloudflare shows it, in small letters, e.g. {meant}'
        raise ValueError(msg)
    return value


def _email(value: str) -> str:
    if value.lower() in ANYONE or value.startswith("*"):
        msg = f'"{value}" would let anyone in. Write each address, e.g. mum@example.com'
        raise ValueError(msg)
    mailbox, at, domain = value.rpartition("@")
    if at and not mailbox:
        own = (
            "" if domain.lower() in MAIL_PROVIDERS else f", or {domain.lower()} under email_domains for everyone there"
        )
        msg = f'"{value}" is a domain. Write each address, e.g. mum@example.com{own}'
        raise ValueError(msg)
    if len(value.encode()) > MAIL_BYTES or len(mailbox.encode()) > MAILBOX_BYTES:
        msg = (
            f"the address has {len(mailbox.encode())} bytes before the @ and {len(value.encode())} in all, "
            f"at most {MAILBOX_BYTES} and {MAIL_BYTES} are possible. Write a shorter one, e.g. mum@example.com"
        )
        raise ValueError(msg)
    if not re.fullmatch(r"[^@\s\"'<>,;*]+", mailbox) or not re.fullmatch(HOSTNAME, domain.lower()):
        msg = f'"{value}" is not a mail address. Write it in full, e.g. mum@example.com'
        raise ValueError(msg)
    return value


def _email_domain(value: str) -> str:
    domain = value.lower().rpartition("@")[2]
    if domain in ANYONE or domain.startswith("*") or domain in MAIL_PROVIDERS:
        msg = f'"{value}" would let anyone in. Write the addresses of your family under emails instead'
        raise ValueError(msg)
    if not re.fullmatch(HOSTNAME, value) or too_long(value):
        bare = _bare_hostname(value)
        meant = bare if bare and bare not in MAIL_PROVIDERS else "the domain, e.g. example.com"
        msg = f'"{value}" is not a bare mail domain. Write {meant}'
        raise ValueError(msg)
    return value


def _team(value: str) -> str:
    if not re.fullmatch(LABEL, value):
        plain = re.sub(r"^https?://", "", value.strip().lower()).partition(".")[0]
        meant = plain if re.fullmatch(LABEL, plain) else "my-family"
        msg = f'"{value}" is not a team name. Write only what stands before .cloudflareaccess.com, e.g. {meant}'
        raise ValueError(msg)
    return value


def _duration(value: str) -> str:
    if not re.fullmatch(r"[1-9][0-9]{0,2}[mh]", value, re.ASCII):
        msg = f'"{value}" is not a session length. Write one to three digits and m or h, e.g. 30m or 24h'
        raise ValueError(msg)
    return value


def _path(value: str) -> str:
    """A path is a regular expression for cloudflared; anchored, or it would match in the middle of another path."""
    try:
        re.compile(value)
    except re.error as error:
        msg = f'"{value}" is not a regular expression ({error}). Write e.g. ^/dav/'
        raise ValueError(msg) from None
    if found := re.search(UNKNOWN_TO_GO, value):
        msg = (
            f'"{value}" holds {found[0]}, which cloudflared cannot read. Write e.g. ^/dav/, and order the paths instead'
        )
        raise ValueError(msg)
    if not value.startswith("^/"):
        msg = f'"{value}" would also match inside other paths. Begin it with ^/, e.g. ^/dav/'
        raise ValueError(msg)
    return value


def _token_name(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", value):
        msg = f'"{value}" cannot name a service token. Write up to 40 small letters, digits and -, e.g. laptop-rclone'
        raise ValueError(msg)
    return value


HostnameText = Annotated[str, AfterValidator(_hostname)]
HexId = Annotated[str, AfterValidator(_hex_id)]
ObjectId = Annotated[str, AfterValidator(_uuid)]
Session = Annotated[str, AfterValidator(_duration)]


class AllowConfig(Section):
    """Who may enter. Whoever is named in any of the lists gets in; nobody else."""

    emails: list[Annotated[str, AfterValidator(_email)]] = Field([], description="mail addresses")
    email_domains: list[Annotated[str, AfterValidator(_email_domain)]] = Field(
        [], description="mail domains of your own: everyone with an address there"
    )
    groups: list[ObjectId] = Field([], description="ids of Access groups that exist in the account")
    service_tokens: list[Annotated[str, AfterValidator(_token_name)]] = Field(
        [], description="names of service tokens to make, for programs that can send headers (rclone, scripts)"
    )

    @field_validator("*")
    @classmethod
    def _each_once(cls, values: list[str]) -> list[str]:
        """Cloudflare keeps a set: what stands twice would be shown as a change for ever."""
        for value in values:
            if values.count(value) > 1:
                msg = f'"{value}" stands here twice. Leave out one'
                raise ValueError(msg)
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

    path: Annotated[str, AfterValidator(_path)] = Field(description="regular expression of the path, e.g. ^/dav/")
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
    def protection(self) -> str:
        """Say what stands before the service."""
        if self.access == "public":
            return "nothing but the service's own login"
        allow = self.allow
        counts = [
            (allow.emails, "mail address", "mail addresses"),
            (allow.email_domains, "mail domain", "mail domains"),
            (allow.groups, "group", "groups"),
            (allow.service_tokens, "service token", "service tokens"),
        ]
        named = [f"{len(items)} {one if len(items) == 1 else many}" for items, one, many in counts if items]
        return f"Cloudflare Access: {', '.join(named)}; a login lasts {self.session}"


class AccessConfig(Section):
    """Cloudflare Access, the login in front of the services."""

    team: Annotated[str, AfterValidator(_team)] = Field(
        description="name of your Zero Trust team: what stands before .cloudflareaccess.com"
    )


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
                msg = f"hostnames: {entry.hostname} stands here twice. Put what other services answer under its paths"
                raise ValueError(msg)
            seen.add(entry.hostname)
            if not self.zone_of(entry.hostname):
                msg = f"hostnames: {entry.hostname} is not in {' or '.join(self.zones)}. Add its domain under zones"
                raise ValueError(msg)
        for hostname in {*self.adopt.records, *self.adopt.applications} - seen:
            msg = f"adopt: {hostname} is not among hostnames. Add it there"
            raise ValueError(msg)
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
