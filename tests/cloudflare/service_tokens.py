"""Service tokens, and what else an Access policy may name.

The secret is in the answer to POST, and to a PUT that raises its version, and nowhere else (zero_trust_access_service_token/
resource.go keeps it from there). That a token in use cannot be deleted is the double's own rule, as with policies.
"""

from __future__ import annotations

import re
from datetime import timedelta

from tests.cloudflare import bodies
from tests.cloudflare.policies import named_tokens
from tests.cloudflare.state import (
    ACCESS,
    INVALID,
    NOT_FOUND,
    Object,
    Page,
    Request,
    State,
    find,
    matching,
    new_hex,
    new_uuid,
    now,
    refuse,
    route,
)

DEFAULTS: Object = {"duration": "8760h", "client_secret_version": 1}


def expiry(duration: str) -> str:
    if duration == "forever":
        return now(timedelta(days=36500))
    if not (hours := re.fullmatch(r"(\d+)h", duration)):
        refuse(f"invalid duration {duration!r}")
    return now(timedelta(hours=int(hours[1])))


@route("POST", f"{ACCESS}/service_tokens")
def create_service_token(state: State, request: Request) -> Object:
    body: Object = DEFAULTS | request.checked(bodies.SERVICE_TOKEN, *INVALID)
    token: Object = {
        "id": new_uuid(),
        "name": body["name"],
        "client_id": f"{new_hex()}.access",
        "duration": body["duration"],
        "client_secret_version": body["client_secret_version"],
        "expires_at": expiry(body["duration"]),
        "created_at": now(),
        "updated_at": now(),
    }
    state.service_tokens[token["id"]] = token
    return token | {"client_secret": new_hex(64)}


@route("GET", f"{ACCESS}/service_tokens")
def list_service_tokens(state: State, request: Request) -> Page:
    return Page(matching(state.service_tokens, request.query, "name"), size=20)


@route("GET", f"{ACCESS}/service_tokens/{{id}}")
def read_service_token(state: State, request: Request) -> Object:
    return find(state.service_tokens, request.id, *NOT_FOUND)


@route("PUT", f"{ACCESS}/service_tokens/{{id}}")
def change_service_token(state: State, request: Request) -> Object:
    token = find(state.service_tokens, request.id, *NOT_FOUND)
    body = request.checked(bodies.SERVICE_TOKEN, *INVALID)
    body.pop("previous_client_secret_expires_at", None)
    rotated = body.get("client_secret_version", token["client_secret_version"]) > token["client_secret_version"]
    if body.get("duration", token["duration"]) != token["duration"]:
        token["expires_at"] = expiry(body["duration"])
    token |= body | {"updated_at": now()}
    return token | ({"client_secret": new_hex(64)} if rotated else {})


@route("DELETE", f"{ACCESS}/service_tokens/{{id}}")
def delete_service_token(state: State, request: Request) -> Object:
    token = find(state.service_tokens, request.id, *NOT_FOUND)
    if any(request.id in named_tokens(policy) for policy in state.policies.values()):
        refuse("service token is in use by a policy")
    return state.service_tokens.pop(token["id"])


# Made by the family in the dashboard, or by a test.


@route("GET", f"{ACCESS}/groups")
def list_groups(state: State, request: Request) -> Page:
    return Page(matching(state.groups, request.query, "name"), size=20)


@route("GET", f"{ACCESS}/groups/{{id}}")
def read_group(state: State, request: Request) -> Object:
    return find(state.groups, request.id, *NOT_FOUND)


@route("GET", f"{ACCESS}/identity_providers")
def list_identity_providers(state: State, request: Request) -> Page:
    del request
    return Page(list(state.identity_providers.values()), size=20)


@route("GET", f"{ACCESS}/organizations")
def read_organization(state: State, request: Request) -> Object:
    del request
    return {"name": state.team, "auth_domain": f"{state.team}.cloudflareaccess.com"}
