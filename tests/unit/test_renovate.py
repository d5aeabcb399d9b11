"""Renovate's configuration finds every image and every list of packages that the program names."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from components.cloudflared import CloudflaredConfig
from components.database import DatabaseConfig
from components.service_config import ServiceConfig
from components.services import services_by_name
from stacks.sections.backup.programs import RCLONE, RESTIC

PROJECT = Path(__file__).parents[2]
CONFIG = json.loads((PROJECT / "renovate.json").read_text("utf-8"))


def python(pattern: str) -> str:
    """Return a pattern of RE2, as Renovate takes it, as Python takes it."""
    return pattern.replace("(?<", "(?P<")


def files(patterns: list[str]) -> list[Path]:
    """Return the files of the repository that Renovate looks into: /…/ is an expression over the whole path."""
    listed = subprocess.run(["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("unit tier: this is no git checkout")
    names = listed.stdout.splitlines()
    return [PROJECT / name for name in names if any(re.search(each.strip("/"), name) for each in patterns)]


def found_images() -> dict[str, str]:
    return {
        match["depName"]: match["currentValue"]
        for manager in CONFIG["customManagers"]
        for file in files(manager["managerFilePatterns"])
        for expression in manager["matchStrings"]
        for match in re.finditer(python(expression), file.read_text("utf-8"))
    }


def test_every_default_image_is_found_and_nothing_else() -> None:
    configs: list[type[ServiceConfig]] = [
        DatabaseConfig,
        CloudflaredConfig,
        *(service.Config for service in services_by_name().values()),
    ]
    defaults = [str(config.model_fields["image"].default) for config in configs] + [RESTIC.default, RCLONE.default]

    assert {f"{name}:{tag}" for name, tag in found_images().items()} == set(defaults)


def test_every_list_of_packages_is_found_and_no_lock() -> None:
    found = {str(file.relative_to(PROJECT)) for file in files(CONFIG["pip_requirements"]["managerFilePatterns"])}
    left_out = CONFIG["pip_requirements"]["ignorePaths"]

    assert left_out == ["policy/**"], "it has a protobuf of its own"
    assert {name for name in found if not name.startswith("policy/")} == {
        "requirements.txt", "requirements-dev.txt", "keeper/requirements.txt",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("package", "tag", "fits"),
    [("photoprism/photoprism", "260728-ce", True), ("photoprism/photoprism", "260815", False)],
)
def test_tags_that_are_dates_are_compared_as_such(package: str, tag: str, fits: bool) -> None:
    (rule,) = [rule for rule in CONFIG["packageRules"] if package in rule.get("matchPackageNames", ())]
    expression = python(rule["versioning"].removeprefix("regex:"))

    assert bool(re.fullmatch(expression, tag)) is fits


def test_every_package_with_a_rule_is_one_of_ours() -> None:
    lists = "\n".join((PROJECT / name).read_text("utf-8") for name in ("requirements.txt", "keeper/requirements.txt"))
    known = {*found_images(), *re.findall(r"^([\w-]+)==", lists, re.MULTILINE)}

    assert [
        name for rule in CONFIG["packageRules"] for name in rule.get("matchPackageNames", ()) if name not in known
    ] == []
