"""The blog's set-up on its way into a stack's volumes, with real servers: read, filled, proven, and served by the stack."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from cli.docker_host import connect
from cli.takeover import albums, database, dump, findings, pending, storage, volumes
from components.service import Owner
from stacks.sections import Settings
from tests.blog.old_set_up import DUMP, FACTS, PASSWORD, ROOT_PASSWORD, OldSetUp, old_set_up
from tests.docker.running_stack import OWNER, Stack


@pytest.fixture(scope="module")
def old(images: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OldSetUp]:
    root = tmp_path_factory.mktemp("blog")
    root.chmod(0o755)
    with connect() as client, old_set_up(client, root, images) as made:
        yield made


@pytest.fixture
def alone(fresh: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """A stack of database and album alone on the old library; nothing of it logs in to the stand-in."""
    monkeypatch.setenv("PHOTOS_DATA", str(tmp_path / "data"))
    services = fresh.config["photos:services"]
    fresh.config["photos:services"] = {"photoprism": services["photoprism"] | {"features": {"settings": False}}}
    return fresh


def settings_of(stack: Stack) -> Settings:
    sections = {key.removeprefix("photos:"): value for key, value in stack.config.items()}
    return Settings.model_validate_json(json.dumps(sections))


def filled(stack: Stack, found: dump.Dump, kept: storage.Storage) -> None:
    settings = settings_of(stack)
    names = volumes.Names.of(stack.name, settings)
    root_password = stack.secrets["mariadb_root_password"]
    with (
        volumes.being_filled(stack.client, stack.name, stack.id, names),
        volumes.running(stack.client, stack.name, settings, names, root_password) as server,
    ):
        server.take(kept, Owner(uid=OWNER.uid, gid=OWNER.gid))
        server.load(found.statements())
        server.make_utf8mb4()
        server.proven()


def test_a_set_up_of_the_panel_is_served_by_the_stack_as_it_was(alone: Stack, old: OldSetUp, tmp_path: Path) -> None:
    before = old.seen()
    source = database.find(alone.client, str(old.database.name), [])
    name = source.database(None)
    rows = source.rows(name)
    source.dump(name, tmp_path / "dump.sql")
    found = dump.read(tmp_path / "dump.sql", "")
    kept = storage.look(old.storage, old.originals)
    filled(alone, found, kept)
    alone.up()

    assert name == "photoprism"
    assert findings.admin(found.content, "").opens(PASSWORD)
    assert {query: [line.split("\t") for line in alone.sql(query).splitlines()] for query in FACTS} == FACTS
    assert {table: int(alone.sql(f"SELECT COUNT(*) FROM {table}")) for table in rows} == rows
    assert old.seen() == before
    assert alone.run("mariadb", "ls /var/lib/mysql/.photos-first-start 2>/dev/null; true") == ""
    inside = alone.run("photoprism", "cd /photoprism/storage; find . -type f | sort")
    assert "./config/settings.yml" in inside
    assert "./sidecar/2024/名字.yml" in inside
    assert "x.jpg" not in inside, "thumbnails are made again"
    assert "OriginalsPath" not in alone.run("photoprism", "cat /photoprism/storage/config/options.yml")
    assert alone.run("photoprism", "stat -c %u:%g:%a /photoprism/storage /photoprism/storage/config/settings.yml") == (
        "1000:1000:755\n1000:1000:644"
    )
    assert volumes._volume(alone.client, f"photos-{alone.name}-mariadb")
    with pytest.raises(typer.Exit):
        volumes.refuse_existing(alone.client, alone.name, volumes.Names.of(alone.name, settings_of(alone)))


def test_what_does_not_load_leaves_nothing_and_the_next_try_begins_anew(
    alone: Stack, old: OldSetUp, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = gzip.decompress(DUMP.read_bytes()).replace(b"INSERT INTO `photos` VALUES", b"INSERT INTO `photo` VALUES")
    file = tmp_path / "broken.sql"
    file.write_bytes(broken)
    kept = storage.look(old.storage, old.originals)
    names = volumes.Names.of(alone.name, settings_of(alone))

    with pytest.raises(typer.Exit):
        filled(alone, dump.read(file), kept)
    assert "could not be loaded" in capsys.readouterr().err
    assert [volumes._volume(alone.client, name) for name in (names.database, names.storage)] == [None, None]
    assert pending.identity(alone.name) is None
    assert alone.containers() == []

    filled(alone, dump.read(DUMP), kept)
    assert volumes._volume(alone.client, names.database)


def test_a_dump_that_cannot_be_read_to_its_end_is_not_taken_for_a_short_one(
    alone: Stack, old: OldSetUp, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found, kept = dump.read(DUMP), storage.look(old.storage, old.originals)
    whole, said = list(found.statements()), "the archive ends too early"

    def broken(_: object) -> Iterator[bytes]:
        yield from whole[: len(whole) // 2]
        raise EOFError(said)

    monkeypatch.setattr(dump.Dump, "statements", broken)
    with pytest.raises(typer.Exit):
        filled(alone, found, kept)
    assert said in capsys.readouterr().err
    assert volumes._volume(alone.client, volumes.Names.of(alone.name, settings_of(alone)).database) is None


def test_a_file_that_goes_while_it_is_copied_is_told(
    alone: Stack, old: OldSetUp, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = storage.look(old.storage, old.originals)
    kept.paths.append("sidecar/gone.yml")
    with pytest.raises(typer.Exit):
        filled(alone, dump.read(DUMP), kept)
    assert "could not be copied" in capsys.readouterr().err

    kept.paths.pop()
    kept.files["sidecar/gone.yml"] = 1
    with pytest.raises(typer.Exit):
        filled(alone, dump.read(DUMP), kept)
    assert "1 files differ, e.g. sidecar/gone.yml" in capsys.readouterr().err


def test_half_of_it_is_never_served(alone: Stack) -> None:
    settings = settings_of(alone)
    names = volumes.Names.of(alone.name, settings)
    for name in (names.database, names.storage):
        alone.client.volumes.create(name, labels={"photos.stack": alone.name, "photos.id": alone.id})
    pending.begin(alone.name, alone.id)
    with volumes.running(alone.client, alone.name, settings, names, alone.secrets["mariadb_root_password"]) as server:
        server.load(dump.read(DUMP).statements())

    with pytest.raises(RuntimeError, match="was cut short"):
        alone.up()
    alone.down(volumes=False)
    volumes.clear(alone.client, alone.name, names)
    assert volumes._volume(alone.client, names.database) is None


def test_a_dump_of_everything_and_of_mysql_8_with_an_older_character_set_loads(
    alone: Stack, old: OldSetUp, tmp_path: Path
) -> None:
    done = old.database.exec_run(
        ["mariadb-dump", "-uroot", "--all-databases", "--system=all"], environment={"MYSQL_PWD": ROOT_PASSWORD}
    )
    output = done.output
    assert isinstance(output, bytes)
    assert done.exit_code == 0, output
    of_mysql = output.replace(b"utf8mb4_general_ci", b"utf8mb4_0900_ai_ci")
    assert b"CREATE TABLE `lenses`" in of_mysql
    of_mysql = re.sub(rb"(?s)(CREATE TABLE `lenses`.*?CHARSET=)utf8mb4 COLLATE=\w+", rb"\1latin1", of_mysql)
    file = tmp_path / "all.sql.gz"
    file.write_bytes(gzip.compress(of_mysql))
    found = dump.read(file)
    filled(alone, found, storage.look(old.storage, old.originals))
    alone.up()

    assert found.database == "photoprism"
    assert {query: [line.split("\t") for line in alone.sql(query).splitlines()] for query in FACTS} == FACTS
    collations = alone.sql(
        "SELECT DISTINCT table_collation FROM information_schema.tables WHERE table_schema='photoprism'"
    )
    assert collations == "utf8mb4_unicode_ci"


def test_old_albums_that_run_on_the_library_are_named(
    alone: Stack, old: OldSetUp, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [each for each in albums.old_albums(alone.client) if each.uses(old.originals)]
    albums.refuse_two_on_one_library(found, [old.originals])
    old.album.start()
    try:
        again = albums.old_albums(alone.client)
        with pytest.raises(typer.Exit):
            albums.refuse_two_on_one_library(again, [old.originals])
    finally:
        old.album.stop(timeout=1)

    assert [(each.name, each.comes_back) for each in found] == [(old.album.name, True)]
    assert f"docker stop {old.album.name}" in capsys.readouterr().err


def test_a_password_of_the_panel_that_holds_no_more_is_said(
    alone: Stack, old: OldSetUp, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = database._logins
    monkeypatch.setattr(database, "_logins", lambda *_: iter([database.Login("root", "changed since")]))
    with pytest.raises(typer.Exit):
        database.find(alone.client, str(old.database.name), [])
    assert "Nobody gets into" in capsys.readouterr().err
    assert [login.user for login in real(old.database, [])] == ["root"]
