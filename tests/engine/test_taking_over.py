"""Taking over what someone clicked together at Cloudflare: first as it is, then as declared. Real engine and provider."""

from __future__ import annotations

from typing import Any

import httpx

from tests.cloudflare.double import CloudflareDouble
from tests.engine.cloudflare import ACCOUNT, ZONE, entry, needs_provider, publish, shapes
from tests.engine.world import World

pytestmark = needs_provider

STACK = "takeover"
ALBUM = "album.family.org"


def test_existing_things_are_taken_over_as_they_are_and_then_brought_to_what_is_declared(world: World) -> None:
    with CloudflareDouble(account=ACCOUNT, zones={ZONE: "family.org"}) as cf:
        # Here the token comes from the environment, as in a plain `pulumi up`.
        world.variables = cf.environment
        made = clicked_by_hand(cf)
        names = [entry(ALBUM, "drive")]
        adopt = {"tunnel": made["tunnel"], "records": {ALBUM: made["record"]}, "applications": {ALBUM: made["app"]}}
        world.write(STACK, publish=publish(names, adopt=adopt))
        for service in ("photoprism", "syncthing"):
            world.drop(STACK, "services", service)
        before = len(cf.calls)
        text = world.photos("up", STACK, "--yes")

        assert shapes(cf, before) == [], "taken over, not changed"
        assert "Remove publish.adopt after this up" in text
        assert world.preview(STACK, "--refresh") == {}

        world.change(STACK, "publish", publish(names))
        world.photos("up", STACK, "--yes")
        assert world.preview(STACK, "--refresh") == {}
        assert set(cf.state.tunnels) == {made["tunnel"]}
        assert set(cf.state.apps) == {made["app"]}
        assert set(cf.state.dns_records) == {made["record"]}
        assert cf.state.dns_records[made["record"]]["content"] == f"{made['tunnel']}.cfargotunnel.com"
        (policies,) = [app["policies"] for app in cf.state.apps.values()]
        includes = [cf.state.policies[item["id"]]["include"] for item in policies]
        assert includes == [[{"email": {"email": "mum@family.org"}}]], "the old policy lets nobody in any more"

        world.photos("destroy", STACK, "--yes")
        assert cf.state.contents() == {"policies": 1}, "the old policy was never the stack's"


def clicked_by_hand(cf: CloudflareDouble) -> dict[str, str]:
    """Make a tunnel, an application with a policy and a record at the double, as someone does in the dashboard."""

    def made(path: str, **body: Any) -> str:
        answer = httpx.post(f"{cf.base_url}/{path}", json=body, headers={"Authorization": f"Bearer {cf.token}"})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["result"]["id"])

    family = [{"email_domain": {"domain": "family.org"}}]
    tunnel = made(f"accounts/{ACCOUNT}/cfd_tunnel", name="my old tunnel", config_src="cloudflare")
    policy = made(f"accounts/{ACCOUNT}/access/policies", name="family", decision="allow", include=family)
    app = made(
        f"accounts/{ACCOUNT}/access/apps",
        name="Photos",
        type="self_hosted",
        domain=ALBUM,
        session_duration="6h",
        policies=[{"id": policy}],
    )
    record = made(
        f"zones/{ZONE}/dns_records",
        name=ALBUM,
        type="CNAME",
        content=f"{tunnel}.cfargotunnel.com",
        ttl=1,
        proxied=True,
        comment="by hand",
    )
    return {"tunnel": tunnel, "app": app, "record": record}
