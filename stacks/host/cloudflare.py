"""Can what shall be published be published?"""

from __future__ import annotations

from collections.abc import Iterator

from components.messages import message
from stacks.config import StackConfig
from stacks.host import Finding, advice, error, ok, warning

CHECK = "cloudflare"
EXAMPLE_DOMAIN = "example.com"


def check_publishing(config: StackConfig) -> Iterator[Finding]:
    """Look at the API token and at names that Cloudflare's free certificate does not cover."""
    publish = config.settings.publish
    if not publish:
        return
    if EXAMPLE_DOMAIN in publish.zones:
        yield error(
            CHECK,
            *advice(
                "publish_example",
                "photos:publish stands as in the example",
                "Write your own account, zones, team and addresses there, or remove the section: "
                "the album then works at home only.",
            ),
        )
    elif config.token_problem:
        yield error(CHECK, config.token_problem)
    else:
        yield ok(
            CHECK,
            message("publish_ready", "a token is there; {count} name(s) to publish", count=len(publish.hostnames)),
        )
    for hostname in publish.deep_hostnames():
        yield warning(
            CHECK,
            *advice(
                "deep_hostname",
                "{hostname} is more than one level below {zone}, which the free certificate does not cover: "
                "browsers will refuse it",
                "Use {shorter}, or order an advanced certificate at Cloudflare.",
                hostname=hostname,
                zone=publish.zone_of(hostname),
                shorter=f"{hostname.partition('.')[0]}.{publish.zone_of(hostname)}",
            ),
        )
    if publish.adopt.tunnel or publish.adopt.records or publish.adopt.applications:
        yield warning(
            CHECK,
            *advice(
                "adopting",
                "publish.adopt is written: its things are taken over as they are, and their names are not served yet",
                "Remove publish.adopt after this up, and run up again.",
            ),
        )
