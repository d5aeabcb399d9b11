"""OpenList: it prints its password, so nobody may see what it says; nothing is served without a login."""

from __future__ import annotations

from pathlib import Path

import pytest
from example_stack import changed, container, declare_stack, declared, environment, example, uploads
from shell import Stubs

# As upstream: the row is made where it is missing, and its password printed.
OPENLIST = """
[ "${OPENLIST_STATUS:-0}" = 0 ] || { echo "password: $OPENLIST_ADMIN_PASSWORD" >&2; exit "$OPENLIST_STATUS"; }
echo "admin password is: $OPENLIST_ADMIN_PASSWORD"
[ -e data/data.db ] || echo "row for $OPENLIST_ADMIN_PASSWORD" > data/data.db
"""


class Start(Stubs):
    """The start script with stubs for OpenList and for the image's entrypoint."""

    def __init__(self, folder: Path) -> None:
        self.home, secrets = folder / "openlist", folder / "secrets"
        self.database = self.home / "data" / "data.db"
        (self.home / "data").mkdir(parents=True)
        secrets.mkdir()
        super().__init__(
            folder,
            {"/opt/openlist": self.home, "/run/secrets": secrets, "/entrypoint.sh": folder / "stub-bin" / "entrypoint"},
        )
        (secrets / "drive_admin_password").write_text("PASSWORD")
        (secrets / "drive_jwt_secret").write_text("JWT")
        self.command("entrypoint", 'echo "serves in $PWD with $JWT_SECRET, ${OPENLIST_ADMIN_PASSWORD:-no password}"')
        self.command("openlist", OPENLIST).rename(self.home / "openlist")
        self.script("start", uploads(declared("dev"), "drive")["/photos/start"])


@pytest.fixture
def start(tmp_path: Path) -> Start:
    return Start(tmp_path)


def test_the_first_start_makes_the_login_and_says_nothing(start: Start) -> None:
    result = start.run("start")

    assert result.stdout == f"serves in {start.home} with JWT, no password\n"
    assert result.stderr == "", "docker logs would hold the password"
    assert start.database.read_text() == "row for PASSWORD\n"


def test_without_a_login_nothing_is_served_and_the_next_start_mends_it(start: Start) -> None:
    start.env["OPENLIST_STATUS"] = "137"

    killed = start.run("start")
    start.env.clear()
    again = start.run("start")

    assert killed.returncode != 0
    assert killed.stdout == "", "a database without a login would be served"
    assert killed.stderr == "photos: OpenList could not prepare its data in /opt/openlist/data\n".replace(
        "/opt/openlist", str(start.home)
    ), "the reason, without the password"
    assert again.returncode == 0
    assert start.database.read_text() == "row for PASSWORD\n"


def test_a_later_start_leaves_the_database_alone(start: Start) -> None:
    start.database.write_text("changed by the family")

    result = start.run("start")

    assert start.database.read_text() == "changed by the family"
    assert "serves" in result.stdout


@pytest.mark.parametrize(("text", "kept"), [('{\n  "a": 1\n}', True), ('{\n  "a": 1', False), ("", False)])
def test_a_configuration_that_was_cut_short_is_put_aside(text: str, kept: bool, start: Start) -> None:
    config = start.home / "data" / "config.json"
    config.write_text(text)

    result = start.run("start")

    assert "serves" in result.stdout
    assert config.exists() is kept
    assert config.with_suffix(".json.damaged").exists() is not kept


@pytest.mark.parametrize("empty", ["admin_password", "jwt_secret"])
def test_an_empty_secret_is_refused(empty: str, start: Start, tmp_path: Path) -> None:
    (tmp_path / "secrets" / f"drive_{empty}").write_text("")

    result = start.run("start")

    assert result.returncode != 0
    assert "photos: an empty secret" in result.stderr
    assert not start.database.exists()


def test_it_sees_the_library_and_can_change_nothing_in_it() -> None:
    mounts = container(declared("wsl"), "drive")["mounts"]

    assert {(m["source"], m["target"], m["readOnly"]) for m in mounts if m["type"] == "bind"} == {
        ("/mnt/d/photoprism/originals", "/photos/originals", True),
        ("/mnt/d/photoprism/import", "/photos/import", True),
    }


def test_it_is_root_without_any_capability() -> None:
    inputs = container(declared("dev"), "drive")

    assert (inputs["user"], inputs["capabilities"]) == ("0:0", {"drops": ["ALL"], "adds": []})


def test_its_address_follows_its_port() -> None:
    recorder = declare_stack(changed(example("dev"), {"services.drive.port": 5300}))

    (port,) = container(recorder, "drive")["ports"]
    assert (port["external"], port["internal"], port["ip"]) == (5300, 5244, "127.0.0.1")
    assert environment(recorder, "drive")["SITE_URL"] == "http://localhost:5300"
