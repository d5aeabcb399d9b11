"""What a stack file may say to Cloudflare's provider, as keys `cloudflare:…`: an explicit provider reads none by itself."""

from __future__ import annotations

from collections.abc import Mapping

from components.messages import message
from stacks.findings import Finding, error
from stacks.problems import nearest

NAMESPACE = "cloudflare:"
ARGUMENTS = {
    "apiKey": "api_key",
    "apiToken": "api_token",
    "apiUserServiceKey": "api_user_service_key",
    "baseUrl": "base_url",
    "email": "email",
    "userAgentOperatorSuffix": "user_agent_operator_suffix",
}
"""Key → argument of `pulumi_cloudflare.Provider` 6.17 (tested)."""


def provider_options(everything: Mapping[str, str]) -> dict[str, str]:
    """Return argument → value of what a stack file says to the provider. `everything` has full keys."""
    return {
        argument: everything[NAMESPACE + key] for key, argument in ARGUMENTS.items() if NAMESPACE + key in everything
    }


def unknown_options(everything: Mapping[str, str]) -> list[Finding]:
    """Return what is wrong with keys that the provider does not know: they would have no effect."""
    keys = [key for key in everything if key.startswith(NAMESPACE) and key.removeprefix(NAMESPACE) not in ARGUMENTS]
    return [_unknown(key) for key in sorted(keys)]


def _unknown(key: str) -> Finding:
    meant = nearest(key.removeprefix(NAMESPACE), list(ARGUMENTS))
    return error(f"config {key}", message("extra_forbidden", "unknown. {meant}", meant=meant))
