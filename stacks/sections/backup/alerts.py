"""Addresses that alerts go to, and the one of a watcher elsewhere. They are secrets: no part of one is ever told."""

from __future__ import annotations

import re
from difflib import get_close_matches

from components.addresses import LARGEST_PORT
from components.messages import Message, message
from stacks.sections.backup.alert_schemes import ALERT_SCHEMES, IN_CLEAR
from stacks.sections.backup.nearness import host_of, is_at_home

OUTCOME = re.compile(r"/(start|fail|log)/?$|/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/[0-9]{1,3}/?$", re.IGNORECASE)
"""What Healthchecks takes behind an address."""
STATE_PARAMETERS = ("status", "state")


def ping_problem(address: str) -> Message | None:
    """Say why the keeper could not tell a watcher start, success and failure at this address; never a part of it.

    How it tells them: `Alerts.ping` in keeper/alerts.py.
    """
    import httpx  # noqa: PLC0415 - it costs 60 ms, and few stacks have such an address

    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        return message("ping_no_address", "is not an address")
    states = {name: url.params[name] for name in STATE_PARAMETERS if name in url.params}
    is_push = "/push/" in url.path
    findings = (
        (not address.isprintable() or len(address.split()) > 1, message("ping_several", "holds more than one address")),
        (not url.host or (url.port or 1) > LARGEST_PORT, message("ping_no_address", "is not an address")),
        (
            url.scheme != "https" and not (url.scheme == "http" and is_at_home(host_of(address))),
            message("ping_no_https", "is not an https address"),
        ),
        (bool(url.fragment), message("ping_fragment", "holds a #, and what follows it is never sent")),
        (
            is_push and states.get("status", "up") != "up",
            message("ping_one_status", "tells the same outcome every time (status=)"),
        ),
        (
            bool(states) and not is_push,
            message(
                "ping_one_outcome",
                "tells the same outcome every time, a failure too: only Uptime Kuma's push addresses carry it in the query",
            ),
        ),
        (
            bool(OUTCOME.search(url.path)),
            message("ping_outcome_in_path", "ends with one outcome, which the keeper adds itself"),
        ),
    )
    return next((text for wrong, text in findings if wrong), None)


def alert_problem(address: str) -> Message | None:
    """Say why Apprise could not send to this address; never a secret part of it."""
    scheme = _scheme(address)
    if not scheme:
        return message(
            "alert_no_scheme",
            "has no ://, so Apprise cannot know the service. Write e.g. mailto://, wecombot://, barks:// or ntfys://",
        )
    if scheme == "http":
        return message(
            "alert_http",
            "begins with http://. Write https:// where Apprise knows the service by its host, else json:// or jsons://",
        )
    if scheme in IN_CLEAR and not is_at_home(host_of(address)):
        return message(
            "alert_in_clear",
            "sends the alert over the internet in clear ({scheme}://). Write {scheme}s://",
            scheme=scheme,
        )
    if scheme not in ALERT_SCHEMES:
        near = get_close_matches(scheme, sorted(ALERT_SCHEMES), 1)
        meant = (
            message("alert_meant", "Did you mean {near}://?", near=near[0])
            if near
            else message(
                "alert_examples",
                "Write e.g. mailto://, wecombot://, dingtalk://, feishu://, barks://, schan:// or ntfys://",
            )
        )
        return message(
            "alert_unknown", 'begins with "{scheme}", which Apprise does not know. {meant}', scheme=scheme, meant=meant
        )
    return None


def _scheme(address: str) -> str:
    """Return what stands before ://; the rest may be secret."""
    return address.partition("://")[0].lower()[:30] if "://" in address else ""
