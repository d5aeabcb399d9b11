"""The life of a stack, in order, with the real engine. Each test goes on where the one before it stopped."""

from __future__ import annotations

import json
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from docker.models.containers import Container

from cli.docker_host import connect, of_stack
from tests.engine.world import PROJECT, World, own_name, save_run

STACK = own_name("life")
FIGURES: dict[str, float] = {}


@pytest.fixture(scope="module", name="life")
def scenario(world: World) -> World:
    world.write(STACK)
    return world


def rows() -> int:
    """Return how many photos the album's database knows."""
    sql = "SELECT COUNT(*) FROM files WHERE file_missing = 0"
    return int(query(sql))


def query(sql: str) -> str:
    script = (
        f'exec mariadb -h127.0.0.1 -uphotoprism -p"$(cat /run/secrets/mariadb_password)" -N -B photoprism -e "{sql}"'
    )
    with connect() as client:
        return output_of(client.containers.get(f"photos-{STACK}-mariadb"), ["sh", "-c", script]).strip()


def output_of(container: Container, command: list[str]) -> str:
    """Run `command` in the container and return what it printed."""
    done = container.exec_run(command)
    assert done.exit_code == 0, done.output
    assert isinstance(done.output, bytes)
    return done.output.decode()


def session(world: World) -> httpx.Client:
    """Return a client that is logged in to the album with the password that `./photos password` shows."""
    base = f"http://127.0.0.1:{world.port(STACK, 'photoprism')}"
    credentials = {"username": "admin", "password": world.password(STACK, "photoprism")}
    login = httpx.post(f"{base}/api/v1/session", json=credentials, timeout=60)
    assert login.status_code == 200, login.text
    return httpx.Client(base_url=base, timeout=60, headers={"X-Auth-Token": login.json()["access_token"]})


def test_a_preview_before_the_first_run_passes_and_writes_neither_marker_nor_id(life: World) -> None:
    text = life.photos("preview", STACK)

    assert "does not exist yet" in text, "a preview must say that the library is new"
    assert "photos:id" not in life.config(STACK)
    assert not (life.root / f"library-{STACK}").exists()
    assert life.ours_by_name(STACK) == []


def test_up_makes_every_service_healthy_and_says_how_to_get_in(life: World) -> None:
    start = time.monotonic()
    text = life.photos("up", STACK, "--yes")
    FIGURES["first up"] = round(time.monotonic() - start, 2)

    assert "user: admin" in text
    assert "No backup runs without photos:backup" in text
    assert life.ours(STACK) == [f"photos-{STACK}-{name}" for name in ("drive", "mariadb", "photoprism", "syncthing")]
    assert life.photos("status", "--stack", STACK).count("healthy") == 4


def test_the_album_indexes_real_jpegs_into_the_declared_database(life: World) -> None:
    count = life.samples(STACK)
    with session(life) as album:
        album.post("/api/v1/index", json={"path": "/", "rescan": False}).raise_for_status()
        photos = album.get("/api/v1/photos", params={"count": 100}).json()

    assert len(photos) == count == rows()
    assert min(photo["TakenAt"] for photo in photos) == "2023-04-05T09:30:00Z", "the EXIF date is the photo's date"


@pytest.mark.parametrize(
    ("service", "path", "status", "text"),
    [
        ("photoprism", "/api/v1/photos?count=1", 401, ""),
        ("syncthing", "/rest/system/status", 403, ""),
        ("drive", "/api/admin/user/list", 200, "401"),
        ("drive", "/ping", 200, "pong"),
        ("syncthing", "/rest/noauth/health", 200, "OK"),
    ],
)
def test_every_service_answers_and_refuses_strangers(
    life: World, service: str, path: str, status: int, text: str
) -> None:
    answer = httpx.get(f"http://127.0.0.1:{life.port(STACK, service)}{path}")

    assert answer.status_code == status
    assert text in answer.text


def test_a_second_up_changes_nothing(life: World) -> None:
    FIGURES["up without changes"] = life.timed("up", STACK, "--yes")
    FIGURES["preview"] = life.timed("preview", STACK)

    assert life.preview(STACK) == {}


def test_a_refresh_finds_no_difference(life: World) -> None:
    assert life.preview(STACK, "--refresh") == {}


def test_a_changed_setting_names_exactly_its_container_and_what_its_page_could_change(life: World) -> None:
    life.change(STACK, "services.photoprism.site_title", "Our photos")

    assert set(life.preview(STACK)) == {"photoprism:Container", "photoprism-options:Options"}
    life.photos("up", STACK, "--yes")
    assert life.preview(STACK, "--refresh") == {}


def test_an_upgraded_image_replaces_exactly_that_service(life: World) -> None:
    life.change(STACK, "services.photoprism.image", "photoprism/photoprism:260801-ce")

    assert set(life.preview(STACK)) == {"photoprism:RemoteImage", "photoprism:Container"}
    life.photos("up", STACK, "--yes")
    assert life.preview(STACK) == {}


def test_a_container_removed_by_hand_is_shown_and_healed(life: World) -> None:
    with connect() as client:
        client.containers.get(f"photos-{STACK}-drive").remove(force=True)

    assert life.preview(STACK, "--refresh") == {"drive:Container": "create"}
    life.photos("up", STACK, "--yes")
    assert f"photos-{STACK}-drive" in life.ours(STACK)
    assert life.preview(STACK, "--refresh") == {}


def test_a_rotated_database_password_keeps_the_rows(life: World) -> None:
    before = rows()
    life.change(STACK, "database.password_rotation", 2)

    assert set(life.preview(STACK)) == {
        "mariadb-password:RandomPassword", "mariadb:Container", "photoprism:Container",
    }  # fmt: skip
    life.photos("up", STACK, "--yes")
    assert rows() == before > 0
    with session(life) as album:
        assert len(album.get("/api/v1/photos", params={"count": 100}).json()) == before


def test_no_secret_appears_in_state_logs_arguments_labels_or_inspect(life: World) -> None:
    secrets = secret_values(life)
    assert len(secrets) >= 9, "config secrets and generated ones"
    assert any(line.startswith("pulumi up") for line in life.arguments)
    with connect() as client:
        containers = client.containers.list(filters=of_stack(life.id(STACK)))
        places = {f"inspect of {c.name}": json.dumps(c.attrs) for c in containers}
        places |= {f"log of {c.name}": c.logs().decode(errors="replace") for c in containers}
        places |= {f"processes of {c.name}": json.dumps(c.top(ps_args="axww")) for c in containers}
    places |= {f"state {file.name}": file.read_text() for file in (life.data / "state").rglob("*") if file.is_file()}
    places |= {"stack file": life.stack_file(STACK).read_text(), "output of ./photos": "\n".join(life.output)}
    places |= {"command lines": "\n".join(life.arguments)}

    found = {(name, place) for place, text in places.items() for name, value in secrets.items() if value in text}
    assert found == set()


def secret_values(world: World) -> dict[str, str]:
    """Return every secret that a container of the stack holds, by file name; of PEM blocks the last line but one."""
    script = 'cd /run/secrets && for f in *; do echo "$f $(tail -n 2 $f | head -n 1)"; done'
    values: dict[str, str] = {}
    with connect() as client:
        for container in client.containers.list(filters=of_stack(world.id(STACK))):
            for line in output_of(container, ["sh", "-c", script]).splitlines():
                name, value = line.split(" ", 1)
                values[name] = value
    return values


def test_a_moved_library_is_refused_before_anything_changes(life: World) -> None:
    other = life.root / "another-disk"
    (other / "phones").mkdir(parents=True)
    real = life.config(STACK)["photos:library"]["originals"]
    life.change(STACK, "library.originals", str(other))
    text = life.photos("preview", STACK, check=False)
    life.change(STACK, "library.originals", real)

    assert "has no marker" in text
    assert "./photos adopt" in text


def test_plain_pulumi_works_after_the_export_lines_of_setup(life: World) -> None:
    lines = [line for line in life.photos("setup", STACK).splitlines() if line.startswith("export ")]
    script = "\n".join([*lines, f"pulumi preview --non-interactive --expect-no-changes --stack {STACK}"])
    done = subprocess.run(
        ["sh", "-ec", script], cwd=life.project, env=life.environment, capture_output=True, text=True, check=False
    )

    assert len(lines) == 3, "two, and the state because PHOTOS_DATA moved it"
    assert done.returncode == 0, done.stdout + done.stderr


def test_another_checkout_takes_the_kept_stack_file_after_asking(life: World) -> None:
    clone = life.checkout("clone")
    refused = life.photos("preview", STACK, check=False, project=clone)
    assert "lacks the identity" in refused
    assert not (clone / f"stacks/Pulumi.{STACK}.yaml").exists()

    text = life.photos("preview", STACK, "--yes", project=clone)
    assert re.search(r"Resources:\s+\d+ unchanged\s*$", text), "same id, logins and secrets as the first checkout"


def test_another_checkout_with_another_identity_is_refused(life: World) -> None:
    clone = life.checkout("stranger")
    life.write(STACK, clone)
    file = clone / "stacks" / f"Pulumi.{STACK}.yaml"
    document = yaml.safe_load(file.read_text())
    document["config"]["photos:id"] = "00000000-1111-2222-3333-444444444444"
    file.write_text(yaml.safe_dump(document))
    text = life.photos("up", STACK, "--yes", check=False, project=clone)

    assert "Another checkout owns the stack" in text
    assert len(life.ours(STACK)) == 4


def test_another_data_folder_with_the_same_stack_name_is_refused_by_the_host_check(life: World) -> None:
    stranger = World(life.root / "elsewhere", life.registry)
    stranger.root.mkdir()
    stranger.checkout()
    stranger.write(STACK)
    text = stranger.photos("up", STACK, "--yes", check=False)

    assert "belongs to the stack with id" in text
    assert len(life.ours(STACK)) == 4


def test_destroy_leaves_the_photos_and_the_data_volumes_only(life: World) -> None:
    library = life.root / f"library-{STACK}"
    before = {file: file.read_bytes() for file in library.rglob("*.jpg")}
    start = time.monotonic()
    text = life.photos("destroy", STACK, "--yes")
    FIGURES["destroy"] = round(time.monotonic() - start, 2)

    with connect() as client:
        ours = of_stack(life.id(STACK))
        kept = sorted(str(volume.name) for volume in client.volumes.list(filters=ours))
        assert client.containers.list(all=True, filters=ours) == []
        assert client.networks.list(filters=ours) == []
    assert kept == [f"photos-{STACK}-{name}" for name in ("drive", "mariadb", "photoprism-storage", "syncthing")]
    assert all(name in text for name in kept)
    assert {file: file.read_bytes() for file in library.rglob("*.jpg")} == before


def test_up_after_destroy_gives_back_rows_photos_and_login(life: World) -> None:
    life.photos("up", STACK, "--yes")

    assert rows() == 6
    with session(life) as album:
        assert len(album.get("/api/v1/photos", params={"count": 100}).json()) == 6


def test_deleting_the_volumes_at_destroy_needs_the_stacks_name(life: World) -> None:
    life.change(STACK, "data.on_destroy", "delete")
    text = life.photos("destroy", STACK, "--yes", check=False)
    assert f"confirm: {STACK}" in text

    life.change(STACK, "data.confirm", STACK)
    life.photos("destroy", STACK, "--yes")
    with connect() as client:
        assert client.volumes.list(filters=of_stack(life.id(STACK))) == []
    assert len(list((life.root / f"library-{STACK}").rglob("*.jpg"))) == 6, "the photos are never the stack's to delete"


def test_the_figures_are_kept(life: World, tmp_path: Path) -> None:
    FIGURES["preview of an empty program"] = empty_preview(life, tmp_path)
    save_run(FIGURES)
    document: dict[str, Any] = json.loads((PROJECT / ".cache/engine-run.json").read_text())

    assert set(document["seconds"]) >= {"first up", "up without changes", "preview", "destroy"}


def empty_preview(world: World, folder: Path) -> float:
    """Return the seconds of `pulumi preview` of a program without resources, for comparison."""
    (folder / "Pulumi.yaml").write_text(
        f"name: empty\nruntime:\n  name: python\n  options: {{toolchain: pip, virtualenv: {world.project}/.venv}}\n"
    )
    (folder / "__main__.py").write_text("")
    (folder / "state").mkdir()
    environment = world.environment | {"PULUMI_BACKEND_URL": f"file://{folder}/state", "PULUMI_CONFIG_PASSPHRASE": "x"}
    environment["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] = "true"
    for command in (["stack", "init", "dev"], ["preview", "--non-interactive"]):
        start = time.monotonic()
        done = subprocess.run(
            ["pulumi", *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    return round(time.monotonic() - start, 2)
