"""The images that run stand in the stack file: a newer checkout with other defaults changes nothing that runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from example_stack import STACK_ID

from cli import images, prepared, private_state, stack_config, stackfile
from components.services.photoprism import PhotoPrismConfig
from stacks.images import image_keys
from stacks.sections import Settings

if TYPE_CHECKING:
    from cli.conftest import Checkout  # mypy names the files of this folder cli.*

OLD = "photoprism/photoprism:250101-ce"
COPY = {"disk": {"kind": "disk", "type": "local", "path": "/mnt/second/photos"}}


def settings_of(checkout: Checkout, changes: dict[str, Any] | None = None) -> Settings:
    checkout.write(STACK_ID, changes)
    return images.with_running("dev", stack_config.offline("dev").settings)


def services(**of_photoprism: str) -> dict[str, Any]:
    return {"photos:services": {"photoprism": of_photoprism, "syncthing": {}, "drive": {}}}


def state(monkeypatch: pytest.MonkeyPatch, **pulled: str) -> None:
    """Let Pulumi's state know images by the logical names of the program."""
    known = [
        {"type": images.IMAGE, "urn": f"urn:pulumi:dev::photos::x::photos-{name}", "inputs": {"name": image}}
        for name, image in pulled.items()
    ]
    monkeypatch.setattr(private_state, "resources", lambda _: known)


def written(checkout: Checkout) -> dict[str, Any]:
    return dict(yaml.safe_load(checkout.file.read_text("utf-8"))["config"])


def test_every_image_that_is_pulled_has_a_key_and_its_default_is_the_model_s(checkout: Checkout) -> None:
    config = settings_of(checkout, {"photos:backup": {"remotes": COPY}})
    keys = {each.key: each for each in image_keys(config)}

    assert set(keys) == {
        "database.image", "services.photoprism.image", "services.syncthing.image", "services.drive.image",
        "backup.restic_image", "backup.rclone_image",
    }  # fmt: skip
    assert all(each.current == each.default for each in keys.values())
    assert keys["backup.restic_image"].resource == "photos-keeper-restic"


def test_an_image_that_the_stack_file_does_not_name_is_written_at_the_first_up(checkout: Checkout) -> None:
    config = settings_of(checkout, services(image=OLD))
    images.write_down("dev", config)

    assert written(checkout)["photos:database"]["image"] == config.database.image
    assert written(checkout)["photos:services"]["photoprism"]["image"] == OLD, "what a person wrote stays"
    assert all(stackfile.holds(written(checkout), each.key) for each in image_keys(config))


def test_where_all_stand_there_nothing_is_written(checkout: Checkout) -> None:
    config = settings_of(checkout)
    images.write_down("dev", config)
    checkout.asked.clear()
    images.write_down("dev", stack_config.offline("dev").settings)

    assert checkout.asked == []


def test_an_older_stack_file_gets_what_runs_and_not_the_default_of_a_newer_checkout(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    state(monkeypatch, photoprism=OLD, mariadb="mariadb:11.4.2")
    config = settings_of(checkout)
    images.write_down("dev", config)

    assert config.enabled()["photoprism"].image == OLD, "the checks look at what will run"
    assert written(checkout)["photos:services"]["photoprism"]["image"] == OLD
    assert written(checkout)["photos:database"]["image"] == "mariadb:11.4.2"
    syncthing = written(checkout)["photos:services"]["syncthing"]["image"]
    assert syncthing == config.enabled()["syncthing"].image, "a service that was added just now gets today's"


def test_what_stands_in_the_file_wins_over_what_runs(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    state(monkeypatch, photoprism=OLD)
    config = settings_of(checkout, services(image="photoprism/photoprism:260801-ce"))

    assert config.enabled()["photoprism"].image == "photoprism/photoprism:260801-ce"


@pytest.mark.parametrize(
    ("registry", "pulled", "expected"),
    [
        (None, "mariadb:11.4.2", "mariadb:11.4.2"),
        ("mirror.lan:5000", "mirror.lan:5000/library/mariadb:11.4.2", "mariadb:11.4.2"),
        ("new.mirror.lan", "old.mirror.lan/library/mariadb:11.4.2", "mariadb:11.4.2"),
        (None, "old.mirror.lan/library/mariadb:11.4.2@sha256:" + "0" * 64, "mariadb:11.4.2@sha256:" + "0" * 64),
        ("mirror.lan:5000", "ghcr.io/someone/mariadb:1", "ghcr.io/someone/mariadb:1"),
    ],
)
def test_the_mirror_that_an_image_came_through_is_not_written(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, registry: str | None, pulled: str, expected: str
) -> None:
    state(monkeypatch, mariadb=pulled)
    config = settings_of(checkout, {"photos:image_registry": registry} if registry else {})

    assert config.database.image == expected


def test_a_changed_default_changes_nothing_of_a_stack_that_wrote_its_images_down(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    images.write_down("dev", settings_of(checkout))
    before = stack_config.offline("dev").settings.enabled()["photoprism"].image
    monkeypatch.setattr(PhotoPrismConfig.model_fields["image"], "default", "photoprism/photoprism:990101-ce")
    PhotoPrismConfig.model_rebuild(force=True)
    after = stack_config.offline("dev").settings
    (key,) = [each for each in image_keys(after) if each.name == "photoprism"]
    monkeypatch.undo()
    PhotoPrismConfig.model_rebuild(force=True)

    assert key.current == before
    assert key.default == "photoprism/photoprism:990101-ce", "upgrade offers it"


def test_a_preview_does_not_begin_at_once_where_an_image_is_not_written(checkout: Checkout) -> None:
    config = settings_of(checkout, {"photos:backup": {"remotes": COPY}})
    assert not prepared.names_its_images(stackfile.read(checkout.file))
    images.write_down("dev", config)

    assert prepared.names_its_images(stackfile.read(checkout.file))
    document = yaml.safe_load(checkout.file.read_text("utf-8"))
    del document["config"]["photos:backup"]["rclone_image"]
    assert not prepared.names_its_images(document["config"])
