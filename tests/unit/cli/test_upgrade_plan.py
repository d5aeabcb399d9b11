"""What can be upgraded, what that touches, what a release says, and what is remembered of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import typer
from example_stack import STACK_ID

from cli import paths, stack_config
from cli.upgrade import journal, offers, versions
from cli.upgrade.journal import Journal, RestorePoint
from cli.upgrade.notes import LINES, PROJECTS, notes
from cli.upgrade.parts import Part, parts
from components.cloudflared import Cloudflared
from components.database import Database
from components.services import SERVICES
from stacks.sections import Settings
from stacks.sections.backup.programs import RCLONE, RESTIC

if TYPE_CHECKING:
    from cli.conftest import Checkout  # mypy names the files of this folder cli.*

COPY = {"disk": {"kind": "disk", "type": "local", "path": "/mnt/second/photos"}}
MADE = datetime(2026, 11, 29, 20, 15, tzinfo=UTC)


def settings_of(checkout: Checkout, changes: dict[str, Any] | None = None) -> Settings:
    checkout.write(STACK_ID, changes)
    return stack_config.offline("dev").settings


def part(settings: Settings, name: str) -> Part:
    (found,) = [each for each in parts("dev", settings) if each.name == name]
    return found


def point(**more: Any) -> RestorePoint:
    values = {"name": "mariadb", "service": "mariadb", "key": "database.image", "image": "mariadb:11.8.8"}
    return RestorePoint.model_validate({**values, "made": MADE, "stopped": ("photoprism", "mariadb"), **more})


def album(image: str) -> dict[str, Any]:
    return {"photos:services": {"photoprism": {"image": image}, "drive": {}}}


def test_a_newer_photoprism_migrates_its_tables_so_that_the_database_is_in_its_restore_point(
    checkout: Checkout,
) -> None:
    found = part(settings_of(checkout, {"photos:backup": {"remotes": COPY}}), "photoprism")

    assert found.stopped == ("keeper", "photoprism", "mariadb"), "who writes is stopped before the database"
    assert [(volume.name, volume.left_out) for volume in found.volumes] == [
        ("photos-dev-photoprism-storage", ("cache",)), ("photos-dev-mariadb", ()),
    ]  # fmt: skip
    assert found.with_database


def test_an_upgrade_of_the_database_stops_who_uses_it_and_comes_last(checkout: Checkout) -> None:
    settings = settings_of(checkout, {"photos:backup": {"remotes": COPY}})
    found = part(settings, "mariadb")

    assert found.stopped == ("photoprism", "keeper", "mariadb")
    assert [volume.name for volume in found.volumes] == ["photos-dev-mariadb"]
    assert parts("dev", settings)[-1].name == "mariadb"


def test_what_was_deleted_on_phones_is_not_copied(checkout: Checkout) -> None:
    found = part(settings_of(checkout), "syncthing")

    assert found.stopped == ("syncthing",)
    assert [volume.left_out for volume in found.volumes] == [("versions",)]


def test_restic_is_the_keeper_s_and_has_no_volume_that_changes(checkout: Checkout) -> None:
    found = part(settings_of(checkout, {"photos:backup": {"remotes": COPY}}), "restic")

    assert (found.service, found.stopped, found.volumes) == ("keeper", ("keeper",), ())


def test_what_is_older_than_this_checkout_s_is_offered_and_nothing_else(checkout: Checkout) -> None:
    settings = settings_of(
        checkout, {**album("photoprism/photoprism:250101-ce"), "photos:database": {"image": "mariadb:12.3.2"}}
    )
    found = offers.offers("dev", settings)

    assert [(offer.name, offer.part.image.current) for offer in found] == [
        ("photoprism", "photoprism/photoprism:250101-ce")
    ]
    assert found[0].to == found[0].part.image.default


@pytest.mark.parametrize(
    ("released", "to"),
    [
        ("photoprism/photoprism:990101-ce", "photoprism/photoprism:990101-ce"),
        ("photoprism/photoprism:250202-ce", None),
        ("ghcr.io/me/photoprism:990101-ce", None),
    ],
    ids=["newer than this checkout's", "older than this checkout's", "somebody else's"],
)
def test_what_a_registry_was_seen_to_have_is_offered_where_it_is_newer_still(
    checkout: Checkout, released: str, to: str | None
) -> None:
    settings = settings_of(checkout, album("photoprism/photoprism:250101-ce"))
    (found,) = offers.offers("dev", settings, "photoprism", released={"photoprism": released})

    assert found.to == (to or found.part.image.default)


@pytest.mark.parametrize(
    ("name", "to", "said"),
    [
        ("photoprims", None, 'Nothing in the stack "dev" is called "photoprims". There are: '),
        (None, "mariadb:12.0.1", "--to needs the program"),
        ("photoprism", "photoprism/photoprism:latest", "--to photoprism/photoprism:latest: "),
        ("mariadb", "mariadb:10.11.14", "MariaDB 10.11.14 cannot read what 11.8.8 wrote"),
        ("mariadb", "mariadb:13.0.1", "skips a major version. First: ./photos upgrade mariadb --to mariadb:12.x.y"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_asked(
    checkout: Checkout, capsys: pytest.CaptureFixture[str], name: str | None, to: str | None, said: str
) -> None:
    settings = settings_of(checkout, {"photos:database": {"image": "mariadb:11.8.8"}})
    with pytest.raises(typer.Exit):
        offers.offers("dev", settings, name, to)

    assert said in capsys.readouterr().err


def test_a_series_is_compared_by_numbers() -> None:
    assert versions.series("10.11.14-MariaDB") > versions.series("10.6.2")  # type: ignore[operator] # both are there
    assert versions.is_newer("mariadb:10.11.14", "mariadb:10.6.2")


def answering(releases: dict[str, Any]) -> httpx.MockTransport:
    def answer(request: httpx.Request) -> httpx.Response:
        found = releases.get(request.url.path)
        return httpx.Response(200, json=found) if found is not None else httpx.Response(404, json={})

    return httpx.MockTransport(answer)


def test_what_a_release_says_is_shown_without_what_could_move_the_cursor() -> None:
    body = "# New\r\n\n- **faces** \x1b[31mred\x1b[0m [#12](https://x)\n" + "more\n" * 100
    transport = answering(
        {"/repos/photoprism/photoprism/releases": [
            {"tag_name": "260728-abc", "html_url": "https://github.com/photoprism/photoprism/releases/tag/260728-abc", "body": body}
        ]}
    )  # fmt: skip
    found = notes("photoprism", "photoprism/photoprism:260728-ce", transport=transport)

    assert found
    assert found.link.endswith("/tag/260728-abc")
    assert found.lines[:2] == ("# New", "- **faces** red #12")
    assert len(found.lines) == LINES


def silent(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectTimeout("", request=request)


@pytest.mark.parametrize("name", PROJECTS)
@pytest.mark.parametrize(
    "transport",
    [httpx.MockTransport(silent), answering({}), httpx.MockTransport(lambda _: httpx.Response(200, text="<html>"))],
    ids=["silent", "not found", "not JSON"],
)
def test_where_nobody_answers_the_link_is_shown(name: str, transport: httpx.MockTransport) -> None:
    found = notes(name, "x/y:1.2.3", transport=transport)

    assert found
    assert found.link.startswith("https://github.com/")
    assert found.lines == ()


def test_every_program_of_a_stack_has_its_notes() -> None:
    others = {Database.service, Cloudflared.service, RESTIC.name, RCLONE.name}

    assert {service.service for service in SERVICES} | others == set(PROJECTS)


def test_what_is_written_down_is_read_back_and_private(checkout: Checkout) -> None:
    assert checkout
    entry = Journal(
        stack_id=STACK_ID, way="upgrade", stage="begun", to="mariadb:12.0.1", point=point(rows={"photos": 3})
    )
    journal.write("dev", entry)

    assert journal.read("dev") == entry
    assert (journal.folder("dev") / "journal.json").stat().st_mode & 0o777 == 0o600
    journal.end("dev")
    assert journal.read("dev") is None


def test_one_restore_point_per_program_is_known(checkout: Checkout) -> None:
    assert checkout
    for each in (point(), point(image="mariadb:11.8.9"), point(name="photoprism", service="photoprism")):
        journal.keep("dev", each)

    assert [(each.name, each.image) for each in journal.kept("dev")] == [
        ("mariadb", "mariadb:11.8.9"), ("photoprism", "mariadb:11.8.8"),
    ]  # fmt: skip


def test_to_forget_one_that_another_has_followed_removes_its_dump_alone(checkout: Checkout) -> None:
    assert checkout
    old = point(dump="old.sql.gz", made=MADE.replace(year=2025))
    journal.keep("dev", point(dump="new.sql.gz"))
    for name in ("old.sql.gz", "new.sql.gz"):
        (journal.folder("dev") / name).touch()
    journal.forget("dev", old)

    assert journal.kept_of("dev", "mariadb")
    assert [file.name for file in journal.folder("dev").glob("*.gz")] == ["new.sql.gz"]


def test_a_journal_that_cannot_be_read_stops_everything(checkout: Checkout, capsys: pytest.CaptureFixture[str]) -> None:
    assert checkout
    paths.write_private(journal.folder("dev") / "journal.json", json.dumps({"stage": "switch"}))
    with pytest.raises(typer.Exit):
        journal.read("dev")

    assert "journal.json cannot be read" in capsys.readouterr().err


def test_a_second_upgrade_is_refused(checkout: Checkout, capsys: pytest.CaptureFixture[str]) -> None:
    assert checkout
    with journal.alone("dev"), pytest.raises(typer.Exit), journal.alone("dev"):
        pytest.fail("both would work at once")

    assert 'Another ./photos is upgrading or moving "dev"' in capsys.readouterr().err
