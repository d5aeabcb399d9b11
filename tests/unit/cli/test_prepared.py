"""A preview begins at once only where `setup.prepare` would find nothing to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
import yaml
from example_stack import STACK_ID

from cli import docker_host, images, paths, prepared, private_state, stack_config, stackfile, tools

if TYPE_CHECKING:
    from cli.conftest import Checkout  # mypy names the files of this folder cli.*


@pytest.fixture(name="ready")
def stack_that_is_set_up(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    checkout.write(STACK_ID, {"photos:owner": {"uid": 1000, "gid": 1000}})
    images.write_down("dev", stack_config.offline("dev").settings)
    stackfile.keep_copy("dev")
    paths.write_private(paths.passphrase_file("dev"), "x")
    paths.write_private(private_state._file("dev"), "{}")
    monkeypatch.setattr(docker_host, "answers", lambda *_: True)
    monkeypatch.setattr(tools, "missing", lambda _: [])
    return checkout


def test_a_stack_that_is_set_up_is_ready(ready: Checkout) -> None:
    assert ready
    assert prepared.is_prepared("dev")


def without(key: str) -> Callable[[Checkout], None]:
    def change(checkout: Checkout) -> None:
        document = yaml.safe_load(checkout.file.read_text("utf-8"))
        del document["config"][key]
        checkout.file.write_text(yaml.safe_dump(document), "utf-8")

    return change


def of_another_identity(checkout: Checkout) -> None:
    checkout.write("3f0e6a52-6a6c-4b59-8d2e-0f8f64d0c1aa", {"photos:owner": {"uid": 1000, "gid": 1000}})


@pytest.mark.parametrize(
    "change",
    [
        lambda checkout: checkout.file.unlink(),
        without("photos:id"),
        without("photos:owner"),
        without("photos:database"),
        of_another_identity,
        lambda _: paths.passphrase_file("dev").unlink(),
        lambda _: private_state._file("dev").unlink(),
        lambda checkout: (checkout.root / ".git").mkdir(),
    ],
    ids=[
        "no file",
        "no id",
        "no owner",
        "no image",
        "another's file",
        "no passphrase",
        "no state",
        "git around the data folder",
    ],
)
def test_what_has_to_be_made_or_asked_is_left_to_the_whole_set_up(
    ready: Checkout, change: Callable[[Checkout], None]
) -> None:
    change(ready)

    assert not prepared.is_prepared("dev")


def test_where_docker_or_a_tool_is_missing_the_set_up_says_so(ready: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ready
    with monkeypatch.context() as patch:
        patch.setattr(docker_host, "answers", lambda *_: False)
        assert not prepared.is_prepared("dev")
    monkeypatch.setattr(tools, "missing", lambda _: ["pulumi"])

    assert not prepared.is_prepared("dev")
