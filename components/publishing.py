"""What a tunnel publishes and who may enter, as arguments of the components that do it. Plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from components.cloudflared import CloudflaredConfig


@dataclass(frozen=True, kw_only=True)
class Visitors:
    """Who may enter a public name, and for how long a login lasts (Go's duration, e.g. 24h).

    `groups` are ids of Access groups that exist; `service_tokens` names of tokens to make, for programs.
    """

    emails: Sequence[str]
    email_domains: Sequence[str]
    groups: Sequence[str]
    service_tokens: Sequence[str]
    session: str

    @property
    def people(self) -> bool:
        """Whether a person can enter."""
        return bool(self.emails or self.email_domains or self.groups)


@dataclass(frozen=True, kw_only=True)
class Route:
    """Which service answers. `path` is a regular expression as cloudflared reads it; None for all that is left."""

    service: str
    path: str | None = None


@dataclass(frozen=True, kw_only=True)
class PublicName:
    """One name on the internet. The first route that matches answers; without `visitors` there is no login before it."""

    hostname: str
    zone_id: str
    routes: Sequence[Route]
    visitors: Visitors | None


@dataclass(frozen=True, kw_only=True)
class Adoption:
    """What exists at Cloudflare and is taken over as it is: ids of a tunnel, of records and applications by hostname."""

    tunnel: str | None
    records: Mapping[str, str]
    applications: Mapping[str, str]

    def names(self, hostname: str) -> bool:
        """Whether something of this hostname is taken over."""
        return hostname in self.records or hostname in self.applications


@dataclass(frozen=True, kw_only=True)
class PublishArgs:
    """What the internet may reach. `team` is what stands before .cloudflareaccess.com; `zones` maps domains to ids."""

    account_id: str
    team: str
    names: Sequence[PublicName]
    cloudflared: CloudflaredConfig
    adoption: Adoption
