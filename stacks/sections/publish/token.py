"""Cloudflare's API token: what it looks like, and where it must not stand."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

TOKEN_KEY, TOKEN_VARIABLE = "cloudflare:apiToken", "CLOUDFLARE_API_TOKEN"
TOKEN = re.compile(r"[0-9A-Za-z_-]{40,80}")  # the provider refuses others: terraform-provider-cloudflare, provider.go
OTHER_LOGINS = ("CLOUDFLARE_API_KEY", "CLOUDFLARE_EMAIL", "CLOUDFLARE_API_USER_SERVICE_KEY")
HOW_TO_TOKEN = "Make one as README.md says (Remote access), then run ./photos config set --secret cloudflare:apiToken"  # noqa: S105


def token_in_clear() -> str:
    """Say what to do with a token that anyone who reads the stack file can use."""
    remedy = f"Revoke it at Cloudflare, make a new one, and run ./photos config set --secret {TOKEN_KEY}"
    return f"config {TOKEN_KEY}: stored in clear. {remedy}"


def token_problem(config: Mapping[str, str]) -> str | None:
    """Say why the token that the provider will use cannot work; None when it can. `config` has full keys."""
    token = config.get(TOKEN_KEY) or os.environ.get(TOKEN_VARIABLE, "")
    if not token:
        return f"photos:publish needs an API token of Cloudflare. {HOW_TO_TOKEN}, or set {TOKEN_VARIABLE}"
    if not TOKEN.fullmatch(token):
        return f"the API token of Cloudflare is not one: 40 to 80 letters, digits, - and _ expected. {HOW_TO_TOKEN}"
    if others := [name for name in OTHER_LOGINS if os.environ.get(name)]:
        return f"{', '.join(others)} would be sent to Cloudflare next to the token. Run: unset {' '.join(others)}"
    return None
