"""`./photos phone`: a phone is let in by who compared its ID, is written into the stack file, and what is seen of it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import psutil
import pytest
import typer
from example_stack import STACK_ID
from syncthing_double import KEY, OWN_ID, SyncthingDouble, serving
from typer.testing import CliRunner, Result

from cli import console, phone_sights, status, workspace
from cli.commands import phone
from components.apps.syncthing import PhoneProvider, SyncthingApi
from components.services.syncthing import SyncthingConfig, phone_inputs
from components.storage import Library
from stacks.host import wsl
from stacks.host.machine import HERE

if TYPE_CHECKING:
    from cli.conftest import Checkout, FakeClient  # mypy names the files of this folder cli.*

MUM = "MFZWI3D-BONSGYC-YLTMRWG-C43ENR5-QXGZDMM-FZWI3DP-BONSGYY-LTMRWAD"
SERVICES: dict[str, Any] = {"syncthing": {}, "photoprism": {}}


class Desk:
    """A person at the terminal: what was asked, what the answers are, and what was done."""

    def __init__(self) -> None:
        self.questions: list[str] = []
        self.answers: list[bool] = []
        self.done: list[tuple[str, ...]] = []
        self.up = 0

    def confirm(self, question: object) -> bool:
        self.questions.append(str(question))
        return self.answers.pop(0)

    def remove_value(self, _stack: str, key: str) -> None:
        self.done.append(("remove", key))

    def run_up(self, _stack: str, *, yes: bool) -> None:
        self.done.append(("up", str(yes)))
        raise typer.Exit(self.up)


@pytest.fixture(name="there")
def syncthing() -> SyncthingDouble:
    return SyncthingDouble()


@pytest.fixture(autouse=True)
def api(
    checkout: Checkout, there: SyncthingDouble, client: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SyncthingApi]:
    client.add_services(STACK_ID)
    write(checkout)
    with serving(there) as url:
        made = SyncthingApi(url, KEY, patience=1)
        for module in (phone, phone_sights):
            monkeypatch.setattr(module, "reach", lambda *_: made)
        yield made


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    made = Desk()
    monkeypatch.setattr(phone, "confirm", made.confirm)
    monkeypatch.setattr(phone, "up", made.run_up)
    monkeypatch.setattr(phone, "LOOK_SECONDS", 0)
    monkeypatch.setattr(phone, "server_id", lambda _: OWN_ID)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(workspace, "remove_value", made.remove_value)
    return made


def write(checkout: Checkout, phones: dict[str, Any] | None = None) -> None:
    checkout.write(STACK_ID, {"photos:services": {**SERVICES, "syncthing": {"phones": phones or {}}}})


def run(*words: str) -> Result:
    return CliRunner().invoke(phone.app, list(words))


def written(checkout: Checkout) -> list[tuple[str, ...]]:
    return [asked for asked in checkout.asked if asked[0] == "set"]


def ask(there: SyncthingDouble, id_: str, name: str) -> None:
    there.pending[id_] = {"time": "2026-11-29T12:00:00Z", "name": name, "address": "192.168.1.20:22000"}


def test_a_phone_that_asks_is_let_in_once_a_person_compared_its_id(
    checkout: Checkout, there: SyncthingDouble, desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    ask(there, MUM, "Pixel 8")
    desk.answers = [True]
    phone.add("mum", "dev", deletions="follow")
    said = capsys.readouterr().out

    assert written(checkout) == [
        ("set", "photos:services.syncthing.phones.mum.device", MUM),
        ("set", "photos:services.syncthing.phones.mum.deletions", "follow"),
    ]
    assert desk.done == [("up", "False")]
    assert said.index(OWN_ID) < said.index("█") < said.index("Pixel 8 asks, from 192.168.1.20:22000")
    assert MUM in said
    assert "Accept it, choose the camera's folder" in said
    assert len(desk.questions) == 1


def test_a_stranger_is_asked_about_once_and_never_let_in(
    checkout: Checkout, there: SyncthingDouble, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(there, OWN_ID[:-1] + "X", "a neighbour")
    desk.answers = [False, True]
    monkeypatch.setattr(time, "sleep", lambda _: ask(there, MUM, "Pixel 8"))
    phone.add("mum", "dev")

    assert written(checkout)[0][2] == MUM
    assert len(desk.questions) == 2


@pytest.mark.usefixtures("desk")
def test_nobody_is_let_in_where_nobody_can_compare(checkout: Checkout, there: SyncthingDouble) -> None:
    ask(there, MUM, "Pixel 8")
    result = run("add", "mum", "--yes")

    assert result.exit_code == 1
    assert "./photos phone add mum --device ID" in result.output
    assert written(checkout) == []


def test_an_id_that_was_typed_needs_no_waiting(checkout: Checkout, desk: Desk) -> None:
    result = run("add", "mum", "--device", MUM.lower().replace("-", " "), "--yes")

    assert result.exit_code == 0, result.output
    assert written(checkout)[0] == ("set", "photos:services.syncthing.phones.mum.device", MUM)
    assert desk.done == [("up", "True")]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("mum", "--device", MUM[:-1] + "X"), "has a typing mistake"),
        (("mum", "--device", OWN_ID), "is this server itself"),
        ((".mum", "--device", MUM), "cannot be the name of a phone"),
        (("dad", "--device", MUM), '"dad" is in the stack file already'),
        (("Dad", "--device", MUM), "large and small letters"),
        (("mum", "--device", "P56IOI7-MZJNU2Y-IQGDREY-DM2MGTI-MGL3BXN-PQ6W5BM-TBBZ4TJ-XZWICQ3"), "check letters"),
    ],
)
@pytest.mark.usefixtures("desk")
def test_what_cannot_be_a_phone_is_said_and_nothing_is_written(
    checkout: Checkout, words: tuple[str, ...], says: str
) -> None:
    write(checkout, {"dad": {"device": "AIR6LPZ-7K4PTTV-UXQSMUU-CPQ5YWH-OEDFIIQ-JUG777G-2YQXXR5-YD6AWQR"}})
    result = run("add", *words, "--yes")

    assert result.exit_code == 1
    assert says in result.output
    assert written(checkout) == []


def test_an_up_that_failed_ends_with_its_code(desk: Desk) -> None:
    desk.up = 255

    assert run("add", "mum", "--device", MUM).exit_code == 255


def by_hand(there: SyncthingDouble, *devices: str) -> None:
    for device in devices:
        there.answer("PUT", f"/rest/config/devices/{device}", {"deviceID": device, "name": "Pixel"})
    shared = [{"deviceID": device} for device in devices]
    there.answer("PUT", "/rest/config/folders/pixel-1", {"path": "/phones/mum/", "devices": shared})


def test_a_folder_that_was_made_by_hand_is_taken_over_with_its_device(
    checkout: Checkout, there: SyncthingDouble, desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    by_hand(there, MUM)
    desk.answers = [True]
    phone.add("mum", "dev")

    assert written(checkout) == [
        ("set", "photos:services.syncthing.phones.mum.device", MUM),
        ("set", "photos:services.syncthing.phones.mum.deletions", "keep"),
        ("set", "photos:services.syncthing.phones.mum.folder", "pixel-1"),
    ]
    assert "pixel-1 at /phones/mum/" in desk.questions[0]
    assert "goes on as before" in capsys.readouterr().out


def test_a_folder_in_its_place_that_nobody_wants_or_that_many_share_is_no_phone(
    checkout: Checkout, there: SyncthingDouble, desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    by_hand(there, MUM)
    desk.answers = [False]
    with pytest.raises(typer.Exit):
        phone.add("mum", "dev")
    refused = capsys.readouterr().err
    there.folders.clear()
    by_hand(there, MUM, "AIR6LPZ-7K4PTTV-UXQSMUU-CPQ5YWH-OEDFIIQ-JUG777G-2YQXXR5-YD6AWQR")
    with pytest.raises(typer.Exit):
        phone.add("mum", "dev")

    assert "Two folders in one place would fight" in refused
    assert "shared with 2 devices" in capsys.readouterr().err
    assert written(checkout) == []


def test_a_typed_device_takes_the_folder_that_is_there_by_hand(
    checkout: Checkout, there: SyncthingDouble, desk: Desk
) -> None:
    by_hand(there, MUM)
    run("add", "mum", "--device", MUM, "--yes")

    assert written(checkout)[-1] == ("set", "photos:services.syncthing.phones.mum.folder", "pixel-1")
    assert desk.questions == []


@pytest.mark.usefixtures("desk")
def test_before_the_first_up_there_is_no_id_to_show(checkout: Checkout) -> None:
    checkout.file.unlink()

    assert "First: ./photos up dev" in run("add", "mum").output


def test_a_removed_phone_leaves_the_stack_file_and_its_photos_stay(checkout: Checkout, desk: Desk) -> None:
    write(checkout, {"mum": {"device": MUM}})
    desk.answers = [True]
    result = run("remove", "mum")

    assert desk.done == [("remove", "photos:services.syncthing.phones.mum"), ("up", "False")]
    assert "its photos stay in originals/phones/mum" in desk.questions[0]
    assert result.exit_code == 0


def test_a_phone_is_not_removed_without_asking_nor_one_that_is_not_there(checkout: Checkout, desk: Desk) -> None:
    write(checkout, {"mum": {"device": MUM}})
    desk.answers = [False]
    kept, unknown = run("remove", "mum"), run("remove", "anna")

    assert (kept.exit_code, unknown.exit_code, desk.done) == (1, 1, [])
    assert "Known: mum" in unknown.output


def declare(checkout: Checkout, url: str, **phones: dict[str, Any]) -> None:
    """Write phones into the stack file, and have them in Syncthing."""
    write(checkout, phones)
    config = SyncthingConfig.model_validate({"phones": phones})
    for name, one in config.phones.items():
        inputs = phone_inputs(name, one, Library(originals="/o", imports="/i"))
        PhoneProvider().create({"url": url, "key": KEY, **inputs})


def url_of(api: SyncthingApi) -> str:
    return str(api._url)


def test_the_list_says_when_each_was_here_and_what_it_sent(
    checkout: Checkout, there: SyncthingDouble, api: SyncthingApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console.out, "width", 200)
    declare(checkout, url_of(api), mum={"device": MUM}, dad={"device": OWN_ID, "deletions": "follow"})
    there.connected = {MUM}
    there.statuses["phone-mum"] = {"localFiles": 1234, "localBytes": 5_600_000_000}
    there.statuses["phone-dad"] = {"needFiles": 3}
    result = run("list")
    mum, dad = (next(line for line in result.output.splitlines() if name in line) for name in ("mum", "dad"))

    assert result.exit_code == 0, result.output
    assert mum.split(maxsplit=2)[1] == "now"
    for part in ("up to date", "1,234 (5.6 GB)", "stays in the album"):
        assert part in mum
    for part in ("never yet", "3 files still to come", "goes from the album"):
        assert part in dad


@pytest.fixture
def run_status(
    checkout: Checkout, api: SyncthingApi, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[[], str]:
    """Declare a phone; return what gives the warnings of `./photos status`."""
    monkeypatch.setattr(console.out, "width", 200)
    declare(checkout, url_of(api), mum={"device": MUM})

    def told() -> str:
        capsys.readouterr()
        status.show("dev")
        return capsys.readouterr().err

    return told


def days_ago(days: float) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).isoformat()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda there: there.seen.update({MUM: days_ago(20)}), "mum has not been here for 20 days"),
        (
            lambda there: there.statuses.update({"phone-mum": {"state": "error", "error": "folder marker missing"}}),
            "mum: Syncthing stopped its folder (folder marker missing). If the disk was replaced",
        ),
        (
            lambda there: there.statuses.update({"phone-mum": {"state": "error", "error": "insufficient space"}}),
            "mum: Syncthing stopped its folder (insufficient space)",
        ),
        (lambda there: there.statuses.update({"phone-mum": {"errors": 2}}), "mum: 2 files cannot be fetched"),
        (lambda there: there.folders.clear(), "mum: not in Syncthing. Put it back: ./photos up dev --refresh"),
        (lambda there: there.folders["phone-mum"].update(paused=True), "mum: paused by hand"),
    ],
    ids=["silent", "marker", "full", "errors", "gone", "paused"],
)
def test_what_keeps_photos_from_coming_is_in_the_list_and_in_the_status(
    there: SyncthingDouble, change: Any, says: str, run_status: Callable[[], str]
) -> None:
    well, quiet = run("list"), run_status()
    change(there)
    ill, told = run("list"), run_status()

    assert (well.exit_code, ill.exit_code) == (0, 1)
    assert says in ill.output
    assert says in told
    assert "mum" not in quiet


def test_only_what_the_keeper_does_not_see_is_told_beside_it(
    checkout: Checkout, there: SyncthingDouble, api: SyncthingApi
) -> None:
    """Its words are those of its page; that a folder is paused it does not call trouble."""
    declare(checkout, url_of(api), mum={"device": MUM})
    there.seen[MUM] = days_ago(20)
    config = SyncthingConfig.model_validate({"phones": {"mum": {"device": MUM}}})
    alone = list(phone_sights.troubles(phone_sights.sights(api, config), "dev"))
    silent = list(phone_sights.troubles(phone_sights.sights(api, config), "dev", told=True))
    there.folders["phone-mum"].update(paused=True)
    paused = list(phone_sights.troubles(phone_sights.sights(api, config), "dev", told=True))

    assert (len(alone), silent) == (1, [])
    assert [str(each).partition(".")[0] for each in paused] == ["mum: paused by hand"]


def test_a_phone_that_may_be_silent_is_no_trouble(
    checkout: Checkout, there: SyncthingDouble, api: SyncthingApi
) -> None:
    declare(checkout, url_of(api), mum={"device": MUM, "quiet_days": 0})
    there.seen[MUM] = days_ago(400)

    assert run("list").exit_code == 0


def test_what_nobody_declared_is_named_with_what_to_do(there: SyncthingDouble) -> None:
    by_hand(there, MUM)
    result = run("list")

    assert result.exit_code == 1
    assert "No phone yet" in result.output
    assert f"./photos phone add NAME --device {MUM} --stack dev" in result.output
    assert "pixel-1 at /phones/mum/" in result.output
    assert "http://localhost:8384" in result.output


def test_a_status_without_syncthing_says_nothing_of_phones(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(checkout, {"mum": {"device": MUM}})
    away = SyncthingApi("http://127.0.0.1:9", KEY, patience=0)
    for answer in (None, away):
        monkeypatch.setattr(phone_sights, "reach", lambda *_: answer)  # noqa: B023 - asked at once
        status.show("dev")

    assert "mum" not in capsys.readouterr().err


def nic(*addresses: str) -> list[SimpleNamespace]:
    return [SimpleNamespace(address=address) for address in addresses]


@pytest.mark.parametrize(
    ("bind", "in_wsl", "shown"),
    [
        ("0.0.0.0", False, ["10.0.0.7", "192.168.1.5"]),  # noqa: S104 - made up
        ("0.0.0.0", True, []),  # noqa: S104 - made up
        ("192.168.1.9", True, ["192.168.1.9"]),
        ("fd12::5", False, ["[fd12::5]"]),
    ],
)
def test_the_address_at_home_is_the_one_that_a_phone_reaches(
    monkeypatch: pytest.MonkeyPatch, bind: str, *, in_wsl: bool, shown: list[str]
) -> None:
    monkeypatch.setattr(wsl, "in_wsl", lambda _: in_wsl)
    nics = {
        "lo": nic("127.0.0.1"),
        "eth0": nic("192.168.1.5", "fe80::1", "00:16:3e:00:00:01"),
        "wlan0": nic("10.0.0.7", "169.254.3.4"),
        "ppp0": nic("93.184.216.34"),
        "docker0": nic("172.17.0.1"),
        "br-0123456789ab": nic("172.18.0.1"),
    }
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: nics)

    assert phone.lan_addresses(SyncthingConfig(sync_bind=bind), HERE) == shown
