"""What is declared inside PhotoPrism, and that its own page does not beat the stack file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from example_stack import changed, declare_stack, environment, example, uploads
from pydantic import ValidationError
from shell import Stubs

from components.photoprism_import import IMPORT_PATTERN, go_layout
from components.services.photoprism import VARIABLES, PhotoPrismConfig
from stacks.recording import Recorded, Recorder, plain

BASE = example("dev")


def with_album(**values: Any) -> Recorder:
    return declare_stack(changed(BASE, {f"services.photoprism.{path}": value for path, value in values.items()}))


def inside(recorder: Recorder) -> list[Recorded]:
    return [item for item in recorder.resources if item.type.startswith("pulumi-python:dynamic/photoprism:")]


def kinds(recorder: Recorder) -> list[str]:
    return [item.type.rpartition(":")[2] for item in inside(recorder)]


def test_its_options_are_what_its_variables_say() -> None:
    recorder = with_album(site_title="Family Li", read_only=True, workers=2)
    (options,) = [plain(item.inputs)["options"] for item in inside(recorder) if item.type.endswith(":Options")]
    variables = environment(recorder, "photoprism")

    said = {f"PHOTOPRISM_{VARIABLES[name]}": value for name, value in options.items()}
    as_text = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in said.items()}
    assert {name: text.removesuffix(".0") for name, text in as_text.items()} == {name: variables[name] for name in said}
    assert options["SiteTitle"] == "Family Li"


def test_without_a_settings_page_there_is_nothing_to_put_back() -> None:
    assert kinds(declare_stack(BASE)) == ["Options", "Settings"]
    assert kinds(declare_stack(changed(BASE, {"services.photoprism.features": {"settings": False}}))) == []


def test_each_webdav_client_gets_a_password_that_opens_nothing_else() -> None:
    passwords = [
        plain(item.inputs) for item in inside(with_album(webdav_clients=["laptop", "tv"])) if "AppPassword" in item.type
    ]

    assert [(each["program"], each["scope"]) for each in passwords] == [
        ("photos laptop", "webdav"), ("photos tv", "webdav"),
    ]  # fmt: skip


def test_each_person_gets_a_login_one_after_the_other_with_a_password_that_is_a_secret() -> None:
    config = changed(BASE, {"services.photoprism.people": ["anna", "ben"]})
    passwords = {f"photos:photoprism_person_{name}_password": f"{name}-first-password" for name in ("anna", "ben")}
    people = [item for item in inside(declare_stack(config | passwords)) if item.type.endswith(":Person")]

    assert [(plain(item.inputs)["person"], plain(item.inputs)["key"]) for item in people] == [
        ("anna", "anna-first-password"), ("ben", "ben-first-password"),
    ]  # fmt: skip
    assert {plain(item.inputs)["container"] for item in people} == {"photos-dev-photoprism"}
    assert any("person-anna" in urn for urn in people[1].options["depends_on"])


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"people": ["Anna"]}, "e.g. anna"),
        ({"people": ["anna", "anna"]}, "e.g. anna"),
        ({"people": ["admin"]}, "e.g. anna"),
        ({"people": ["keeper"]}, "e.g. anna"),
        ({"people": ["laptop"], "webdav_clients": ["laptop"]}, "another name for one of them"),
        ({"people": ["anna"], "features": {"settings": False}}, "Leave out features.settings: false"),
    ],
)
def test_people_who_cannot_be_are_refused(values: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as refused:
        PhotoPrismConfig.model_validate(values)

    assert says in str(refused.value.errors()[0]["ctx"]["said"])


@pytest.mark.parametrize(
    ("pattern", "layout"),
    [
        (IMPORT_PATTERN, "2006/01/20060102_150405_82F63B78.jpg"),
        ("YYYY/YYYY-MM-DD_HH-MM-SS_CRC32.ext", "2006/2006-01-02_15-04-05_82F63B78.jpg"),
        ("YYYY/MM/DD/HHMMSS-CRC32.ext", "2006/01/02/150405-82F63B78.jpg"),
    ],
)
def test_an_import_pattern_reaches_photoprism_in_its_own_words(pattern: str, layout: str) -> None:
    (settings,) = [item for item in inside(with_album(import_pattern=pattern)) if item.type.endswith(":Settings")]

    assert plain(settings.inputs)["settings"] == {"import": {"dest": layout}}
    assert go_layout(pattern) == layout


@pytest.mark.parametrize(
    "pattern",
    [
        "YYYY/MM",
        "YYYYMMDD_CRC32.ext",
        "YYYY/MM/CRC32.jpg",
        "photos/YYYY_CRC32.ext",
        "../YYYY/MM/DD_CRC32.ext",
        "YYYY//MM_CRC32.ext",
        "",
    ],
)
def test_a_pattern_that_photoprism_would_pass_over_is_refused_with_one_that_it_takes(pattern: str) -> None:
    with pytest.raises(ValidationError) as refused:
        PhotoPrismConfig.model_validate({"import_pattern": pattern})

    assert IMPORT_PATTERN in str(refused.value.errors()[0]["ctx"]["said"])


@pytest.mark.parametrize("names", [["Laptop"], ["a", "a"], ["keeper"], ["my pc"]])
def test_a_client_with_a_name_that_cannot_be_is_refused(names: list[str]) -> None:
    with pytest.raises(ValidationError) as refused:
        PhotoPrismConfig.model_validate({"webdav_clients": names})

    assert "e.g. laptop" in str(refused.value.errors()[0]["ctx"]["said"])


def test_a_start_takes_out_of_photoprisms_file_what_the_stack_sets_and_nothing_else(tmp_path: Path) -> None:
    storage = tmp_path / "storage"
    (storage / "config").mkdir(parents=True)
    options = storage / "config/options.yml"
    options.write_text(
        "# by hand\nSiteUrl: https://old.example.com/\nSiteCaption: ours\nTrustedProxies:\n- 0.0.0.0/0\n"
        'disablewebdav: true\n"Public": true\nAuthMode: public\nAppName: Photos\n'
    )
    stubs = Stubs(tmp_path, {"/photoprism/storage": storage, "/opt/photoprism/bin": tmp_path / "stub-bin"})
    stubs.command("photoprism", "cat " + str(options))
    stubs.script("start", uploads(declare_stack(BASE), "photoprism")["/photos/start"])

    started = stubs.run("start")

    assert started.stdout == "# by hand\nSiteCaption: ours\nAppName: Photos\n"
    assert [file.name for file in options.parent.iterdir()] == ["options.yml"]
    assert stubs.run("start").stdout == started.stdout, "a second start changes nothing"
