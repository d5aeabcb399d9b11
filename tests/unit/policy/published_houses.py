"""The same for what is published: programs for the Cloudflare provider, apart since its import takes seconds."""

from __future__ import annotations

from typing import Any

import pulumi_cloudflare as cloudflare
from broken_houses import Program

NAME, OTHER = "photos.example.com", "drive.example.com"
NOWHERE = {"service": "http_status:404"}


def ingress(name: str = NAME, **access: Any) -> dict[str, Any]:
    """Return a rule of a tunnel that asks for the login, or with `access` otherwise."""
    wanted = access or {"required": True, "team_name": "family", "aud_tags": ["aud"]}
    return {"hostname": name, "service": "http://photoprism:2342", "origin_request": {"access": wanted}}


def tunnel(name: str, *rules: Any) -> None:
    config = cloudflare.ZeroTrustTunnelCloudflaredConfigConfigArgs(ingresses=list(rules))
    cloudflare.ZeroTrustTunnelCloudflaredConfig(name, account_id="a" * 32, tunnel_id="t", config=config)


def application(name: str, uri: str) -> None:
    cloudflare.ZeroTrustAccessApplication(
        name, account_id="a" * 32, type="self_hosted", destinations=[{"type": "public", "uri": uri}]
    )


def record(name: str, **changes: Any) -> None:
    wanted = {"type": "CNAME", "content": "t.cfargotunnel.com", "proxied": True, **changes}
    cloudflare.DnsRecord(name, zone_id="z" * 32, name=NAME, ttl=1, **wanted)


def policy(name: str, decision: str, include: Any) -> None:
    cloudflare.ZeroTrustAccessPolicy(name, account_id="a" * 32, name=name, decision=decision, includes=[include])


def published_house_without_faults() -> None:
    """Declare one of each, with nothing to complain about."""
    application(NAME, NAME)
    application("wildcard", "*.example.org")
    tunnel("tunnel", ingress(), ingress("photos.example.org"), NOWHERE)
    record("record")
    record("mail", type="MX", content="mail.example.com", proxied=False, priority=1)
    policy("people", "allow", {"email": {"email": "mum@example.com"}})
    policy("nobody", "deny", {"everyone": {}})


def _tunnel_that_trusts_cloudflare(name: str) -> None:
    application(f"login of {name}", NAME)
    tunnel(name, ingress(required=False, team_name="family", aud_tags=["aud"]), NOWHERE)


def _tunnel_without_an_end(name: str) -> None:
    application(f"login of {name}", NAME)
    tunnel(name, ingress(), {"service": "http://photoprism:2342"})


def _name_without_a_login(name: str) -> None:
    application(f"login of {name}", f"{OTHER}/admin")
    tunnel(name, ingress(OTHER), NOWHERE)


BROKEN: dict[str, Program] = {
    "records-are-proxied": lambda name: record(name, proxied=False),
    "tunnel-ends-nowhere": _tunnel_without_an_end,
    "origin-asks-for-the-login": _tunnel_that_trusts_cloudflare,
    "login-names-who-may-enter": lambda name: policy(name, "allow", {"everyone": {}}),
    "a-login-before-every-name": _name_without_a_login,
}
"""Rule → a program for the Cloudflare provider that breaks it."""
