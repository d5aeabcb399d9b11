"""What the release of a program says: its first lines from the project's public page, and where to read the rest."""

from __future__ import annotations

import re
from dataclasses import dataclass

import httpx

from cli.upgrade.versions import tag

SECONDS = 4.0
LINES, WIDTH = 12, 160
API, PAGE = "https://api.github.com/repos", "https://github.com"

MARKUP = re.compile(r"<[^>]*>|!?\[([^\[\]]*)\]\([^)]*\)")
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True)
class Project:
    """A project on GitHub, and how it writes the tag of an image as that of a release. `listed`: the tag only begins so."""

    name: str
    pattern: str = "{tag}"
    listed: bool = False


PROJECTS = {
    "mariadb": Project("MariaDB/server", "mariadb-{tag}"),
    # Its releases carry the commit behind the date: 260728-abcdef.
    "photoprism": Project("photoprism/photoprism", "{tag}", listed=True),
    "syncthing": Project("syncthing/syncthing", "v{tag}"),
    "drive": Project("OpenListTeam/OpenList"),
    "cloudflared": Project("cloudflare/cloudflared"),
    "restic": Project("restic/restic", "v{tag}"),
    "rclone": Project("rclone/rclone", "v{tag}"),
    "https": Project("caddyserver/caddy", "v{tag}"),
    "tailscale": Project("tailscale/tailscale"),
}


@dataclass(frozen=True)
class Notes:
    """Where a release is described, and its first lines; none where nobody answered in time."""

    link: str
    lines: tuple[str, ...] = ()


def notes(name: str, image: str, *, transport: httpx.BaseTransport | None = None) -> Notes | None:
    """Return what the release of `image` says; None for a program of whose project nothing is known. Never an error."""
    project = PROJECTS.get(name)
    if project is None:
        return None
    release = project.pattern.format(tag=re.sub(r"-ce$", "", tag(image)))
    page = f"{PAGE}/{project.name}/releases"
    link = page if project.listed else f"{page}/tag/{release}"
    try:
        with httpx.Client(timeout=SECONDS, transport=transport, follow_redirects=True) as client:
            found = _asked(client, project, release)
    except (httpx.HTTPError, ValueError, TypeError, AttributeError):
        return Notes(link)
    if not found:
        return Notes(link)
    return Notes(str(found.get("html_url") or link), _first_lines(str(found.get("body") or "")))


def _asked(client: httpx.Client, project: Project, release: str) -> dict[str, object] | None:
    if not project.listed:
        answer = client.get(f"{API}/{project.name}/releases/tags/{release}")
        return dict(answer.json()) if answer.is_success else None
    answer = client.get(f"{API}/{project.name}/releases", params={"per_page": "30"})
    releases = answer.json() if answer.is_success else []
    return next((dict(each) for each in releases if str(each["tag_name"]).startswith(f"{release}-")), None)


def _first_lines(body: str) -> tuple[str, ...]:
    """Return the first lines that say something. What others wrote may hold anything: no sign that moves a cursor."""
    plain = (MARKUP.sub(r"\1", ESCAPES.sub("", line)).strip() for line in body.splitlines())
    printable = ("".join(letter for letter in line if letter.isprintable())[:WIDTH] for line in plain)
    return tuple(line for line in printable if line)[:LINES]
