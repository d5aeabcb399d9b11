"""PhotoPrism: each setting of the stack file changes what it says, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from example_stack import (
    DROP,
    changed,
    container,
    declare_stack,
    declared,
    environment,
    example,
    outputs_of,
    role,
    uploads,
)
from shell import Stubs

from components.services.photoprism import KEPT_AT_IMPORT

BASE = example("dev")

SETTINGS: list[tuple[str, Any, dict[str, str]]] = [
    ("site_title", "Family Li", {"SITE_TITLE": "Family Li"}),
    ("site_url", "https://p.example.com", {"SITE_URL": "https://p.example.com/"}),
    ("locale", "zh", {"DEFAULT_LOCALE": "zh"}),
    ("originals_limit", 9000, {"ORIGINALS_LIMIT": "9000"}),
    ("workers", 2, {"WORKERS": "2"}),
    ("read_only", True, {"READONLY": "true"}),
    ("webdav", False, {"DISABLE_WEBDAV": "true"}),
    ("index_schedule", "", {"INDEX_SCHEDULE": ""}),
    ("index_schedule", "0 3 * * *", {"INDEX_SCHEDULE": "0 3 * * *"}),
    ("experimental", True, {"EXPERIMENTAL": "true"}),
    ("features.faces", False, {"DISABLE_FACES": "true"}),
    ("features.classification", False, {"DISABLE_CLASSIFICATION": "true"}),
    ("features.places", False, {"DISABLE_PLACES": "true"}),
    ("features.raw", False, {"DISABLE_RAW": "true"}),
    ("features.settings", False, {"DISABLE_SETTINGS": "true"}),
    ("transcoding.encoder", "intel", {"FFMPEG_ENCODER": "intel"}),
    ("port", 12399, {"SITE_URL": "http://localhost:12399/"}),
    ("bind", "192.168.1.5", {"SITE_URL": "http://192.168.1.5:12343/"}),
]


def with_setting(path: str, value: object) -> dict[str, Any]:
    return changed(BASE, {f"services.photoprism.{path}": value})


@pytest.mark.parametrize(("path", "value", "expected"), SETTINGS, ids=lambda value: str(value)[:30])
def test_a_setting_changes_exactly_its_variable(path: str, value: object, expected: dict[str, str]) -> None:
    before = environment(declare_stack(BASE), "photoprism")
    after = environment(declare_stack(with_setting(path, value)), "photoprism")

    difference = {key: text for key, text in after.items() if before.get(key) != text}
    assert difference == {f"PHOTOPRISM_{key}": text for key, text in expected.items()}
    assert before.keys() <= after.keys()


def test_every_setting_of_the_model_is_tried_here() -> None:
    from components.services.photoprism import Features, PhotoPrismConfig  # noqa: PLC0415

    # What is set inside the album changes no variable: test_album_inside.py.
    elsewhere = {
        "image",
        "memory",
        "features",
        "transcoding",
        "environment",
        "labels",
        "import_pattern",
        "import_schedule",
        "import_mode",
        "people",
        "webdav_clients",
    }
    tried = {path for path, _, _ in SETTINGS}

    assert set(PhotoPrismConfig.model_fields) - elsewhere <= tried
    assert {f"features.{name}" for name in Features.model_fields} <= tried


@pytest.mark.parametrize(
    ("transcoding", "devices", "gpus", "groups"),
    [
        ({}, [], None, []),
        ({"encoder": "intel"}, ["/dev/dri"], None, []),
        ({"encoder": "vaapi", "device": "/dev/dri/renderD129"}, ["/dev/dri/renderD129"], None, []),
        ({"encoder": "vaapi", "device_group": 992}, ["/dev/dri"], None, ["992"]),
        ({"encoder": "nvidia"}, [], "all", []),
    ],
)
def test_the_encoder_gets_its_hardware_and_no_other(
    transcoding: dict[str, Any], devices: list[str], gpus: str | None, groups: list[str]
) -> None:
    recorder = declare_stack(with_setting("transcoding", transcoding))
    inputs = container(recorder, "photoprism")

    assert [device["hostPath"] for device in inputs["devices"]] == devices
    assert inputs.get("gpus") == gpus
    assert inputs["groupAdds"] == groups, "/dev/dri belongs to a group"
    assert ("NVIDIA_VISIBLE_DEVICES" in environment(recorder, "photoprism")) is (gpus == "all")


def test_it_never_speaks_tls_or_installs_software_at_its_start() -> None:
    variables = environment(declare_stack(BASE), "photoprism")

    assert variables["PHOTOPRISM_INIT"] == "", "the image's default makes a certificate"
    assert variables["PHOTOPRISM_DISABLE_TLS"] == "true", "the plain port would speak TLS"
    assert variables["PHOTOPRISM_AUTH_MODE"] == "password", "public shows the photos to everyone"


def test_passwords_are_read_from_files_that_are_there() -> None:
    inputs = container(declare_stack(BASE), "photoprism")
    variables = dict(line.split("=", 1) for line in inputs["envs"])

    files = {upload["file"] for upload in inputs["uploads"]} - {"/photos/start"}
    assert {value for key, value in variables.items() if key.endswith("_FILE")} == files
    assert not [key for key in variables if key.endswith("PASSWORD")]


@pytest.mark.parametrize("writable", [True, False])
def test_it_starts_the_server_only_on_a_storage_it_can_use(writable: bool, tmp_path: Path) -> None:
    storage = tmp_path / "storage"
    stubs = Stubs(tmp_path, {"/photoprism/storage": storage, "/opt/photoprism/bin": tmp_path / "stub-bin"})
    stubs.command("photoprism", 'echo "$* umask=$(umask)"')
    stubs.script("start", uploads(declared("dev"), "photoprism")["/photos/start"])
    if writable:
        storage.mkdir()  # absent, not read-only, for the other case: root may write everywhere

    result = stubs.run("start")

    assert container(declared("dev"), "photoprism")["entrypoints"] == ["/photos/start"]
    assert result.stdout == ("start umask=0002\n" if writable else "")
    assert (result.returncode == 0) is writable
    assert ("is not writable for user" in result.stderr) is not writable


@pytest.mark.parametrize("before", [None, "", "*.psd\n", "*.psd\n.photos-id", "# by hand\n.stignore\n*.psd"])
def test_an_import_is_told_to_leave_the_marker_and_what_syncthing_needs(before: str | None, tmp_path: Path) -> None:
    """An import with move deletes whatever begins with a dot, seen with the real PhotoPrism."""
    storage, imports = tmp_path / "storage", tmp_path / "import"
    storage.mkdir()
    imports.mkdir()
    if before is not None:
        (imports / ".ppignore").write_text(before)
    inside = {"/photoprism/storage": storage, "/photoprism/import": imports}
    stubs = Stubs(tmp_path, {**inside, "/opt/photoprism/bin": tmp_path / "stub-bin"})
    stubs.command("photoprism", "true")
    stubs.script("start", uploads(declared("dev"), "photoprism")["/photos/start"])

    assert stubs.run("start").returncode == 0
    told = (imports / ".ppignore").read_text()
    stubs.run("start")

    assert (imports / ".ppignore").read_text() == told, "a second start adds nothing"
    lines = told.splitlines()
    assert sorted(lines) == sorted({*(before or "").splitlines(), *KEPT_AT_IMPORT})
    assert ".photos-id" in lines


def test_it_trusts_only_its_own_network_as_a_proxy() -> None:
    variables = environment(declare_stack(BASE), "photoprism")

    assert variables["PHOTOPRISM_TRUSTED_PROXY"] == "172.30.0.0/16"


def test_it_starts_after_the_database_as_the_owner_of_the_photos() -> None:
    recorder = declare_stack(BASE)
    (album,) = [item for item in recorder.of_type("Container") if role(item) == "photoprism"]

    assert any("docker:index/container:Container::photos-mariadb" in urn for urn in album.options["depends_on"])
    assert album.inputs["user"] == "1000:1000"
    assert album.inputs["workingDir"] == "/photoprism", "the image's start script is relative to it"


def test_the_probe_asks_this_container_and_not_the_public_address() -> None:
    recorder = declare_stack(with_setting("site_url", "https://p.example.com/"))
    probe = container(recorder, "photoprism")["healthcheck"]["tests"]

    assert probe[-1] == "http://127.0.0.1:2342/api/v1/status"
    assert "-fsS" in probe, "without -f an error page counts as healthy"


def test_the_port_and_address_of_the_stack_file_are_published() -> None:
    recorder = declare_stack(
        changed(BASE, {"services.photoprism.port": 12399, "services.photoprism.bind": "192.168.1.5"})
    )

    (port,) = container(recorder, "photoprism")["ports"]
    assert (port["external"], port["internal"], port["ip"]) == (12399, 2342, "192.168.1.5")


def test_without_an_album_there_is_no_address_to_show() -> None:
    outputs = outputs_of(changed(BASE, {"services.photoprism": DROP}))

    assert (outputs["album_url"], outputs["album_user"]) == (None, None)
    assert outputs["services"] == ["mariadb", "drive", "syncthing"]
