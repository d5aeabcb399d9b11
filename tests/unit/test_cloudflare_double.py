"""The double of Cloudflare's API: what it refuses, what it remembers, how it fails when told to."""

from __future__ import annotations

import base64
import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.cloudflare.double import CloudflareDouble
from tests.cloudflare.history import Snapshot

ACCOUNT, ZONE = "a" * 32, "b" * 32
TUNNELS = f"accounts/{ACCOUNT}/cfd_tunnel"
ACCESS = f"accounts/{ACCOUNT}/access"
RECORDS = f"zones/{ZONE}/dns_records"
SECRET = base64.b64encode(b"s" * 32).decode()
HOST = "photos.example.com"
EMAIL = {"email": {"email": "ann@example.com"}}
CATCH_ALL = {"service": "http_status:404"}
Answer = tuple[int, Any, dict[str, str]]


class Client:
    """Speaks to the double; `ok` and `refused` say what the test expects."""

    def __init__(self, double: CloudflareDouble) -> None:
        self.double = double
        self.connection = http.client.HTTPConnection(double.base_url.split("/")[2], timeout=120)

    def send(self, method: str, path: str, body: object = None, token: str = "") -> Answer:
        self.connection.request(
            method,
            f"/client/v4/{path}",
            body=None if body is None else json.dumps(body),
            headers={"Authorization": f"Bearer {token or self.double.token}"},
        )
        response = self.connection.getresponse()
        return response.status, json.loads(response.read()), dict(response.getheaders())

    def ok(self, method: str, path: str, body: object = None) -> Any:
        status, document, _ = self.send(method, path, body)
        assert status == 200, document
        return document["result"]

    def refused(self, method: str, path: str, body: object = None) -> tuple[int, int, str]:
        """Return HTTP status, code and message of an error."""
        status, document, headers = self.send(method, path, body)
        assert status >= 400, document
        assert headers["x-should-retry"] == "false"
        return status, document["errors"][0]["code"], document["errors"][0]["message"]

    def tunnel(self, **fields: Any) -> str:
        body = {"name": "photos", "config_src": "cloudflare", "tunnel_secret": SECRET}
        return str(self.ok("POST", TUNNELS, body | fields)["id"])

    def policy(self, **fields: Any) -> str:
        body = {"name": "family", "decision": "allow", "include": [EMAIL]}
        return str(self.ok("POST", f"{ACCESS}/policies", body | fields)["id"])

    def app(self, *policies: str, host: str = HOST) -> Any:
        return self.ok("POST", f"{ACCESS}/apps", app_body(*policies, host=host))

    def rules(self, tunnel: str, *rules: object) -> Any:
        config = {"config": {"ingress": [*rules, CATCH_ALL]}}
        return self.ok("PUT", f"{TUNNELS}/{tunnel}/configurations", config)


def app_body(*policies: str, host: str = HOST, **fields: Any) -> dict[str, Any]:
    return {
        "name": host,
        "type": "self_hosted",
        "destinations": [{"type": "public", "uri": host}],
        "policies": [{"id": policy, "precedence": number} for number, policy in enumerate(policies, 1)],
    } | fields


def record(**fields: Any) -> dict[str, Any]:
    content = "00000000-0000-0000-0000-000000000000.cfargotunnel.com"
    return {"name": HOST, "type": "CNAME", "content": content, "ttl": 1, "proxied": True} | fields


def rule(audience: str = "", host: str = HOST, **fields: Any) -> dict[str, Any]:
    access = {"access": {"required": True, "teamName": "family", "audTag": [audience]}}
    return {"hostname": host, "service": "http://photoprism:2342", "originRequest": access if audience else {}} | fields


@pytest.fixture
def cf() -> Iterator[CloudflareDouble]:
    with CloudflareDouble(account=ACCOUNT, zones={ZONE: "example.com"}) as double:
        yield double


@pytest.fixture
def api(cf: CloudflareDouble) -> Iterator[Client]:
    client = Client(cf)
    yield client
    client.connection.close()


# The door.


def test_another_token_is_an_authentication_error(api: Client) -> None:
    status, document, _ = api.send("GET", TUNNELS, token="wrong")

    assert (status, document["errors"][0]["code"], document["result"]) == (401, 10000, None)


@pytest.mark.parametrize("path", [f"accounts/{'c' * 32}/cfd_tunnel", f"zones/{'c' * 32}/dns_records"])
def test_another_account_or_zone_is_forbidden(api: Client, path: str) -> None:
    assert api.refused("GET", path)[:2] == (403, 9109)


def test_what_it_does_not_know_it_does_not_answer(api: Client) -> None:
    assert api.refused("GET", f"accounts/{ACCOUNT}/workers")[:2] == (404, 7003)
    assert api.refused("PATCH", RECORDS)[:2] == (404, 7003)


# Tunnels.


def test_a_tunnel_lives_changes_and_leaves_only_a_tombstone(api: Client, cf: CloudflareDouble) -> None:
    tunnel = api.tunnel()
    made = api.ok("GET", f"{TUNNELS}/{tunnel}")
    api.ok("PATCH", f"{TUNNELS}/{tunnel}", {"name": "pictures"})
    renamed = api.ok("GET", f"{TUNNELS}?name=pictures&is_deleted=false")
    api.ok("DELETE", f"{TUNNELS}/{tunnel}")

    assert (made["account_tag"], made["status"], made["deleted_at"]) == (ACCOUNT, "inactive", None)
    assert "tunnel_secret" not in made
    assert [item["id"] for item in renamed] == [tunnel]
    assert cf.state.contents() == {}
    assert api.ok("GET", f"{TUNNELS}/{tunnel}")["deleted_at"], "Cloudflare answers 200 for a deleted tunnel"
    assert api.ok("GET", f"{TUNNELS}?is_deleted=false") == []
    assert api.refused("DELETE", f"{TUNNELS}/{tunnel}")[:2] == (404, 1003)


def test_the_token_is_made_of_account_tunnel_and_secret(api: Client) -> None:
    tunnel = api.tunnel()
    new = base64.b64encode(b"n" * 32).decode()
    api.ok("PATCH", f"{TUNNELS}/{tunnel}", {"tunnel_secret": new})

    token = json.loads(base64.b64decode(api.ok("GET", f"{TUNNELS}/{tunnel}/token")))

    assert token == {"a": ACCOUNT, "t": tunnel, "s": new}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"tunnel_secret": "not base64!"}, 1031),
        ({"tunnel_secret": base64.b64encode(b"short").decode()}, 1031),
        ({"config_src": "dashboard"}, 1030),
        ({"secret": SECRET}, 1030),
        ({"name": None}, 1030),
        ({"name": 7}, 1030),
    ],
)
def test_a_wrong_tunnel_is_refused(api: Client, fields: dict[str, Any], code: int) -> None:
    body = {"name": "photos", "tunnel_secret": SECRET} | fields

    assert api.refused("POST", TUNNELS, body)[:2] == (400, code)


def test_a_tunnel_s_name_is_taken_until_it_is_deleted(api: Client) -> None:
    tunnel = api.tunnel()

    assert api.refused("POST", TUNNELS, {"name": "photos"})[:2] == (409, 1013)
    api.ok("PATCH", f"{TUNNELS}/{tunnel}", {"name": "photos"})
    api.ok("DELETE", f"{TUNNELS}/{tunnel}")
    assert api.tunnel() != tunnel


def test_a_connected_tunnel_is_not_deleted(api: Client, cf: CloudflareDouble) -> None:
    tunnel = api.tunnel()
    cf.connect_tunnel(tunnel)

    assert api.refused("DELETE", f"{TUNNELS}/{tunnel}")[:2] == (400, 1022)
    assert api.ok("GET", f"{TUNNELS}/{tunnel}")["status"] == "healthy"
    cf.disconnect_tunnel(tunnel)
    api.ok("DELETE", f"{TUNNELS}/{tunnel}")


def test_connections_can_be_cleaned_up(api: Client, cf: CloudflareDouble) -> None:
    tunnel = api.tunnel()
    cf.connect_tunnel(tunnel)
    api.ok("DELETE", f"{TUNNELS}/{tunnel}/connections")
    api.ok("DELETE", f"{TUNNELS}/{tunnel}")


# Ingress rules.


def test_a_configuration_counts_its_versions_and_goes_with_its_tunnel(api: Client, cf: CloudflareDouble) -> None:
    tunnel = api.tunnel()
    path = f"{TUNNELS}/{tunnel}/configurations"

    assert (api.ok("GET", path)["version"], api.ok("GET", path)["config"]) == (0, None)
    assert [api.rules(tunnel)["version"], api.rules(tunnel, rule())["version"]] == [1, 2]
    assert api.ok("GET", path)["config"]["ingress"] == [rule(), CATCH_ALL]
    api.ok("DELETE", f"{TUNNELS}/{tunnel}")
    assert cf.state.configurations == {}


@pytest.mark.parametrize(
    ("ingress", "reason"),
    [
        ([], "doesn't contain any ingress rules"),
        ([rule()], "must match all URLs"),
        ([CATCH_ALL | {"path": "/x"}], "must match all URLs"),
        ([{"service": "http://photoprism:2342"}, CATCH_ALL], "will never be triggered"),
        ([rule(host="*.*.example.com"), CATCH_ALL], "wildcard"),
        ([rule(host="photos.example.com:443"), CATCH_ALL], "port"),
        ([rule(service="photoprism:2342"), CATCH_ALL], "invalid address"),
        ([rule(service="http://photoprism:2342/"), CATCH_ALL], "different path"),
        ([{"service": "http_status:abc"}], "invalid address"),
    ],
)
def test_wrong_ingress_rules_are_refused(api: Client, ingress: list[Any], reason: str) -> None:
    path = f"{TUNNELS}/{api.tunnel()}/configurations"
    status, code, message = api.refused("PUT", path, {"config": {"ingress": ingress}})

    assert (status, code) == (400, 1056)
    assert reason in message


@pytest.mark.parametrize(
    "origin",
    [
        {"noTlsVerify": True},
        {"connectTimeout": "30s"},
        {"connectTimeout": True},
        {"access": {"required": True, "audTag": ["x"]}},
    ],
)
def test_unknown_or_mistyped_origin_settings_are_refused(api: Client, origin: dict[str, Any]) -> None:
    path = f"{TUNNELS}/{api.tunnel()}/configurations"
    ingress = [rule(originRequest=origin), CATCH_ALL]

    assert api.refused("PUT", path, {"config": {"ingress": ingress}})[:2] == (400, 1030)


def test_access_without_a_team_is_refused_as_cloudflared_would(api: Client) -> None:
    path = f"{TUNNELS}/{api.tunnel()}/configurations"
    origin = {"access": {"required": True, "audTag": ["x"], "teamName": ""}}

    assert api.refused("PUT", path, {"config": {"ingress": [rule(originRequest=origin), CATCH_ALL]}})[1] == 1056


def test_a_locally_configured_tunnel_takes_no_configuration(api: Client) -> None:
    path = f"{TUNNELS}/{api.tunnel(config_src='local')}/configurations"

    assert api.refused("PUT", path, {"config": {"ingress": [CATCH_ALL]}})[1] == 1056


# DNS.


def test_a_record_is_answered_with_its_full_name_and_what_cloudflare_adds(api: Client) -> None:
    made = api.ok("POST", RECORDS, record(name="photos", comment="Pulumi"))

    assert (made["name"], made["proxiable"], made["tags"], made["settings"], made["meta"]) == (HOST, True, [], {}, {})
    assert made["comment_modified_on"]
    assert api.ok("GET", f"{RECORDS}/{made['id']}") == made
    assert api.ok("POST", RECORDS, record(name="@"))["name"] == "example.com"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"name": "photos.example.org"}, 1004),
        ({"name": "photosexample.com"}, 1004),
        ({"ttl": 300}, 9021),
        ({"ttl": 5, "proxied": False}, 9021),
        ({"content": HOST}, 9007),
        ({"content": "https://example.org/"}, 9007),
        ({"content": None}, 9007),
        ({"type": "TXT", "content": "x"}, 9004),
        ({"type": "SRV"}, 1004),
        ({"zone_id": ZONE}, 1004),
        ({"proxied": "yes"}, 1004),
        ({"settings": {"flatten": True}}, 1004),
    ],
)
def test_a_wrong_record_is_refused(api: Client, fields: dict[str, Any], code: int) -> None:
    assert api.refused("POST", RECORDS, record(**fields))[:2] == (400, code)


@pytest.mark.parametrize(
    ("second", "code"),
    [
        (record(content="other.example.org"), 81053),
        (record(name=HOST.upper()), 81053),
        (record(type="A", content="192.0.2.1"), 81054),
    ],
)
def test_a_name_with_a_cname_is_taken(api: Client, second: dict[str, Any], code: int) -> None:
    first = api.ok("POST", RECORDS, record())

    assert api.refused("POST", RECORDS, second)[:2] == (400, code)
    api.ok("PUT", f"{RECORDS}/{first['id']}", record(comment="the same record may change"))


def test_addresses_may_share_a_name_but_not_be_the_same(api: Client) -> None:
    address = record(type="A", content="192.0.2.1")
    api.ok("POST", RECORDS, address)
    api.ok("POST", RECORDS, record(type="A", content="192.0.2.2"))

    assert api.refused("POST", RECORDS, address)[1] == 81058
    assert api.refused("POST", RECORDS, record())[1] == 81053


def test_records_are_listed_by_filter_and_page(api: Client) -> None:
    for number in range(5):
        api.ok("POST", RECORDS, record(name=f"p{number}.example.com"))

    _, second, _ = api.send("GET", f"{RECORDS}?page=2&per_page=2")

    assert [item["name"] for item in second["result"]] == ["p2.example.com", "p3.example.com"]
    assert second["result_info"] == {"page": 2, "per_page": 2, "count": 2, "total_count": 5, "total_pages": 3}
    for query in ("name=p3.example.com", "name.exact=P3.example.com", "name=p3.example.com&type=CNAME&proxied=true"):
        assert [item["name"] for item in api.ok("GET", f"{RECORDS}?{query}")] == ["p3.example.com"]
    assert api.ok("GET", f"{RECORDS}?name=p3.example.com&type=A") == []


def test_a_page_that_is_no_number_is_refused(api: Client) -> None:
    assert api.refused("GET", f"{RECORDS}?page=two")[:2] == (400, 6003)


def test_a_deleted_record_is_gone(api: Client) -> None:
    path = f"{RECORDS}/{api.ok('POST', RECORDS, record())['id']}"
    api.ok("DELETE", path)

    assert api.refused("GET", path)[:2] == (404, 81044)
    assert api.refused("DELETE", path)[:2] == (404, 81044)


# Access.


def test_an_application_gets_an_audience_and_its_policies_written_out(api: Client) -> None:
    first, second = api.policy(), api.policy(name="phones")
    made = api.app(second, first)
    read = api.ok("GET", f"{ACCESS}/apps/{made['id']}")

    assert len(bytes.fromhex(made["aud"])) == 32
    assert read == made
    assert [(item["id"], item["precedence"], item["name"]) for item in read["policies"]] == [
        (second, 1, "phones"),
        (first, 2, "family"),
    ]
    assert (read["domain"], read["self_hosted_domains"]) == (HOST, [HOST])
    assert (read["session_duration"], read["allowed_idps"], read["http_only_cookie_attribute"]) == ("24h", [], True)
    assert api.ok("GET", f"{ACCESS}/policies/{first}")["app_count"] == 1


def test_an_application_keeps_its_audience_when_it_changes(api: Client) -> None:
    made = api.app(api.policy())
    body = app_body(session_duration="1h", allowed_idps=list(api.double.state.identity_providers))
    changed = api.ok("PUT", f"{ACCESS}/apps/{made['id']}", body)

    assert (changed["aud"], changed["session_duration"], changed["policies"]) == (made["aud"], "1h", [])
    assert len(changed["allowed_idps"]) == 1


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"policies": [{"id": "nobody", "precedence": 1}]}, "policy nobody not found"),
        ({"policies": [{"name": "inline", "decision": "allow"}]}, "unknown field"),
        ({"destinations": [{"type": "public", "uri": "photos.example.org"}]}, "does not belong to zone"),
        ({"destinations": [{"type": "private", "uri": HOST}]}, "private"),
        ({"destinations": []}, "does not belong to zone"),
        ({"allowed_idps": ["nobody"]}, "not found"),
        ({"session_duration": "a day"}, "invalid duration"),
        ({"type": "saas"}, "saas"),
        ({"type": None}, "missing field"),
        ({"aud": "mine"}, "unknown field"),
    ],
)
def test_a_wrong_application_is_refused(api: Client, fields: dict[str, Any], reason: str) -> None:
    status, code, message = api.refused("POST", f"{ACCESS}/apps", app_body(**fields))

    assert (status, code) == (400, 12130)
    assert reason in message


def test_two_policies_cannot_come_first(api: Client) -> None:
    policies = [{"id": api.policy(), "precedence": 1}, {"id": api.policy(), "precedence": 1}]

    assert "precedence" in api.refused("POST", f"{ACCESS}/apps", app_body(policies=policies))[2]


def test_a_hostname_has_one_application(api: Client) -> None:
    made = api.app()

    assert api.refused("POST", f"{ACCESS}/apps", app_body())[1] == 11010
    api.ok("PUT", f"{ACCESS}/apps/{made['id']}", app_body())


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"include": []}, "at least one rule"),
        ({"include": None}, "at least one rule"),
        ({"include": [{}]}, "exactly one selector"),
        ({"include": [EMAIL | {"everyone": {}}]}, "exactly one selector"),
        ({"include": [{"mail": {"email": "a@b.c"}}]}, "unknown field `include[0].mail`"),
        ({"include": [{"email": {"address": "a@b.c"}}]}, "unknown field `include[0].email.address`"),
        ({"include": EMAIL}, "include: expected a list"),
        ({"include": ["ann@example.com"]}, "include[0]: expected an object"),
        ({"include": [{"email": {}}]}, "missing field `include[0].email.email`"),
        ({"include": [{"email": {"email": "ann"}}]}, "invalid email"),
        ({"include": [{"email_domain": {"domain": "@example.com"}}]}, "invalid email domain"),
        ({"include": [{"group": {"id": "nobody"}}]}, "group nobody not found"),
        ({"include": [{"login_method": {"id": "nobody"}}]}, "login_method nobody not found"),
        ({"exclude": [{"service_token": {"token_id": "nobody"}}]}, "service_token nobody not found"),
        ({"require": [{"ip": {"ip": "home"}}]}, "invalid ip"),
        ({"decision": "maybe"}, "unrecognized policy decision"),
        ({"session_duration": ""}, "invalid duration"),
        ({"precedence": 1}, "unknown field"),
    ],
)
def test_a_wrong_policy_is_refused(api: Client, fields: dict[str, Any], reason: str) -> None:
    body = {"name": "family", "decision": "allow", "include": [EMAIL]} | fields
    status, code, message = api.refused("POST", f"{ACCESS}/policies", body)

    assert (status, code) == (400, 12130)
    assert reason in message


def test_a_policy_may_name_groups_tokens_and_login_methods_that_exist(api: Client, cf: CloudflareDouble) -> None:
    token = api.ok("POST", f"{ACCESS}/service_tokens", {"name": "rclone"})["id"]
    (login,) = api.ok("GET", f"{ACCESS}/identity_providers")
    include = [
        {"group": {"id": cf.add_group("family")}},
        {"service_token": {"token_id": token}},
        {"login_method": {"id": login["id"]}},
        {"ip": {"ip": "192.0.2.1"}},
    ]
    made = api.ok("GET", f"{ACCESS}/policies/{api.policy(include=include)}")

    assert made["include"] == [*include[:3], {"ip": {"ip": "192.0.2.1/32"}}]
    assert (made["exclude"], made["require"], made["reusable"], made["app_count"]) == ([], [], True, 0)
    assert [item["name"] for item in api.ok("GET", f"{ACCESS}/groups?name=family")] == ["family"]


def test_a_policy_in_use_is_not_deleted(api: Client) -> None:
    policy = api.policy()
    made = api.app(policy)

    assert "in use" in api.refused("DELETE", f"{ACCESS}/policies/{policy}")[2]
    api.ok("DELETE", f"{ACCESS}/apps/{made['id']}")
    api.ok("DELETE", f"{ACCESS}/policies/{policy}")


def test_a_service_token_tells_its_secret_once_and_once_more_when_rotated(api: Client) -> None:
    made = api.ok("POST", f"{ACCESS}/service_tokens", {"name": "rclone", "duration": "24h"})
    path = f"{ACCESS}/service_tokens/{made['id']}"
    read = api.ok("GET", path)
    renamed = api.ok("PUT", path, {"name": "scripts", "client_secret_version": 1})
    rotated = api.ok("PUT", path, {"name": "scripts", "client_secret_version": 2})

    assert made["client_secret"] not in (json.dumps(read), rotated["client_secret"])
    assert "client_secret" not in read | renamed
    assert (read["duration"], read["client_id"]) == ("24h", made["client_id"])
    assert "client_secret" not in api.ok("GET", f"{ACCESS}/service_tokens")[0]
    assert api.refused("PUT", path, {"name": "x", "client_secret": "mine"})[1] == 12130


def test_a_service_token_s_time_is_forever_or_in_hours(api: Client) -> None:
    body = {"name": "rclone", "duration": "forever"}

    assert api.ok("POST", f"{ACCESS}/service_tokens", body)["expires_at"] > "2100"
    assert "invalid duration" in api.refused("POST", f"{ACCESS}/service_tokens", body | {"duration": "a year"})[2]


def test_a_service_token_in_use_is_not_deleted(api: Client) -> None:
    token = api.ok("POST", f"{ACCESS}/service_tokens", {"name": "rclone"})["id"]
    policy = api.policy(decision="non_identity", include=[{"service_token": {"token_id": token}}])

    assert "in use" in api.refused("DELETE", f"{ACCESS}/service_tokens/{token}")[2]
    api.ok("DELETE", f"{ACCESS}/policies/{policy}")
    api.ok("DELETE", f"{ACCESS}/service_tokens/{token}")


def test_account_zones_and_team_can_be_looked_up(api: Client) -> None:
    assert api.ok("GET", f"accounts/{ACCOUNT}")["id"] == ACCOUNT
    assert [zone["id"] for zone in api.ok("GET", "zones?name=example.com")] == [ZONE]
    assert api.ok("GET", "zones?name=example.org") == []
    assert api.ok("GET", f"zones/{ZONE}")["account"]["id"] == ACCOUNT
    assert api.ok("GET", f"{ACCESS}/organizations")["auth_domain"] == "family.cloudflareaccess.com"
    assert api.ok("GET", "user/tokens/verify")["status"] == "active"


# What it remembers.


def test_every_call_is_recorded_in_order_even_the_refused(api: Client, cf: CloudflareDouble) -> None:
    body = record()
    api.ok("POST", RECORDS, body)
    api.refused("POST", RECORDS, body)
    api.ok("GET", f"{RECORDS}?name={HOST}")

    assert [str(call) for call in cf.calls] == [f"POST {RECORDS} 200", f"POST {RECORDS} 400", f"GET {RECORDS} 200"]
    assert [call.order for call in cf.calls] == [1, 2, 3]
    assert cf.calls[0].body == body
    assert cf.calls[2].query == f"name={HOST}"
    assert cf.calls[0].time < cf.calls[1].time
    assert [call.status for call in cf.changes] == [200, 400]


def test_the_history_shows_that_each_hostname_was_protected_at_all_times(api: Client, cf: CloudflareDouble) -> None:
    tunnel, made = api.tunnel(), api.app(api.policy())
    api.rules(tunnel, rule(made["aud"]))
    api.ok("POST", RECORDS, record(content=f"{tunnel}.cfargotunnel.com"))

    last = cf.history()[-1]
    assert len(cf.history()) == len(cf.calls)
    assert list(last.hostnames) == list(last.applications) == [HOST]
    assert [(item.hostname, item.audiences) for item in last.rules] == [(HOST, (made["aud"],)), ("", ())]
    assert [moment.unprotected() for moment in cf.history()] == [{}] * 5


def opened(api: Client, *rules: dict[str, Any], host: str = HOST) -> Snapshot:
    """Publish HOST behind `rules`; return the last moment."""
    tunnel = api.tunnel()
    api.rules(tunnel, *rules)
    api.ok("POST", RECORDS, record(name=host, content=f"{tunnel}.cfargotunnel.com"))
    return api.double.history()[-1]


def test_a_record_without_its_application_is_seen(api: Client) -> None:
    last = opened(api, rule("x"))

    assert last.unprotected() == {HOST: "no Access application, http://photoprism:2342 without origin access"}
    assert last.unprotected(public=[HOST]) == {}


def test_the_moment_between_application_and_record_is_seen_on_the_way_down(api: Client, cf: CloudflareDouble) -> None:
    made = api.app(api.policy())
    opened(api, rule(made["aud"]))
    api.ok("DELETE", f"{ACCESS}/apps/{made['id']}")
    api.ok("DELETE", f"{RECORDS}/{next(iter(cf.state.dns_records))}")

    assert [bool(moment.unprotected()) for moment in cf.history()[-3:]] == [False, True, False]


def test_an_application_that_bypasses_the_login_protects_nothing(api: Client) -> None:
    made = api.app(api.policy(decision="bypass", include=[{"everyone": {}}]))

    assert "no Access application" in opened(api, rule(made["aud"])).unprotected()[HOST]


@pytest.mark.parametrize(
    "wrong", ["no access", "not required", "another audience", "an open path", "a wildcard before it"]
)
def test_a_rule_without_origin_access_is_seen(api: Client, wrong: str) -> None:
    aud = api.app(api.policy())["aud"]
    optional = {"access": {"required": False, "teamName": "family", "audTag": [aud]}}
    rules = {
        "no access": [rule()],
        "not required": [rule(originRequest=optional)],
        "another audience": [rule("f" * 64)],
        "an open path": [rule(path="^/s/"), rule(aud)],
        "a wildcard before it": [rule(host="*.example.com"), rule(aud)],
    }

    assert opened(api, *rules[wrong]).unprotected() == {HOST: "http://photoprism:2342 without origin access"}


def test_a_hostname_that_only_meets_404_is_not_open(api: Client) -> None:
    api.app(api.policy())

    assert opened(api).unprotected() == {}


def test_a_record_that_leads_elsewhere_is_not_ours(api: Client, cf: CloudflareDouble) -> None:
    api.ok("POST", RECORDS, record(content="www.example.org"))

    assert cf.history()[-1].unprotected() == {}


# How it fails when told to.


@pytest.mark.parametrize(
    ("status", "code"), [(401, 10000), (403, 9109), (404, 7003), (409, 409), (429, 971), (503, 503)]
)
def test_a_failure_comes_once_and_nothing_happens(api: Client, cf: CloudflareDouble, status: int, code: int) -> None:
    cf.fail_next("POST", "dns_records$", status)

    api.ok("GET", RECORDS)
    assert api.refused("POST", RECORDS, record()) == (status, code, "injected by the test")
    assert cf.state.dns_records == {}
    api.ok("POST", RECORDS, record())


def test_a_failure_may_come_more_often_and_ask_for_a_retry(api: Client, cf: CloudflareDouble) -> None:
    cf.fail_next("GET|PUT", "zones", 429, times=2, retry=True, retry_after=0.5, code=10429, message="slow down")

    for _ in range(2):
        status, document, headers = api.send("GET", RECORDS)
        assert (status, document["errors"]) == (429, [{"code": 10429, "message": "slow down"}])
        assert headers["Retry-After"] == "0.5"
        assert "x-should-retry" not in headers
    assert api.ok("GET", RECORDS) == []


def test_an_answer_may_be_lost_after_the_work_was_done(api: Client, cf: CloudflareDouble) -> None:
    cf.fail_next("POST", "cfd_tunnel", 500, applied=True)

    assert api.refused("POST", TUNNELS, {"name": "photos"})[0] == 500
    assert [tunnel["name"] for tunnel in cf.state.tunnels.values()] == ["photos"]


def test_a_body_that_is_no_json_is_refused(api: Client, cf: CloudflareDouble) -> None:
    status, _, body = cf.answer("POST", f"/client/v4/{RECORDS}", f"Bearer {cf.token}", b"{")

    assert (status, json.loads(body)["errors"][0]["code"]) == (400, 6007)
    assert api.ok("GET", RECORDS) == []


def test_a_hand_edit_is_what_the_next_read_answers(api: Client, cf: CloudflareDouble) -> None:
    made = api.ok("POST", RECORDS, record())
    cf.state.dns_records[made["id"]]["content"] = "elsewhere.example.org"
    assert api.ok("GET", f"{RECORDS}/{made['id']}")["content"] == "elsewhere.example.org"

    del cf.state.dns_records[made["id"]]
    assert api.refused("GET", f"{RECORDS}/{made['id']}")[0] == 404


def test_two_doubles_do_not_know_each_other(cf: CloudflareDouble) -> None:
    with CloudflareDouble(account="d" * 32, zones={}) as other:
        assert other.base_url != cf.base_url
        assert other.environment == {"CLOUDFLARE_BASE_URL": other.base_url, "CLOUDFLARE_API_TOKEN": other.token}
        assert len(other.token) >= 40, "the provider refuses shorter ones"


def test_a_connection_that_has_just_ended_does_not_keep_it_from_closing() -> None:
    with CloudflareDouble(account=ACCOUNT, zones={ZONE: "example.com"}) as double:
        port = urlsplit(double.base_url).port
        ended = socket.socket()
        ended.close()
        double.sockets.add(ended)

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
