"""What must hold between `photos:publish`, the services and Cloudflare's API token before anything is published."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping

from components.publishing import HostnameConfig
from components.services import catalog
from stacks.problems import problem
from stacks.settings import Settings

TOKEN_KEY, TOKEN_VARIABLE = "cloudflare:apiToken", "CLOUDFLARE_API_TOKEN"
TOKEN = re.compile(r"[0-9A-Za-z_-]{40,80}")  # the provider refuses others: terraform-provider-cloudflare, provider.go
OTHER_LOGINS = ("CLOUDFLARE_API_KEY", "CLOUDFLARE_EMAIL", "CLOUDFLARE_API_USER_SERVICE_KEY")
HOW_TO_TOKEN = "Make one as README.md says (Remote access), then run ./photos config set --secret cloudflare:apiToken"  # noqa: S105


def publishing_problems(settings: Settings) -> list[str]:
    """Return what is wrong with `photos:publish`, beyond what the model sees by itself."""
    if not settings.publish:
        return []
    found = [
        line
        for index, entry in enumerate(settings.publish.hostnames)
        for line in _problems_of(entry, f"publish.hostnames.{index}", settings)
    ]
    return found + _site_url_elsewhere(settings)


def _problems_of(entry: HostnameConfig, place: str, settings: Settings) -> Iterator[str]:
    enabled = settings.enabled()
    for key, service in entry.services():
        offered = catalog()[service].endpoint if service in enabled else None
        if offered is None:
            known = ", ".join(name for name in enabled if catalog()[name].endpoint)
            yield problem(f"{place}.{key}", f'"{service}" is not among services. Write one of: {known}')
        elif offered.admin and entry.access == "public":
            yield problem(f"{place}.access", f"{service} is an admin page and is never public. Leave `access` out")
        elif offered.admin and not entry.allow.emails:
            yield problem(
                f"{place}.allow.emails", f"{service} is an admin page. Name the addresses of those who may rule it"
            )
    if entry.access == "login" and not entry.allow:
        yield problem(
            f"{place}.allow",
            f"empty; {entry.hostname} would be open to everyone. Name those who may enter, e.g. emails: "
            "[mum@example.com], or write `access: public` if everyone shall",
        )
    for token in {*entry.allow.service_tokens} & {*catalog()}:
        yield problem(
            f"{place}.allow.service_tokens",
            f'"{token}" is a service: ./photos password {token} shows its login. Write another name, e.g. {token}-rclone',
        )
    if entry.access == "public" and entry.allow:
        yield problem(f"{place}.allow", "has no effect with `access: public`. Leave out one of the two")


def _site_url_elsewhere(settings: Settings) -> list[str]:
    """A service that thinks it lives elsewhere makes wrong links and refuses logins."""
    publish, found = settings.publish, []
    for name, service in settings.enabled().items():
        site_url = getattr(service, "site_url", None)
        names = [entry.hostname for entry in publish.hostnames if entry.service == name] if publish else []
        if site_url and names and site_url not in [f"https://{hostname}/" for hostname in names]:
            found.append(
                problem(
                    f"services.{name}.site_url",
                    f"{site_url} does not match the published name. Leave it out, or write https://{names[0]}/",
                )
            )
    return found


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
