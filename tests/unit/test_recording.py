"""The recorder: what the mocks forget, it remembers."""

from __future__ import annotations

import pulumi
import pulumi_random as random
import pytest
from example_stack import declare_stack, example

from stacks.recording import Recorder, config_text, is_secret, plain, record


class Pair(pulumi.ComponentResource):
    """A component with two children."""

    def __init__(self, finished: bool = True) -> None:
        super().__init__("photos:test:Pair", "pair", {})
        first = random.RandomPassword("first", length=12, opts=pulumi.ResourceOptions(parent=self))
        random.RandomPet(
            "second",
            prefix=pulumi.Output.secret("hush"),
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[first], protect=True, retain_on_delete=True, ignore_changes=["length"]
            ),
        )
        if finished:
            self.register_outputs({})


def test_it_keeps_inputs_parents_options_and_secrecy() -> None:
    recorder = record(Pair, stack="x")

    (first,) = recorder.of_type("RandomPassword")
    (second,) = recorder.of_type("RandomPet")
    assert first.parent.endswith("$photos:test:Pair::pair")
    assert len(first.outputs["result"]) == 12
    assert is_secret(second.inputs["prefix"])
    assert plain(second.inputs)["prefix"] == "hush"
    assert second.options["protect"] is second.options["retain_on_delete"] is True
    assert second.options["ignore_changes"] == ["length"]
    assert [urn.rpartition("::")[2] for urn in second.options["depends_on"]] == ["first"]


@pytest.mark.parametrize("finished", [True, False])
def test_it_knows_whether_a_component_registered_its_outputs(finished: bool) -> None:
    recorder = record(lambda: Pair(finished), stack="x")

    assert any(urn.endswith("::pair") for urn in recorder.components_with_outputs) is finished


@pytest.mark.parametrize("stack", ["one", "two"])
def test_each_recording_is_a_stack_of_its_own(stack: str) -> None:
    recorder = record(Pair, stack=stack)

    (pair,) = recorder.of_type("Pair")
    assert pair.parent.endswith(f"::photos-{stack}")


def test_an_error_of_the_program_comes_out_as_it_is() -> None:
    def program() -> None:
        Pair()
        message = "the reason"
        raise pulumi.RunError(message)

    recorder = Recorder()

    with pytest.raises(pulumi.RunError, match=r"^the reason$"):
        record(program, stack="x", recorder=recorder)


def test_a_program_that_asks_a_provider_is_refused() -> None:
    with pytest.raises(Exception, match="must not call docker:index/getNetwork:getNetwork"):
        record(lambda: pulumi.runtime.invoke("docker:index/getNetwork:getNetwork", {"name": "x"}).value, stack="x")


def test_config_becomes_the_text_that_pulumi_hands_over() -> None:
    values = {"photos:timezone": "Asia/Shanghai", "photos:library": {"import": "/a"}, "photos:n": 1, "photos:b": True}

    assert config_text(values) == {
        "photos:timezone": "Asia/Shanghai",
        "photos:library": '{"import": "/a"}',
        "photos:n": "1",
        "photos:b": "true",
    }


def test_two_recordings_of_one_stack_file_agree() -> None:
    first, second = (declare_stack(example("dev")) for _ in range(2))

    assert sorted((item.type, item.name) for item in first.resources) == sorted(
        (item.type, item.name) for item in second.resources
    )
