"""`environment` and `labels` of a service: they reach the container, and undo no house rule."""

from __future__ import annotations

from typing import Any

import pytest
from example_stack import changed, container, declare_stack, environment, example
from pydantic import ValidationError

from components.cloudflared import Cloudflared
from components.database import Database
from components.service import Service
from components.services import SERVICES
from stacks.problems import ConfigError

SECTIONS = {"mariadb": "database", "cloudflared": "publish.cloudflared"}
ALL: tuple[type[Service[Any, Any]], ...] = (*SERVICES, Database, Cloudflared)
CONFIGURED = {service.service: service for service in ALL}
each_service = pytest.mark.parametrize("name", sorted(CONFIGURED))


def section_of(name: str) -> str:
    return SECTIONS.get(name, f"services.{name}")


def with_extras(name: str, extras: dict[str, Any]) -> dict[str, Any]:
    written = example("home")
    if name not in SECTIONS:
        written = changed(written, {section_of(name): written["photos:services"].get(name) or {}})
    return changed(written, {f"{section_of(name)}.{key}": value for key, value in extras.items()})


def refusal_of(name: str, **extras: Any) -> str | None:
    try:
        CONFIGURED[name].Config.model_validate({"image": "a:1", "memory": "1g", **extras})
    except ValidationError as error:
        return str(error)
    return None


@each_service
def test_they_reach_the_container_beside_what_the_stack_sets(name: str) -> None:
    labels = {"homepage.group": "Family"}
    recorder = declare_stack(with_extras(name, {"environment": {"GOMEMLIMIT": "200MiB"}, "labels": labels}), "home")
    told = {label["label"]: label["value"] for label in container(recorder, name)["labels"]}

    assert environment(recorder, name)["GOMEMLIMIT"] == "200MiB"
    assert environment(recorder, name)["TZ"] == "Asia/Shanghai"
    assert told["homepage.group"] == "Family"
    assert told["photos.service"] == name


@each_service
def test_what_the_stack_sets_cannot_be_set_by_a_person(name: str) -> None:
    recorder = declare_stack(with_extras(name, {}), "home")
    container_variables = environment(recorder, name)

    assert container_variables
    assert [key for key in container_variables if not refusal_of(name, environment={key: "x"})] == []


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("photoprism", "PHOTOPRISM_PUBLIC"),
        ("photoprism", "PHOTOPRISM_ORIGINALS_PATH"),
        ("photoprism", "PHOTOPRISM_ADMIN_PASSWORD"),
        ("photoprism", "photoprism_auth_mode"),
        ("photoprism", "LD_PRELOAD"),
        ("syncthing", "STGUIAPIKEY"),
        ("syncthing", "PUID"),
        ("drive", "OPENLIST_ADMIN_PASSWORD"),
        ("drive", "DB_FILE"),
        ("mariadb", "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD"),
        ("mariadb", "MYSQL_RANDOM_ROOT_PASSWORD"),
        ("cloudflared", "TUNNEL_TOKEN"),
        ("cloudflared", "TUNNEL_URL"),
        ("drive", "BAIDU_REFRESH_TOKEN"),
    ],
)
def test_what_would_let_somebody_in_or_move_data_is_refused(name: str, variable: str) -> None:
    text = refusal_of(name, environment={variable: "x"})

    assert text
    assert f"environment.{variable}: " in text
    assert "Leave it out" in text


@pytest.mark.parametrize("variable", ["two words", "1ST", "", "A=B", "A\nB"])
def test_a_name_that_is_none_is_refused(variable: str) -> None:
    assert "is no environment variable" in str(refusal_of("drive", environment={variable: "x"}))


def test_a_value_of_two_lines_is_refused() -> None:
    assert "holds a line break" in str(refusal_of("drive", environment={"A": "x\ny"}))
    assert "holds a line break" in str(refusal_of("drive", labels={"a": "x\ny"}))


@pytest.mark.parametrize("label", ["photos.id", "com.docker.compose.project", "Photos.Service", "app.token"])
def test_a_label_that_the_stack_lives_by_or_that_is_a_secret_is_refused(label: str) -> None:
    text = refusal_of("drive", labels={label: "x"})

    assert text
    assert f"labels.{label}: " in text


@pytest.mark.parametrize("variable", ["PHOTOPRISM_THUMB_UNCACHED", "PHOTOPRISM_DETECT_NSFW", "HTTPS_PROXY"])
def test_what_the_model_does_not_know_is_what_they_are_for(variable: str) -> None:
    assert refusal_of("photoprism", environment={variable: "1"}) is None


def test_the_program_names_the_place() -> None:
    config = with_extras("drive", {"environment": {"TZ": "UTC"}})

    with pytest.raises(ConfigError) as caught:
        declare_stack(config, "home")

    assert "photos:services.drive: environment.TZ: is the stack's `timezone`. Leave it out" in str(caught.value)
