"""Can what shall be published be published?"""

from __future__ import annotations

from collections.abc import Iterator

from stacks.config import StackConfig
from stacks.host import Finding, error, ok, warning

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
            "photos:publish stands as in the example",
            "Write your own account, zones, team and addresses there, or remove the section: the album then works at home only.",
        )
    elif config.token_problem:
        yield error(CHECK, config.token_problem)
    else:
        yield ok(CHECK, f"a token is there; {len(publish.hostnames)} name(s) to publish")
    for hostname in publish.deep_hostnames():
        yield warning(
            CHECK,
            f"{hostname} is more than one level below {publish.zone_of(hostname)}, which the free certificate does not cover: "
            "browsers will refuse it",
            f"Use {hostname.partition('.')[0]}.{publish.zone_of(hostname)}, or order an advanced certificate at Cloudflare.",
        )
    if publish.adopt.tunnel or publish.adopt.records or publish.adopt.applications:
        yield warning(
            CHECK,
            "publish.adopt is written: its things are taken over as they are, and their names are not served yet",
            "Remove publish.adopt after this up, and run up again.",
        )
