"""What every service lets a person choose in the stack file."""

from __future__ import annotations

import re
from typing import ClassVar

from pydantic import Field, model_validator

from components.fields import Image, Memory, Section

# Docker and cloud images alike: a name that ends like this holds what opens something. With _FILE it names a file.
SECRET_VARIABLE = re.compile(
    r"(.*_)?(PASS|PASSWD|PASSWORD|SECRET|TOKEN|APIKEY|API_KEY|PRIVATE_KEY|ACCESS_KEY|DSN|CREDENTIALS)"
)
RULED_VARIABLES = {
    r"TZ": "is the stack's `timezone`",
    r"LD_.*|PATH": "decides which program runs",
}
RULED_LABELS = {
    r"photos\..*": "is how ./photos finds what belongs to the stack",
    r"com\.docker\..*": "is how panels group the stack's containers",
}


class ServiceConfig(Section):
    """What every service lets a person choose."""

    ruled_variables: ClassVar[dict[str, str]] = {}
    """Pattern of environment variables → why a person cannot set them here: what the stack sets, or what would undo a
    house rule (tested: whatever the stack sets is among them)."""

    image: Image = Field(description="image with a fixed tag")
    memory: Memory = Field(description="memory limit, e.g. 512m or 4g")
    environment: dict[str, str] = Field({}, description="further environment variables, nothing secret")
    labels: dict[str, str] = Field({}, description="further labels of the container, nothing secret")

    @model_validator(mode="after")
    def _extras_undo_no_rule(self) -> ServiceConfig:
        for name, value in self.environment.items():
            if problem := self._variable_problem(name, value):
                msg = f"environment.{name}: {problem}"
                raise ValueError(msg)
        for name, value in self.labels.items():
            if problem := _label_problem(name, value):
                msg = f"labels.{name}: {problem}"
                raise ValueError(msg)
        return self

    def _variable_problem(self, name: str, value: str) -> str | None:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) or not value.isprintable():
            return 'is no environment variable, or its value holds a line break. Write e.g. GOMEMLIMIT: "200MiB"'
        if SECRET_VARIABLE.fullmatch(name.upper()):
            return "would stand in clear in the stack file, the state and docker inspect. Leave it out"
        return _ruled(name.upper(), {**RULED_VARIABLES, **self.ruled_variables})


def _label_problem(name: str, value: str) -> str | None:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/-]*", name) or not value.isprintable():
        return "is no label, or its value holds a line break. Write e.g. homepage.group: Family"
    if SECRET_VARIABLE.fullmatch(re.sub(r"[^A-Za-z0-9]", "_", name).upper()):
        return "would stand in clear in the stack file, the state and docker inspect. Leave it out"
    return _ruled(name.lower(), RULED_LABELS)


def _ruled(name: str, rules: dict[str, str]) -> str | None:
    why = next((why for pattern, why in rules.items() if re.fullmatch(pattern, name)), None)
    return f"{why}. Leave it out" if why else None
