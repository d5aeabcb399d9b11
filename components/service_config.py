"""What every service lets a person choose in the stack file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field, model_validator

from components.fields import Image, Memory, Section
from components.messages import Message, message
from components.refusals import refusal

# Docker and cloud images alike: a name that ends like this holds what opens something. With _FILE it names a file.
SECRET_VARIABLE = re.compile(
    r"(.*_)?(PASS|PASSWD|PASSWORD|SECRET|TOKEN|APIKEY|API_KEY|PRIVATE_KEY|ACCESS_KEY|DSN|CREDENTIALS)"
)
RULED_VARIABLES = {
    r"TZ": message("rule_time_zone", "is the stack's `timezone`"),
    r"LD_.*|PATH": message("rule_program", "decides which program runs"),
}
RULED_LABELS = {
    r"photos\..*": message("rule_photos_labels", "is how ./photos finds what belongs to the stack"),
    r"com\.docker\..*": message("rule_compose_labels", "is how panels group the stack's containers"),
}
IN_CLEAR = message(
    "extra_in_clear", "would stand in clear in the stack file, the state and docker inspect. Leave it out"
)


class ServiceConfig(Section):
    """What every service lets a person choose."""

    ruled_variables: ClassVar[dict[str, Message]] = {}
    """Pattern of environment variables → why a person cannot set them here: what the stack sets, or what would undo a
    house rule (tested: whatever the stack sets is among them)."""

    has_inner_secrets: ClassVar[bool] = False
    """Whether what is declared inside the app may have secrets: then all flat keys `photos:SERVICE_…` are known ones."""

    release_series: ClassVar[int] = 1
    """How many numbers of its tags, from the left, name the series that an upgrade stays in unless a person says otherwise."""

    image: Image = Field(description="image with a fixed tag")
    memory: Memory = Field(description="memory limit, e.g. 512m or 4g")
    environment: dict[str, str] = Field({}, description="further environment variables, nothing secret")
    labels: dict[str, str] = Field({}, description="further labels of the container, nothing secret")

    @classmethod
    def typed_secrets(cls, section: Mapping[str, Any]) -> list[str]:
        """Return the secrets of what is declared inside the app that only a person can supply: names after `photos:SERVICE_`.

        `section` is as it was written, before anything is known to be right in it.
        """
        del section
        return []

    @classmethod
    def typed_secret_problem(cls, name: str, value: str) -> Message | None:
        """Say what is wrong with a secret that a person supplied, beyond its form; never a part of it."""
        del name, value
        return None

    @classmethod
    def made_secrets(cls, section: Mapping[str, Any]) -> list[str]:
        """Return the passwords of what is declared inside the app, which `./photos` makes: names as above."""
        del section
        return []

    @model_validator(mode="after")
    def _extras_undo_no_rule(self) -> ServiceConfig:
        for name, value in self.environment.items():
            if problem := self._variable_problem(name, value):
                raise refusal("environment_variable", "environment.{name}: {problem}", name=name, problem=problem)
        for name, value in self.labels.items():
            if problem := _label_problem(name, value):
                raise refusal("label", "labels.{name}: {problem}", name=name, problem=problem)
        return self

    def _variable_problem(self, name: str, value: str) -> Message | None:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) or not value.isprintable():
            return message(
                "environment_unreadable",
                'is no environment variable, or its value holds a line break. Write e.g. GOMEMLIMIT: "200MiB"',
            )
        if SECRET_VARIABLE.fullmatch(name.upper()):
            return IN_CLEAR
        return _ruled(name.upper(), {**RULED_VARIABLES, **self.ruled_variables})


def _label_problem(name: str, value: str) -> Message | None:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/-]*", name) or not value.isprintable():
        return message(
            "label_unreadable", "is no label, or its value holds a line break. Write e.g. homepage.group: Family"
        )
    if SECRET_VARIABLE.fullmatch(re.sub(r"[^A-Za-z0-9]", "_", name).upper()):
        return IN_CLEAR
    return _ruled(name.lower(), RULED_LABELS)


def _ruled(name: str, rules: dict[str, Message]) -> Message | None:
    why = next((why for pattern, why in rules.items() if re.fullmatch(pattern, name)), None)
    return message("ruled", "{why}. Leave it out", why=why) if why else None
