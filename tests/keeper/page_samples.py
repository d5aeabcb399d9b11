"""The page with sample states, for pictures and for checks in a browser: a good day, the first one, and one with everything.

`python -m tests.keeper.page_samples [NAME] [FOLDER]` serves one at a port of loopback until Ctrl-C.
"""

from __future__ import annotations

import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from keeper.backup.gate import Alarm
from keeper.errors import Exit, Problem
from keeper.page import page
from keeper.page.status import Status
from keeper.service.kit import keys_of
from keeper.settings import PhoneSettings, Settings, StorageSettings, UpdateSettings
from keeper.state import (
    AlbumState,
    CopyState,
    DrillReport,
    DrivesState,
    ImportState,
    IndexState,
    KitState,
    PhonesState,
    PhoneState,
    Progress,
    Release,
    RunReport,
    SchedulerState,
    ScrubState,
    Snapshot,
    State,
    StorageState,
    UpdatesState,
    now,
)
from tests.keeper.service import service_settings

ALARM = "0a1b2c3d"
ID = "f00dfeed" * 8
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
COPIES: list[dict[str, Any]] = [
    {"name": "disk", "kind": "disk", "type": "local", "path": "/copies/disk", "place": "/mnt/backup/photos"},
    {"name": "baidu", "kind": "mirror", "type": "openlist", "path": "baidu/photos", "place": "openlist: /baidu/photos"},
    {"name": "vault", "kind": "vault", "type": "s3", "path": "photos-vault", "place": "s3: photos-vault"},
]
PHONES = {"anna": "ANNA-DEVICE", "tom": "TOM-DEVICE"}
STORAGES = {"baidu": "/baidu", "onedrive": "/onedrive"}
EXPIRED = "error refresh token: expired_token: refresh token was used, please log in again"


def write(settings: Settings, status: Status) -> None:
    """Write a status as those write it who know it."""
    state = State(settings.state)
    for name, copy in status.copies.items():
        copy.write(state.copy_file(name))
        state.tell_progress(name, status.progress.get(name))
    for file, stored in (
        (state.scheduler_file, status.scheduler),
        (state.dump_file, status.dump),
        (state.scrub_file, status.scrub),
        (state.index_file, status.index),
        (state.import_file, status.imports),
        (state.album_file, status.album),
        (state.drives_file, status.drives),
        (state.updates_file, status.updates),
        (state.phones_file, status.phones),
        (state.kit_file, status.kit),
    ):
        stored.write(file)


def family(folder: Path) -> Settings:
    """Return the settings of a family that has everything."""
    settings = service_settings(
        folder,
        copies=COPIES,
        photoprism_url="http://photoprism:2342",
        album_address="http://localhost:2342/",
        syncthing_url="http://syncthing:8384",
        phones=[PhoneSettings(name=name, device=device) for name, device in PHONES.items()],
        drive_url="http://drive:5244",
        drive_address="http://localhost:5244/",
        storages=[StorageSettings(name=name, mount=mount) for name, mount in STORAGES.items()],
        updates=UpdateSettings(
            images={
                "mariadb": "mariadb:11.8.8",
                "photoprism": "photoprism/photoprism:260728-ce",
                "syncthing": "syncthing/syncthing:2.1.3",
            }
        ),
    )
    for copy in settings.copies:
        (settings.secrets / f"backup_{copy.name}_repository_password").write_text(f"key of {copy.name}")
    return settings


def copy_state(age: timedelta = 8 * HOUR, **more: Any) -> CopyState:
    """Return a copy to which all was well."""
    moment = now() - age
    run = RunReport(copy_name="disk", started=moment, ended=moment, files=48213, bytes=312_400_000_000)
    snapshots = [_snapshot(age + 90 * DAY, id="0" * 64), _snapshot(age)]
    values = {"snapshots": snapshots, "run": run, "last_good": moment, "slices": {0: moment}}
    return CopyState(**{**values, **more})


def good(settings: Settings) -> Status:
    """Return a status in which all is well."""
    due = {f"backup {copy.name}": now() + 16 * HOUR for copy in settings.copies} | {"drill": now() + 3 * DAY}
    drilled = DrillReport(
        copy_name="disk", started=now() - 2 * DAY, ended=now() - 2 * DAY, passed=True, files_checked=412, rows=51234
    )
    return Status(
        scheduler=SchedulerState(heartbeat=now(), due=due),
        copies={"disk": copy_state(drill=drilled), "baidu": copy_state(), "vault": copy_state()},
        index=IndexState(indexed={"phones/anna": now() - 4 * MINUTE, "phones/tom": now() - 5 * HOUR}),
        album=AlbumState(looked=now(), answered=now()),
        drives=DrivesState(looked=now() - 2 * HOUR, storages=dict.fromkeys(STORAGES, StorageState())),
        phones=PhonesState(phones={"anna": _phone("anna", 4 * MINUTE), "tom": _phone("tom", 3 * HOUR)}),
        updates=UpdatesState(looked=now() - 5 * HOUR),
        kit=KitState(confirmed=now(), keys=keys_of(settings)),
    )


def upgrade(settings: Settings) -> Status:
    """Return a good status in which something newer exists."""
    status = good(settings)
    status.updates.newer = [
        Release(service="photoprism", image="photoprism/photoprism", runs="260728-ce", newest="260801-ce")
    ]
    return status


def first_day(settings: Settings) -> Status:
    """Return the status of a stack that was just started."""
    due = {f"backup {copy.name}": now() + 9 * HOUR for copy in settings.copies}
    return Status(scheduler=SchedulerState(heartbeat=now(), due=due), album=AlbumState(looked=now(), answered=now()))


def bad(settings: Settings) -> Status:
    """Return a status in which everything is wrong at once."""
    status = good(settings)
    away, reasons = now() - 5 * HOUR, [
        Problem.of("gate.vanished", count=50, of=60, limit=20, names="originals/2024/a.jpg"),
        Problem.of("gate.folder", folder="originals/2024"),
    ]  # fmt: skip
    Alarm(id=ALARM, raised=now(), reasons=reasons, paths=["x"]).write(settings.state / "gate" / f"{ALARM}.json")
    held = RunReport(copy_name="disk", started=now(), ended=now(), exit=Exit.GATE, problems=reasons, alarm=ALARM)
    expired = Problem.of("openlist.drive_fails", drive="/baidu", said=EXPIRED)
    failed = RunReport(copy_name="baidu", started=now(), ended=now(), exit=Exit.COPY, problems=[expired])
    status.copies = {
        "disk": copy_state(held={ALARM: ID}, run=held, damage=Problem.of("copy.damage", count=2, said="pack abc")),
        "baidu": copy_state(6 * DAY, run=failed),
        "vault": CopyState(snapshots=[_snapshot(whole=False, files=8123, bytes=34_000_000_000)]),
    }
    status.progress["vault"] = Progress(
        phase="send_first", done=34_000_000_000, total=280_000_000_000, since=now() - 2 * HOUR, at=now()
    )
    unreachable = Problem.of("app.unreachable", app="photoprism", said="Connection refused")
    status.album = AlbumState(looked=now(), answered=away, since=away, problem=unreachable)
    status.drives.storages["baidu"] = StorageState(problem=expired, since=now() - 2 * DAY)
    status.index.troubled = {"phones/anna": Problem.of("phone.marker", said="x")}
    day = (now() - 20 * DAY).date()
    status.phones.phones["tom"] = _phone("tom", 20 * DAY, quiet=Problem.of("phone.quiet", phone="tom", day=day))
    status.scrub = ScrubState(
        rotten={"originals/2024/a b.jpg": now(), "originals/2019/春节.jpg": now()},
        unreadable={"originals/2011/dsc_0042.jpg": "Input/output error"},
    )
    status.imports = ImportState(ended=now())
    status.updates.newer = [
        Release(service="photoprism", image="photoprism/photoprism", runs="260728-ce", newest="260801-ce"),
        Release(service="syncthing", image="syncthing/syncthing", runs="2.1.3", newest="2.1.4"),
    ]
    status.kit = KitState(confirmed=now())
    return status


def nothing_but_a_copy(folder: Path) -> Settings:
    """Return the settings of a stack that declares no phone, no net drive, no look for releases."""
    return service_settings(folder, copies=COPIES[:1], updates=UpdateSettings(check="never"))


SAMPLES: dict[str, tuple[Callable[[Path], Settings], Callable[[Settings], Status]]] = {
    "good": (family, good),
    "upgrade": (family, upgrade),
    "first-day": (family, first_day),
    "bad": (family, bad),
    "bare": (nothing_but_a_copy, first_day),
}
"""Name → what the stack tells its keeper, and what that knows."""


@contextmanager
def served(name: str, folder: Path, port: int = 0) -> Iterator[str]:
    """Serve the page in the sample state of that name, and yield its address."""
    settings_of, status_of = SAMPLES[name]
    settings = settings_of(folder)
    write(settings, status_of(settings))
    server = page.serve(settings, "127.0.0.1", port)
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def _snapshot(age: timedelta = 8 * HOUR, **more: Any) -> Snapshot:
    return Snapshot(**{"id": ID, "time": now() - age, "files": 48213, "bytes": 312_400_000_000, **more})


def _phone(name: str, ago: timedelta, quiet: Problem | None = None) -> PhoneState:
    moment: datetime = now() - ago
    return PhoneState(device=PHONES[name], since=now() - 90 * DAY, seen=moment, quiet=quiet)


def main() -> None:
    """Serve a sample until Ctrl-C."""
    name, *rest = [*sys.argv[1:], "good"][: len(sys.argv)]
    with tempfile.TemporaryDirectory() as made, served(name, Path(rest[0] if rest else made)) as url:
        print(url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
