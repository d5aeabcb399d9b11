"""`photos:preset`: what a stack file means where it says nothing."""

from __future__ import annotations

from typing import Any

import pytest
from example_stack import EXAMPLES, changed, container, declare_stack, environment, example, sections
from judged import as_rules_see, broken_rules

from components.services.photoprism import PhotoPrismConfig
from stacks.config import parse
from stacks.expected import expected
from stacks.problems import ConfigError
from stacks.sections import Settings

MACHINE_MB = 4096
OF_A_PERSON = ("memory", "buffer_pool", "workers")
"""What the examples themselves set and a weak machine's owner would take out."""


def small(name: str = "home") -> dict[str, Any]:
    """Return an example, all that it offers in it, as it is for a weak machine."""
    config = changed(example(name), {"preset": "small"})
    for section in (config.get("photos:database", {}), *config["photos:services"].values()):
        for key in OF_A_PERSON:
            (section or {}).pop(key, None)
    return config


def settings(config: dict[str, Any], name: str = "home") -> Settings:
    keys = {key.removeprefix("photos:") for key, value in config.items() if "canary" in str(value)}
    return parse(name, sections(config), secret_keys=keys).settings


@pytest.mark.parametrize("name", EXAMPLES)
def test_all_memory_limits_together_fit_a_machine_of_4_gb(name: str) -> None:
    services = expected(name, settings(small(name), name)).services

    # The tunnel is the way in here; who has Tailscale seldom has both.
    total = sum(service.memory_mb for service in services if service.started and service.name != "tailscale")
    assert total <= MACHINE_MB, {service.name: service.memory_mb for service in services}


def test_it_says_what_photoprism_and_mariadb_do_with_less() -> None:
    recorder = declare_stack(small(), "home")
    album = environment(recorder, "photoprism")

    assert {
        name: album[f"PHOTOPRISM_{name}"] for name in ("WORKERS", "THUMB_SIZE", "FFMPEG_SIZE", "FFMPEG_PRESET")
    } == {
        "WORKERS": "1",
        "THUMB_SIZE": "1280",
        "FFMPEG_SIZE": "1280",
        "FFMPEG_PRESET": "veryfast",
    }
    assert album["PHOTOPRISM_DISABLE_CLASSIFICATION"] == "true"
    assert album["PHOTOPRISM_DISABLE_FACES"] == "false", "families look for faces"
    assert "--innodb-buffer-pool-size=128M" in container(recorder, "mariadb")["command"]
    assert broken_rules(as_rules_see(recorder.resources)) == {}


def test_what_a_person_writes_beside_it_wins() -> None:
    config = changed(
        small(),
        {
            "services.photoprism": {"memory": "3g", "features": {"classification": True}, "thumbnails": {"size": 2048}},
            "database": {"buffer_pool": "200m"},
        },
    )
    album, database = settings(config).enabled()["photoprism"], settings(config).database

    assert isinstance(album, PhotoPrismConfig)
    assert (album.memory, album.features.classification, album.thumbnails.size) == (3072, True, 2048)
    assert (album.workers, album.transcoding.speed) == (1, "veryfast"), "and the rest is the preset's"
    assert (database.memory, database.buffer_pool) == (512, 200)


def test_it_starts_no_service_and_no_backup() -> None:
    config = changed(example("dev"), {"services": {"photoprism": None}, "preset": "small"})

    there = settings(config, "dev")
    assert list(there.enabled()) == ["photoprism"]
    assert (there.backup, there.publish) == (None, None)


def test_without_it_nothing_is_another_value() -> None:
    config = example("home")

    assert settings(config) == settings({key: value for key, value in config.items() if key != "photos:preset"})
    assert "PHOTOPRISM_THUMB_SIZE" not in environment(declare_stack(config, "home"), "photoprism")


@pytest.mark.parametrize("value", ["tiny", 1, ["small"], {"small": True}])
def test_another_preset_is_refused_with_the_known_one(value: object) -> None:
    with pytest.raises(ConfigError) as refused:
        settings(changed(example("dev"), {"preset": value}), "dev")

    assert "config photos:preset: " in str(refused.value)
    assert "small" in str(refused.value)
