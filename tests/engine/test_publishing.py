"""Publishing with the real engine and the real Cloudflare provider, against the loopback double of the API.

In order: each test goes on where the one before it stopped. The last ones ask the whole history.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from cli.docker_host import connect
from components.tunnel import connector_token
from tests.cloudflare.double import CloudflareDouble
from tests.cloudflare.history import rule_of
from tests.docker.reach import ASK, PYTHON
from tests.engine.cloudflare import ACCOUNT, ID, ZONE, entry, needs_provider, publish, shapes
from tests.engine.world import World

pytestmark = needs_provider

STACK = "public"
ALBUM, DRIVE, OPEN = "album.family.org", "drive.family.org", "open.family.org"
OPENLIST = "http://drive:5244/ping"
TUNNEL_CONFIG, TUNNEL = "tunnel:ZeroTrustTunnelCloudflaredConfig", "tunnel:ZeroTrustTunnelCloudflared"


DESK = {"service_tokens": ["desk"]}
FIRST = [entry(ALBUM, "photoprism", allow={"emails": ["mum@family.org"], "service_tokens": ["laptop"]})]


@pytest.fixture(scope="module", name="cf")
def double() -> Iterator[CloudflareDouble]:
    with CloudflareDouble(account=ACCOUNT, zones={ZONE: "family.org"}) as cf:
        yield cf


@pytest.fixture(scope="module", name="life")
def scenario(world: World, cf: CloudflareDouble) -> World:
    world.variables = {"CLOUDFLARE_BASE_URL": cf.base_url}
    world.write(STACK, publish=publish(FIRST))
    world.drop(STACK, "services", "syncthing")
    return world


def change_names(life: World, hostnames: list[dict[str, Any]]) -> None:
    life.change(STACK, "publish.hostnames", hostnames)


def test_without_a_token_nothing_is_created_and_the_message_says_how_to_make_one(
    life: World, cf: CloudflareDouble
) -> None:
    text = life.photos("up", STACK, "--yes", check=False)

    assert "photos:publish needs an API token of Cloudflare" in text
    assert cf.calls == []
    assert "photos:id" not in life.config(STACK), "a first start that is refused writes nothing"


def test_up_makes_exactly_the_expected_calls(life: World, cf: CloudflareDouble) -> None:
    life.photos("config", "set", "--secret", "cloudflare:apiToken", "--stack", STACK, typed=cf.token)
    text = life.photos("up", STACK, "--yes")

    assert shapes(cf) == sorted(
        [
            "POST accounts/*/cfd_tunnel 200",
            "POST accounts/*/access/service_tokens 200",
            "POST accounts/*/access/policies 200",
            "POST accounts/*/access/policies 200",
            "POST accounts/*/access/apps 200",
            "PUT accounts/*/cfd_tunnel/*/configurations 200",
            "POST zones/*/dns_records 200",
        ]
    )
    assert cf.changes[-1].path.endswith("dns_records"), "the name comes last"
    assert f"https://{ALBUM}/ (photoprism): Cloudflare Access: 1 mail address, 1 service token" in text
    assert "100 MB" in text


def test_a_second_up_and_a_refresh_change_nothing(life: World, cf: CloudflareDouble) -> None:
    before = len(cf.calls)
    life.photos("up", STACK, "--yes")

    assert shapes(cf, before) == []
    assert life.preview(STACK, "--refresh") == {}


def test_the_connector_has_the_token_of_this_tunnel_and_status_says_whether_it_is_connected(
    life: World, cf: CloudflareDouble
) -> None:
    (tunnel,) = cf.state.tunnels
    with connect() as client:
        connector = client.containers.get(f"photos-{STACK}-cloudflared")
        assert f"tunnelID={tunnel}" in str(connector.logs())
        python = "/usr/lib/cloudflared-double/python"
        away = life.photos("status", "--stack", STACK)
        connector.exec_run([python, "-c", "open('/tmp/edge', 'w')"])
        wait_for_health(connector, "healthy")
    there = life.photos("status", "--stack", STACK)

    assert "The tunnel is not connected to Cloudflare yet. Should it stay so" in away
    assert "The tunnel is connected to Cloudflare" in there


def wait_for_health(container: Any, wanted: str) -> None:
    for _ in range(90):
        container.reload()
        if container.attrs["State"]["Health"]["Status"] == wanted:
            return
        time.sleep(1)
    pytest.fail(f"{container.name} is {container.attrs['State']['Health']}")


def test_a_program_gets_the_two_headers_that_cloudflare_made(life: World, cf: CloudflareDouble) -> None:
    (token,) = cf.state.service_tokens.values()
    text = life.photos("password", "laptop", "--stack", STACK)
    life.output.pop()  # the one command whose job is to show it

    assert f"CF-Access-Client-Id: {token['client_id']}" in text
    secret = text.split("CF-Access-Client-Secret: ")[1].strip()
    assert len(secret) >= 32
    assert secret not in state(life)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        pytest.param(
            [
                *FIRST,
                entry(DRIVE, "drive", allow={"emails": ["mum@family.org"], **DESK}),
                entry(OPEN, "photoprism", access="public"),
            ],
            {
                TUNNEL_CONFIG: "update",
                "tunnel-desk:ZeroTrustAccessServiceToken": "create",
                f"{DRIVE}:ZeroTrustAccessApplication": "create",
                f"{DRIVE}-people:ZeroTrustAccessPolicy": "create",
                f"{DRIVE}-programs:ZeroTrustAccessPolicy": "create",
                f"{DRIVE}:DnsRecord": "create",
                f"{OPEN}:DnsRecord": "create",
                "drive:Container": "replace",
            },
            id="two names more, one of them public",
        ),
        pytest.param(
            [
                *FIRST,
                entry(DRIVE, "drive", allow={"emails": ["dad@family.org"], **DESK}),
                entry(OPEN, "photoprism", access="public"),
            ],
            {f"{DRIVE}-people:ZeroTrustAccessPolicy": "update"},
            id="another address",
        ),
        pytest.param(
            FIRST,
            {
                TUNNEL_CONFIG: "update",
                "tunnel-desk:ZeroTrustAccessServiceToken": "delete",
                f"{DRIVE}:ZeroTrustAccessApplication": "delete",
                f"{DRIVE}-people:ZeroTrustAccessPolicy": "delete",
                f"{DRIVE}-programs:ZeroTrustAccessPolicy": "delete",
                f"{DRIVE}:DnsRecord": "delete",
                f"{OPEN}:DnsRecord": "delete",
                "drive:Container": "replace",
            },
            id="two names less",
        ),
    ],
)
def test_a_change_names_exactly_what_it_changes(
    life: World, names: list[dict[str, Any]], expected: dict[str, str]
) -> None:
    change_names(life, names)

    found = {name: operation for name, operation in life.preview(STACK).items() if operation != "create-replacement"}
    assert {name: op.removesuffix("d") for name, op in found.items() if op != "delete-replaced"} == expected
    life.photos("up", STACK, "--yes")
    assert life.preview(STACK, "--refresh") == {}
    assert answered(["http://photoprism:2342/api/v1/status", OPENLIST]) == {"http://photoprism:2342/api/v1/status"} | (
        {OPENLIST} if any(name["service"] == "drive" for name in names) else set()
    )


def answered(urls: list[str]) -> set[str]:
    """Return the addresses that answer the connector."""
    with connect() as client:
        done = client.containers.get(f"photos-{STACK}-cloudflared").exec_run([PYTHON["cloudflared"], "-c", ASK, *urls])
    assert isinstance(done.output, bytes)
    return set(done.output.decode().split())


def test_a_rotated_tunnel_secret_changes_the_tunnel_and_its_connector_only(life: World, cf: CloudflareDouble) -> None:
    ((tunnel, before),) = cf.state.tunnel_secrets.items()
    life.change(STACK, "publish.cloudflared", {"secret_rotation": 2})

    assert set(life.preview(STACK)) == {"tunnel-secret:RandomPassword", TUNNEL, "cloudflared:Container"}
    life.photos("up", STACK, "--yes")
    ((same, after),) = cf.state.tunnel_secrets.items()
    assert same == tunnel
    assert after != before


def test_what_was_changed_by_hand_is_shown_and_healed(life: World, cf: CloudflareDouble) -> None:
    (record,) = cf.state.dns_records.values()
    policy = next(item for item in cf.state.policies.values() if item["decision"] == "allow")
    (configuration,) = cf.state.configurations.values()
    record["content"] = "elsewhere.example.net"
    policy["include"] = [*policy["include"], {"everyone": {}}]
    del configuration["config"]["ingress"][0]["originRequest"]

    shown = {
        f"{ALBUM}:DnsRecord": "update",
        f"{ALBUM}-people:ZeroTrustAccessPolicy": "update",
        TUNNEL_CONFIG: "update",
    }
    assert life.preview(STACK, "--refresh") == shown

    # The login deleted as well: a new one has another audience.
    cf.state.apps.clear()
    assert life.preview(STACK, "--refresh") == {**shown, f"{ALBUM}:ZeroTrustAccessApplication": "create"}
    life.photos("up", STACK, "--refresh", "--yes")
    (tunnel,) = cf.state.tunnels
    assert [item["content"] for item in cf.state.dns_records.values()] == [f"{tunnel}.cfargotunnel.com"]
    assert "everyone" not in str(cf.state.policies)
    assert {rule.hostname: rule.audiences for rule in cf.history()[-1].rules} == {
        ALBUM: (next(iter(cf.state.apps.values()))["aud"],),
        "": (),
    }


def test_errors_in_the_middle_are_one_message_each_and_the_next_up_heals(life: World, cf: CloudflareDouble) -> None:
    """Four ups in a row get one step further each: policy, application, rules, name."""
    now = life.config(STACK)["photos:publish"]["hostnames"]
    change_names(life, [*now, entry("extra.family.org", "photoprism")])
    for method, path, status in (
        ("POST", "policies", 429),
        ("POST", "apps", 401),
        ("PUT", "configurations", 500),
        ("POST", "dns_records", 500),
    ):
        cf.fail_next(method, path, status)
        text = life.photos("up", STACK, "--yes", check=False)

        assert "Traceback" not in text
        assert f": {status} " in text
        assert f"/{path}" in text
        assert "Nothing of your photos was touched" in text
    # Busy for a moment: the provider asks again by itself.
    cf.fail_next("POST", "dns_records", 429, retry=True, retry_after=1)
    life.photos("up", STACK, "--yes")

    assert "POST zones/*/dns_records 429" in shapes(cf)
    assert life.preview(STACK, "--refresh") == {}


def test_another_api_token_needs_one_up_and_no_more(life: World, cf: CloudflareDouble) -> None:
    cf.token = "another-token-of-the-double-0123456789-abcdef"
    life.photos("config", "set", "--secret", "cloudflare:apiToken", "--stack", STACK, typed=cf.token)
    life.photos("up", STACK, "--yes")

    assert life.preview(STACK, "--refresh") == {}


def state(life: World) -> str:
    return (life.data / "state/.pulumi/stacks/photos" / f"{STACK}.json").read_text()


def test_no_secret_is_in_state_logs_arguments_or_inspect(life: World, cf: CloudflareDouble) -> None:
    (tunnel_secret,) = cf.state.tunnel_secrets.values()
    words = life.photos("password", "laptop", "--stack", STACK)
    life.output.pop()
    secrets = [cf.token, tunnel_secret, words.split("Secret: ")[1].strip()]
    with connect() as client:
        container = client.containers.get(f"photos-{STACK}-cloudflared")
        token = connector_token(ACCOUNT, next(iter(cf.state.tunnels)), tunnel_secret)
        places = {
            "state": state(life),
            "output": "\n".join(life.output),
            "command lines": "\n".join(life.arguments),
            "inspect": str(container.attrs) + str(container.top()),
            "logs": str(container.logs()),
            "stack file": life.stack_file(STACK).read_text(),
        }

    for secret in (*secrets, token):
        assert len(secret) >= 32
        assert [place for place, text in places.items() if secret in text] == []


def test_destroy_waits_for_cloudflare_and_leaves_nothing_there(life: World, cf: CloudflareDouble) -> None:
    (tunnel,) = cf.state.tunnels
    cf.connect_tunnel(tunnel)
    before = len(cf.calls)

    def connection_ends() -> None:
        while not any(call.method == "DELETE" and "cfd_tunnel" in call.path for call in cf.calls[before:]):
            time.sleep(0.2)
        cf.disconnect_tunnel(tunnel)

    watcher = threading.Thread(target=connection_ends)
    watcher.start()
    text = life.photos("destroy", STACK, "--yes")
    watcher.join()

    assert cf.state.contents() == {}
    assert "Trying again in" in text
    deleted = [ID.sub("*", call.path) for call in cf.calls[before:] if call.method == "DELETE"]
    assert set(deleted[:2]) == {"zones/*/dns_records/*"}, "the names go first"


def test_at_no_moment_was_a_name_without_its_login(cf: CloudflareDouble) -> None:
    moments = cf.history()

    assert len(moments) > 100
    assert [str(moment.after) for moment in moments if moment.unprotected(public={OPEN})] == []


def test_every_rule_asked_for_the_login_but_the_last_and_the_public_ones(cf: CloudflareDouble) -> None:
    bodies = [call.body for call in cf.calls if call.method == "PUT" and call.path.endswith("/configurations")]
    written = [rule_of("", rule) for body in bodies if body for rule in body["config"]["ingress"]]

    assert len(bodies) >= 5
    assert any(rule.hostname == OPEN and not rule.audiences for rule in written)
    assert [rule for rule in written if rule.hostname not in ("", OPEN) and not rule.audiences] == []
