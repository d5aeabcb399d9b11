"""A registry with images of the tests' own making: each holds nothing, which nobody here pulls."""

from __future__ import annotations

import hashlib
import json

import httpx

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"


def push(host: str, repository: str, *tags: str, content: str = "", login: tuple[str, str] | None = None) -> str:
    """Put an empty image under these tags into the registry at `host`, and return its digest.

    `content` makes another image of it.
    """
    config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers"}, "author": content})
    digest = f"sha256:{hashlib.sha256(config.encode()).hexdigest()}"
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "size": len(config), "digest": digest},
            "layers": [],
        }
    )
    with httpx.Client(base_url=f"http://{host}/v2/{repository}", auth=login, follow_redirects=True) as client:
        started = client.post("/blobs/uploads/").raise_for_status()
        place = httpx.URL(started.headers["location"]).copy_merge_params({"digest": digest})
        client.put(place, content=config).raise_for_status()
        for tag in tags:
            put = client.put(f"/manifests/{tag}", content=manifest, headers={"Content-Type": MANIFEST})
            put.raise_for_status()
    return f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"
