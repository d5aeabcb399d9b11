"""The recorder: what the mocks forget, it remembers."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pulumi
import pulumi_docker as docker
import pulumi_random as random
import pytest
from example_stack import declare_stack, example
from pulumi.runtime import rpc

from stacks.recording import HANDED_OVER, SECRET, SIGNATURE, Recorder, config_text, is_secret, plain, record


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
    assert first.parent == "urn:pulumi:x::photos::photos:test:Pair::pair"
    assert len(first.outputs["result"]) == 12
    assert is_secret(second.inputs["prefix"])
    assert plain(second.inputs)["prefix"] == "hush"
    assert second.options["protect"] is second.options["retain_on_delete"] is True
    assert second.options["ignore_changes"] == ["length"]
    assert [urn.rpartition("::")[2] for urn in second.options["depends_on"]] == ["first"]


def test_resources_of_one_type_and_name_below_two_parents_keep_their_own() -> None:
    recorder = record(lambda: [Pair(), random.RandomPet("second", prefix="mine")], stack="x")

    mine, other = sorted(recorder.of_type("RandomPet"), key=lambda pet: is_secret(pet.inputs["prefix"]))
    assert (mine.options["protect"], other.options["protect"]) == (False, True)
    assert (mine.parent.rpartition("::")[2], other.parent.rpartition("::")[2]) == ("photos-x", "pair")
    assert mine.urn != other.urn


class Nest(pulumi.ComponentResource):
    """A component in components."""

    def __init__(self, name: str, depth: int, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("photos:test:Nest", name, {}, opts)
        below = pulumi.ResourceOptions(parent=self)
        if depth:
            Nest(f"{name}-{depth}", depth - 1, below)
        else:
            random.RandomPet("pet", opts=below)
        self.register_outputs({})


def test_a_urn_is_the_one_that_the_engine_gives() -> None:
    (pet,) = record(lambda: Nest("nest", 1), stack="x").of_type("RandomPet")

    kinds = "photos:test:Nest$photos:test:Nest$random:index/randomPet:RandomPet"
    assert pet.urn == f"urn:pulumi:x::photos::{kinds}::pet"
    assert pet.parent == "urn:pulumi:x::photos::photos:test:Nest$photos:test:Nest::nest-1"


def test_two_resources_with_one_urn_are_refused_as_the_engine_does() -> None:
    with pytest.raises(RuntimeError, match=r"Duplicate resource URN urn:pulumi:x::.*::pet: .* need two names"):
        record(lambda: [Nest(name, 0) for name in ("one", "two")], stack="x")


def test_it_keeps_the_provider_and_the_old_names_of_a_resource() -> None:
    def program() -> None:
        host = docker.Provider("host", host="unix:///run/docker.sock")
        aliases: list[pulumi.Input[str | pulumi.Alias]] = [
            pulumi.Alias(name="before", parent=pulumi.ROOT_STACK_RESOURCE),
            "urn:pulumi:x::photos::a:b:C::d",
        ]
        docker.Network("net", name="net", opts=pulumi.ResourceOptions(provider=host, aliases=aliases))

    recorder = record(program, stack="x")

    (host,) = recorder.of_type("docker")
    (network,) = recorder.of_type("Network")
    assert (host.type, host.inputs) == ("pulumi:providers:docker", {"host": "unix:///run/docker.sock"})
    assert network.options["provider"].startswith(f"{host.urn}::")
    assert network.options["aliases"] == [{"name": "before", "noParent": True}, "urn:pulumi:x::photos::a:b:C::d"]


async def later(value: str) -> str:
    await asyncio.sleep(0.05)
    return value


def test_the_order_is_the_program_s_whatever_is_registered_first() -> None:
    def program() -> None:
        random.RandomPet("first", prefix=later("word"))
        random.RandomPet("second")

    assert [pet.name for pet in record(program, stack="x").resources] == ["first", "second"]


@pytest.mark.parametrize("finished", [True, False])
def test_it_knows_whether_a_component_registered_its_outputs(finished: bool) -> None:
    recorder = record(lambda: Pair(finished), stack="x")

    assert any(urn.endswith("::pair") for urn in recorder.components_with_outputs) is finished


@pytest.mark.parametrize("stack", ["one", "two"])
def test_each_recording_is_a_stack_of_its_own(stack: str) -> None:
    recorder = record(Pair, stack=stack)

    (pair,) = recorder.of_type("Pair")
    assert pair.parent.endswith(f"::photos-{stack}")


def test_nothing_of_a_recording_is_left_for_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG", "before")
    monkeypatch.delenv("PULUMI_CONFIG_SECRET_KEYS", raising=False)
    during = []

    def program() -> None:
        during.append([os.environ[name] for name in HANDED_OVER])
        message = "the reason"
        raise RuntimeError(message)

    with pytest.raises(RuntimeError):
        record(program, stack="x", config={"photos:a": "b"}, secret_keys={"photos:a"})
    assert during == [['{"photos:a": "b"}', '["photos:a"]']]
    assert [os.environ.get(name) for name in HANDED_OVER] == ["before", None]
    assert pulumi.runtime.get_root_resource() is None


def test_no_event_loop_is_left_open() -> None:
    program = (
        "import pulumi_random as random\n"
        "from stacks.recording import record\n"
        "record(lambda: [random.RandomPet(name) for name in 'abc'], stack='x')\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "default::ResourceWarning", "-c", program],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )

    assert (done.returncode, done.stderr) == (0, ""), "a loop that is collected at the end prints a traceback at times"


def test_the_sdk_writes_secrets_with_the_same_signature() -> None:
    assert (rpc._special_sig_key, rpc._special_secret_sig) == (SIGNATURE, SECRET)


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


def test_a_program_that_reads_what_is_not_its_own_is_refused() -> None:
    with pytest.raises(Exception, match="must not read docker:index/network:Network"):
        record(lambda: docker.Network.get("net", "bridge"), stack="x")


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
