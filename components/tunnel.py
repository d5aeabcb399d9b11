"""The way in from the internet: tunnel, ingress rules, DNS records, and the login in front of them, at Cloudflare.

Importing this file costs a second and 55 MB (cloudflare_sdk.py): only a stack that publishes something does so.
Order is the safety here. A name gets its DNS record last and loses it first, so that no moment of an `up`, a failed
`up` or a `destroy` shows a service without its login (tests/engine/test_publishing.py).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from inspect import signature
from typing import Any

import pulumi

from components import cloudflare_sdk as cloudflare
from components.publishing import PublicName, PublishArgs, Visitors
from components.secrets import generated_password

# What someone may have chosen for an application. Not its domains: the API shows them three times (domain,
# self_hosted_domains, destinations), and the provider refuses a second spelling beside the first.
APPLICATION_CHOICES = [
    name
    for name in signature(cloudflare.ZeroTrustAccessApplicationArgs).parameters
    if name not in ("account_id", "type", "domain", "self_hosted_domains")
]
NOWHERE = "http_status:404"
# A service token that nobody renews stops working after a year, Cloudflare's own default.
TOKEN_LIFE = "8760h"  # noqa: S105 - a duration


@dataclass(frozen=True, kw_only=True)
class TunnelArgs:
    """`label` names everything at Cloudflare; `origins` maps each service to its address inside the network."""

    label: str
    publish: PublishArgs
    origins: Mapping[str, str]


class Tunnel(pulumi.ComponentResource):
    """Everything at Cloudflare that one stack publishes.

    Creates: one `ZeroTrustTunnelCloudflared` with its secret and its `ZeroTrustTunnelCloudflaredConfig`; per hostname a
    `DnsRecord`, and unless it is public a `ZeroTrustAccessApplication` with one `ZeroTrustAccessPolicy` for people
    and one for service tokens; per service token a `ZeroTrustAccessServiceToken`.
    What `adoption` names is imported as it is and used by nothing until it is named no more.
    """

    token: pulumi.Output[str] | None
    """What cloudflared connects with; None while the tunnel is being taken over."""

    def __init__(self, name: str, args: TunnelArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("photos:tunnel:Tunnel", name, {}, opts)
        self._tunnel_name, self._args, self._publish = name, args, args.publish
        adoption = args.publish.adoption
        self._adopt()
        self.token = None
        if not adoption.tunnel:
            tunnel = self._tunnel()
            tokens = {token: self._service_token(token) for token in _service_tokens(args.publish)}
            open_now = [entry for entry in args.publish.names if not adoption.names(entry.hostname)]
            applications = {
                entry.hostname: self._application(entry, entry.visitors, tokens) for entry in open_now if entry.visitors
            }
            config = self._ingress(tunnel, open_now, applications)
            for entry in open_now:
                self._record(entry, tunnel, [config, *filter(None, [applications.get(entry.hostname)])])
        self.register_outputs({"hostnames": [entry.hostname for entry in args.publish.names]})

    def _options(self, *after: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=list(after))

    def _tunnel(self) -> cloudflare.ZeroTrustTunnelCloudflared:
        rotation = self._publish.cloudflared.secret_rotation
        # A password and not RandomBytes, whose id is its secret in clear (seen in state and diff). 32 characters make
        # the 32 bytes that Cloudflare asks for.
        password = generated_password(f"{self._tunnel_name}-secret", parent=self, rotation=rotation)
        secret = password.apply(lambda text: base64.b64encode(text.encode()).decode())
        tunnel = cloudflare.ZeroTrustTunnelCloudflared(
            self._tunnel_name,
            account_id=self._publish.account_id,
            name=self._args.label,
            config_src="cloudflare",
            tunnel_secret=secret,
            opts=self._options(),
        )
        # Composed here, so that no run asks Cloudflare for it: cloudflared, connection/connection.go.
        self.token = pulumi.Output.secret(
            pulumi.Output.all(self._publish.account_id, tunnel.id, secret).apply(lambda parts: connector_token(*parts))
        )
        return tunnel

    def _service_token(self, token: str) -> cloudflare.ZeroTrustAccessServiceToken:
        return cloudflare.ZeroTrustAccessServiceToken(
            f"{self._tunnel_name}-{token}",
            account_id=self._publish.account_id,
            name=f"{self._args.label} {token}",
            duration=TOKEN_LIFE,
            opts=pulumi.ResourceOptions(parent=self, additional_secret_outputs=["client_secret"]),
        )

    def _application(
        self,
        entry: PublicName,
        visitors: Visitors,
        tokens: Mapping[str, cloudflare.ZeroTrustAccessServiceToken],
    ) -> cloudflare.ZeroTrustAccessApplication:
        policies = []
        if visitors.people:
            policies.append(self._policy(entry, visitors, "people", "allow", people(visitors)))
        if visitors.service_tokens:
            named = [tokens[token] for token in visitors.service_tokens]
            policies.append(self._policy(entry, visitors, "programs", "non_identity", programs(named)))
        return cloudflare.ZeroTrustAccessApplication(
            entry.hostname,
            account_id=self._publish.account_id,
            name=f"{self._args.label} {entry.hostname}",
            type="self_hosted",
            destinations=[{"type": "public", "uri": entry.hostname}],
            session_duration=visitors.session,
            policies=[{"id": policy.id, "precedence": number} for number, policy in enumerate(policies, 1)],
            opts=self._options(),
        )

    def _policy(
        self,
        entry: PublicName,
        visitors: Visitors,
        role: str,
        decision: str,
        includes: list[cloudflare.ZeroTrustAccessPolicyIncludeArgs],
    ) -> cloudflare.ZeroTrustAccessPolicy:
        return cloudflare.ZeroTrustAccessPolicy(
            f"{entry.hostname}-{role}",
            account_id=self._publish.account_id,
            name=f"{self._args.label} {entry.hostname} {role}",
            decision=decision,
            includes=includes,
            session_duration=visitors.session,
            opts=self._options(),
        )

    def _ingress(
        self,
        tunnel: cloudflare.ZeroTrustTunnelCloudflared,
        entries: list[PublicName],
        applications: Mapping[str, cloudflare.ZeroTrustAccessApplication],
    ) -> cloudflare.ZeroTrustTunnelCloudflaredConfig:
        rules: list[cloudflare.ZeroTrustTunnelCloudflaredConfigConfigIngressArgs] = []
        for entry in entries:
            origin = self._origin_access(applications.get(entry.hostname))
            rules += [
                cloudflare.ZeroTrustTunnelCloudflaredConfigConfigIngressArgs(
                    hostname=entry.hostname,
                    path=route.path,
                    service=self._args.origins[route.service],
                    origin_request=origin,
                )
                for route in entry.routes
            ]
        rules.append(cloudflare.ZeroTrustTunnelCloudflaredConfigConfigIngressArgs(service=NOWHERE))
        return cloudflare.ZeroTrustTunnelCloudflaredConfig(
            self._tunnel_name,
            account_id=self._publish.account_id,
            tunnel_id=tunnel.id,
            config=cloudflare.ZeroTrustTunnelCloudflaredConfigConfigArgs(ingresses=rules),
            opts=self._options(),
        )

    def _origin_access(
        self, application: cloudflare.ZeroTrustAccessApplication | None
    ) -> cloudflare.ZeroTrustTunnelCloudflaredConfigConfigIngressOriginRequestArgs | None:
        """Let cloudflared itself refuse what did not pass the login: in every rule, a common one is ignored by it."""
        if application is None:
            return None
        return cloudflare.ZeroTrustTunnelCloudflaredConfigConfigIngressOriginRequestArgs(
            access=cloudflare.ZeroTrustTunnelCloudflaredConfigConfigIngressOriginRequestAccessArgs(
                required=True, team_name=self._publish.team, aud_tags=[application.aud]
            )
        )

    def _record(
        self, entry: PublicName, tunnel: cloudflare.ZeroTrustTunnelCloudflared, after: list[pulumi.Resource]
    ) -> None:
        cloudflare.DnsRecord(
            entry.hostname,
            zone_id=entry.zone_id,
            name=entry.hostname,
            type="CNAME",
            content=pulumi.Output.concat(tunnel.id, ".cfargotunnel.com"),
            proxied=True,
            ttl=1,
            opts=self._options(*after),
        )

    def _adopt(self) -> None:
        """Import what is to be taken over, exactly as it is."""
        adopt, account = self._publish.adoption, self._publish.account_id
        zone_ids = {entry.hostname: entry.zone_id for entry in self._publish.names}
        everything = ["*"]
        if adopt.tunnel:
            cloudflare.ZeroTrustTunnelCloudflared(
                self._tunnel_name,
                account_id=account,
                name=self._args.label,
                opts=self._import(f"{account}/{adopt.tunnel}", everything),
            )
        for hostname, application in adopt.applications.items():
            cloudflare.ZeroTrustAccessApplication(
                hostname,
                account_id=account,
                type="self_hosted",
                opts=self._import(f"accounts/{account}/{application}", APPLICATION_CHOICES),
            )
        for hostname, record in adopt.records.items():
            zone_id = zone_ids[hostname]
            cloudflare.DnsRecord(
                hostname,
                zone_id=zone_id,
                name=hostname,
                type="CNAME",
                ttl=1,
                opts=self._import(f"{zone_id}/{record}", everything),
            )

    def _import(self, identifier: str, as_it_is: list[str]) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, import_=identifier, ignore_changes=as_it_is)


def _service_tokens(publish: PublishArgs) -> list[str]:
    """Return the names of all service tokens, each once."""
    return sorted({token for entry in publish.names if entry.visitors for token in entry.visitors.service_tokens})


def cloudflare_provider(name: str, options: Mapping[str, Any]) -> pulumi.ProviderResource:
    """Return a provider of Cloudflare with these arguments (`api_token`, …); what is not among them comes from its environment."""
    return cloudflare.Provider(name, cloudflare.ProviderArgs(**options))


def connector_token(account: str, tunnel: str, secret: str) -> str:
    """Return the token of a tunnel: base64 of JSON with account tag, tunnel id and base64 secret."""
    parts = {"a": account, "t": tunnel, "s": secret}
    return base64.b64encode(json.dumps(parts, separators=(",", ":")).encode()).decode()


def people(visitors: Visitors) -> list[cloudflare.ZeroTrustAccessPolicyIncludeArgs]:
    """Return the selectors of a policy for persons, one object each."""
    include = cloudflare.ZeroTrustAccessPolicyIncludeArgs
    return [
        *(include(email=cloudflare.ZeroTrustAccessPolicyIncludeEmailArgs(email=email)) for email in visitors.emails),
        *(
            include(email_domain=cloudflare.ZeroTrustAccessPolicyIncludeEmailDomainArgs(domain=domain))
            for domain in visitors.email_domains
        ),
        *(include(group=cloudflare.ZeroTrustAccessPolicyIncludeGroupArgs(id=group)) for group in visitors.groups),
    ]


def programs(
    tokens: Iterable[cloudflare.ZeroTrustAccessServiceToken],
) -> list[cloudflare.ZeroTrustAccessPolicyIncludeArgs]:
    """Return the selectors of a policy for programs that send a service token."""
    return [
        cloudflare.ZeroTrustAccessPolicyIncludeArgs(
            service_token=cloudflare.ZeroTrustAccessPolicyIncludeServiceTokenArgs(token_id=token.id)
        )
        for token in tokens
    ]
