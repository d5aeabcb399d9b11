"""The account and its zones, as a look-up sees them (data sources account and zone of tfc at b2277b8b)."""

from __future__ import annotations

from tests.cloudflare.state import Object, Page, Request, State, matching, route

SINCE = "2024-12-01T00:00:00.000000Z"


def account(state: State) -> Object:
    return {
        "id": state.account,
        "name": "Photo family",
        "type": "standard",
        "settings": {"enforce_twofactor": False},
        "created_on": SINCE,
    }


def zone(state: State, key: str) -> Object:
    return {
        "id": key,
        "name": state.zones[key],
        "status": "active",
        "type": "full",
        "paused": False,
        "account": {"id": state.account, "name": "Photo family"},
        "name_servers": ["ada.ns.cloudflare.com", "bob.ns.cloudflare.com"],
        "original_name_servers": [],
        "permissions": ["#dns_records:edit", "#zone:read"],
        "plan": {"id": "0feeeeeeeeeeeeeeeeeeeeeeeeeeeeee", "name": "Free Website"},
        "created_on": SINCE,
        "modified_on": SINCE,
        "activated_on": SINCE,
    }


@route("GET", "accounts")
def list_accounts(state: State, request: Request) -> Page:
    del request
    return Page([account(state)], size=20)


@route("GET", "accounts/{account}")
def read_account(state: State, request: Request) -> Object:
    del request
    return account(state)


@route("GET", "zones")
def list_zones(state: State, request: Request) -> Page:
    zones = {key: zone(state, key) for key in state.zones}
    return Page(matching(zones, request.query, "name", "status"), size=20)


@route("GET", "zones/{id}")
def read_zone(state: State, request: Request) -> Object:
    return zone(state, request.id)


@route("GET", "user/tokens/verify")
def verify_token(state: State, request: Request) -> Object:
    del request
    return {"id": state.account, "status": "active"}


@route("GET", "accounts/{account}/tokens/verify")
def verify_account_token(state: State, request: Request) -> Object:
    return verify_token(state, request)  # type: ignore[no-any-return]
