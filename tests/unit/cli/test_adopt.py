"""`./photos adopt`: a library is taken over only when it is nobody's running library, and only after asking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import typer
from example_stack import OTHER_ID, STACK_ID

from cli import setup
from cli.adopt import adopt
from cli.first_run import write_marker

if TYPE_CHECKING:
    from cli.conftest import Checkout, FakeClient  # mypy names the files of this folder cli.*


@pytest.fixture(autouse=True)
def prepared(monkeypatch: pytest.MonkeyPatch, client: FakeClient) -> list[bool]:
    """Stand in for the set-up: remember each one, and whether it made secrets."""
    assert client
    calls: list[bool] = []
    monkeypatch.setattr(setup, "reach", lambda _: calls.append(False))
    monkeypatch.setattr(setup, "make_secrets", lambda *_: calls.append(True))
    return calls


def told(capsys: pytest.CaptureFixture[str]) -> str:
    output = capsys.readouterr()
    return output.out + output.err


def test_what_is_no_folder_is_refused_before_anything_is_set_up(
    checkout: Checkout, prepared: list[bool], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit):
        adopt("dev", checkout.root / "absent")

    assert "Is its drive mounted?" in told(capsys)
    assert prepared == []


@pytest.mark.usefixtures("agreed")
def test_without_any_id_there_is_nothing_to_take_over(checkout: Checkout, capsys: pytest.CaptureFixture[str]) -> None:
    checkout.write(None)

    with pytest.raises(typer.Exit):
        adopt("dev", checkout.originals)
    assert "Start afresh: ./photos up dev" in told(capsys)
    assert checkout.asked == []
    assert checkout.marker(checkout.originals) is None


@pytest.mark.usefixtures("agreed")
def test_a_lost_stack_file_takes_the_id_of_the_library(checkout: Checkout, prepared: list[bool]) -> None:
    checkout.write(None)
    write_marker(checkout.originals, OTHER_ID)

    adopt("dev", checkout.originals)
    assert checkout.identity() == OTHER_ID
    assert checkout.marker(checkout.originals) == OTHER_ID
    assert prepared == [False, True], "the first one must not make an id of its own"


@pytest.mark.usefixtures("agreed")
def test_a_lost_stack_file_takes_the_id_of_the_kept_volumes_and_marks(checkout: Checkout, client: FakeClient) -> None:
    checkout.write(None)
    client.add_volume("photos-dev-mariadb", {"photos.stack": "dev", "photos.id": OTHER_ID})
    client.add_volume("photos-home-mariadb", {"photos.stack": "home", "photos.id": STACK_ID})

    adopt("dev", checkout.originals)
    assert checkout.identity() == checkout.marker(checkout.originals) == OTHER_ID


@pytest.mark.usefixtures("agreed")
@pytest.mark.parametrize("ours", [None, STACK_ID], ids=["lost stack file", "another stack"])
def test_the_library_of_a_stack_that_runs_is_never_taken_over(
    checkout: Checkout, client: FakeClient, capsys: pytest.CaptureFixture[str], ours: str | None
) -> None:
    checkout.write(ours)
    write_marker(checkout.originals, OTHER_ID)
    client.add_container("mariadb", OTHER_ID)

    with pytest.raises(typer.Exit):
        adopt("dev", checkout.originals)
    assert "docker rm -f photos-dev-mariadb" in told(capsys)
    assert checkout.identity() == ours
    assert checkout.marker(checkout.originals) == OTHER_ID


@pytest.mark.parametrize(("ours", "theirs"), [(None, OTHER_ID), (STACK_ID, OTHER_ID), (STACK_ID, None)])
def test_no_changes_nothing(checkout: Checkout, ours: str | None, theirs: str | None) -> None:
    checkout.write(ours)
    if theirs:
        write_marker(checkout.originals, theirs)

    with pytest.raises(typer.Exit):
        adopt("dev", checkout.originals)
    assert checkout.identity() == ours
    assert checkout.marker(checkout.originals) == theirs
    assert checkout.asked == []


@pytest.mark.usefixtures("agreed")
@pytest.mark.parametrize("theirs", [None, OTHER_ID])
def test_a_moved_library_is_marked_anew(checkout: Checkout, theirs: str | None) -> None:
    checkout.write(STACK_ID)
    (checkout.originals / "a.jpg").write_bytes(b"photo")
    if theirs:
        write_marker(checkout.originals, theirs)

    adopt("dev", checkout.originals)
    assert checkout.marker(checkout.originals) == STACK_ID
    assert checkout.marker(checkout.imports) is None, "only what was named"
    assert (checkout.originals / "phones").is_dir()
    assert (checkout.originals / "a.jpg").read_bytes() == b"photo"


@pytest.mark.usefixtures("agreed")
def test_a_folder_that_the_stack_file_does_not_name_is_not_marked(
    checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout.write(STACK_ID)
    other = checkout.root / "elsewhere"
    other.mkdir()

    with pytest.raises(typer.Exit):
        adopt("dev", other)
    assert "is not in photos:library" in told(capsys)
    assert list(other.iterdir()) == []


def test_its_own_library_is_only_said_to_be_its_own(
    checkout: Checkout, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout.write(STACK_ID)
    write_marker(checkout.originals, STACK_ID)
    questions: list[Any] = []
    monkeypatch.setattr("cli.adopt.confirm", questions.append)

    adopt("dev", checkout.originals)
    assert "is this stack's library already" in told(capsys)
    assert questions == []
