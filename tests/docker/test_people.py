"""People with a login of their own in the running album (a double): made, kept as they are, taken away, given back."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from components.apps.photoprism_people import DOCKER, PERSON, People, PersonProvider
from components.apps.resource import CONTAINER, KEY, URL, AppError
from stacks.host.endpoint import resolve
from tests.docker.running_stack import Stack

FIRST, OTHER = "the-first-password", "a-password-of-her-own"
PROVIDER = PersonProvider()


@pytest.fixture
def anna(stack: Stack, request: pytest.FixtureRequest) -> dict[str, Any]:
    name = f"anna-{len(request.node.name)}"
    return {
        URL: stack.url("photoprism"),
        KEY: FIRST,
        CONTAINER: stack.container("photoprism").name,
        DOCKER: resolve().environment,
        PERSON: name,
    }


def login(anna: dict[str, Any], password: str) -> httpx.Response:
    return httpx.post(f"{anna[URL]}/api/v1/session", json={"username": anna[PERSON], "password": password}, timeout=30)


def opens(anna: dict[str, Any], password: str) -> bool:
    return login(anna, password).status_code == httpx.codes.OK


def change(anna: dict[str, Any], old: str, new: str) -> None:
    """Do as she does on her page."""
    told = login(anna, old).json()
    answer = httpx.put(
        f"{anna[URL]}/api/v1/users/{told['user']['UID']}/password",
        json={"old": old, "new": new},
        headers={"X-Auth-Token": told["access_token"]},
        timeout=30,
    )
    answer.raise_for_status()


def test_a_person_logs_in_with_the_declared_password_and_is_there_for_a_refresh(anna: dict[str, Any]) -> None:
    made = PROVIDER.create(anna)

    assert opens(anna, FIRST)
    assert PROVIDER.read(made.id, anna).outs == anna


def test_a_lost_answer_does_no_harm(anna: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The login is there with a password that nobody knows; the next try heals it."""

    def lost(*_: object) -> None:
        raise httpx.ReadTimeout("lost")

    with monkeypatch.context() as broken:
        broken.setattr("components.apps.photoprism.PhotoPrismApi.change_password", lost)
        with pytest.raises(httpx.ReadTimeout):
            PROVIDER.create(anna)
    before = opens(anna, FIRST)
    PROVIDER.create(anna)

    assert (before, opens(anna, FIRST)) == (False, True)


def test_a_password_that_she_changed_is_hers(anna: dict[str, Any]) -> None:
    made = PROVIDER.create(anna)
    change(anna, FIRST, OTHER)
    refreshed = PROVIDER.read(made.id, anna)
    PROVIDER.update(made.id, anna, {**anna, URL: anna[URL] + "/"})

    assert refreshed.outs == anna
    assert opens(anna, OTHER)


def test_another_password_in_the_stack_file_is_set(anna: dict[str, Any]) -> None:
    made = PROVIDER.create(anna)
    change(anna, FIRST, OTHER)
    PROVIDER.update(made.id, anna, {**anna, KEY: "typed-anew-in-the-stack"})

    assert opens(anna, "typed-anew-in-the-stack")
    assert not opens(anna, OTHER)


def test_whoever_is_taken_out_is_out_at_once_and_can_come_back(anna: dict[str, Any]) -> None:
    made = PROVIDER.create(anna)
    token = login(anna, FIRST).json()["access_token"]
    PROVIDER.delete(made.id, anna)
    after = httpx.get(
        f"{anna[URL]}/api/v1/photos", params={"count": 1}, headers={"X-Auth-Token": token}, timeout=30
    ).status_code
    gone = PROVIDER.read(made.id, anna)
    out = not opens(anna, FIRST)
    PROVIDER.delete(made.id, anna)
    PROVIDER.create(anna)

    assert after == httpx.codes.UNAUTHORIZED
    assert out
    assert gone.id == ""
    assert opens(anna, FIRST)


def test_how_docker_is_reached_is_no_difference(anna: dict[str, Any]) -> None:
    elsewhere = {**anna, DOCKER: {"DOCKER_HOST": "tcp://192.0.2.1:2375"}}

    assert not PROVIDER.diff("x", elsewhere, anna).changes
    assert PROVIDER.diff("x", anna, {**anna, PERSON: "ben"}).replaces == [PERSON]


def test_a_container_that_is_away_tells_nothing_and_says_where_to_look(anna: dict[str, Any]) -> None:
    away = {**anna, CONTAINER: "photos-nobody-photoprism"}

    assert PROVIDER.read("x", away).outs == away
    with pytest.raises(AppError, match="cannot be asked"):
        PROVIDER.create(away)


def test_a_command_that_ends_well_and_did_nothing_is_noticed(
    anna: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """PhotoPrism's ends with 0 when it refuses, too."""
    monkeypatch.setattr(People, "_users", lambda _, *words: "[]" if words[0] == "ls" else "account already exists")

    with pytest.raises(AppError, match="account already exists"):
        PROVIDER.create(anna)


def test_no_password_is_in_what_an_error_says(anna: dict[str, Any]) -> None:
    refused_one = "short-1"
    with pytest.raises(AppError) as refused:
        PROVIDER.create({**anna, KEY: refused_one})

    assert refused_one not in str(refused.value)
