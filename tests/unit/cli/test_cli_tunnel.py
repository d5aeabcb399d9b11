"""What `./photos` says about the way in from the internet, which plugin it needs for it, and how it waits at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import typer
from example_stack import STACK_ID

from cli import logins, paths, stack_config, status, tools, tunnel, workspace
from stacks.host.cloudflare import check_publishing

if TYPE_CHECKING:
    from cli.conftest import Checkout, FakeClient  # mypy names the files of this folder cli.*

PUBLISH: dict[str, Any] = {
    "account": "a" * 32,
    "zones": {"family.org": "b" * 32},
    "access": {"team": "family"},
    "hostnames": [
        {
            "hostname": "album.family.org",
            "service": "photoprism",
            "allow": {"emails": ["mum@family.org"], "service_tokens": ["laptop"]},
        }
    ],
}


def write(checkout: Checkout, **more: Any) -> None:
    checkout.write(STACK_ID, {"photos:publish": {**PUBLISH, **more}})


def test_the_plugin_of_cloudflare_is_asked_for_only_where_something_is_published(checkout: Checkout) -> None:
    checkout.write(STACK_ID)
    assert set(tools.used("dev")) == {"docker", "random"}

    write(checkout)
    assert set(tools.used("dev")) == {"docker", "random", "cloudflare"}


@pytest.mark.parametrize(
    ("health", "says"),
    [
        ("healthy", "The tunnel is connected to Cloudflare."),
        ("unhealthy", "The tunnel is not connected to Cloudflare (unhealthy)"),
        ("starting", "The tunnel is not connected to Cloudflare yet."),
    ],
)
def test_status_shows_the_addresses_and_whether_the_tunnel_is_connected(
    checkout: Checkout, client: FakeClient, capsys: pytest.CaptureFixture[str], health: str, says: str
) -> None:
    write(checkout)
    client.add_services(STACK_ID)
    client.add_container("cloudflared", STACK_ID, health)

    assert status.show("dev") == int(health == "unhealthy")
    output = capsys.readouterr()
    assert "https://album.family.org/ (photoprism): Cloudflare Access: 1 mail address, 1 service token" in output.out
    assert "100 MB" in output.out
    assert says in output.out + output.err
    assert ("publish.cloudflared.protocol: http2" in output.err) is (health == "unhealthy")


def test_what_is_being_taken_over_is_not_announced_as_served(
    checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    write(checkout, adopt={"records": {"album.family.org": "c" * 32}})
    tunnel.addresses("dev")

    assert "being taken over, not served yet" in capsys.readouterr().out


def test_without_publishing_nothing_is_said(checkout: Checkout, capsys: pytest.CaptureFixture[str]) -> None:
    checkout.write(STACK_ID)
    tunnel.show("dev", {"photoprism": "healthy"})

    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("types", "waits"),
    [
        (["cloudflare:index:ZeroTrustTunnelCloudflared", "random:index:RandomPassword"], True),
        (["cloudflare:index:ZeroTrustTunnelCloudflared", "docker:index/container:Container"], False),
        (["docker:index/network:Network"], False),
        ([], False),
    ],
)
def test_a_failed_destroy_is_tried_again_only_for_a_tunnel_that_cloudflare_still_counts_as_connected(
    monkeypatch: pytest.MonkeyPatch, types: list[str], waits: bool
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(workspace, "resources", lambda _: [{"type": kind} for kind in types])
    monkeypatch.setattr("cli.tunnel.time.sleep", slept.append)

    assert tunnel.lingers("dev") is waits
    assert slept == ([tunnel.LINGER_S] if waits else [])


def test_the_two_headers_of_a_service_token_are_shown(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(checkout)
    token = {
        "type": "cloudflare:index/zeroTrustAccessServiceToken:ZeroTrustAccessServiceToken",
        "urn": "urn:pulumi:dev::photos::x::tunnel-laptop",
        "outputs": {"clientId": "id.access", "clientSecret": {"plaintext": '"the secret"'}},
    }
    other = {**token, "urn": "urn:pulumi:dev::photos::x::tunnel-other", "outputs": {}}
    monkeypatch.setattr(workspace, "resources", lambda _: [other, token])
    paths.write_private(paths.passphrase_file("dev"), "opens the stack file")

    logins.show("dev", "laptop")

    assert capsys.readouterr().out == "CF-Access-Client-Id: id.access\nCF-Access-Client-Secret: the secret\n"


def test_a_service_token_that_is_not_made_yet_is_said_so(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(checkout)
    monkeypatch.setattr(workspace, "resources", lambda _: [])
    paths.write_private(paths.passphrase_file("dev"), "opens the stack file")

    with pytest.raises(typer.Exit):
        logins.show("dev", "laptop")
    assert "not made yet. Run ./photos up dev" in capsys.readouterr().err
    with pytest.raises(typer.Exit):
        logins.show("dev", "nobody")
    assert "drive, photoprism, syncthing, laptop" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("token", "variable", "says"),
    [
        (None, "", "needs an API token of Cloudflare"),
        (None, "t" * 40, "a token is there"),
        ({"secure": "v1:encrypted"}, "", "a token is there"),
        ("t" * 40, "", "stored in clear. Revoke it at Cloudflare"),
    ],
)
def test_doctor_sees_the_token_without_reading_it(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, token: Any, variable: str, says: str
) -> None:
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", variable)
    write(checkout)
    if token:
        checkout.write(STACK_ID, {"photos:publish": PUBLISH, "cloudflare:apiToken": token})

    (finding,) = check_publishing(stack_config.offline("dev"))

    assert says in str(finding)
