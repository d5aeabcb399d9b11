"""Each house rule finds the program that breaks it, and nothing else in it; a good house has no fault."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import broken_houses
import published_houses
import pytest
from broken_houses import container
from example_stack import EXAMPLES, declared
from house_rules import RULES
from house_rules.docker import CONTAINER
from house_rules.rule import UNKNOWN, Rule
from judged import as_rules_see, broken_rules, declared_by
from published_houses import ingress, tunnel

BROKEN = {**broken_houses.BROKEN, **published_houses.BROKEN}
BY_NAME = {rule.name: rule for rule in RULES}


def test_each_rule_has_a_program_that_breaks_it() -> None:
    assert BROKEN.keys() == BY_NAME.keys()


@pytest.mark.parametrize("rule", BROKEN)
def test_a_rule_finds_the_program_that_breaks_it_and_no_other_rule_minds(rule: str) -> None:
    wrong = broken_rules(declared_by(partial(BROKEN[rule], rule)))

    assert list(wrong) == [(rule, rule)]


@pytest.mark.parametrize("rule", BROKEN)
def test_what_is_wrong_is_said_in_one_line_with_what_to_write_instead(rule: str) -> None:
    (text,) = broken_rules(declared_by(partial(BROKEN[rule], rule))).values()

    assert re.search(r"\. (Write|Leave|Put|Mount|Name|Declare) ", text)
    assert "canary" not in text, "a message never shows a secret"
    assert "\n" not in text


def test_a_house_without_faults_breaks_no_rule() -> None:
    assert broken_rules(declared_by(broken_houses.house_without_faults)) == {}
    assert broken_rules(declared_by(published_houses.published_house_without_faults)) == {}


@pytest.mark.parametrize("stack", EXAMPLES)
def test_our_own_stacks_break_no_rule(stack: str) -> None:
    resources = as_rules_see(declared(stack).resources)

    assert broken_rules(resources) == {}
    assert any(resource.type == CONTAINER for resource in resources)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_says_in_one_sentence_what_it_wants(rule: Rule) -> None:
    assert re.fullmatch(r"[A-Z][^\n]+\.", rule.sentence)


def test_the_documentation_lists_the_rules_as_they_are() -> None:
    text = (Path(__file__).parents[3] / "docs" / "policy.md").read_text("utf-8")
    rows = re.findall(r"^\| `([\w-]+)` \| (.+?) \| (.*?) ?\|$", text, re.MULTILINE)

    assert rows == [(rule.name, rule.sentence, ", ".join(f"`{key}`" for key in rule.settings)) for rule in RULES]


# What breaks a rule in another way than its program does: (rule, changes of a good container).
OTHERWISE = [
    ("own-namespaces", {"network_mode": "host"}),
    ("own-namespaces", {"ipc_mode": "host"}),
    ("own-namespaces", {"userns_mode": "host"}),
    ("no-docker-socket", {"mounts": [{"type": "bind", "source": "/", "target": "/host"}]}),
    ("no-docker-socket", {"mounts": [{"type": "bind", "source": "/run/user/1000/podman/podman.sock", "target": "/s"}]}),
    ("least-capabilities", {"capabilities": None}),
    ("least-capabilities", {"capabilities": {"adds": ["CAP_CHOWN"]}}),
    ("least-capabilities", {"capabilities": {"drops": ["ALL"], "adds": ["NET_ADMIN"]}}),
    ("confined", {"security_opts": ["no-new-privileges:true", "apparmor:unconfined"]}),
    ("pinned-image", {"image": "mariadb"}),
    ("pinned-image", {"image": "registry.lan:5000/mariadb"}),
    ("pinned-image", {"image": "mariadb:stable"}),
    ("comes-back", {"restart": None}),
    ("memory-limit", {"memory": None}),
    ("memory-limit", {"memory_swap": -1}),
    ("health-check", {"healthcheck": None}),
    ("time-to-stop", {"destroy_grace_seconds": 1}),
    ("ports-stay-here", {"ports": [{"internal": 80, "external": 80, "ip": "::"}]}),
    ("ports-stay-here", {"publish_all_ports": True}),
    ("no-secret-in-clear", {"envs": ["DATABASE_URL=mysql://me:canary-word@mariadb/photos"]}),
    ("no-secret-in-clear", {"envs": ["openai.api_key=canary"]}),
    ("no-secret-in-clear", {"labels": [{"label": "token", "value": "canary"}]}),
    ("no-secret-in-clear", {"command": ["run", "--token", "canary"]}),
    ("no-secret-in-clear", {"entrypoints": ["sh", "-c", "exec server --db-password=canary"]}),
]


@pytest.mark.parametrize(("rule", "changes"), OTHERWISE)
def test_a_rule_sees_what_breaks_it_in_another_way(rule: str, changes: dict[str, object]) -> None:
    wrong = broken_rules(declared_by(lambda: container("other", **changes)))

    assert list(wrong) == [("other", rule)]
    assert "canary" not in str(wrong)


# What looks like a fault and is none.
HARMLESS = [
    {"image": "sha256:" + "0" * 64},
    {"image": "mariadb@sha256:" + "0" * 64},
    {"log_driver": "journald", "log_opts": None},
    {"security_opts": ["no-new-privileges"]},
    {"restart": "always"},
    {"envs": ["PHOTOPRISM_AUTH_MODE=password", "TOKENS_PER_MINUTE=5", "PASSWORD_POLICY=strict", "PASSWORD="]},
    {"envs": ["PROXY=http://proxy.lan:3128", "URL=https://me@example.com/"]},
    {"mounts": [{"type": "volume", "source": "photos-dev-mariadb", "target": "/var/lib/mysql"}]},
    {"uploads": [{"file": "/start.sh", "content": "#!/bin/sh", "permissions": "0555"}]},
]


@pytest.mark.parametrize("changes", HARMLESS)
def test_what_only_looks_like_a_fault_is_none(changes: dict[str, object]) -> None:
    assert broken_rules(declared_by(lambda: container("other", **changes))) == {}


@pytest.mark.parametrize(
    ("settings", "changes"),
    [
        (
            {"least-capabilities": {"allowed": ["CAP_NET_ADMIN"]}},
            {"capabilities": {"drops": ["ALL"], "adds": ["NET_ADMIN"]}},
        ),
        ({"time-to-stop": {"seconds": 1}}, {"destroy_grace_seconds": 1}),
        ({"no-published-database": {"databases": []}}, {"ports": [{"internal": 3306, "ip": "127.0.0.1"}]}),
        ({"ports-stay-here": {"open_to_all": [80]}}, {"ports": [{"internal": 80}]}),
    ],
)
def test_a_setting_moves_the_limit_of_a_rule(
    settings: dict[str, dict[str, object]], changes: dict[str, object]
) -> None:
    resources = declared_by(lambda: container("other", **changes))

    assert {rule for _, rule in broken_rules(resources)} == set(settings)
    assert broken_rules(resources, settings) == {}


def test_a_name_that_is_meant_for_all_is_written_into_the_rules() -> None:
    resources = declared_by(lambda: tunnel("open", ingress(required=False), published_houses.NOWHERE))
    rules = {"origin-asks-for-the-login", "a-login-before-every-name"}

    assert {rule for _, rule in broken_rules(resources)} == rules
    assert broken_rules(resources, {rule: {"public": [published_houses.NAME]} for rule in rules}) == {}


class NothingKnown(dict[str, Any]):
    """Inputs of which a preview knows none."""

    def get(self, *_: object) -> object:
        return UNKNOWN


@pytest.mark.parametrize("rule", BROKEN)
def test_what_a_preview_cannot_know_is_no_fault_yet(rule: str) -> None:
    resources = declared_by(partial(BROKEN[rule], rule))
    known_later = [replace(item, inputs=NothingKnown(), ignore_changes=["*"]) for item in resources]

    assert broken_rules(resources)
    assert broken_rules(known_later) == {}
