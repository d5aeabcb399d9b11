"""`./photos keeper restore`: whom it stops meanwhile, what it hands to the stack's own container, and what comes back."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import docker
import pytest
import typer
from docker.errors import APIError
from example_stack import STACK_ID

from cli import containers, restore
from cli.dockers import Dockers
from components.restore import ORDER_FILE
from components.storage import MARKER

if TYPE_CHECKING:
    from cli.conftest import Checkout, FakeClient  # mypy names the files of this folder cli.*


class Ordered:
    """The container of the restore, which notes what happens to it, in order."""

    def __init__(self, client: FakeClient, monkeypatch: pytest.MonkeyPatch, status: str = "created") -> None:
        self.happened: list[str] = []
        self.order = ""
        client.add_container("restore", STACK_ID)
        container = client.things["containers"][-1]
        container.status = status
        container.put_archive = self._put
        container.start = lambda: self.happened.append("start")
        container.wait = lambda: {"StatusCode": 6}
        container.stop = lambda **_: self.happened.append("stop")
        api = SimpleNamespace(attach_socket=lambda *_: self.happened.append("attach"))
        monkeypatch.setattr(client, "api", api, raising=False)
        monkeypatch.setattr(restore, "show", lambda *_, **__: self.happened.append("show"))

    def _put(self, folder: str, content: bytes) -> None:
        self.happened.append("order")
        with tarfile.open(fileobj=io.BytesIO(content)) as bundle:
            (member,) = bundle.getmembers()
            assert str(Path(folder, member.name)) == ORDER_FILE
            file = bundle.extractfile(member)
            assert file
            self.order = file.read().decode()


def carried_out(words: list[str], disturbed: list[str]) -> int:
    with containers.connected("dev") as dockers:
        return restore.carry_out(dockers, "dev", words, disturbed)


def one() -> Dockers:
    """Return the one host as the commands have it."""
    return Dockers("dev", {"": docker.from_env()})


def test_the_order_is_there_before_the_start_and_its_exit_code_comes_back(
    checkout: Checkout, client: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout.write(STACK_ID)
    ordered = Ordered(client, monkeypatch)

    assert carried_out(["originals/2024", "--json"], []) == 6
    assert ordered.happened == ["order", "attach", "start", "show"], "who attaches later reads the log of the last one"
    assert ordered.order.endswith("set -- originals/2024 --json\n")
    first = ordered.order
    carried_out(["originals/2024", "--json"], [])
    assert ordered.order != first, "each is carried out once"


def test_a_second_restore_is_refused_before_anything_is_stopped(
    checkout: Checkout, client: FakeClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout.write(STACK_ID)
    client.add_container("photoprism", STACK_ID)
    client.things["containers"][0].stop = lambda **_: pytest.fail("the first one needs it stopped, or not")
    ordered = Ordered(client, monkeypatch, status="running")

    with pytest.raises(typer.Exit):
        carried_out(["--everything"], ["photoprism"])
    assert "A restore is running already" in capsys.readouterr().err
    assert ordered.happened == []


def test_without_its_container_the_way_to_get_it_is_said(
    checkout: Checkout, client: FakeClient, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout.write(STACK_ID)
    client.add_container("keeper", STACK_ID)

    with pytest.raises(typer.Exit):
        carried_out([], [])
    assert "./photos up dev" in capsys.readouterr().err


def test_a_restore_that_cannot_start_says_why(
    checkout: Checkout, client: FakeClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout.write(STACK_ID)
    Ordered(client, monkeypatch)

    def refuse() -> None:
        msg = "refused"
        raise APIError(msg, explanation="bind source path does not exist: /mnt/photos")

    client.things["containers"][-1].start = refuse

    with pytest.raises(typer.Exit):
        carried_out([], [])
    assert "bind source path does not exist: /mnt/photos" in capsys.readouterr().err


def test_ctrl_c_stops_it(checkout: Checkout, client: FakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    checkout.write(STACK_ID)
    ordered = Ordered(client, monkeypatch)

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(restore, "show", interrupted)

    assert carried_out([], []) == 130
    assert ordered.happened[-1] == "stop"


@pytest.mark.parametrize(
    ("request_", "services"),
    [
        ({"what": ["originals/2024"]}, []),
        ({"what": ["originals"]}, ["syncthing"]),
        ({"what": ["originals/phones/"]}, ["syncthing"]),
        ({"what": ["photoprism/sidecar"]}, ["photoprism"]),
        ({"what": ["syncthing/config"]}, ["syncthing"]),
        ({"what": [], "database": True}, ["photoprism"]),
        ({"what": ["originals", "photoprism/sidecar"], "into": "originals/was"}, []),
        ({"what": [], "everything": True, "into": "originals/was"}, []),
        ({"what": ["originals"], "database": True, "into": "originals/was"}, ["photoprism"]),
        ({"what": ["originals"], "into": "photoprism/was"}, ["photoprism"]),
        ({"what": [], "everything": True}, ["photoprism", "syncthing"]),
    ],
)
def test_only_who_would_be_disturbed_is_stopped(request_: dict[str, Any], services: list[str]) -> None:
    assert restore.services_disturbed(**{"everything": False, "database": False, **request_}) == services


def test_who_was_stopped_is_started_again_even_when_the_restore_fails(checkout: Checkout, client: FakeClient) -> None:
    checkout.write(STACK_ID)
    done: list[str] = []
    for service, state in (("photoprism", "running"), ("syncthing", "exited")):
        client.add_container(service, STACK_ID)
        found = client.things["containers"][-1]
        found.status = state
        found.stop = lambda service=service, **_: done.append(f"stop {service}")
        found.start = lambda service=service: done.append(f"start {service}")

    def fail_meanwhile() -> None:
        with restore._stopped(one(), "dev", ["photoprism", "syncthing"]):
            msg = "the restore failed"
            raise RuntimeError(msg)

    with pytest.raises(RuntimeError, match="the restore failed"):
        fail_meanwhile()

    assert done == ["stop photoprism", "start photoprism"], "who did not run before is left alone"


def test_a_mounted_folder_that_was_lost_with_the_photos_is_made_again(
    checkout: Checkout, client: FakeClient, tmp_path: Path
) -> None:
    checkout.write(STACK_ID)
    client.add_container("syncthing", STACK_ID)
    (found,) = client.things["containers"]
    (tmp_path / MARKER).touch()
    (tmp_path / "mount point").mkdir()
    lost, absent = tmp_path / "phones", tmp_path / "mount point" / "originals"
    found.attrs["HostConfig"]["Mounts"] = [{"Type": "bind", "Source": str(folder)} for folder in (lost, absent)]
    found.status, found.stop, seen = "running", lambda **_: None, []
    found.start = lambda: seen.append(lost.is_dir())

    with restore._stopped(one(), "dev", ["syncthing"]):
        pass

    assert seen == [True]
    assert not absent.exists(), "its disk is not there"


def test_a_service_that_does_not_start_again_is_named_and_the_others_start(
    checkout: Checkout, client: FakeClient, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout.write(STACK_ID)
    started: list[str] = []

    def refuse() -> None:
        msg = "no such folder"
        raise APIError(msg)

    for service, start in (("photoprism", refuse), ("syncthing", lambda: started.append("syncthing"))):
        client.add_container(service, STACK_ID)
        found = client.things["containers"][-1]
        found.status, found.stop, found.start = "running", lambda **_: None, start

    with restore._stopped(one(), "dev", ["photoprism", "syncthing"]):
        pass

    assert started == ["syncthing"]
    assert "did not start: no such folder. Mend that, then: ./photos up dev --refresh" in capsys.readouterr().err
