"""Which fields a request may carry, and their types.

Source: the `json:"…"` tags of internal/services/<service>/model.go in cloudflare/terraform-provider-cloudflare at
b2277b8b (v5.19.1, the release inside pulumi-cloudflare 6.17), which are made from Cloudflare's OpenAPI document.
Cloudflare itself ignores some unknown fields; the double never does: one that is sent in vain is a mistake of ours.
"""

from __future__ import annotations

from typing import Any

# A shape: a type, a list of one shape, or a dict of names; a name that ends in "!" must be there and not null.
Shape = Any
NUMBER = (int, float)
TEXTS = [str]

RULE_OF_PROVIDER = {"id!": str, "identity_provider_id!": str}
SELECTORS: dict[str, Shape] = {
    "group": {"id!": str},
    "any_valid_service_token": {},
    "auth_context": RULE_OF_PROVIDER | {"ac_id!": str},
    "auth_method": {"auth_method!": str},
    "azureAD": RULE_OF_PROVIDER,
    "certificate": {},
    "common_name": {"common_name!": str},
    "geo": {"country_code!": str},
    "device_posture": {"integration_uid!": str},
    "email_domain": {"domain!": str},
    "email_list": {"id!": str},
    "email": {"email!": str},
    "everyone": {},
    "external_evaluation": {"evaluate_url!": str, "keys_url!": str},
    "github-organization": {"identity_provider_id!": str, "name!": str, "team": str},
    "gsuite": {"email!": str, "identity_provider_id!": str},
    "login_method": {"id!": str},
    "ip_list": {"id!": str},
    "ip": {"ip!": str},
    "okta": {"identity_provider_id!": str, "name!": str},
    "saml": {"attribute_name!": str, "attribute_value!": str, "identity_provider_id!": str},
    "oidc": {"claim_name!": str, "claim_value!": str, "identity_provider_id!": str},
    "service_token": {"token_id!": str},
    "linked_app_token": {"app_uid!": str},
    "user_risk_score": {"user_risk_score!": TEXTS},
}
MFA = {"allowed_authenticators": TEXTS, "mfa_disabled": bool, "session_duration": str}

TUNNEL = {"name!": str, "config_src": str, "tunnel_secret": str}
TUNNEL_CHANGE = {"name": str, "tunnel_secret": str}

ORIGIN_REQUEST = {
    "access": {"audTag!": TEXTS, "teamName!": str, "required": bool},
    "caPool": str,
    "connectTimeout": int,
    "disableChunkedEncoding": bool,
    "http2Origin": bool,
    "httpHostHeader": str,
    "keepAliveConnections": int,
    "keepAliveTimeout": int,
    "matchSNItoHost": bool,
    "noHappyEyeballs": bool,
    "noTLSVerify": bool,
    "originServerName": str,
    "proxyType": str,
    "tcpKeepAlive": int,
    "tlsTimeout": int,
}
INGRESS = [{"service!": str, "hostname": str, "path": str, "originRequest": ORIGIN_REQUEST}]
CONFIGURATION = {"config!": {"ingress": INGRESS, "originRequest": ORIGIN_REQUEST}, "source": str}

DNS_RECORD = {
    "name!": str,
    "type!": str,
    "ttl!": NUMBER,
    "content": str,
    "comment": str,
    "priority": NUMBER,
    "private_routing": bool,
    "proxied": bool,
    "settings": {"ipv4_only": bool, "ipv6_only": bool, "flatten_cname": bool},
    "tags": TEXTS,
}

APPLICATION = {
    "allow_authenticate_via_warp": bool,
    "allow_iframe": bool,
    "allowed_idps": TEXTS,
    "app_launcher_visible": bool,
    "auto_redirect_to_identity": bool,
    "cors_headers": {
        "allow_all_headers": bool,
        "allow_all_methods": bool,
        "allow_all_origins": bool,
        "allow_credentials": bool,
        "allowed_headers": TEXTS,
        "allowed_methods": TEXTS,
        "allowed_origins": TEXTS,
        "max_age": NUMBER,
    },
    "custom_deny_message": str,
    "custom_deny_url": str,
    "custom_non_identity_deny_url": str,
    "custom_pages": TEXTS,
    # Only public destinations: private ones belong to WARP, which no stack of ours uses.
    "destinations": [{"type!": str, "uri!": str}],
    "domain": str,
    "enable_binding_cookie": bool,
    "http_only_cookie_attribute": bool,
    "logo_url": str,
    "mfa_config": MFA,
    "name": str,
    "options_preflight_bypass": bool,
    "path_cookie_attribute": bool,
    # The API also takes whole policies here; they are legacy, so only references to account policies.
    "policies": [{"id!": str, "precedence": int}],
    "read_service_tokens_from_header": str,
    "same_site_cookie_attribute": str,
    "self_hosted_domains": TEXTS,
    "service_auth_401_redirect": bool,
    "session_duration": str,
    "skip_interstitial": bool,
    "tags": TEXTS,
    "type!": str,
}

POLICY = {
    "name!": str,
    "decision!": str,
    "include": [SELECTORS],
    "exclude": [SELECTORS],
    "require": [SELECTORS],
    "session_duration": str,
    "approval_required": bool,
    "approval_groups": [{"approvals_needed!": NUMBER, "email_addresses": TEXTS, "email_list_uuid": str}],
    "isolation_required": bool,
    "mfa_config": MFA,
    "purpose_justification_prompt": str,
    "purpose_justification_required": bool,
}

SERVICE_TOKEN = {
    "name!": str,
    "duration": str,
    "client_secret_version": NUMBER,
    "previous_client_secret_expires_at": str,
}


def problem(value: object, shape: Shape, path: str = "") -> str | None:
    """Return what is wrong with `value`, or None; null is allowed wherever nothing is required."""
    if isinstance(shape, dict):
        return _problem_of_object(value, shape, path)
    if isinstance(shape, list):
        if not isinstance(value, list):
            return f"{path}: expected a list"
        found = (problem(item, shape[0], f"{path}[{index}]") for index, item in enumerate(value))
        return next((text for text in found if text), None)
    if not isinstance(value, shape) or (isinstance(value, bool) and shape is not bool):
        return f"{path}: invalid type {type(value).__name__}"
    return None


def _problem_of_object(value: object, shape: dict[str, Shape], path: str) -> str | None:
    if not isinstance(value, dict):
        return f"{path}: expected an object"
    allowed = {name.rstrip("!"): inner for name, inner in shape.items()}
    for name in sorted(value.keys() - allowed.keys()):
        return f"unknown field `{path}{'.' if path else ''}{name}`"
    for name in (name.rstrip("!") for name in shape if name.endswith("!")):
        if value.get(name) is None:
            return f"missing field `{path}{'.' if path else ''}{name}`"
    found = (
        problem(inner, allowed[name], f"{path}.{name}" if path else name)
        for name, inner in value.items()
        if inner is not None
    )
    return next((text for text in found if text), None)
