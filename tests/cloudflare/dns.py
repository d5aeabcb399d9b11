"""DNS records.

81044, 81053, 81054, 81058: Cloudflare's own numbers (seen in favonia/cloudflare-ddns#990 and the like). A proxied record
wants ttl 1 (tfc: dns_record/resource.go refuses anything else at create). `settings` of a CNAME, comment and tags:
dns_record/custom.go and model.go.
"""

from __future__ import annotations

from tests.cloudflare import bodies
from tests.cloudflare.state import ApiError, Object, Page, Request, State, find, matching, new_hex, now, route, within

RECORDS = "zones/{zone}/dns_records"
ADDRESSES = ("A", "AAAA", "CNAME")
SHORTEST_TTL, LONGEST_TTL = 60, 86400


def of_zone(state: State, zone: str) -> dict[str, Object]:
    """Return the records of one zone; one that a test put in by hand belongs to the zone that its name ends in."""
    return {
        key: record
        for key, record in state.dns_records.items()
        if state.zone_of.get(key, zone if within(record["name"], state.zones[zone]) else "") == zone
    }


def checked(state: State, request: Request, but: str = "") -> Object:
    """Return a record of the request that Cloudflare would take."""
    body = request.checked(bodies.DNS_RECORD, 1004, "DNS Validation Error: ")
    zone = state.zones[request.ids["zone"]]
    name = body["name"].lower().rstrip(".")
    name = zone if name == "@" else name if "." in name else f"{name}.{zone}"
    if not within(name, zone):
        # Stricter than Cloudflare, which appends the zone: photos.other.org.example.com is never what was meant.
        raise ApiError(400, 1004, f"DNS Validation Error: {name} is outside the zone {zone}")
    if body["type"] not in (*ADDRESSES, "TXT"):
        raise ApiError(400, 1004, f"DNS Validation Error: the double knows no records of type {body['type']}")
    content = str(body.get("content", ""))
    if not content or (body["type"] == "CNAME" and ("." not in content or "/" in content or content == name)):
        raise ApiError(400, 9007, f"Content for {body['type']} record is invalid.")
    proxied, ttl = body.get("proxied", False), body["ttl"]
    if proxied and body["type"] not in ADDRESSES:
        raise ApiError(400, 9004, "This record type cannot be proxied.")
    if proxied and ttl != 1:
        raise ApiError(400, 9021, "Invalid TTL. Must be 1 for automatic when the record is proxied.")
    if ttl != 1 and not SHORTEST_TTL <= ttl <= LONGEST_TTL:
        raise ApiError(400, 9021, "Invalid TTL. Must be between 60 and 86400 seconds, or 1 for Automatic.")
    record: Object = {
        "name": name,
        "type": body["type"],
        "content": content,
        "ttl": ttl,
        "proxied": proxied,
        "proxiable": body["type"] in ADDRESSES,
        "comment": body.get("comment"),
        "tags": sorted(body.get("tags", [])),
        "settings": {key: value for key, value in body.get("settings", {}).items() if value is not None},
        "meta": {},
    }
    others = [item for key, item in of_zone(state, request.ids["zone"]).items() if key != but]
    refuse_duplicate(record, [item for item in others if item["name"] == name])
    return record


def refuse_duplicate(record: Object, same_name: list[Object]) -> None:
    """Allow a CNAME no neighbour but TXT, and nothing twice."""
    for other in same_name:
        if record["type"] == "CNAME" and other["type"] in ADDRESSES:
            raise ApiError(400, 81053, "An A, AAAA, or CNAME record with that host already exists.")
        if record["type"] in ADDRESSES and other["type"] == "CNAME":
            raise ApiError(400, 81054, "A CNAME record with that host already exists.")
        if (record["type"], record["content"]) == (other["type"], other["content"]):
            raise ApiError(400, 81058, "An identical record already exists.")


def existing(state: State, request: Request) -> Object:
    return find(of_zone(state, request.ids["zone"]), request.id, 81044, "Record does not exist.")


@route("POST", RECORDS)
def create(state: State, request: Request) -> Object:
    record = {"id": new_hex()} | checked(state, request) | {"created_on": now(), "modified_on": now()}
    if record["comment"]:
        record["comment_modified_on"] = now()
    state.dns_records[record["id"]] = record
    state.zone_of[record["id"]] = request.ids["zone"]
    return record


@route("GET", RECORDS)
def listed(state: State, request: Request) -> Page:
    query = {name.removesuffix(".exact"): value for name, value in request.query.items()}
    records = matching(of_zone(state, request.ids["zone"]), query, "name", "type", "content", "proxied", "comment")
    return Page(sorted(records, key=lambda record: (str(record["name"]), str(record["type"]))), size=100)


@route("GET", f"{RECORDS}/{{id}}")
def read(state: State, request: Request) -> Object:
    return existing(state, request)


@route("PUT", f"{RECORDS}/{{id}}")
def change(state: State, request: Request) -> Object:
    record = existing(state, request)
    record |= checked(state, request, but=request.id) | {"modified_on": now()}
    return record


@route("DELETE", f"{RECORDS}/{{id}}")
def delete(state: State, request: Request) -> Object:
    existing(state, request)
    del state.dns_records[request.id]
    state.zone_of.pop(request.id, None)
    return {"id": request.id}
