"""Nothing after a colon, a habit from compose files: a section means its defaults, or a line says what to write.

What arrives was seen with Pulumi 3.259: null inside a section stays null, at its top it becomes "" (and Pulumi writes
that into the stack file), which its warning says will be null in a later version.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from example_stack import changed, declare_stack, example, role
from fake_host import FakeHost
from pydantic import BaseModel
from test_bad_backups import BUCKET, keys_of
from test_bad_inputs import PUBLISH

from components.fields import Section
from stacks.problems import _model_of
from stacks.sections import Settings

FULL: dict[str, Any] = {
    "owner": {"uid": 1000, "gid": 1000},
    "image_registry": "docker.example.com",
    "panel_network": "1panel-network",
    "neighbours": "closed",
    "preset": "small",
    "publish": {**PUBLISH, "cloudflared": {}, "adopt": {}},
    "backup": {"remotes": {"a": BUCKET}, "gate": {}, "keep": {}, "mirrors": {}},
    "services.photoprism.features": {},
    "services.photoprism.thumbnails": {},
    "services.photoprism.transcoding": {},
    "data": {},
    "database": {},
}
EMPTY_SERVICES = ("drive", "photoprism", "syncthing")


def full() -> dict[str, Any]:
    return changed(example("dev"), {**FULL, **keys_of({"a": BUCKET})})


def keys(model: type[BaseModel] = Settings, path: str = "") -> Iterator[tuple[str, type[BaseModel], str]]:
    """Yield every key that a person may write: its dotted path, the model it stands in and its field."""
    for name, field in model.model_fields.items():
        place = f"{path}{field.alias or name}"
        yield place, model, name
        if inner := _model_of(field.annotation):
            yield from keys(inner, f"{place}.")


# Pulumi makes a text of an empty key at the top only.
EMPTY_KEYS = [
    pytest.param(place, model, name, empty, id=f"{place} {empty!r}")
    for place, model, name in keys()
    for empty in ([None] if "." in place else [None, ""])
    if place != "id"
]


@pytest.mark.parametrize(("place", "model", "name", "empty"), EMPTY_KEYS)
def test_no_key_with_nothing_after_its_colon_is_silently_absent(
    place: str, model: type[BaseModel], name: str, empty: str | None, host: FakeHost
) -> None:
    """Each key of the model: it means what `{}` means, or the program says where something is to be written."""
    field, config = model.model_fields[name], full()
    host.monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "t" * 40)

    text, recorder = host.run(changed(host.config(config), {place: empty}))

    if not _model_of(field.annotation):
        assert f"config photos:{place}: empty" in text, "a value was taken back and nobody says so"
        assert "Write a value" in text
        return
    written, same = host.run(changed(host.config(config), {place: {}}))
    assert text == written
    assert recorder.resources == same.resources if text else recorder.resources != []


@pytest.mark.parametrize("service", EMPTY_SERVICES)
def test_an_empty_service_runs_with_its_defaults(service: str) -> None:
    recorder = declare_stack(changed(example("dev"), {f"services.{service}": None}))

    assert service in {role(item) for item in recorder.of_type("Container")}


@pytest.mark.parametrize("empty", [None, "", {}], ids=["null", "text", "braces"])
@pytest.mark.parametrize(
    ("section", "says"),
    [
        ("backup", "config photos:backup.remotes: required. Write the copies, by name"),
        ("publish", "config photos:publish.hostnames: required. Write the public names"),
        ("library", "config photos:library.originals: required. Write the folder"),
        ("owner", "config photos:owner.uid: required. Write the user number"),
        (
            "services",
            "config photos:services: names no service, so nothing would run. Write at least one of `drive: {}`",
        ),
    ],
)
def test_an_emptied_section_that_needs_values_says_which(
    section: str, says: str, empty: object, host: FakeHost
) -> None:
    text, recorder = host.run(changed(host.config(), {section: empty}))

    assert says in text
    assert recorder.resources == []


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("backup.remotes.a", "photos:backup.remotes.a.kind: required. Write disk: a second disk here"),
        ("backup.remotes.a.secrets", "photos:backup.remotes.a.secrets: empty: nothing stands after the colon"),
        (
            "backup.remotes.a.options",
            "Write a value (rclone's options for the type, as text; nothing secret), or `{}` for none",
        ),
        ("publish.hostnames", "photos:publish.hostnames: empty"),
    ],
)
def test_a_copy_or_a_list_without_content_says_what_it_needs(place: str, says: str, host: FakeHost) -> None:
    text, recorder = host.run(changed(host.config(full()), {place: None}))

    assert says in text
    assert recorder.resources == []


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("services.photoprism.site_title", [None]),
        ("library.others", {"scans": None}),
        ("database.flags", {"max-connections": None}),
        ("backup.remotes.a.secrets", [None]),
    ],
)
def test_an_empty_item_is_told_in_plain_words(place: str, value: Any, host: FakeHost) -> None:
    text, recorder = host.run(changed(host.config(full()), {place: value}))

    assert f"config photos:{place}" in text
    assert "NoneType" not in text
    assert recorder.resources == []


@pytest.mark.parametrize("secret", ["photos:mariadb_root_password", "photos:photoprism_admin_password"])
@pytest.mark.parametrize("empty", [None, ""])
def test_an_empty_secret_is_missing_and_not_in_clear(secret: str, empty: str | None, host: FakeHost) -> None:
    config = changed(host.config(), {secret: empty})
    secrets = {key for key in config if "password" in key or re.search("syncthing_|https_", key)} - {secret}

    text, _ = host.run(config, secret=secrets)

    assert f"{secret} missing" in text
    assert "in clear" not in text


def test_every_section_of_the_model_is_one_that_knows_what_empty_means() -> None:
    models = {_model_of(model.model_fields[name].annotation) for _, model, name in keys()} - {None}

    assert all(issubclass(model, Section) for model in models if model)
