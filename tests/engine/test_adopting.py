"""The blog's set-up taken over by `./photos adopt`: refusals, a kill in the middle, and a stack that is as the album was."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator

import httpx
import pytest

from cli.docker_host import connect
from tests.blog.old_set_up import FACTS, PASSWORD, ROOT_PASSWORD, OldSetUp, old_set_up
from tests.engine.keeping import Kept, second_disk
from tests.engine.world import World, free_port, own_name
from tests.waiting import until
from tests.wheels import wheel_index

STACK = own_name("blog")
MEANWHILE = f"photos-{STACK}-takeover"


@pytest.fixture(scope="module")
def old(world: World, registry: str) -> Iterator[OldSetUp]:
    with connect() as client, old_set_up(client, world.root, registry) as made:
        yield made


@pytest.fixture(scope="module")
def kept(
    world: World,
    old: OldSetUp,
    programs: None,  # noqa: ARG001
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Kept]:
    """A stack file for the old library, with a keeper that copies to a second disk; nothing of it is set up."""
    with second_disk(tmp_path_factory.mktemp("disk")) as disk, wheel_index() as wheels:
        remotes = {"disk": {"kind": "disk", "type": "local", "path": str(disk)}}
        library = {"originals": str(old.originals), "import": str(old.imports)}
        backup = {"port": free_port(), "mirrors": {"pip": wheels.url}, "remotes": remotes}
        world.write(STACK, library=library, backup=backup)
        for service in ("syncthing", "drive"):
            world.drop(STACK, "services", service)
        yield Kept(world, STACK)


def words(old: OldSetUp) -> list[str]:
    return ["adopt", "--database", str(old.database.name), "--storage", str(old.storage), "--stack", STACK, "--yes"]


def volumes() -> list[str]:
    with connect() as client:
        return [str(v.name) for v in client.volumes.list() if STACK in str(v.name)]


def test_what_is_wrong_is_said_before_anything_is_created(kept: Kept, old: OldSetUp) -> None:
    world = kept.world
    old.album.start()
    text = world.photos(*words(old), code=1)
    assert f"The old album still runs on these folders: {old.album.name}" in text
    old.album.stop(timeout=1)
    before = old.seen()

    assert 'not the password of "admin"' in world.photos(*words(old), code=1, typed="not-the-password\n")
    elsewhere = [word if word != str(old.storage) else str(old.originals) for word in words(old)]
    assert "is or holds the originals folder" in world.photos(*elsewhere, code=1)
    assert "Write one of: ./photos adopt FOLDER" in world.photos(*words(old)[:3], code=1)
    assert old.seen() == before
    assert "photos:id" not in world.config(STACK)
    assert volumes() == []


def test_one_that_was_killed_is_not_served_and_begins_anew(kept: Kept, old: OldSetUp) -> None:
    world = kept.world
    with subprocess.Popen(
        ["./photos", *words(old)], cwd=world.project, env=world.environment, stdin=subprocess.PIPE, text=True
    ) as run:
        assert run.stdin
        run.stdin.write(f"{PASSWORD}\n")
        run.stdin.close()
        with connect() as client:
            until(lambda: bool(client.containers.list(filters={"name": MEANWHILE})))
        run.send_signal(signal.SIGKILL)
    assert len(volumes()) == 2

    assert "Run the same ./photos adopt again" in world.photos("up", STACK, "--yes", code=1)


def test_the_set_up_lives_on_in_the_stack(kept: Kept, old: OldSetUp) -> None:
    world, before = kept.world, old.seen()
    world.arguments.clear()
    text = world.photos(*words(old), typed=f"{PASSWORD}\n")

    assert f"docker update --restart=no {old.album.name}" in text
    assert world.preview(STACK) == {}
    assert world.preview(STACK, "--refresh") == {}
    assert {query: [line.split("\t") for line in kept.sql(query).splitlines()] for query in FACTS} == FACTS
    assert world.password(STACK, "photoprism") == PASSWORD
    with kept.album() as album:
        shown = album.get("/api/v1/photos", params={"count": 100}).json()
    assert "生日快乐 🎉👵🏽" in {photo["Title"] for photo in shown}
    assert old.seen() == before
    assert (old.originals / ".photos-id").read_text().strip() == world.id(STACK)
    for secret in (PASSWORD, ROOT_PASSWORD):
        assert not [line for line in (*world.arguments, *world.output) if secret in line]
    with connect() as client:
        assert client.containers.list(all=True, filters={"name": MEANWHILE}) == []
    assert "has an index already" in world.photos(*words(old), code=1)


def test_others_of_the_family_log_in_as_before(kept: Kept) -> None:
    address = f"http://127.0.0.1:{kept.world.port(STACK, 'photoprism')}/api/v1/session"
    login = {"username": "papa", "password": "papas-password"}
    assert httpx.post(address, json=login, timeout=60).status_code == httpx.codes.OK


def test_then_the_keeper_backs_it_up(kept: Kept) -> None:
    kept.await_health("keeper")
    (report,) = kept.back_up().values()
    listed = kept.ask("find", "birthday")

    assert report["alarm"] == ""
    assert any("originals/2024/birthday.jpg" in each["path"] for each in listed["found"])
    assert any("sidecar/2024/birthday.yml" in each["path"] for each in listed["found"])
