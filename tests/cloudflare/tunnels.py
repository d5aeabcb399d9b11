"""Tunnels and their configurations.

Numbers 1013 and 1022: pulumi/pulumi-cloudflare#1440 and cloudflare/terraform-provider-cloudflare (tfc) #5255; 1056 is what
tfc#2327 shows for ingress rules, whose validation is cloudflared's own (ingress/ingress.go, validateIngress and
validateHostname); 1030 is the parser's (linuxserver/docker-mods#307). Deleted tunnels stay: a list shows them unless
it asks for `is_deleted=false` (cloudflared#1210), and GET answers 200 with `deleted_at` (the acceptance test of
tfc's resource asks for just that).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from urllib.parse import urlsplit

from tests.cloudflare import bodies
from tests.cloudflare.state import ApiError, Object, Page, Request, State, find, matching, new_uuid, now, route

UNREADABLE = "Could not parse input. "
SECRET_BYTES = 32
BAD_CONFIGURATION = "Bad Configuration: Validation failed: "
TUNNEL = "accounts/{account}/cfd_tunnel"


def checked_secret(text: str) -> str:
    """Return a secret of at least 32 bytes in base64 (tfc: schema of tunnel_secret)."""
    try:
        if len(base64.b64decode(text, validate=True)) >= SECRET_BYTES:
            return text
    except binascii.Error:
        pass
    raise ApiError(400, 1031, "The tunnel secret must be base64 of at least 32 bytes")


def refuse_taken_name(state: State, name: str, but: str = "") -> None:
    if any(tunnel["name"] == name and key != but for key, tunnel in state.tunnels.items()):
        raise ApiError(409, 1013, "You already have a tunnel with this name. Choose a different name for this tunnel.")


def live(state: State, request: Request) -> Object:
    return find(state.tunnels, request.id, 1003, "Tunnel not found")


@route("POST", TUNNEL)
def create(state: State, request: Request) -> Object:
    body = request.checked(bodies.TUNNEL, 1030, UNREADABLE)
    source = body.get("config_src", "local")
    if source not in ("local", "cloudflare"):
        raise ApiError(400, 1030, f"{UNREADABLE}unknown config_src {source}")
    secret = checked_secret(body.get("tunnel_secret", base64.b64encode(new_uuid().encode()).decode()))
    refuse_taken_name(state, body["name"])
    tunnel: Object = {
        "id": new_uuid(),
        "account_tag": state.account,
        "name": body["name"],
        "config_src": source,
        "remote_config": source == "cloudflare",
        "tun_type": "cfd_tunnel",
        "status": "inactive",
        "connections": [],
        "conns_active_at": None,
        "conns_inactive_at": now(),
        "created_at": now(),
        "deleted_at": None,
        "metadata": {},
    }
    state.tunnels[tunnel["id"]] = tunnel
    state.tunnel_secrets[tunnel["id"]] = secret
    return tunnel


@route("GET", TUNNEL)
def listed(state: State, request: Request) -> Page:
    tunnels = state.tunnels if request.query.get("is_deleted") == "false" else state.tunnels | state.deleted_tunnels
    return Page(matching(tunnels, request.query, "name", "uuid"), size=20)


@route("GET", f"{TUNNEL}/{{id}}")
def read(state: State, request: Request) -> Object:
    return find(state.tunnels | state.deleted_tunnels, request.id, 1003, "Tunnel not found")


@route("PATCH", f"{TUNNEL}/{{id}}")
def change(state: State, request: Request) -> Object:
    body = request.checked(bodies.TUNNEL_CHANGE, 1030, UNREADABLE)
    tunnel = live(state, request)
    if "tunnel_secret" in body:
        state.tunnel_secrets[request.id] = checked_secret(body["tunnel_secret"])
    if "name" in body:
        refuse_taken_name(state, body["name"], but=request.id)
        tunnel["name"] = body["name"]
    return tunnel


@route("DELETE", f"{TUNNEL}/{{id}}")
def delete(state: State, request: Request) -> Object:
    tunnel = live(state, request)
    if tunnel["connections"]:
        raise ApiError(400, 1022, "Cannot delete tunnel because it has active connections")
    tunnel["deleted_at"] = now()
    state.deleted_tunnels[request.id] = state.tunnels.pop(request.id)
    state.configurations.pop(request.id, None)
    state.tunnel_secrets.pop(request.id)
    return tunnel


@route("DELETE", f"{TUNNEL}/{{id}}/connections")
def clean_up_connections(state: State, request: Request) -> None:
    live(state, request).update(connections=[], status="down", conns_active_at=None, conns_inactive_at=now())


@route("GET", f"{TUNNEL}/{{id}}/token")
def token(state: State, request: Request) -> str:
    """Answer a bare string: base64 of JSON, as cloudflared's connection/connection.go reads it."""
    live(state, request)
    parts = {"a": state.account, "t": request.id, "s": state.tunnel_secrets[request.id]}
    return base64.b64encode(json.dumps(parts, separators=(",", ":")).encode()).decode()


@route("GET", f"{TUNNEL}/{{id}}/configurations")
def read_configuration(state: State, request: Request) -> Object:
    tunnel = live(state, request)
    empty = {"tunnel_id": request.id, "version": 0, "config": None, "source": tunnel["config_src"]}
    return state.configurations.get(request.id, empty)


@route("PUT", f"{TUNNEL}/{{id}}/configurations")
def write_configuration(state: State, request: Request) -> Object:
    body = request.checked(bodies.CONFIGURATION, 1030, UNREADABLE)
    if live(state, request)["config_src"] != "cloudflare":
        # Stricter than Cloudflare, which keeps what no connector will ever fetch.
        raise ApiError(400, 1056, "Bad Configuration: config_src of this tunnel is local")
    config = without_nulls(body["config"])
    if wrong := wrong_ingress(config.get("ingress", [])):
        raise ApiError(400, 1056, BAD_CONFIGURATION + wrong)
    before = state.configurations.get(request.id, {"version": 0})
    state.configurations[request.id] = {
        "account_id": state.account,
        "tunnel_id": request.id,
        "version": before["version"] + 1,
        "config": config | {"warp-routing": {"enabled": False}},
        "source": "cloudflare",
        "created_at": now(),
    }
    return state.configurations[request.id]


def without_nulls(value: Object) -> Object:
    return {
        name: without_nulls(item)
        if isinstance(item, dict)
        else [without_nulls(one) if isinstance(one, dict) else one for one in item]
        if isinstance(item, list)
        else item
        for name, item in value.items()
        if item is not None
    }


def wrong_ingress(rules: list[Object]) -> str | None:
    """Return cloudflared's complaint about a list of rules."""
    if not rules:
        return "The config file doesn't contain any ingress rules"
    for number, rule in enumerate(rules, 1):
        catches_all = rule.get("hostname", "") in ("", "*") and not rule.get("path")
        if number == len(rules) and not catches_all:
            return "The last ingress rule must match all URLs (i.e. it should not have a hostname or path filter)"
        if number < len(rules) and catches_all:
            return f"Rule #{number} is matching every hostname, so the rules after it will never be triggered"
        if wrong := wrong_rule(rule):
            return wrong
    return None


def wrong_rule(rule: Object) -> str | None:
    hostname, service = rule.get("hostname", ""), rule["service"]
    if "*" in hostname[1:]:
        return 'Hostname patterns can have at most one wildcard character ("*") and it can only be used for subdomains'
    if ":" in hostname:
        return "Hostname cannot contain a port"
    access = rule.get("originRequest", {}).get("access", {})
    if access.get("required") and access["audTag"] and not access["teamName"]:
        return "access.TeamName cannot be blank when access.audTags are present"
    return wrong_service(service)


def wrong_service(service: str) -> str | None:
    if re.fullmatch(r"http_status:[1-9]\d\d|unix(\+tls)?:.+|hello[-_]world|bastion|socks-proxy", service):
        return None
    url = urlsplit(service)
    if not url.scheme or not url.hostname:
        return f"{service} is an invalid address, please make sure it has a scheme and a hostname"
    if url.path:
        return f"{service} is an invalid address, ingress rules don't support proxying to a different path"
    return None
