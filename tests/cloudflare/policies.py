"""Account-level Access policies.

An address alone comes back as /32 (tfc#6059). That Cloudflare refuses to delete a policy in use is not documented; the
double does, so that a wrong order shows.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from tests.cloudflare import bodies
from tests.cloudflare.state import (
    ACCESS,
    INVALID,
    NOT_FOUND,
    Object,
    Page,
    Request,
    State,
    check_duration,
    find,
    new_uuid,
    now,
    refuse,
    route,
)

DECISIONS = ("allow", "deny", "non_identity", "bypass")


def checked_rules(state: State, rules: list[Object]) -> list[Object]:
    """Return rules as the API stores them; each holds one selector, and what it refers to exists."""
    known = {"service_token": state.service_tokens, "group": state.groups, "login_method": state.identity_providers}
    answer = []
    for rule in rules:
        chosen = {name: value for name, value in rule.items() if value is not None}
        if len(chosen) != 1:
            refuse("a rule must have exactly one selector")
        ((name, value),) = chosen.items()
        reference = next(iter(value.values()), "")
        if name in known and reference not in known[name]:
            refuse(f"{name} {reference} not found")
        if name == "email" and "@" not in reference:
            refuse(f"invalid email {reference!r}")
        if name == "email_domain" and ("@" in reference or "." not in reference):
            refuse(f"invalid email domain {reference!r}")
        if name == "ip":
            try:
                chosen = {"ip": {"ip": str(ipaddress.ip_network(reference))}}
            except ValueError as error:
                refuse(f"invalid ip: {error}")
        answer.append(chosen)
    return answer


def checked_policy(state: State, request: Request) -> Object:
    body = request.checked(bodies.POLICY, *INVALID)
    if body["decision"] not in DECISIONS:
        refuse(f"unrecognized policy decision {body['decision']!r}")
    check_duration(body.get("session_duration", "24h"))
    if not body.get("include"):
        refuse("include must have at least one rule")
    rules = {name: checked_rules(state, body.get(name, [])) for name in ("include", "exclude", "require")}
    return {"session_duration": "24h"} | body | rules | {"updated_at": now()}


def users_of(state: State, policy: str) -> list[str]:
    return [key for key, app in state.apps.items() if any(item["id"] == policy for item in app["policies"])]


def shown_policy(state: State, policy: Object) -> Object:
    return policy | {"app_count": len(users_of(state, policy["id"]))}


@route("POST", f"{ACCESS}/policies")
def create_policy(state: State, request: Request) -> Object:
    key = new_uuid()
    policy = {"id": key, "uid": key, "reusable": True, "created_at": now()} | checked_policy(state, request)
    state.policies[key] = policy
    return shown_policy(state, policy)


@route("GET", f"{ACCESS}/policies")
def list_policies(state: State, request: Request) -> Page:
    del request
    return Page([shown_policy(state, policy) for policy in state.policies.values()], size=20)


@route("GET", f"{ACCESS}/policies/{{id}}")
def read_policy(state: State, request: Request) -> Object:
    return shown_policy(state, find(state.policies, request.id, *NOT_FOUND))


@route("PUT", f"{ACCESS}/policies/{{id}}")
def change_policy(state: State, request: Request) -> Object:
    policy = find(state.policies, request.id, *NOT_FOUND)
    kept = {name: policy[name] for name in ("id", "uid", "reusable", "created_at")}
    state.policies[request.id] = kept | checked_policy(state, request)
    return shown_policy(state, state.policies[request.id])


@route("DELETE", f"{ACCESS}/policies/{{id}}")
def delete_policy(state: State, request: Request) -> Object:
    find(state.policies, request.id, *NOT_FOUND)
    if users := users_of(state, request.id):
        refuse(f"policy is in use by {', '.join(users)}")
    del state.policies[request.id]
    return {"id": request.id}


def named_tokens(policy: Object) -> Iterator[str]:
    for rule in (*policy["include"], *policy["exclude"], *policy["require"]):
        if "service_token" in rule:
            yield rule["service_token"]["token_id"]
