"""The house rules as a policy pack of the real engine: what breaks one is refused, our own stacks pass."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import published_houses
import pytest
import yaml
from broken_houses import BROKEN, KNOWN_AFTER_UP
from example_stack import EXAMPLES, EXAMPLES_FOLDER, declared

from stacks.recording import Recorded, plain, record
from tests.engine.world import PROJECT, World, new_world, own_name

PROGRAMS = PROJECT / "tests" / "unit" / "policy"
VIOLATION = re.compile(r"- \[(mandatory|advisory)\] +([\w-]+) +\(\S+: ([\w. -]+)\)")
PROGRAM = """import sys
sys.path.insert(0, {programs!r})
from broken_houses import *
{line}
"""
ALL_BROKEN = "for rule, program in BROKEN.items(): program(rule)"


@dataclass
class House:
    """The policy pack, installed, and a Pulumi project beside it."""

    world: World

    @property
    def pack(self) -> Path:
        return self.world.root / "policy"

    def pulumi(self, *words: str, folder: Path | None = None) -> tuple[int, str]:
        environment = self.world.environment | {
            "PULUMI_BACKEND_URL": f"file://{self.world.root}/state",
            "PULUMI_CONFIG_PASSPHRASE": "none",
        }
        done = subprocess.run(
            ["pulumi", *words, "--non-interactive", "--color", "never"],
            cwd=folder or self.world.root / "house",
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )
        return done.returncode, done.stdout

    def preview(self, line: str, *options: str) -> tuple[int, str]:
        """Preview a program that ends with `line`, under the policy pack."""
        (self.world.root / "house" / "__main__.py").write_text(PROGRAM.format(programs=str(PROGRAMS), line=line))
        return self.pulumi("preview", "--stack", "house", "--policy-pack", str(self.pack), *options)

    def analyze(self, resources: list[Recorded]) -> tuple[int, str]:
        """Judge what a program declared as if it were a stack's state; needs no plugin of a provider."""
        file = self.world.root / "state.json"
        file.write_text(json.dumps({"version": 3, "deployment": {"resources": [*map(in_state, resources)]}}))
        rules = self.rules({"name-is-free-first": "disabled"})  # a state does not keep that option
        return self.pulumi("policy", "analyze", "--file", str(file), "--policy-pack", str(self.pack), *rules)

    def rules(self, config: dict[str, object]) -> tuple[str, str]:
        """Return the option that changes rules."""
        file = self.world.root / "rules.json"
        file.write_text(json.dumps(config))
        return "--policy-pack-config", str(file)


def in_state(item: Recorded) -> dict[str, object]:
    return {
        "urn": f"urn:pulumi:house::house::{item.type}::{item.name}",
        "type": item.type,
        "custom": item.custom,
        "inputs": plain(item.inputs),
        "outputs": plain({**item.outputs, **item.inputs}),
        "ignoreChanges": item.options["ignore_changes"],
    } | ({"id": item.name} if item.custom else {})


def violations(text: str) -> set[tuple[str, str, str]]:
    """Return (level, rule, resource) of all that was complained about."""
    return set(VIOLATION.findall(text))


@pytest.fixture(scope="module", name="house")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Install the pack as its docs say, with `pulumi install`."""
    with new_world(tmp_path_factory.mktemp("policy"), "registry.invalid") as world:
        world.checkout()
        made = House(world)
        shutil.copytree(PROJECT / "policy", made.pack, ignore=shutil.ignore_patterns(".venv", "__pycache__"))
        (world.root / "state").mkdir()
        (world.root / "house").mkdir()
        (world.root / "house" / "Pulumi.yaml").write_text(
            json.dumps({"name": "house", "runtime": {"name": "python", "options": {"virtualenv": sys.prefix}}})
        )
        code, text = made.pulumi("install", folder=made.pack)
        if code and re.search("No matching distribution|Connection|Temporary failure", text):
            pytest.skip("engine tier: pulumi-policy cannot be installed: no package index answers")
        assert code == 0, text
        made.pulumi("stack", "init", "house")
        yield made


def test_a_preview_refuses_each_program_that_breaks_a_rule_and_names_rule_and_resource(house: House) -> None:
    code, text = house.preview(ALL_BROKEN)

    assert code != 0
    assert violations(text) == {("mandatory", rule, rule) for rule in BROKEN.keys() - KNOWN_AFTER_UP}


def test_a_preview_of_a_house_without_faults_passes(house: House) -> None:
    code, text = house.preview("house_without_faults()")

    assert code == 0, text
    assert "✅ photos-house-rules" in text
    assert violations(text) == set()
    assert "can't run policy" not in text, "what a preview cannot know yet is no reason for a page of warnings"


def test_one_line_of_json_makes_a_rule_a_warning_and_moves_a_limit(house: House) -> None:
    rules = house.rules(
        {"all": "advisory", "not-privileged": "disabled", "ports-stay-here": {"open_to_all": [2342, 22000]}}
    )
    code, text = house.preview(ALL_BROKEN, *rules)
    complaints = violations(text)

    assert code == 0, "advice stops nothing"
    assert {level for level, _, _ in complaints} == {"advisory"}
    assert not {"not-privileged", "ports-stay-here"} & {rule for _, rule, _ in complaints}
    assert len(complaints) > 10


def test_what_only_a_state_tells_is_judged_from_the_state(house: House) -> None:
    programs = {**published_houses.BROKEN, **{rule: BROKEN[rule] for rule in KNOWN_AFTER_UP}}
    recorded = record(lambda: [program(rule) for rule, program in programs.items()], stack="house")
    code, text = house.analyze(recorded.resources)

    assert code != 0
    assert violations(text) == {("mandatory", rule, rule) for rule in programs}


@pytest.mark.parametrize("stack", EXAMPLES)
def test_our_own_stacks_with_all_that_they_offer_pass(house: House, stack: str) -> None:
    code, text = house.analyze(declared(stack).resources)

    assert code == 0, text
    assert violations(text) == set()


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_preview_of_our_own_stack_takes_the_pack_along(house: House, example: str) -> None:
    world, stack = house.world, own_name(example)
    config = yaml.safe_load((EXAMPLES_FOLDER / f"Pulumi.{example}.yaml").read_text())["config"]
    world.write(stack)
    world.change(stack, "services", {**config["photos:services"], **world.config(stack)["photos:services"]})
    world.variables = {"PULUMI_OPTION_POLICY_PACK": str(house.pack)}
    text = world.photos("preview", stack)

    assert "✅ photos-house-rules" in text
    assert re.search(r"docker:index:Container \S*photoprism create", text)
