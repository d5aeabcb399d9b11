"""Passwords that the stack can heal by itself."""

from __future__ import annotations

import pulumi
from example_stack import declared, role

from components.secrets import generated_password
from stacks.recording import Recorder, is_secret, record


class Holder(pulumi.ComponentResource):
    """A component with one password."""

    def __init__(self, rotation: int) -> None:
        super().__init__("photos:test:Holder", "holder", {})
        self.password = generated_password("word", parent=self, rotation=rotation)
        self.register_outputs({"word": self.password})


def holder(rotation: int = 1) -> tuple[Recorder, dict[str, object]]:
    """Return what one password declares, and what is known of its value."""
    seen: dict[str, object] = {}

    def program() -> pulumi.Output[None]:
        password = Holder(rotation).password
        secret: pulumi.Output[bool] = pulumi.Output.from_input(password.is_secret())
        return pulumi.Output.all(value=password, secret=secret).apply(seen.update)

    return record(program, stack="x"), seen


def test_a_password_needs_no_quoting_and_stays_wrapped() -> None:
    recorder, seen = holder()

    (made,) = recorder.of_type("RandomPassword")
    assert (made.inputs["length"], made.inputs["special"]) == (32, False)
    assert seen == {"value": made.outputs["result"], "secret": True}, "mocks do not wrap it: the component must"
    assert made.parent.endswith("photos:test:Holder::holder")


def test_a_later_release_cannot_change_a_password_by_accident() -> None:
    (made,) = holder()[0].of_type("RandomPassword")

    assert {"length", "special"} <= set(made.options["ignore_changes"])
    assert made.inputs["keepers"] == {"rotation": "1"}
    assert holder(rotation=2)[0].of_type("RandomPassword")[0].inputs["keepers"] == {"rotation": "2"}


def test_generated_are_only_secrets_that_can_be_lost() -> None:
    names = {role(item) for item in declared("dev").of_type("RandomPassword")}

    assert names == {"mariadb-password", "drive-jwt-secret", "syncthing-api-key"}, (
        "a login or an identity in the state would be lost with it"
    )


def test_every_upload_list_is_wrapped() -> None:
    assert all(is_secret(item.inputs["uploads"]) for item in declared("dev").of_type("Container"))
