"""Syncthing: identity and login are in place before it serves, and a kill leaves the old identity or the new one."""

from __future__ import annotations

from pathlib import Path

import pytest
from example_stack import changed, container, declare_stack, declared, environment, example, uploads
from shell import Stubs

SECRETS = {"cert": "CERT", "key": "KEY"}
SYNCTHING = """
case "$1" in
  generate) echo "generate $* <$(cat)>" >> "$LOG"; exit "${GENERATE_STATUS:-0}" ;;
  *) echo "serve $* key=$STGUIAPIKEY umask=$(umask) files=$(cd "$STHOMEDIR" && echo *)" >> "$LOG" ;;
esac
"""


class Start(Stubs):
    """The start script with a stub for Syncthing, which writes down how it is called."""

    def __init__(self, folder: Path) -> None:
        secrets = folder / "secrets"
        secrets.mkdir()
        super().__init__(folder, {"/run/secrets": secrets, "/bin/syncthing": folder / "stub-bin" / "syncthing"})
        for name, value in {**SECRETS, "gui_password": "PASSWORD", "api_key": "APIKEY"}.items():
            (secrets / f"syncthing_{name}").write_text(value)
        self.home, self.log = folder / "home" / "config", folder / "log"
        self.env = {"STHOMEDIR": str(self.home), "LOG": str(self.log)}
        self.command("syncthing", SYNCTHING)
        self.script("start", uploads(declared("dev"), "syncthing")["/photos/start"])


@pytest.fixture
def start(tmp_path: Path) -> Start:
    return Start(tmp_path)


def test_identity_and_login_come_before_the_first_serve(start: Start) -> None:
    result = start.run("start")

    generated, served = start.log.read_text().splitlines()
    assert generated == "generate generate --gui-user=admin --gui-password=- <PASSWORD>", "never on a command line"
    assert served == "serve  key=APIKEY umask=0022 files=cert.pem key.pem"
    assert (result.stdout, result.stderr, result.returncode) == ("", "", 0)
    assert {part: (start.home / f"{part}.pem").read_text() for part in SECRETS} == SECRETS
    assert (start.home / "key.pem").stat().st_mode & 0o077 == 0, "the key is for its owner alone"


def test_a_kill_during_the_copy_leaves_the_old_identity(start: Start) -> None:
    start.home.mkdir(parents=True)
    (start.home / "cert.pem").write_text("OLD")
    start.command("cp", 'printf half > "$2"; exit 1')

    result = start.run("start")

    assert result.returncode != 0
    assert (start.home / "cert.pem").read_text() == "OLD"
    assert not start.log.exists(), "nothing is served with half an identity"


def test_without_a_login_nothing_is_served(start: Start) -> None:
    start.env["GENERATE_STATUS"] = "1"

    result = start.run("start")

    assert result.returncode != 0
    assert "serve" not in start.log.read_text(), "an instance without a login lets everyone in"


@pytest.mark.parametrize("empty", ["gui_password", "api_key"])
def test_an_empty_secret_is_refused(empty: str, start: Start, tmp_path: Path) -> None:
    (tmp_path / "secrets" / f"syncthing_{empty}").write_text("")

    result = start.run("start")

    assert result.returncode != 0
    assert "photos: an empty secret" in result.stderr
    assert not start.log.exists(), "the admin page would be open"


def test_the_identity_of_the_stack_file_replaces_another(start: Start) -> None:
    start.run("start")
    (start.home / "key.pem").write_text("ANOTHER")

    start.run("start")

    assert (start.home / "key.pem").read_text() == "KEY"


def test_it_starts_as_root_only_to_become_the_owner_of_the_photos() -> None:
    inputs = container(declared("dev"), "syncthing")
    variables = environment(declared("dev"), "syncthing")

    assert inputs.get("user") is None, "its entrypoint gives the volume to PUID first"
    assert (variables["PUID"], variables["PGID"]) == ("1000", "1000")
    assert inputs["entrypoints"] == ["/bin/entrypoint.sh", "/photos/start"]


def test_phones_write_into_their_own_folder_of_originals() -> None:
    mounts = container(declared("wsl"), "syncthing")["mounts"]

    assert [(m["source"], m["target"], m.get("readOnly", False)) for m in mounts if m["type"] == "bind"] == [
        ("/mnt/d/photoprism/originals/phones", "/phones", False)
    ]


def test_its_ports_follow_the_stack_file() -> None:
    section = {"port": 8400, "sync_port": 22001, "sync_bind": "192.168.1.5"}
    recorder = declare_stack(changed(example("dev"), {"services.syncthing": section}))

    ports = container(recorder, "syncthing")["ports"]
    assert [(p["ip"], p["external"], p["internal"], p["protocol"]) for p in ports] == [
        ("127.0.0.1", 8400, 8384, "tcp"),
        ("192.168.1.5", 22001, 22000, "tcp"),
        ("192.168.1.5", 22001, 22000, "udp"),
    ]


def test_every_secret_the_script_reads_is_there() -> None:
    files = set(uploads(declared("dev"), "syncthing"))

    assert files == {"/photos/start"} | {
        f"/run/secrets/syncthing_{name}" for name in ("cert", "key", "gui_password", "api_key")
    }
