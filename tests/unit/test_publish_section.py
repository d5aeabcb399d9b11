"""What a stack with `photos:publish` declares: the tunnel, its rules, the names, and who may enter."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from example_stack import (
    DROP,
    STACK_ID,
    Config,
    changed,
    container,
    declare_stack,
    environment,
    example,
    outputs_of,
    plain_name,
    role,
    uploads,
)
from fake_host import FakeHost

from stacks.recording import Recorded, Recorder, is_secret, plain
from stacks.sections.publish import BODY_LIMIT, PublishConfig

ACCOUNT, ZONE, OTHER_ZONE = "a" * 32, "b" * 32, "c" * 32
TUNNEL_ID = "f174e90a-fafe-4643-bbbc-4a0ed4fc8415"
PUBLISH: dict[str, Any] = {
    "account": ACCOUNT,
    "zones": {"family.org": ZONE, "photos.family.net": OTHER_ZONE},
    "access": {"team": "my-family"},
    "hostnames": [
        {
            "hostname": "album.family.org",
            "service": "photoprism",
            "paths": [{"path": "^/dav(/|$)", "service": "drive"}],
            "allow": {
                "emails": ["mum@family.org", "dad@family.org"],
                "email_domains": ["family.org"],
                "groups": [TUNNEL_ID],
                "service_tokens": ["laptop"],
            },
            "session": "12h",
        },
        {"hostname": "photos.family.net", "service": "photoprism", "access": "public"},
    ],
}


def published(**changes: Any) -> Config:
    """Return the dev example with PUBLISH and `changes` at its keys."""
    return changed(example("dev"), {"publish": {**PUBLISH, **changes}})


@pytest.fixture(scope="module", name="recorder")
def declared_once() -> Recorder:
    return declare_stack(published())


def one(recorder: Recorder, kind: str, name: str) -> dict[str, Any]:
    (found,) = [item for item in recorder.of_type(kind) if role(item) == name]
    inputs: dict[str, Any] = plain(found.inputs)
    return inputs


def rules(recorder: Recorder) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = one(recorder, "ZeroTrustTunnelCloudflaredConfig", "tunnel")["config"]["ingresses"]
    return found


def ancestors(recorder: Recorder, item: Recorded) -> set[str]:
    """Return type:name of everything that `item` waits for, directly or not."""
    by_urn = {urn_end(other): other for other in recorder.resources}
    seen: set[str] = set()
    waiting = [item]
    while waiting:
        for urn in waiting.pop().options["depends_on"]:
            key = f"{urn.split('::')[-2].split('$')[-1]}::{plain_name(urn)}"
            if key not in seen and key in by_urn:
                seen.add(key)
                waiting.append(by_urn[key])
    return {f"{key.split('::')[0].split(':')[-1]}:{key.split('::')[1]}" for key in seen}


def urn_end(item: Recorded) -> str:
    return f"{item.type}::{role(item)}"


def test_every_rule_but_the_last_and_the_public_ones_asks_cloudflared_itself_for_the_login(recorder: Recorder) -> None:
    access = {"required": True, "teamName": "my-family", "audTags": ["audience of album.family.org"]}

    assert rules(recorder) == [
        {
            "hostname": "album.family.org",
            "path": "^/dav(/|$)",
            "service": "http://drive:5244",
            "originRequest": {"access": access},
        },
        {"hostname": "album.family.org", "service": "http://photoprism:2342", "originRequest": {"access": access}},
        {"hostname": "photos.family.net", "service": "http://photoprism:2342"},
        {"service": "http_status:404"},
    ]


def test_a_name_waits_for_its_login_and_its_rules(recorder: Recorder) -> None:
    records = {role(item): item for item in recorder.of_type("DnsRecord")}

    assert set(records) == {"album.family.org", "photos.family.net"}
    before = ancestors(recorder, records["album.family.org"])
    assert {
        "ZeroTrustAccessApplication:album.family.org",
        "ZeroTrustAccessPolicy:album.family.org-people",
        "ZeroTrustAccessPolicy:album.family.org-programs",
        "ZeroTrustTunnelCloudflaredConfig:tunnel",
    } <= before
    assert "ZeroTrustTunnelCloudflaredConfig:tunnel" in ancestors(recorder, records["photos.family.net"])


def test_a_name_is_a_proxied_cname_in_its_own_zone(recorder: Recorder) -> None:
    assert one(recorder, "DnsRecord", "album.family.org") == {
        "zoneId": ZONE,
        "name": "album.family.org",
        "type": "CNAME",
        "content": "photos-tunnel-id.cfargotunnel.com",
        "proxied": True,
        "ttl": 1,
    }
    assert one(recorder, "DnsRecord", "photos.family.net")["zoneId"] == OTHER_ZONE, "the longest domain that fits"


def test_who_may_enter_is_exactly_who_is_named(recorder: Recorder) -> None:
    people = one(recorder, "ZeroTrustAccessPolicy", "album.family.org-people")
    programs = one(recorder, "ZeroTrustAccessPolicy", "album.family.org-programs")

    assert (people["decision"], programs["decision"]) == ("allow", "non_identity")
    assert people["includes"] == [
        {"email": {"email": "mum@family.org"}},
        {"email": {"email": "dad@family.org"}},
        {"emailDomain": {"domain": "family.org"}},
        {"group": {"id": TUNNEL_ID}},
    ]
    assert programs["includes"] == [{"serviceToken": {"tokenId": "photos-tunnel-laptop-id"}}]
    assert {people["sessionDuration"], programs["sessionDuration"]} == {"12h"}


def test_a_public_name_has_no_application(recorder: Recorder) -> None:
    assert [role(item) for item in recorder.of_type("ZeroTrustAccessApplication")] == ["album.family.org"]


def test_an_application_covers_its_whole_name_and_lists_its_policies(recorder: Recorder) -> None:
    application = one(recorder, "ZeroTrustAccessApplication", "album.family.org")

    assert application["type"] == "self_hosted"
    assert application["destinations"] == [{"type": "public", "uri": "album.family.org"}]
    assert application["sessionDuration"] == "12h"
    assert application["policies"] == [
        {"id": "album.family.org-people-id", "precedence": 1},
        {"id": "album.family.org-programs-id", "precedence": 2},
    ]


def test_the_connector_gets_a_token_that_opens_this_tunnel_and_only_as_a_secret_file(recorder: Recorder) -> None:
    (connector,) = [item for item in recorder.of_type("Container") if role(item) == "cloudflared"]
    files = uploads(recorder, "cloudflared")
    token = json.loads(base64.b64decode(files["/run/secrets/tunnel_token"]))
    tunnel = next(item for item in recorder.of_type("ZeroTrustTunnelCloudflared") if role(item) == "tunnel")

    assert is_secret(connector.inputs["uploads"])
    assert is_secret(tunnel.inputs["tunnelSecret"])
    assert token == {"a": ACCOUNT, "t": "photos-tunnel-id", "s": plain(tunnel.inputs["tunnelSecret"])}
    assert len(base64.b64decode(token["s"])) >= 32, "Cloudflare takes no shorter one"
    assert tunnel.inputs["configSrc"] == "cloudflare", "a local tunnel ignores the rules"
    assert tunnel.inputs["name"] == f"photos-dev-{STACK_ID[:8]}"
    assert environment(recorder, "cloudflared")["TUNNEL_TOKEN_FILE"] in files
    assert container(recorder, "cloudflared")["command"] == ["tunnel", "run"]
    assert container(recorder, "cloudflared")["user"] == "65532:65532"


@pytest.mark.parametrize("protocol", ["auto", "quic", "http2"])
def test_the_protocol_is_the_stack_files(protocol: str) -> None:
    recorder = declare_stack(published(cloudflared={"protocol": protocol}))

    assert environment(recorder, "cloudflared")["TUNNEL_TRANSPORT_PROTOCOL"] == protocol


def test_raising_the_rotation_makes_a_new_tunnel_secret(recorder: Recorder) -> None:
    def keepers(recorder: Recorder) -> object:
        return one(recorder, "RandomPassword", "tunnel-secret")["keepers"]

    assert keepers(recorder) != keepers(declare_stack(published(cloudflared={"secret_rotation": 2})))


def test_the_services_know_the_address_that_the_browser_shows(recorder: Recorder) -> None:
    two = [
        PUBLISH["hostnames"][0],
        {"hostname": "drive.family.org", "service": "drive", "allow": {"emails": ["d@f.org"]}},
    ]

    both = declare_stack(published(hostnames=two))

    assert environment(recorder, "photoprism")["PHOTOPRISM_SITE_URL"] == "https://album.family.org/"
    assert environment(recorder, "drive")["SITE_URL"] == "http://localhost:5244"
    assert environment(both, "drive")["SITE_URL"] == "https://drive.family.org/"


def test_a_site_url_of_ones_own_chooses_among_several_names() -> None:
    config = changed(published(), {"services.photoprism.site_url": "https://photos.family.net/"})

    assert environment(declare_stack(config), "photoprism")["PHOTOPRISM_SITE_URL"] == "https://photos.family.net/"
    assert outputs_of(config)["album_url"] == "https://photos.family.net/"


def test_the_outputs_say_where_what_protects_it_and_how_much_fits() -> None:
    assert outputs_of(published())["public"] == [
        {
            "url": "https://album.family.org/",
            "protected_by": "Cloudflare Access: 2 mail addresses, 1 mail domain, 1 group, 1 service token; a login lasts 12h",
            "body_limit": str(BODY_LIMIT),
        },
        {
            "url": "https://photos.family.net/",
            "protected_by": "nothing but the service's own login",
            "body_limit": str(BODY_LIMIT),
        },
    ]


def test_what_is_taken_over_is_imported_and_its_name_is_not_served_yet() -> None:
    adopt = {"records": {"album.family.org": "d" * 32}, "applications": {"album.family.org": TUNNEL_ID}}
    recorder = declare_stack(published(adopt=adopt))

    imports = {
        f"{i.type.split(':')[-1]}:{i.name}": i.options["import"] for i in recorder.resources if i.options["import"]
    }
    assert imports == {
        "ZeroTrustAccessApplication:album.family.org": f"accounts/{ACCOUNT}/{TUNNEL_ID}",
        "DnsRecord:album.family.org": f"{ZONE}/{'d' * 32}",
    }
    assert [rule.get("hostname") for rule in rules(recorder)] == ["photos.family.net", None]


def test_a_tunnel_that_is_taken_over_serves_nothing_new_in_the_same_run() -> None:
    recorder = declare_stack(published(adopt={"tunnel": TUNNEL_ID}))

    (tunnel,) = recorder.of_type("ZeroTrustTunnelCloudflared")
    assert tunnel.options["import"] == f"{ACCOUNT}/{TUNNEL_ID}"
    assert tunnel.options["ignore_changes"] == ["*"]
    assert "tunnelSecret" not in tunnel.inputs, "the provider mixes up later requests (seen)"
    assert recorder.of_type("DnsRecord") == recorder.of_type("ZeroTrustTunnelCloudflaredConfig") == []
    assert "cloudflared" not in {role(item) for item in recorder.of_type("Container")}


@pytest.mark.parametrize(
    ("hostname", "deep"),
    [("family.org", []), ("a.family.org", []), ("a.b.family.org", ["a.b.family.org"]), ("x.photos.family.net", [])],
)
def test_names_that_the_free_certificate_does_not_cover_are_known(hostname: str, deep: list[str]) -> None:
    entry = {"hostname": hostname, "service": "photoprism", "access": "public"}
    config = PublishConfig.model_validate({**PUBLISH, "hostnames": [entry]})

    assert config.deep_hostnames() == deep


def test_a_deep_name_and_an_adoption_are_warnings_before_anything_is_created(host: FakeHost) -> None:
    from stacks.config import parse  # noqa: PLC0415
    from stacks.host.cloudflare import check_publishing  # noqa: PLC0415
    from stacks.sections.flat_secrets import flat_secrets  # noqa: PLC0415

    entry = {"hostname": "a.b.family.org", "service": "photoprism", "access": "public"}
    raw = host.config({"publish": {**PUBLISH, "hostnames": [entry], "adopt": {"tunnel": TUNNEL_ID}}})
    values = {k.removeprefix("photos:"): v if isinstance(v, str) else json.dumps(v) for k, v in raw.items()}
    config = parse("dev", values, secret_keys=flat_secrets() & set(values))

    lines = [str(finding) for finding in check_publishing(config) if finding.level == "warning"]

    assert "a.b.family.org is more than one level below family.org" in lines[0]
    assert "Use a.family.org" in lines[0]
    assert "Remove publish.adopt after this up" in lines[1]


def test_without_the_section_nothing_of_cloudflare_is_declared() -> None:
    recorder = declare_stack(changed(published(), {"publish": DROP}))

    assert not [item for item in recorder.resources if "cloudflare" in item.type]
