"""What is declared inside the album, with the real engine: a page edit is shown and put back, programs have their passwords."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from cli.docker_host import connect
from demo.docker_runner import wait_until_healthy
from tests.engine.world import SECONDS_TO_BE_HEALTHY, World, own_name
from tests.waiting import until

STACK = own_name("album")
OPTIONS, SETTINGS = "photoprism-options:Options", "photoprism-settings:Settings"
LAPTOP = "photoprism-password-laptop:AppPassword"


@pytest.fixture(scope="module", name="family")
def scenario(world: World) -> World:
    world.write(STACK)
    for service in ("syncthing", "drive"):
        world.drop(STACK, "services", service)
    world.change(STACK, "services.photoprism.webdav_clients", ["laptop"])
    world.photos("up", STACK, "--yes")
    return world


@contextmanager
def admin(world: World) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://127.0.0.1:{world.port(STACK, 'photoprism')}", timeout=60) as client:
        login = {"username": "admin", "password": world.password(STACK, "photoprism")}
        client.headers["X-Auth-Token"] = client.post("/api/v1/session", json=login).raise_for_status().json()["id"]
        yield client


def opens(world: World, password: str) -> bool:
    """Whether a password lets its program into WebDAV."""
    url = f"http://127.0.0.1:{world.port(STACK, 'photoprism')}/originals/"
    return httpx.request("PROPFIND", url, auth=("admin", password)).status_code != httpx.codes.UNAUTHORIZED


def test_nothing_is_left_to_change_and_no_password_stands_in_the_state(family: World) -> None:
    password = family.password(STACK, "laptop")
    state = "".join(file.read_text() for file in (family.data / "state").rglob("*.json"))

    assert family.preview(STACK) == {}
    assert family.preview(STACK, "--refresh") == {}
    assert opens(family, password)
    assert password not in state
    assert family.password(STACK, "photoprism") not in state


@pytest.mark.parametrize(
    ("path", "edit", "changed"),
    [
        ("config/options", {"DisableWebDAV": True, "SiteTitle": "Somebody's"}, OPTIONS),
        ("config/options", {"ReadOnly": True}, OPTIONS),
        ("settings", {"import": {"dest": "2006/2006-01-02_150405_82F63B78.jpg"}}, SETTINGS),
    ],
)
def test_a_page_edit_is_shown_and_put_back(family: World, path: str, edit: dict[str, Any], changed: str) -> None:
    with admin(family) as album:
        before = album.get(f"/api/v1/{path}").json()
        album.post(f"/api/v1/{path}", json=edit).raise_for_status()
        shown = family.preview(STACK, "--refresh")
        family.photos("up", STACK, "--yes", "--refresh")

        assert shown == {changed: "update"}
        assert album.get(f"/api/v1/{path}").json() == before
    assert family.preview(STACK, "--refresh") == {}


def test_what_the_stack_sets_beats_the_page_after_a_restart(family: World) -> None:
    with admin(family) as album:
        album.post("/api/v1/config/options", json={"DisableWebDAV": True}).raise_for_status()
    with connect() as client:
        container = client.containers.get(f"photos-{STACK}-photoprism")
        container.restart()
        wait_until_healthy(container, SECONDS_TO_BE_HEALTHY)

    assert family.preview(STACK, "--refresh") == {}


def test_a_password_that_was_revoked_is_made_anew_and_one_that_is_not_declared_opens_nothing(family: World) -> None:
    first = family.password(STACK, "laptop")
    url = f"http://127.0.0.1:{family.port(STACK, 'photoprism')}/api/v1/oauth/revoke"
    httpx.post(url, json={"token": first}).raise_for_status()
    shown = family.preview(STACK, "--refresh")
    family.photos("up", STACK, "--yes", "--refresh")
    second = family.password(STACK, "laptop")
    worked = opens(family, second)
    family.change(STACK, "services.photoprism.webdav_clients", [])
    family.photos("up", STACK, "--yes")

    assert shown == {LAPTOP: "create"}
    assert worked
    assert not opens(family, first)
    until(lambda: not opens(family, second))  # the real PhotoPrism remembers a WebDAV login for a minute


def test_a_changed_admin_password_is_told_with_what_to_do(family: World) -> None:
    with admin(family) as album:
        album.post("/api/v1/config/options", json={"SiteTitle": "Somebody's"}).raise_for_status()
    with connect() as client:
        changed = client.containers.get(f"photos-{STACK}-photoprism").exec_run(
            ["photoprism", "users", "mod", "-p", "another-password", "admin"]
        )
    shown = family.preview(STACK, "--refresh")
    said = family.photos("up", STACK, "--yes", "--refresh", check=False)

    assert changed.exit_code == 0
    assert shown == {OPTIONS: "update"}, "and everything else was looked at"
    assert "photos:photoprism_admin_password" in said
    assert json.dumps("another-password") not in said
