"""What the stack file says to Cloudflare's provider reaches it, the token as a secret, and nothing is silently ignored."""

from __future__ import annotations

from inspect import signature

import pytest
from example_stack import OWNER, declare_stack, example, secret_keys

from stacks.config import load
from stacks.problems import ConfigError
from stacks.program import declare
from stacks.recording import Recorder, config_text, is_secret, plain, record
from stacks.sections.publish.provider import ARGUMENTS

TOKEN = "canary-of-a-token-of-cloudflare-0123456789"


def provider_of(recorder: Recorder) -> dict[str, object]:
    (provider,) = [item for item in recorder.resources if item.type == "pulumi:providers:cloudflare"]
    return provider.inputs


def test_the_known_keys_are_those_of_the_provider() -> None:
    from pulumi_cloudflare.provider import ProviderArgs  # noqa: PLC0415 - seconds

    assert set(ARGUMENTS.values()) == set(signature(ProviderArgs).parameters)


def test_the_token_reaches_the_provider_as_a_secret() -> None:
    config = {**example("home"), "cloudflare:apiToken": TOKEN}
    inputs = provider_of(_declared(config))

    assert is_secret(inputs["apiToken"])
    assert plain(inputs["apiToken"]) == TOKEN


def test_a_provider_of_a_stack_without_such_keys_asks_its_environment() -> None:
    assert "apiToken" not in provider_of(declare_stack(example("home"), "home"))


def test_where_nothing_is_published_there_is_no_such_provider() -> None:
    recorder = declare_stack(example("dev"))

    assert [item.type for item in recorder.resources if item.type.startswith("pulumi:providers:")] == [
        "pulumi:providers:docker"
    ]


@pytest.mark.parametrize(
    ("key", "says"), [("apitoken", "Did you mean apiToken?"), ("retries", "Known here: apiKey, apiToken")]
)
def test_a_key_that_the_provider_does_not_know_is_named(key: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _declared({**example("home"), "cloudflare:apiToken": TOKEN, f"cloudflare:{key}": "3"})

    assert f"config cloudflare:{key}: unknown. {says}" in str(caught.value)


def _declared(config: dict[str, object]) -> Recorder:
    return record(
        lambda: declare(load(), OWNER),
        stack="home",
        config=config_text(config),
        secret_keys=secret_keys(config) | {"cloudflare:apiToken"},
    )


def test_everything_at_cloudflare_goes_through_it() -> None:
    at_cloudflare = [item for item in declare_stack(example("home"), "home").resources if "cloudflare:" in item.type]

    assert len(at_cloudflare) > 5
    assert {item.options["provider"].split("::")[-2] for item in at_cloudflare if ":providers:" not in item.type} == {
        "cloudflare"
    }
