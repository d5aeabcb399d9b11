"""The committed example stacks: they work as they are, and hold nothing of a person's own."""

from __future__ import annotations

import pytest
import yaml
from example_stack import CANARY, EXAMPLES, EXAMPLES_FOLDER, changed, declared, example, role, secret_keys
from fake_host import FakeHost

from components.services import services_by_name
from components.storage import MARKER
from stacks.config import parse
from stacks.host import GIB
from stacks.preflight import look
from stacks.recording import config_text

each_example = pytest.mark.parametrize("name", EXAMPLES)


def test_the_documented_environments_exist() -> None:
    assert EXAMPLES == ["dev", "home", "wsl"]


@each_example
def test_an_example_declares_all_services(name: str) -> None:
    everywhere = {"mariadb", "photoprism", "syncthing", "drive"}
    more = {"cloudflared", "keeper", "watch", "restore", *services_by_name()} if name == "home" else set()

    assert {role(item) for item in declared(name).of_type("Container")} == everywhere | more


@each_example
@pytest.mark.parametrize(
    "forbidden", ["encryptionsalt", "secure:", "photos:id", ":latest", "password", "BEGIN", "token", "-----"]
)
def test_an_example_holds_nothing_of_a_persons_own(name: str, forbidden: str) -> None:
    assert forbidden not in (EXAMPLES_FOLDER / f"Pulumi.{name}.yaml").read_text("utf-8")


@each_example
def test_an_example_says_first_what_it_is_for_and_sets_no_secret(name: str) -> None:
    text = (EXAMPLES_FOLDER / f"Pulumi.{name}.yaml").read_text("utf-8")

    assert text.splitlines()[1].startswith(f"# {name}: "), "above it stands what an editor reads"
    assert set(yaml.safe_load(text)) == {"config"}
    assert not secret_keys() & set(yaml.safe_load(text)["config"])


@each_example
def test_an_example_as_it_comes_asks_nothing_of_a_person_before_the_first_up(name: str, host: FakeHost) -> None:
    host.info["MemTotal"] = 8 * GIB
    document = yaml.safe_load((EXAMPLES_FOLDER / f"Pulumi.{name}.yaml").read_text("utf-8"))
    config = document["config"] | {"photos:library": {"originals": str(host.originals), "import": str(host.imports)}}
    config["photos:owner"] = {"uid": 1000, "gid": 1000}  # whoever runs the tests made the folders
    for folder in (host.originals, host.imports):
        (folder / MARKER).unlink()
    values = {key.removeprefix("photos:"): text for key, text in config_text(config).items()}

    report = look(lambda: parse(name, values, secret_keys=set(), dry_run=True))
    assert report.errors == []
    assert report.config
    assert report.config.still_needed == ()
    assert "example.com" not in str(document), "a placeholder is nobody's domain"


def test_what_the_home_example_leaves_to_a_person_is_named_all_at_once(host: FakeHost) -> None:
    config = {key: value for key, value in example("home").items() if not str(value).startswith(CANARY)}
    config |= {"photos:library": {"originals": str(host.originals), "import": str(host.imports)}}
    values = {key.removeprefix("photos:"): text for key, text in config_text(config).items() if key != "photos:id"}
    values = {key: text for key, text in values.items() if CANARY not in text}

    report = look(lambda: parse("home", values, secret_keys=set(), dry_run=True))
    assert report.config
    needed = "\n".join(map(str, [*report.errors, *report.config.still_needed]))
    for part in (
        "photos:publish stands as in the example",
        "/mnt/backup/photos",
        "backup_vault_secret_access_key",
        "backup_alert_urls",
    ):
        assert part in needed


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
