"""The JSON schema of a stack file: it is the model, refuses what the model refuses by its form, and nothing that works."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from example_stack import EXAMPLES, EXAMPLES_FOLDER, STACK_ID, Config, changed, example, secret_keys, sections
from mistakes import Bad
from test_bad_backups import BAD as BAD_BACKUPS
from test_bad_inputs import BAD as BAD_INPUTS

from stacks.config import parse
from stacks.schema import schema, schema_text
from tests.found import DEVELOPMENT

jsonschema = pytest.importorskip("jsonschema", reason=f"unit tier: jsonschema is missing: {DEVELOPMENT}")
FILE = EXAMPLES_FOLDER.parent / "schema.json"
MODELINE = re.compile(r"# yaml-language-server: \$schema=(\S+)")
BY_ITS_FORM = re.compile(
    "^(unknown|required|not a list|not a section)\\. |^valid (boolean|integer|string) expected"
    "|is not an amount of memory|outside 1024-65535|has no fixed tag|is not a percentage"
)
"""What the program says of a value that cannot be one, whatever else the file holds."""
BY_THEIR_FORM = [
    bad for bad in (*BAD_INPUTS, *BAD_BACKUPS) if bad.changes and any(BY_ITS_FORM.search(said) for said in bad.says)
]


def english(description: str) -> str:
    return description


def marks(config: Config) -> list[str]:
    """Return what an editor marks in a stack file; what is typed as a secret is encrypted there."""
    kept = {key: {"secure": "v1:x"} for key in secret_keys(config) & set(config)}
    checker = jsonschema.Draft7Validator(schema(english))
    document = json.loads(json.dumps({"config": config | kept, "encryptionsalt": "v1:x"}))
    return [f"{error.json_path}: {error.message}" for error in checker.iter_errors(document)]


def test_the_committed_schema_is_the_model() -> None:
    assert schema_text(english) == FILE.read_text("utf-8"), "PHOTOS_LANGUAGE=en ./photos schema > stacks/schema.json"


def test_it_is_a_schema() -> None:
    jsonschema.Draft7Validator.check_schema(schema(english))


@pytest.mark.parametrize("folder", [EXAMPLES_FOLDER, EXAMPLES_FOLDER.parent], ids=["example", "copy"])
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_editor_finds_it_from_the_example_and_from_the_copy(name: str, folder: Path) -> None:
    first = (EXAMPLES_FOLDER / f"Pulumi.{name}.yaml").read_text("utf-8").splitlines()[0]
    found = MODELINE.fullmatch(first)

    assert found
    assert json.loads((folder / found[1]).read_text("utf-8")) == json.loads(FILE.read_text("utf-8"))


@pytest.mark.parametrize("name", EXAMPLES)
def test_nothing_in_an_example_is_marked_as_it_comes_and_with_all_that_it_offers(name: str) -> None:
    as_it_comes = yaml.safe_load((EXAMPLES_FOLDER / f"Pulumi.{name}.yaml").read_text("utf-8"))["config"]

    assert marks(as_it_comes) == []
    assert marks(example(name)) == []


def with_defaults(part: dict[str, Any], definitions: dict[str, Any]) -> Any:
    """Return a section with every default of the schema written out."""
    found = {}
    for key, kind in part.get("properties", {}).items():
        if "$ref" in kind:
            inner = with_defaults(definitions[kind["$ref"].rpartition("/")[2]], definitions)
            if inner:
                found[key] = inner
        elif "default" in kind:
            found[key] = kind["default"]
    return found


def test_every_default_can_be_written_out_as_the_schema_shows_it() -> None:
    made = schema(english)
    written = with_defaults(made["properties"]["config"], made["$defs"])
    # A service that the example has not is not added by its defaults: it may ask for a secret.
    in_example = example("dev")["photos:services"]
    written["photos:services"] = {name: written["photos:services"][name] for name in in_example}
    written.pop("photos:publish")
    written.pop("photos:backup")
    config = changed(example("dev"), {key.removeprefix("photos:"): value for key, value in written.items()})
    keys = {key.removeprefix("photos:") for key in secret_keys(config)}

    assert written["photos:database"]["memory"] == "1g"
    assert marks(config) == []
    assert parse("dev", sections(config), secret_keys=keys & set(sections(config))).settings.id


@pytest.mark.parametrize("key", ["database", "data", "services.syncthing", "services.photoprism.features"])
def test_a_section_with_nothing_after_its_colon_means_its_defaults(key: str) -> None:
    assert marks(changed(example("dev"), {key: None})) == []


@pytest.mark.parametrize("bad", BY_THEIR_FORM, ids=str)
def test_what_is_wrong_by_its_form_is_marked(bad: Bad) -> None:
    assert marks(changed(example("dev"), bad.changes)), bad.says


def test_the_tables_hold_such_mistakes() -> None:
    assert len(BY_THEIR_FORM) > 40


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"library.orginals": "/srv/x"}, "photos:library"),
        ({"services.immich": {}}, "photos:services"),
        ({"services.photoprism.memory": 4}, "memory"),
        ({"services.photoprism.image": "photoprism/photoprism"}, "image"),
        ({"services.photoprism.port": 80}, "port"),
        ({"timezone": ["Asia/Shanghai"]}, "photos:timezone"),
        ({"photos:libary": {}}, "photos:libary"),
    ],
)
def test_the_mark_stands_where_the_mistake_is(changes: dict[str, Any], where: str) -> None:
    config = example("dev")
    (mark,) = marks({**config, **changes} if any(":" in key for key in changes) else changed(config, changes))

    assert where in mark


def test_a_secret_in_clear_is_marked_and_an_encrypted_one_is_not() -> None:
    document = {"config": {**example("dev"), "photos:backup_disk_pass": "in clear"}}
    checker = jsonschema.Draft7Validator(schema(english))

    assert "photos:mariadb_root_password" in str([error.json_path for error in checker.iter_errors(document)])
    assert "photos:backup_disk_pass" in str([error.json_path for error in checker.iter_errors(document)])
    assert marks({**example("dev"), "cloudflare:apiToken": {"secure": "v1:x"}}) == []


def test_a_key_beside_config_is_marked() -> None:
    checker = jsonschema.Draft7Validator(schema(english))

    assert not checker.is_valid({"config": {"photos:id": STACK_ID}, "photos:timezone": "Asia/Shanghai"})


def test_the_meanings_are_in_the_readers_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOTOS_LANGUAGE", "zh")

    made = schema()["properties"]["config"]["properties"]["photos:timezone"]
    assert re.search("[\u4e00-\u9fff]", made["description"])
