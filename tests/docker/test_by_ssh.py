"""What is seen of a machine by ssh, against what is there: with a real sshd, SFTP and Docker in namespaces of their own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from components.service import Owner
from stacks.host import ssh
from stacks.host.block_devices import disks_below
from stacks.host.endpoint import EndpointError, endpoint_at
from stacks.host.library import absent_drive, person
from stacks.host.machine import HERE, Far, machine_at
from stacks.host.ssh import Line, LineError
from tests.hosts.far_machine import UID, FarMachine, far_machine

HOST = "ssh://family@nas"

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("/usr/sbin/sshd") or not shutil.which("dockerd"),
    reason="docker tier: a machine of its own needs root: apt-get install openssh-server docker.io",
)


@pytest.fixture(scope="module")
def nas(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FarMachine]:
    with far_machine(tmp_path_factory.mktemp("nas")) as machine, machine.docker():
        yield machine


@pytest.fixture
def line(nas: FarMachine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    """A line that only this test uses; its folder's name is short, since a socket's path has 107 bytes."""
    monkeypatch.setenv("PATH", f"{nas.folder}/bin:{os.environ['PATH']}")
    with TemporaryDirectory(prefix="lines") as folder:
        monkeypatch.setattr(ssh, "FOLDER", Path(folder, "x"))
        made = Line(HOST)
        yield made
        made.close()


@pytest.fixture
def far(line: Line) -> Iterator[Far]:
    made = Far(line)
    yield made
    made.close()


def test_what_is_told_of_its_folders_is_what_is_there(nas: FarMachine, far: Far) -> None:
    originals = far.path("/srv/photos/originals")
    found = originals.stat()

    assert (found.st_uid, found.st_gid, oct(found.st_mode)) == (UID, UID, "0o40755")
    assert found.st_dev == int(nas.run("stat", "-c", "%d", str(originals)))
    assert (originals.is_dir(), originals.exists(), originals.is_file()) == (True, True, False)
    assert not (originals / "absent").exists()
    assert far.file_system(originals) == nas.run("stat", "-f", "-c", "%T", str(originals)).strip() == "tmpfs"
    assert far.is_mount(far.path("/srv"))
    assert not far.is_mount(originals)
    assert not HERE.path("/srv/photos").exists(), "here is no such folder"


def test_free_space_addresses_and_the_person_are_those_of_that_machine(nas: FarMachine, far: Far) -> None:
    free = int(nas.run("stat", "-f", "-c", "%a", "/srv")) * int(nas.run("stat", "-f", "-c", "%S", "/srv"))

    assert abs(far.free_bytes(far.path("/srv/photos")) - free) < free / 10
    assert "10.77.0.9" in far.own_addresses()
    assert far.person() == (UID, UID)
    assert person(far) == Owner(uid=UID, gid=UID)
    assert far.may_write(far.path("/srv/photos/originals"))
    assert not far.may_write(far.path("/usr")), "it is root's"


@pytest.mark.parametrize("name", ["2024 年", "it's $HOME", 'a"b', "-rf", "new\nline"])
def test_a_folder_is_made_written_and_counted_whatever_its_name(nas: FarMachine, far: Far, name: str) -> None:
    folder = far.path("/srv/photos/import") / name / "x"
    folder.mkdir(parents=True)
    (folder / "é.txt").write_text("größe\n")

    assert (folder / "é.txt").read_text() == "größe\n"
    assert nas.run("cat", f"/srv/photos/import/{name}/x/é.txt") == "größe\n"
    assert [entry[:2] for entry in far.files(folder)] == [("é.txt", len("größe\n".encode()))]
    assert far.free_bytes(folder) > 0
    assert [path.name for path in folder.iterdir()] == ["é.txt"]
    (folder / "é.txt").unlink()
    assert list(far.files(folder.parent)) == []


def test_a_drive_that_is_not_mounted_there_is_known(far: Far) -> None:
    assert str(absent_drive(far.path("/mnt/usb-nobody-has/photos"), far)) == "/mnt/usb-nobody-has"


def test_a_disk_is_found_below_a_folder_as_on_this_machine(far: Far) -> None:
    # The far machine sees this one's disk where nothing else is mounted.
    assert disks_below(far.path("/usr")) == disks_below(Path("/usr"))


def test_a_port_is_free_there_until_someone_listens(nas: FarMachine, far: Far) -> None:
    assert far.is_free("127.0.0.1", 8384)
    with listening(nas, "127.0.0.1", 8384):
        assert not far.is_free("127.0.0.1", 8384)
        assert not far.is_free("0.0.0.0", 8384)  # noqa: S104 - asked for, not bound
        assert far.is_free("10.77.0.9", 8384), "another address of it"
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        own.listen()
        assert far.is_free("127.0.0.1", own.getsockname()[1]), "a port of this machine is none of that one"


def test_docker_and_a_page_there_are_reached_here(nas: FarMachine, line: Line) -> None:
    line.open()
    endpoint = endpoint_at(HOST, "photos:host")
    assert endpoint.url == f"unix://{line.docker_socket}"
    with closing(endpoint.connect(20)) as client:
        assert client.info()["ID"] == nas.run("docker", "info", "--format", "{{.ID}}").strip()

    with listening(nas, "127.0.0.1", 20342):
        line.forward("127.0.0.1", 20342)
        line.forward("127.0.0.1", 20342)
        with socket.create_connection((line.address, 20342), timeout=10) as heard:
            assert heard.recv(2) == b"hi"


def test_the_sockets_are_for_their_owner_alone(line: Line) -> None:
    line.open()

    for path in (line.folder.parent, line.folder):
        assert oct(path.stat().st_mode & 0o777) == "0o700"
    assert oct(line.docker_socket.stat().st_mode & 0o777) == "0o600"


def test_a_folder_that_somebody_else_made_is_refused(line: Line) -> None:
    line.folder.parent.mkdir()
    line.folder.parent.chmod(0o777)

    with pytest.raises(LineError, match="is not a folder of yours alone"):
        line.open()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ssh://stranger@nas", "nas does not let stranger in by ssh"),
        ("ssh://family@127.0.0.1:9", "127.0.0.1 does not answer by ssh"),
        ("ssh://family@no-such-host.invalid", "no machine is called no-such-host.invalid here"),
    ],
)
def test_what_is_in_the_way_is_said_with_what_to_do(line: Line, url: str, said: str) -> None:
    assert line.url == HOST

    with pytest.raises(LineError, match=said):
        Line(url).open()


def test_a_machine_without_docker_and_one_that_lets_nobody_at_it_are_told_apart(nas: FarMachine, line: Line) -> None:
    line.open()
    nas.run("chmod", "600", "/run/docker.sock")
    closed = str(ssh.no_docker_there(line)[0])
    nas.run("chmod", "660", "/run/docker.sock")
    nas.run("mv", "/run/docker.sock", "/run/away")
    absent = str(ssh.no_docker_there(line)[0])
    nas.run("mv", "/run/away", "/run/docker.sock")

    assert closed == "the Docker on nas does not answer family"
    assert absent == "no Docker runs on nas: there is no /var/run/docker.sock"


@pytest.mark.parametrize("sftp", ["/bin/false", "internal-sftp -d /srv -P readlink,stat,lstat,open"])
def test_a_machine_that_does_not_show_its_files_is_told_so(nas: FarMachine, line: Line, sftp: str) -> None:
    nas.show_files(sftp)
    far = Far(line)
    try:
        with pytest.raises(LineError, match="does not show its files by SFTP"):
            far.path("/srv/photos").exists()
    finally:
        nas.show_files("internal-sftp")
        far.close()


def test_a_line_that_is_cut_is_no_folder_that_is_gone(line: Line, far: Far) -> None:
    originals = far.path("/srv/photos/originals")
    assert originals.exists()
    line.close()

    with pytest.raises(LineError, match="the connection to nas was cut"):
        originals.exists()
    assert machine_at(None) is HERE


def test_a_machine_that_is_off_is_an_error_of_its_docker(nas: FarMachine, line: Line) -> None:
    assert nas.name == line.host
    endpoint = endpoint_at("ssh://family@127.0.0.1:9", "photos:host")

    with pytest.raises(EndpointError, match=r"127\.0\.0\.1 does not answer by ssh"):
        endpoint.connect(5)


class listening:  # noqa: N801 - a block
    """Let a program there listen on a port and say hi."""

    def __init__(self, nas: FarMachine, address: str, port: int) -> None:
        code = (
            "import socket\ns=socket.socket()\ns.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n"
            f"s.bind(({address!r}, {port}))\ns.listen()\nprint('up', flush=True)\n"
            "while True:\n c, _ = s.accept()\n c.sendall(b'hi')\n c.close()\n"
        )
        self._command = [*nas.inside, "python3", "-c", code]

    def __enter__(self) -> None:
        self._program = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        assert self._program.stdout
        assert self._program.stdout.readline() == "up\n"

    def __exit__(self, *_: object) -> None:
        with self._program as program:
            program.terminate()
