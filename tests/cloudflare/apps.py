"""Access applications.

What the API adds by itself (policies written out, booleans, [] for nothing): normalizations.go of
zero_trust_access_application; `domain`, `self_hosted_domains` and `destinations` are made from each other
(plan_modifiers.go there).
"""

from __future__ import annotations

from tests.cloudflare import bodies
from tests.cloudflare.policies import shown_policy
from tests.cloudflare.state import (
    ACCESS,
    INVALID,
    NOT_FOUND,
    ApiError,
    Object,
    Page,
    Request,
    State,
    check_duration,
    find,
    host_of,
    matching,
    new_hex,
    new_uuid,
    now,
    refuse,
    route,
    within,
)

DEFAULTS: Object = {
    "allow_iframe": False,
    "allowed_idps": [],
    "app_launcher_visible": True,
    "auto_redirect_to_identity": False,
    "enable_binding_cookie": False,
    "http_only_cookie_attribute": True,
    "options_preflight_bypass": False,
    "path_cookie_attribute": False,
    "service_auth_401_redirect": False,
    "session_duration": "24h",
    "skip_interstitial": False,
    "tags": [],
}


def destinations(state: State, body: Object) -> list[Object]:
    """Return the public destinations: given as such, or as domains; all within the account's zones."""
    given = body.get("destinations") or [
        {"type": "public", "uri": uri} for uri in body.get("self_hosted_domains") or [body.get("domain", "")]
    ]
    for destination in given:
        host = host_of(destination["uri"])
        if destination["type"] != "public":
            refuse(f"the double knows no {destination['type']} destinations")
        if not any(within(host, zone) for zone in state.zones.values()):
            refuse(f"domain {host!r} does not belong to zone")
    return [{"type": "public", "uri": destination["uri"]} for destination in given]


def checked_app(state: State, request: Request, but: str = "") -> Object:
    body = request.checked(bodies.APPLICATION, *INVALID)
    if body["type"] != "self_hosted":
        refuse(f"the double knows no applications of type {body['type']!r}")
    check_duration(body.get("session_duration", "24h"))
    for provider in body.get("allowed_idps", []):
        if provider not in state.identity_providers:
            refuse(f"identity provider {provider} not found")
    policies: list[Object] = []
    for number, item in enumerate(body.get("policies", []), 1):
        if item["id"] not in state.policies:
            refuse(f"policy {item['id']} not found")
        policies.append({"id": item["id"], "precedence": item.get("precedence") or number})
    if len({item["precedence"] for item in policies}) < len(policies):
        refuse("policy precedence must be unique")
    public = destinations(state, body)
    uris = [item["uri"] for item in public]
    for key, other in state.apps.items():
        if key != but and set(uris) & {item["uri"] for item in other["destinations"]}:
            raise ApiError(400, 11010, "access.api.error.application_already_exists")
    return (
        DEFAULTS
        | {"name": uris[0]}
        | body
        | {
            "destinations": public,
            "self_hosted_domains": uris,
            "domain": uris[0],
            "policies": sorted(policies, key=lambda item: int(item["precedence"])),
            "updated_at": now(),
        }
    )


def shown_app(state: State, app: Object) -> Object:
    """Return an application with its policies written out, as the API does."""
    expanded = [shown_policy(state, state.policies[item["id"]]) | item for item in app["policies"]]
    return app | {"policies": expanded}


@route("POST", f"{ACCESS}/apps")
def create_app(state: State, request: Request) -> Object:
    key = new_uuid()
    app = {"id": key, "uid": key, "aud": new_hex(64), "created_at": now()} | checked_app(state, request)
    state.apps[key] = app
    return shown_app(state, app)


@route("GET", f"{ACCESS}/apps")
def list_apps(state: State, request: Request) -> Page:
    return Page(
        [shown_app(state, app) for app in matching(state.apps, request.query, "name", "domain", "aud")], size=20
    )


@route("GET", f"{ACCESS}/apps/{{id}}")
def read_app(state: State, request: Request) -> Object:
    return shown_app(state, find(state.apps, request.id, *NOT_FOUND))


@route("PUT", f"{ACCESS}/apps/{{id}}")
def change_app(state: State, request: Request) -> Object:
    app = find(state.apps, request.id, *NOT_FOUND)
    kept = {name: app[name] for name in ("id", "uid", "aud", "created_at")}
    state.apps[request.id] = kept | checked_app(state, request, but=request.id)
    return shown_app(state, state.apps[request.id])


@route("DELETE", f"{ACCESS}/apps/{{id}}")
def delete_app(state: State, request: Request) -> Object:
    find(state.apps, request.id, *NOT_FOUND)
    del state.apps[request.id]
    return {"id": request.id}
