"""Nothing answers on the internet without a login in front of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from house_rules.rule import UNKNOWN, Declared, NotKnownYet, known, resource_rule, stack_rule

RECORD = "cloudflare:index/dnsRecord:DnsRecord"
TUNNEL = "cloudflare:index/zeroTrustTunnelCloudflaredConfig:ZeroTrustTunnelCloudflaredConfig"
APPLICATION = "cloudflare:index/zeroTrustAccessApplication:ZeroTrustAccessApplication"
POLICY = "cloudflare:index/zeroTrustAccessPolicy:ZeroTrustAccessPolicy"
ADDRESSES = {"A", "AAAA", "CNAME"}
"""Records that can be proxied."""
NOWHERE = "http_status:404"


@resource_rule(RECORD)
def records_are_proxied(record: Declared) -> Iterator[str]:
    """A name leads to Cloudflare and not to the house."""
    taken_over = {"*", "proxied"} & set(record.ignore_changes)
    if record["type"] in ADDRESSES and not record["proxied"] and not taken_over:
        yield "who asks for the name gets the origin itself, past the login. Write proxied: true."


@resource_rule(TUNNEL)
def tunnel_ends_nowhere(tunnel: Declared) -> Iterator[str]:
    """The last rule of a tunnel answers 404 to every name that no rule knows."""
    last = (_ingresses(tunnel) or [{}])[-1]
    if last.get("service") != NOWHERE or last.get("hostname"):
        yield f"a name that nobody thought of reaches a service. Write a last ingress with service {NOWHERE} alone."


@resource_rule(TUNNEL)
def origin_asks_for_the_login(tunnel: Declared, *, public: tuple[str, ...] = ()) -> Iterator[str]:
    """A tunnel refuses by itself what did not pass the login, except for names that are meant for all."""
    for name, rule in _names(tunnel):
        access = (rule.get("originRequest") or {}).get("access") or {}
        if name not in public and not access.get("required"):
            yield f"{name} trusts Cloudflare alone. Write origin_request.access with required: true."


@resource_rule(POLICY)
def login_names_who_may_enter(policy: Declared) -> Iterator[str]:
    """A policy of Access says who may enter."""
    if policy["decision"] == "bypass":
        yield 'decision: bypass switches the login off. Write "allow" and who.'
    elif policy["decision"] != "deny" and any(
        include.get("everyone") is not None for include in policy.items("includes")
    ):
        yield "it lets everyone in who has any address. Name people, domains, groups or tokens."


@stack_rule
def a_login_before_every_name(
    resources: Sequence[Declared], *, public: tuple[str, ...] = ()
) -> Iterator[tuple[Declared, str]]:
    """Every name of a tunnel has an application of Access, except for names that are meant for all."""
    guarded = {name for item in resources if item.type == APPLICATION for name in _guarded(item)}
    for tunnel in (item for item in resources if item.type == TUNNEL):
        for name in dict(_names(tunnel)):
            wildcard = f"*.{name.partition('.')[2]}"
            if not {name, wildcard} & guarded and name not in public:
                yield (
                    tunnel,
                    f"{name} answers whoever asks. Declare a ZeroTrustAccessApplication for it, or write the name into this rule's `public`.",
                )


def _ingresses(tunnel: Declared) -> list[dict[str, Any]]:
    return [known(rule) for rule in known((tunnel["config"] or {}).get("ingresses")) or ()]


def _names(tunnel: Declared) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each rule of a tunnel that answers to a name, with the name."""
    for rule in _ingresses(tunnel):
        if name := known(rule.get("hostname")):
            yield name, rule


def _guarded(application: Declared) -> Iterator[str]:
    """Yield the names that an application guards as a whole; one with a path leaves the rest open.

    Cloudflare fills in those of the three inputs that a program leaves out, so what is unknown counts only alone.
    """
    values = [application.inputs.get(key) for key in ("destinations", "selfHostedDomains", "domain")]
    if UNKNOWN in values and not any(value for value in values if value is not UNKNOWN):
        raise NotKnownYet
    destinations, others, domain = (None if value is UNKNOWN else value for value in values)
    names = [known(place.get("uri")) for place in destinations or ()]
    yield from (str(known(name)).removesuffix("/") for name in (*names, *(others or ()), domain) if name)
