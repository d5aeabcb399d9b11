"""What the tests of publishing write into a stack file, and how they read the calls at the double."""

from __future__ import annotations

import re
import shutil
from typing import Any

import pytest

from tests.cloudflare.double import CloudflareDouble

ACCOUNT, ZONE = "a" * 32, "b" * 32
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}(?=$|/)")
needs_provider = pytest.mark.skipif(
    not shutil.which("pulumi-resource-cloudflare"),
    reason="engine tier: pulumi-resource-cloudflare is not on PATH: pulumi plugin install resource cloudflare",
)


def entry(hostname: str, service: str, **more: Any) -> dict[str, Any]:
    allowed = {} if more.get("access") == "public" else {"allow": {"emails": ["mum@family.org"]}}
    return {"hostname": hostname, "service": service, **allowed, **more}


def publish(hostnames: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {
        "account": ACCOUNT,
        "zones": {"family.org": ZONE},
        "access": {"team": "family"},
        "hostnames": hostnames,
        **more,
    }


def shapes(cf: CloudflareDouble, since: int = 0) -> list[str]:
    """Return the changing calls from number `since` on, ids replaced; sorted, since some run side by side."""
    return sorted(
        f"{call.method} {ID.sub('*', call.path)} {call.status}" for call in cf.calls[since:] if call.method != "GET"
    )
