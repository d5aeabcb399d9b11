"""Cloudflare's API token: what it looks like, and where it must not stand."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from components.messages import Message, message
from stacks.findings import Finding, error

TOKEN_KEY, TOKEN_VARIABLE = "cloudflare:apiToken", "CLOUDFLARE_API_TOKEN"
TOKEN = re.compile(r"[0-9A-Za-z_-]{40,80}")  # the provider refuses others: terraform-provider-cloudflare, provider.go
OTHER_LOGINS = ("CLOUDFLARE_API_KEY", "CLOUDFLARE_EMAIL", "CLOUDFLARE_API_USER_SERVICE_KEY")
HOW_TO_TOKEN = message(
    "token_how",
    "Make one as docs/remote-access.md says, then run ./photos config set --secret {token_key}",
    token_key=TOKEN_KEY,
)


def token_in_clear() -> Finding:
    """Say what to do with a token that anyone who reads the stack file can use."""
    return error(
        f"config {TOKEN_KEY}",
        message(
            "token_in_clear",
            "stored in clear. Revoke it at Cloudflare, make a new one, and run ./photos config set --secret {token_key}",
            token_key=TOKEN_KEY,
        ),
    )


def token_problem(config: Mapping[str, str]) -> Message | None:
    """Say why the token that the provider will use cannot work; None when it can. `config` has full keys."""
    token = config.get(TOKEN_KEY) or os.environ.get(TOKEN_VARIABLE, "")
    if not token:
        return message(
            "token_missing",
            "photos:publish needs an API token of Cloudflare. {how}, or set {variable}",
            how=HOW_TO_TOKEN,
            variable=TOKEN_VARIABLE,
        )
    if not TOKEN.fullmatch(token):
        return message(
            "token_unreadable",
            "the API token of Cloudflare is not one: 40 to 80 letters, digits, - and _ expected. {how}",
            how=HOW_TO_TOKEN,
        )
    if others := [name for name in OTHER_LOGINS if os.environ.get(name)]:
        return message(
            "token_beside_others",
            "{others} would be sent to Cloudflare next to the token. Run: unset {words}",
            others=", ".join(others),
            words=" ".join(others),
        )
    return None
