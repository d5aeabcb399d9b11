"""The committed example stacks: they work as they are, and hold nothing of a person's own."""

from __future__ import annotations

import pytest
import yaml
from example_stack import EXAMPLES, EXAMPLES_FOLDER, changed, declared, example, secret_keys
from fake_host import FakeHost

from components.services import catalog
from stacks.checks import GIB

each_example = pytest.mark.parametrize("name", EXAMPLES)


def test_the_documented_environments_exist() -> None:
    assert EXAMPLES == ["dev", "home", "wsl"]


@each_example
def test_an_example_declares_all_services(name: str) -> None:
    more = {"cloudflared", "keeper", "watch"} if name == "home" else set()

    assert {item.name for item in declared(name).of_type("Container")} == {"mariadb", *catalog(), *more}


@each_example
@pytest.mark.parametrize(
    "forbidden", ["encryptionsalt", "secure:", "photos:id", ":latest", "password", "BEGIN", "token", "-----"]
)
def test_an_example_holds_nothing_of_a_persons_own(name: str, forbidden: str) -> None:
    assert forbidden not in (EXAMPLES_FOLDER / f"Pulumi.{name}.yaml").read_text("utf-8")


@each_example
def test_an_example_says_first_what_it_is_for_and_sets_no_secret(name: str) -> None:
    text = (EXAMPLES_FOLDER / f"Pulumi.{name}.yaml").read_text("utf-8")

    assert text.startswith(f"# {name}: ")
    assert set(yaml.safe_load(text)) == {"config"}
    assert not secret_keys() & set(yaml.safe_load(text)["config"])


@each_example
def test_an_example_passes_the_whole_program_on_a_healthy_host(name: str, host: FakeHost) -> None:
    host.info["MemTotal"] = 8 * GIB  # what such a machine has
    here = {"library": {"originals": str(host.originals), "import": str(host.imports)}}
    config = changed(example(name), {**here, "owner": {"uid": 1000, "gid": 1000}})
    if publish := config.get("photos:publish"):
        publish["zones"] = {"family.org": "f" * 32}
        for number, entry in enumerate(publish["hostnames"]):
            entry["hostname"] = f"name{number}.family.org"
    if backup := config.get("photos:backup"):
        backup["remotes"]["disk"]["path"] = str(host.add_disk())

    text, recorder = host.run(config, stack=name)

    assert text == ""
    assert recorder.of_type("Container")


def test_wsl_keeps_only_photos_on_the_windows_drive() -> None:
    binds = [
        mount["source"]
        for item in declared("wsl").of_type("Container")
        for mount in item.inputs["mounts"]
        if mount["type"] == "bind"
    ]

    assert {"/mnt/d/photoprism/originals", "/mnt/d/photoprism/import"} <= set(binds)
    assert all(source.startswith("/mnt/d/photoprism/") for source in binds)
    assert len(declared("wsl").of_type("Volume")) == 4, "database and storage are in volumes"
