"""What must hold between `photos:publish` and the services before anything is published."""

from __future__ import annotations

from collections.abc import Iterator

from components.messages import message
from components.services import services_by_name
from stacks.findings import Finding
from stacks.problems import problem
from stacks.sections import Settings
from stacks.sections.publish import HostnameConfig


def publishing_problems(settings: Settings) -> list[Finding]:
    """Return what is wrong with `photos:publish`, beyond what the model sees by itself."""
    if not settings.publish:
        return []
    mistakes = [
        line
        for index, entry in enumerate(settings.publish.hostnames)
        for line in _problems_of(entry, f"publish.hostnames.{index}", settings)
    ]
    return mistakes + _site_url_elsewhere(settings)


def _problems_of(entry: HostnameConfig, place: str, settings: Settings) -> Iterator[Finding]:
    enabled = settings.enabled()
    for key, service in entry.services():
        offered = services_by_name()[service].endpoint if service in enabled else None
        if offered is None:
            known = ", ".join(name for name in enabled if services_by_name()[name].endpoint)
            yield problem(
                f"{place}.{key}",
                message(
                    "service_not_there",
                    '"{service}" is not among services. Write one of: {known}',
                    service=service,
                    known=known,
                ),
            )
        elif offered.admin and entry.access == "public":
            yield problem(
                f"{place}.access",
                message(
                    "admin_page_public",
                    "{service} is an admin page and is never public. Leave `access` out",
                    service=service,
                ),
            )
        elif offered.admin and not entry.allow.emails:
            yield problem(
                f"{place}.allow.emails",
                message(
                    "admin_page_without_people",
                    "{service} is an admin page. Name the addresses of those who may rule it",
                    service=service,
                ),
            )
    if entry.access == "login" and not entry.allow:
        yield problem(
            f"{place}.allow",
            message(
                "open_to_everyone",
                "empty; {hostname} would be open to everyone. Name those who may enter, e.g. emails: "
                "[mum@example.com], or write `access: public` if everyone shall",
                hostname=entry.hostname,
            ),
        )
    for token in {*entry.allow.service_tokens} & {*services_by_name()}:
        yield problem(
            f"{place}.allow.service_tokens",
            message(
                "token_is_service",
                '"{token}" is a service: ./photos password {token} shows its login. Write another name, e.g. {token}-rclone',
                token=token,
            ),
        )
    if entry.access == "public" and entry.allow:
        yield problem(
            f"{place}.allow",
            message("allow_without_effect", "has no effect with `access: public`. Leave out one of the two"),
        )


def _site_url_elsewhere(settings: Settings) -> list[Finding]:
    """A service that thinks it lives elsewhere makes wrong links and refuses logins."""
    publish, mistakes = settings.publish, []
    for name, service in settings.enabled().items():
        site_url = getattr(service, "site_url", None)
        names = [entry.hostname for entry in publish.hostnames if entry.service == name] if publish else []
        if site_url and names and site_url not in [f"https://{hostname}/" for hostname in names]:
            mistakes.append(
                problem(
                    f"services.{name}.site_url",
                    message(
                        "site_url_elsewhere",
                        "{site_url} does not match the published name. Leave it out, or write {url}",
                        site_url=site_url,
                        url=f"https://{names[0]}/",
                    ),
                )
            )
    return mistakes
