"""`./photos pin`: what was seen first stays, other content is told loudly and taken by nobody in silence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import typer
import yaml
from docker.errors import APIError, ImageNotFound
from example_stack import STACK_ID
from pydantic import ValidationError

from cli import containers
from cli.dockers import Dockers
from cli.pins import digests, writing
from cli.pins.digests import Digests
from cli.pins.pinning import Pin, pin
from components.messages import Said
from stacks.sections.pins import PinConfig

if TYPE_CHECKING:
    from cli.conftest import Checkout  # mypy names the files of this folder cli.*

A, B, C = (f"sha256:{letter * 64}" for letter in "abc")
IMAGE = "mariadb:11.8.8"
MIRROR = "docker.example.com"
TODAY = datetime.now(UTC).date().isoformat()


class Person:
    """Who is asked. `heard` is what was said to her."""

    def __init__(self, says: bool = False) -> None:
        self.says, self.heard = says, [""]

    def agrees(self, said: Said) -> bool:
        self.heard.append(str(said))
        return self.says


def pinned(seen: dict[str, str], record: PinConfig | None = None, person: Person | None = None) -> Pin:
    defaults = {"image": IMAGE, "through": MIRROR}
    return pin("mariadb", Digests(**{**defaults, **seen}), record, (person or Person()).agrees)


def remembered(digest: str, *, confirmed: bool = False) -> PinConfig:
    return PinConfig(digest=digest, through=MIRROR, seen="2026-08-01", confirmed=confirmed)


def told(made: Pin) -> str:
    return "\n".join(map(str, made.told))


def test_a_mirrors_first_answer_is_taken_and_called_that() -> None:
    made = pinned({"there": A})

    assert (made.digest, made.is_wrong) == (A, False)
    assert made.record == PinConfig(digest=A, through=MIRROR, seen=TODAY)
    assert f"trusts the first answer of {MIRROR} ({TODAY})" in told(made)


def test_where_docker_hub_says_the_same_that_is_said_and_remembered() -> None:
    made = pinned({"there": A, "hub": A})

    assert made.record
    assert made.record.confirmed
    assert "Docker Hub itself says the same" in told(made)
    later = pinned({"there": A, "hub": A}, remembered(A))
    assert later.record == remembered(A, confirmed=True), "the first day stays"


def test_a_mirror_that_differs_from_docker_hub_is_never_believed() -> None:
    person = Person(says=True)
    made = pinned({"there": B, "hub": A, "here": B}, None, person)

    assert (made.digest, made.record, made.is_wrong) == ("", None, True)
    assert person.heard == [""], "there is nothing to agree to"
    assert "Nothing was written" in told(made)


def test_docker_hub_itself_needs_no_word_about_trust() -> None:
    made = pinned({"there": A, "through": "docker.io"})

    assert "trust" not in told(made)


@pytest.mark.parametrize(
    ("seen", "record"),
    [
        ({"there": B}, remembered(A)),
        ({"there": B, "here": A}, remembered(A)),
        ({"there": B, "here": A}, None),
        ({"there": B, "pinned": A}, None),
        ({"here": B}, remembered(A)),
    ],
    ids=["record", "record and here", "here", "stack file", "record against here"],
)
def test_other_content_is_told_with_both_and_taken_only_when_a_person_says_so(
    seen: dict[str, str], record: PinConfig | None
) -> None:
    no, yes = Person(says=False), Person(says=True)
    kept, taken = pinned(seen, record, no), pinned(seen, record, yes)

    assert (kept.digest, kept.is_wrong) == (A, True)
    assert kept.record
    assert kept.record.digest == A
    assert (taken.digest, taken.is_wrong) == (B, False)
    assert taken.record
    assert (taken.record.digest, taken.record.seen) == (B, TODAY)
    for person in (no, yes):
        assert "stands for other content than before" in person.heard[-1]
        assert A[:15] in person.heard[-1]
        assert B[:15] in person.heard[-1]


def test_what_was_pulled_is_enough_where_the_registry_is_silent() -> None:
    made = pinned({"here": A, "reason": "connection refused"})

    assert made.digest == A
    assert "what was pulled here" in told(made)
    assert "connection refused" in told(made)


def test_an_image_that_is_nowhere_is_not_pinned() -> None:
    made = pinned({"reason": "no such host"})

    assert (made.digest, made.is_wrong) == ("", True)
    assert "no such host" in told(made)


class FakeImages:
    """As much of Docker's images as is asked for: name → digest here, and at the registry."""

    def __init__(self, here: dict[str, str], there: dict[str, str]) -> None:
        self.here, self.there = here, there

    def get(self, name: str) -> SimpleNamespace:
        if name not in self.here:
            raise ImageNotFound(name)
        return SimpleNamespace(
            attrs={"RepoDigests": [f"{name.rpartition(':')[0]}@{self.here[name]}", f"else/where@{C}"]}
        )

    def get_registry_data(self, name: str, auth_config: dict[str, Any]) -> SimpleNamespace:
        assert auth_config == {}
        if name not in self.there:
            raise APIError("404", explanation="manifest unknown")
        return SimpleNamespace(id=self.there[name])


def client_of(here: dict[str, str], there: dict[str, str], mirrors: list[str] | None = None) -> Any:
    return SimpleNamespace(
        images=FakeImages(here, there), info=lambda: {"RegistryConfig": {"Mirrors": mirrors or []}}, close=lambda: None
    )


@pytest.fixture(autouse=True)
def docker_hub(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Docker Hub itself, which is silent unless a test fills it."""
    says: dict[str, str] = {}
    monkeypatch.setattr(digests, "docker_hub", lambda image: says.get(image, ""))
    return says


def test_an_image_is_looked_for_under_the_name_that_it_is_pulled_by(docker_hub: dict[str, str]) -> None:
    docker_hub[IMAGE] = A
    client = client_of({f"{MIRROR}/library/{IMAGE}": A}, {f"{MIRROR}/library/{IMAGE}": B})

    assert digests.look(client, IMAGE, MIRROR) == Digests(image=IMAGE, through=MIRROR, here=A, there=B, hub=A)


def test_a_mirror_in_dockers_own_settings_is_one_too(docker_hub: dict[str, str]) -> None:
    docker_hub[IMAGE] = A
    seen = digests.look(client_of({}, {IMAGE: B}, ["https://mirror.lan/"]), IMAGE, None)

    assert (seen.through, seen.there, seen.hub) == ("mirror.lan", B, A)


def test_an_image_from_elsewhere_is_not_looked_for_at_docker_hub(docker_hub: dict[str, str]) -> None:
    image = "ghcr.io/a/b:1.0"
    docker_hub[image] = A
    seen = digests.look(client_of({}, {image: B}), image, MIRROR)

    assert (seen.through, seen.there, seen.hub) == ("ghcr.io", B, "")


def test_a_pinned_image_which_has_no_tag_here_is_found() -> None:
    seen = digests.look(client_of({f"mariadb@{A}": A}, {}), f"{IMAGE}@{A}", None)

    assert (seen.image, seen.pinned, seen.here) == (IMAGE, A, A)
    assert seen.reason == "manifest unknown"


@pytest.fixture(name="config")
def a_stack_that_is_set_up(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> Callable[[dict[str, str]], dict[str, Any]]:
    """Return a function that pins what the registry says, and returns the stack file."""
    checkout.write(STACK_ID, {"photos:image_registry": MIRROR})

    def run(there: dict[str, str]) -> dict[str, Any]:
        at_mirror = {f"{MIRROR}/library/{image}": digest for image, digest in there.items()}

        class Connected:
            def __enter__(self) -> Any:
                return Dockers("dev", {"": client_of({}, at_mirror)})

            def __exit__(self, *_: object) -> None:
                """Stay."""

        monkeypatch.setattr(containers, "connected", lambda _: Connected())
        writing.pin_images("dev", "mariadb")
        return dict(yaml.safe_load(checkout.file.read_text("utf-8"))["config"])

    return run


def test_the_digest_and_what_was_seen_first_stand_in_the_stack_file_and_are_read_back(
    config: Callable[[dict[str, str]], dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    written = config({IMAGE: A})

    assert written["photos:database"]["image"] == f"{IMAGE}@{A}"
    assert written["photos:pins"] == {
        IMAGE: {"digest": A, "through": MIRROR, "seen": TODAY, "confirmed": "false"},
    }  # Pulumi makes a word of it that YAML knows
    capsys.readouterr()


def test_a_stack_that_is_not_set_up_is_not_pinned(checkout: Checkout) -> None:
    with pytest.raises(typer.Exit):
        writing.pin_images("dev", None)

    assert checkout.asked == []


def test_an_unknown_service_is_named_with_those_that_there_are(
    checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout.write(STACK_ID)
    with pytest.raises(typer.Exit):
        writing.pin_images("dev", "immich")

    assert "It has: mariadb, " in capsys.readouterr().err.replace("\n", " ")


def test_remove_takes_the_digest_out_and_keeps_what_is_remembered(checkout: Checkout) -> None:
    record = {IMAGE: {"digest": A, "through": MIRROR, "seen": "2026-08-01"}}
    checkout.write(STACK_ID, {"photos:database": {"image": f"{IMAGE}@{A}"}, "photos:pins": record})
    writing.unpin_images("dev", None)
    config = yaml.safe_load(checkout.file.read_text("utf-8"))["config"]

    assert config["photos:database"]["image"] == IMAGE
    assert config["photos:pins"] == record


@pytest.mark.parametrize(
    ("changes", "says"),
    [({"digest": "sha256:00"}, "is no digest"), ({"seen": "yesterday"}, "is no date. Write it as year-month-day")],
)
def test_a_record_that_was_edited_wrongly_says_what_to_write(changes: dict[str, str], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        PinConfig.model_validate({"digest": A, "through": MIRROR, "seen": "2026-08-01"} | changes)
