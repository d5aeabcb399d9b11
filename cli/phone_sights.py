"""What is seen of the phones in a running Syncthing: those of the stack file, and what is there beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cli import containers, pages
from cli.dockers import Dockers
from components.addresses import LOOPBACK
from components.apps.resource import AwayError
from components.apps.syncthing import SyncthingApi, same_place
from components.messages import Message, Said, message
from components.services.syncthing import PhoneConfig, Syncthing, SyncthingConfig, phone_path
from stacks.sections import Settings

KEY_FILE = "/run/secrets/syncthing_api_key"
PATIENCE_SECONDS = 5.0
NEVER = datetime(2000, 1, 1, tzinfo=UTC)
"""Syncthing tells 1970 of a device that it has never seen."""
STATES = {
    said.code.removeprefix("folder_"): said
    for said in (
        message("folder_idle", "up to date"),
        message("folder_scanning", "looking through"),
        message("folder_scan-waiting", "waits to look through"),
        message("folder_syncing", "receiving"),
        message("folder_sync-preparing", "receiving"),
        message("folder_sync-waiting", "waits to receive"),
        message("folder_cleaning", "emptying the trash-can"),
        message("folder_starting", "starting"),
    )
}


@dataclass(frozen=True)
class PhoneSight:
    """One declared phone. `seen`: when it was last connected; None for never. `state`: how its folder goes.

    `missing`: what of it is not in Syncthing. `problem`: what keeps photos from arriving.
    """

    name: str
    config: PhoneConfig
    connected: bool = False
    seen: datetime | None = None
    state: Said = ""
    files: int = 0
    size: int = 0
    missing: bool = False
    problem: Message | None = None

    @property
    def silent_days(self) -> int:
        """For how many days it was not seen, once that is more than the stack file allows; else 0."""
        if self.connected or self.seen is None or not self.config.quiet_days:
            return 0
        silence = datetime.now(UTC) - self.seen
        return silence.days if silence > timedelta(days=self.config.quiet_days) else 0


def section(settings: Settings) -> SyncthingConfig | None:
    """Return the section of Syncthing; None where there is none."""
    found = settings.enabled().get(Syncthing.service)
    return found if isinstance(found, SyncthingConfig) else None


def reach(dockers: Dockers, stack: str, config: SyncthingConfig) -> SyncthingApi | None:
    """Return Syncthing's API; None where its container does not run."""
    container = containers.of_service(dockers, stack, Syncthing.service)
    if container is None or container.status != "running":
        return None
    key = containers.content(container, KEY_FILE).decode().strip()
    place = pages.reached_here(stack, Syncthing.service, LOOPBACK, config.port)
    return SyncthingApi(f"http://{place}", key, patience=PATIENCE_SECONDS)


def sights(api: SyncthingApi, config: SyncthingConfig) -> list[PhoneSight]:
    """Look at every declared phone."""
    connections, devices = api.look("system/connections")["connections"], api.look("stats/device")
    known = {device["deviceID"] for device in api.get("devices")}
    folders = {folder["id"]: folder for folder in api.get("folders")}
    found = []
    for name, phone in config.phones.items():
        seen = datetime.fromisoformat(devices[phone.device]["lastSeen"]) if phone.device in devices else NEVER
        connected = bool(connections.get(phone.device, {}).get("connected"))
        sight = PhoneSight(name, phone, connected=connected, seen=seen if seen > NEVER else None)
        folder = folders.get(phone.folder_id(name)) if phone.device in known else None
        found.append(_with_folder(sight, folder, api))
    return found


def _with_folder(sight: PhoneSight, folder: Mapping[str, Any] | None, api: SyncthingApi) -> PhoneSight:
    """Return the phone with how its folder goes."""
    if folder is None:
        return replace(sight, state=message("phone_not_there", "not in Syncthing"), missing=True)
    if folder["paused"]:
        return replace(sight, state=message("folder_paused", "paused by hand"), missing=True)
    status = api.look("db/status", folder=folder["id"]) or {}
    state: Said = STATES.get(str(status.get("state")), str(status.get("state", "")))
    if status.get("state") == "idle" and status.get("needFiles"):
        state = message("folder_needs", "{count} files still to come", count=status["needFiles"])
    return replace(
        sight,
        state=state,
        files=int(status.get("localFiles", 0)),
        size=int(status.get("localBytes", 0)),
        problem=_problem(sight.name, status),
    )


def _problem(name: str, status: Mapping[str, Any]) -> Message | None:
    """Say what keeps photos from arriving."""
    if said := status.get("error"):
        restore = message(
            "phone_folder_restore",
            ". If the disk was replaced or the folder lost: ./photos keeper restore originals/phones",
        )
        lost = "marker missing" in said or "path missing" in said
        return message(
            "phone_folder_stopped",
            "{name}: Syncthing stopped its folder ({said}){advice}",
            name=name,
            said=said,
            advice=restore if lost else "",
        )
    if count := status.get("errors") or status.get("pullErrors"):
        return message(
            "phone_files_failed",
            "{name}: {count} files cannot be fetched. See: ./photos logs syncthing",
            name=name,
            count=count,
        )
    return None


def troubles(seen: list[PhoneSight], stack: str, *, told: bool = False) -> Iterator[Message]:
    """Yield what a person should do about the phones; nothing while photos arrive.

    `told`: the keeper tells what its page does, so that it is not said twice and in other words.
    """
    for phone in seen:
        if phone.problem and not told:
            yield phone.problem
        if phone.missing:
            yield message(
                "phone_put_back",
                "{name}: {state}. Put it back: ./photos up {stack} --refresh",
                name=phone.name,
                state=phone.state,
                stack=stack,
            )
        if (days := phone.silent_days) and not told:
            yield message(
                "phone_silent",
                "{name} has not been here for {days} days: what it took since then is only on it. Open Syncthing on it",
                name=phone.name,
                days=days,
            )


def undeclared(api: SyncthingApi, config: SyncthingConfig, stack: str) -> Iterator[Message]:
    """Yield what is in Syncthing that no phone of the stack file is, with what to do."""
    own, declared = api.own_id(), {phone.device for phone in config.phones.values()}
    folders = {phone.folder_id(name) for name, phone in config.phones.items()}
    page = pages.page(stack, Syncthing.service, LOOPBACK, config.port)
    for device in api.get("devices"):
        if device["deviceID"] not in {own, *declared}:
            yield message(
                "device_undeclared",
                "Syncthing knows a device that the stack file does not: {id} ({name}). Take it over: ./photos phone add NAME --device {id} --stack {stack} ; or remove it on {page}",
                id=device["deviceID"],
                name=device["name"],
                stack=stack,
                page=page,
            )
    for folder in api.get("folders"):
        if folder["id"] not in folders:
            yield message(
                "folder_undeclared",
                "Syncthing has a folder that the stack file does not: {id} at {path}. If it is a phone's, take it over: ./photos phone add NAME --stack {stack} ; or remove it on {page}: its files stay",
                id=folder["id"],
                path=folder["path"],
                stack=stack,
                page=page,
            )


def made_by_hand(api: SyncthingApi, config: SyncthingConfig, name: str) -> Mapping[str, Any] | None:
    """Return the folder that lies where this phone's will lie, and that the stack file does not know."""
    known = {phone.folder_id(other) for other, phone in config.phones.items()}
    found = (folder for folder in api.get("folders") if same_place(folder["path"], phone_path(name)))
    return next((folder for folder in found if folder["id"] not in known), None)


def warnings(dockers: Dockers, stack: str, settings: Settings, *, told: bool = False) -> list[Message]:
    """Return what to do about the phones of a running stack; nothing where Syncthing is away, which is told elsewhere.

    `told`: as for `troubles`.
    """
    config = section(settings)
    if not config or not config.phones or dockers.host_of(Syncthing.service) in dockers.lost:
        return []
    if not (api := reach(dockers, stack, config)):
        return []
    try:
        return list(troubles(sights(api, config), stack, told=told))
    except AwayError:
        return []
