"""What stood open to the internet after each call."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from tests.cloudflare.state import Object, State, host_of

TUNNEL_DOMAIN = ".cfargotunnel.com"


@dataclass(frozen=True)
class Call:
    """One call as it came in, and how it was answered; `time` in seconds since the double started."""

    order: int
    method: str
    path: str
    query: str
    body: Object | None
    status: int
    time: float

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.status}"


@dataclass(frozen=True)
class Rule:
    """One ingress rule; `audiences` only where the origin access is required, else ()."""

    tunnel: str
    hostname: str
    path: str
    service: str
    audiences: tuple[str, ...]


@dataclass(frozen=True)
class Snapshot:
    """The account after one call."""

    after: Call
    hostnames: dict[str, str]  # name of a DNS record → what it points at
    applications: dict[str, str]  # destination → audience, without those that bypass the login
    rules: tuple[Rule, ...]

    def unprotected(self, public: Collection[str] = ()) -> dict[str, str]:
        """Return hostname → what is missing, for every record that leads into a tunnel and is not meant to be public.

        A hostname without a rule of its own meets the catch-all; when that only says 404, nothing is open.
        """
        found = {}
        for hostname, target in self.hostnames.items():
            if hostname in public or not target.endswith(TUNNEL_DOMAIN):
                continue
            reasons = [] if hostname in self.applications else ["no Access application"]
            ours = {aud for uri, aud in self.applications.items() if host_of(uri) == hostname}
            reasons += [
                f"{rule.service} without origin access"
                for rule in self.rules_of(hostname, target.removesuffix(TUNNEL_DOMAIN))
                if not ours & set(rule.audiences) and not rule.service.startswith("http_status:")
            ]
            if reasons:
                found[hostname] = ", ".join(reasons)
        return found

    def rules_of(self, hostname: str, tunnel: str) -> list[Rule]:
        """Return the rules that a request for `hostname` can meet in its tunnel."""
        there = [rule for rule in self.rules if rule.tunnel == tunnel]
        wild = f"*.{hostname.partition('.')[2]}"
        met = [rule for rule in there if rule.hostname in (hostname, wild, "", "*")]
        whole = next((index for index, rule in enumerate(met) if not rule.path), len(met))
        return met[: whole + 1]


def snapshot(state: State, call: Call) -> Snapshot:
    """Return what matters for the question "who can get in?"."""
    bypassing = {key for key, policy in state.policies.items() if policy["decision"] == "bypass"}
    return Snapshot(
        after=call,
        hostnames={str(record["name"]): str(record["content"]) for record in state.dns_records.values()},
        applications={
            str(destination["uri"]): str(app["aud"])
            for app in state.apps.values()
            if not bypassing & {item["id"] for item in app["policies"]}
            for destination in app["destinations"]
        },
        rules=tuple(
            rule_of(tunnel, rule)
            for tunnel, configuration in state.configurations.items()
            for rule in configuration["config"]["ingress"]
        ),
    )


def rule_of(tunnel: str, rule: Object) -> Rule:
    access = rule.get("originRequest", {}).get("access", {})
    return Rule(
        tunnel=tunnel,
        hostname=rule.get("hostname", ""),
        path=rule.get("path", ""),
        service=rule["service"],
        audiences=tuple(access["audTag"]) if access.get("required") else (),
    )
