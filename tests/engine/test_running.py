"""What `up` does to a stack that runs, and to a machine on which something is wrong: the whole way, with the real engine.

Everything runs from a clone that was made under umask 077.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from docker.models.containers import Container

from cli.docker_host import connect, of_stack
from tests.engine.keeping import Kept, second_disk
from tests.engine.world import FAR, PROJECT, World, free_port, new_world, own_name, photographed, remade_by_a_panel
from tests.wheels import wheel_index

STACK, CAREFUL, FAULTY, WEAK, OLDER = (own_name(name) for name in ("run", "care", "faulty", "weak", "older"))
BEFORE_THE_COMPONENT = "626f85b"
"""The last commit whose resources stood at the root of their stack, on the default provider: docs/adr/0020."""
SERVICES = ("drive", "mariadb", "photoprism", "syncthing")
ROWS = "CREATE TABLE kept (n INT PRIMARY KEY); INSERT INTO kept VALUES (1), (2), (3)"
ALBUM, IN_THE_ALBUM = "photoprism:Container", ("options:Options", "settings:Settings")
SECONDS_OF_A_CRASH_LOOP = 120
SECRET = "typed-before-the-first-run"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


@pytest.fixture(scope="module", name="running")
def running_stack(world: World) -> Kept:
    """A stack that is up, with rows in its database, from a clone without any right for others."""
    as_if_cloned_under_umask_077(world.project)
    world.write(STACK)
    world.photos("up", STACK, "--yes")
    kept = Kept(world, STACK)
    kept.sql(ROWS)
    return kept


def as_if_cloned_under_umask_077(project: Path) -> None:
    for path in (project, *project.rglob("*")):
        if not path.is_symlink() and ".venv" not in path.parts:
            path.chmod(path.stat().st_mode & 0o700)


def container(service: str, stack: str = STACK) -> Container:
    with connect() as client:
        return client.containers.get(f"photos-{stack}-{service}")


def ids(world: World, stack: str = STACK) -> dict[str, tuple[str, str]]:
    """Return container → its id and status: what must not change where nothing is changed."""
    with connect() as client:
        found = client.containers.list(all=True, filters=of_stack(world.id(stack)))
    return {str(c.name): (str(c.id), c.status) for c in found}


def assert_well(kept: Kept) -> None:
    """Every service is healthy and the stack's own, state and Docker agree, and the rows are there."""
    world = kept.world
    assert world.ours(kept.name) == [f"photos-{kept.name}-{service}" for service in SERVICES]
    assert set(ids(world, kept.name)) == set(world.ours(kept.name)), "nothing is left aside"
    assert world.photos("status", "--stack", kept.name, code=0).count("healthy") == len(SERVICES)
    assert world.preview(kept.name, "--refresh") == {}
    assert kept.sql("SELECT COUNT(*) FROM kept") == "3"


# What a panel, an updater or a hand does.


@pytest.fixture(scope="module", name="panel")
def made_by_a_panel(running: Kept) -> str:
    """The album, made anew by a panel; the id that it has now."""
    return remade_by_a_panel(f"photos-{running.name}-photoprism")


def test_what_a_panel_made_anew_is_told_by_status_and_preview(running: Kept, panel: str) -> None:
    status = running.world.photos("status", "--stack", STACK)
    preview = running.world.photos("preview", STACK)

    assert "Made anew by something else: photoprism" in status
    assert f"The container photos-{STACK}-photoprism is gone, or was made anew by something else" in preview
    assert f"photos-{STACK}-photoprism carries this stack's id, and its state does not know it" in preview
    assert container("photoprism").id == panel


def test_without_a_yes_it_goes_on_as_it_is(running: Kept, panel: str) -> None:
    before = ids(running.world)
    text = running.world.photos("up", STACK, check=False)

    assert "Nothing that runs was changed" in text
    assert ids(running.world) == before
    assert before[f"photos-{STACK}-photoprism"] == (panel, "running")


def test_where_pulumi_fails_it_runs_again_as_it_was(running: Kept, panel: str) -> None:
    before = running.world.stack_file(STACK).read_text()
    push_image_without_its_layer(running.world.registry, "photoprism/photoprism", "260999-ce")
    running.world.change(STACK, "services.photoprism.image", "photoprism/photoprism:260999-ce")
    text = running.world.photos("up", STACK, "--yes", check=False)
    running.world.stack_file(STACK).write_text(before)

    assert f"photos-{STACK}-photoprism runs again as it was before" in text
    assert (container("photoprism").id, container("photoprism").status) == (panel, "running")


def push_image_without_its_layer(registry: str, repository: str, tag: str) -> None:
    """Let the registry have an image that it names and cannot hand out, as one whose disk is damaged."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo(f"only-in-{tag}"))
    layer = packed.getvalue()
    files = {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]}
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": files}).encode()
    with httpx.Client(base_url=f"http://{registry}/v2/{repository}") as client:

        def push(blob: bytes, kind: str) -> dict[str, Any]:
            digest = f"sha256:{hashlib.sha256(blob).hexdigest()}"
            place = client.post("/blobs/uploads/").headers["Location"]
            client.put(httpx.URL(place).copy_merge_params({"digest": digest}), content=blob).raise_for_status()
            return {"mediaType": f"application/vnd.docker.{kind}", "size": len(blob), "digest": digest}

        pushed = push(layer, "image.rootfs.diff.tar.gzip")
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "layers": [pushed]}
        manifest["config"] = push(config, "container.image.v1+json")
        named = client.put(f"/manifests/{tag}", content=json.dumps(manifest), headers={"Content-Type": MANIFEST})
        named.raise_for_status()
        client.delete(f"/blobs/{pushed['digest']}").raise_for_status()


def test_with_a_yes_it_is_the_stack_s_own_again(running: Kept, panel: str) -> None:
    text = running.world.photos("up", STACK, "--yes", code=0)

    assert f"photos-{STACK}-photoprism: made by something else than this stack" in text
    assert container("photoprism").id != panel
    assert_well(running)


def test_a_stopped_service_comes_back(running: Kept) -> None:
    container("drive").stop()
    told = running.world.photos("preview", STACK)
    running.world.photos("up", STACK, "--yes", code=0)

    assert f"The container photos-{STACK}-drive is exited" in told
    assert_well(running)


def test_a_removed_network_comes_back_with_who_was_in_it(running: Kept) -> None:
    remove_network("apps")
    told = running.world.photos("preview", STACK)
    running.world.photos("up", STACK, "--yes", code=0)

    assert f"The network photos-{STACK}-apps is gone" in told
    assert_in_networks(running)
    assert_well(running)


def test_a_removed_container_network_and_a_stopped_database_come_back_at_once(running: Kept) -> None:
    container("syncthing").remove(force=True)
    container("mariadb").stop()
    remove_network("db")
    status = running.world.photos("status", "--stack", STACK, check=False)
    running.world.photos("up", STACK, "--yes", code=0)

    assert "Missing: syncthing" in status
    assert_in_networks(running)
    assert_well(running)


def remove_network(role: str) -> None:
    with connect() as client:
        network = client.networks.get(f"photos-{STACK}-{role}")
        for inside in network.attrs["Containers"]:
            network.disconnect(inside, force=True)
        network.remove()


def assert_in_networks(running: Kept) -> None:
    """The album sees its database by name, and every service is where it belongs."""
    networks = {service: sorted(container(service).attrs["NetworkSettings"]["Networks"]) for service in SERVICES}
    apps, db = f"photos-{STACK}-apps", f"photos-{STACK}-db"
    assert networks == {"drive": [apps], "mariadb": [db], "photoprism": [apps, db], "syncthing": [apps]}
    code, said = running.execute("photoprism", "getent", "hosts", "mariadb")
    assert code == 0, said


# What must not be disturbed, and what is refused.


@pytest.fixture
def restore(running: Kept) -> Iterator[Container]:
    """A restore at work, as far as its container tells."""
    with connect() as client:
        image = container("mariadb").image
        assert image
        made = client.containers.run(
            str(image.id),
            name=f"photos-{STACK}-restore",
            entrypoint=["sleep", "1000"],
            labels={"photos.id": running.world.id(STACK), "photos.stack": STACK, "photos.service": "restore"},
            detach=True,
        )
        yield made
        made.remove(force=True)


@pytest.mark.parametrize("command", ["up", "destroy"])
def test_a_running_restore_is_never_disturbed(running: Kept, restore: Container, command: str) -> None:
    container("photoprism").stop()  # as a restore does
    before = ids(running.world)
    text = running.world.photos(command, STACK, "--yes", check=False)
    after = ids(running.world)
    container("photoprism").start()
    running.await_health("photoprism")

    assert f"A restore is running ({restore.name})" in text
    assert after == before


def test_another_owner_on_the_disk_is_refused_with_both_numbers(running: Kept) -> None:
    library, before = running.originals.parent, ids(running.world)
    subprocess.run(["chown", "-R", "1001:1001", library], check=True)
    told = [running.world.photos(*words, check=False) for words in (("preview", STACK), ("up", STACK, "--yes"))]
    after = ids(running.world)
    subprocess.run(["chown", "-R", "1000:1000", library], check=True)

    assert running.world.config(STACK)["photos:owner"] == {"uid": 1000, "gid": 1000}
    for text in told:
        assert "user 1000 cannot read and write" in text
        assert "owner 1001:1001, mode 755" in text
    assert after == before, "nothing was replaced"
    assert_well(running)


def test_a_service_that_only_crashes_ends_the_wait(running: Kept) -> None:
    running.world.change(STACK, "database.flags", {"bogus-flag": "1"})
    start = time.monotonic()
    text = running.world.photos("up", STACK, "--yes", check=False)
    seconds = time.monotonic() - start

    assert seconds < SECONDS_OF_A_CRASH_LOOP
    assert f"photos-{STACK}-mariadb failed 4 times" in text
    assert "unknown variable 'bogus-flag=1'" in text


def test_the_mended_service_comes_back_with_its_rows(running: Kept) -> None:
    running.world.change(STACK, "database.flags", {})
    running.world.photos("up", STACK, "--yes", code=0)

    assert_well(running)


# What a preview tells.


def test_a_changed_start_script_is_named(running: Kept) -> None:
    source = running.world.project / "components/services/drive.py"
    before = source.read_text()
    source.write_text(before.replace('START = """#!/bin/sh\n', 'START = """#!/bin/sh\n# one more line\n'))
    text = running.world.photos("preview", STACK, "--diff")
    source.write_text(before)

    assert changed_files(text) == {"photos.file/photos/start"}


def test_a_changed_secret_file_is_named_without_its_content(running: Kept) -> None:
    before = running.world.stack_file(STACK).read_text()
    old, new = running.world.password(STACK, "photoprism"), "another password of the family"
    running.world.photos("config", "set", "--secret", "photos:photoprism_admin_password", "--stack", STACK, typed=new)
    text = running.world.photos("preview", STACK, "--diff")
    running.world.stack_file(STACK).write_text(before)

    assert changed_files(text) == {"photos.file/run/secrets/photoprism_admin_password"}
    assert old not in text
    assert new not in text


def changed_files(diff: str) -> set[str]:
    """Return the file labels on the lines of a diff that change something."""
    lines = [line.strip() for line in diff.splitlines()]
    return {
        word.strip('"')
        for line in lines
        if line.startswith(("~", "+", "-"))
        for word in line.replace(":", " ").split()
        if "photos.file/" in word
    }


# What is looked at before anything is written.


@contextmanager
def nothing_written(world: World, stack: str) -> Iterator[None]:
    """Fail where a stack file, a state, a marker or a container was made meanwhile."""
    places = (world.project / "stacks", world.data, world.root / f"library-{stack}")
    before = photographed(*places)
    yield
    assert photographed(*places) == before
    assert world.ours_by_name(stack) == []


def library_of_the_family(world: World, stack: str) -> None:
    """Make the library with one photo in it, as it is before a first run."""
    originals = world.root / f"library-{stack}" / "originals"
    (originals.parent / "import").mkdir(parents=True)
    originals.mkdir()
    (originals / "photo.jpg").write_bytes(b"a photo")
    for path in (originals.parent, *originals.parent.rglob("*")):
        os.chown(path, 1000, 1000)


def test_a_first_run_tells_all_that_is_wrong_at_once_and_writes_nothing(running: Kept) -> None:
    world = running.world
    net = {"kind": "mirror", "type": "webdav", "path": "x", "options": {"url": "https://dav.example.org"}}
    disk = {"kind": "disk", "type": "local", "path": f"/mnt/{FAULTY}/photos"}
    world.write(FAULTY, backup={"port": free_port(), "remotes": {"net": net | {"secrets": ["pass"]}, "disk": disk}})
    world.change(FAULTY, "services.drive.port", world.port(STACK, "drive"))
    world.change(FAULTY, "services.photoprism.memory", "much")
    library_of_the_family(world, FAULTY)

    with nothing_written(world, FAULTY):
        text = world.photos("up", FAULTY, "--yes", check=False)
    assert "Nothing was created or changed:" in text
    assert "photos:services.photoprism.memory" in text
    assert "photos:backup_net_pass: missing" in text
    assert f'in use by your other stack "{STACK}" (photos-{STACK}-drive)' in text
    assert f"/mnt/{FAULTY} is not mounted" in text or f"mounted? (mount | grep /mnt/{FAULTY})" in text


def test_a_useless_typed_secret_is_found_before_a_marker_and_an_id_are_written(running: Kept) -> None:
    world = running.world
    world.write(WEAK, backup={"port": free_port(), "remotes": {"far": FAR}})
    library_of_the_family(world, WEAK)
    world.photos("preview", WEAK)
    url = f"carrier-pigeon://{SECRET}"
    world.photos("config", "set", "--secret", "photos:backup_alert_urls", "--stack", WEAK, typed=url)

    with nothing_written(world, WEAK):
        text = world.photos("up", WEAK, "--yes", check=False)
    assert 'photos:backup_alert_urls: address 1 begins with "carrier-pigeon", which Apprise does not know' in text
    assert SECRET not in text
    assert "photos:id" not in world.config(WEAK)


# The keeper.


@pytest.mark.usefixtures("programs")
def test_a_keeper_of_a_private_clone_runs_and_is_named_at_the_end(
    running: Kept, tmp_path_factory: pytest.TempPathFactory
) -> None:
    world = running.world
    with second_disk(tmp_path_factory.mktemp("disk"), "1G") as disk, wheel_index() as wheels:
        remotes = {"disk": {"kind": "disk", "type": "local", "path": str(disk)}}
        world.write(CAREFUL, backup={"port": free_port(), "mirrors": {"pip": wheels.url}, "remotes": remotes})
        for service in ("photoprism", "syncthing"):
            world.drop(CAREFUL, "services", service)
        text = world.photos("up", CAREFUL, "--yes", code=0)
        last_words = text[text.rindex("Resources:") :]
        named = [word for line in last_words.splitlines() if line.startswith(("healthy: ", "starting: ")) for word in line.replace(",", "").split()[1:]]  # fmt: skip

        assert sorted(named) == ["drive", "keeper", "mariadb", "watch"]
        Kept(world, CAREFUL).await_health("keeper", "watch")
        assert [container(name, CAREFUL).attrs["RestartCount"] for name in ("keeper", "watch")] == [0, 0]
        assert world.preview(CAREFUL) == {}
        world.photos("destroy", CAREFUL, "--yes")


# A stack of the commit before.


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory, registry: str) -> Iterator[Kept]:
    """A running stack whose resources were not below a component; in its folder lies today's code now."""
    archive = subprocess.run(["git", "archive", BEFORE_THE_COMPONENT], cwd=PROJECT, capture_output=True, check=False)
    if archive.returncode:
        pytest.skip(f"engine tier: the commit {BEFORE_THE_COMPONENT} is not in this clone: git fetch --unshallow")
    with new_world(tmp_path_factory.mktemp("older"), registry) as world:
        world.checkout()
        today = world.project.rename(world.root / "today")
        world.project.mkdir()
        subprocess.run(["tar", "-x", "-C", world.project], input=archive.stdout, check=True)
        (world.project / ".venv").symlink_to((today / ".venv").readlink())
        world.write(OLDER)
        world.photos("up", OLDER, "--yes")
        kept = Kept(world, OLDER)
        kept.sql(ROWS)
        shutil.move(world.stack_file(OLDER), today / "stacks")
        shutil.rmtree(world.project)
        today.rename(world.project)
        yield kept


def test_an_older_stack_s_preview_shows_what_is_new_and_nothing_to_replace(older: Kept) -> None:
    new = {
        "photos:PhotoSystem",
        "docker:docker",
        "syncthing-options:Options",
        *(f"photoprism-{part}" for part in IN_THE_ALBUM),
    }
    changes = older.world.preview(OLDER)

    assert {name: step for name, step in changes.items() if name != ALBUM} == dict.fromkeys(new, "create")
    assert "replace" in changes[ALBUM], "its start script takes out of PhotoPrism's options what the stack sets"


def test_an_older_stack_is_taken_over_with_its_containers_rows_and_logins(older: Kept) -> None:
    login, before = older.world.password(OLDER, "photoprism"), ids(older.world, OLDER)
    older.world.photos("up", OLDER, "--yes", code=0)

    after = ids(older.world, OLDER)
    assert {name for name in before if after[name] != before[name]} == {f"photos-{OLDER}-photoprism"}
    assert_well(older)
    assert older.world.password(OLDER, "photoprism") == login
    with older.album() as album:
        assert album.get("/api/v1/photos", params={"count": 1}).status_code == httpx.codes.OK


def test_a_second_up_and_a_look_change_nothing_of_an_older_stack(older: Kept) -> None:
    before = ids(older.world, OLDER)
    older.world.photos("up", OLDER, "--yes", code=0)

    assert ids(older.world, OLDER) == before
    assert older.world.preview(OLDER, "--refresh") == {}
