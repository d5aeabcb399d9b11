"""The phones that the stack declares: when each was last there, and which has been silent for too long.

A phone that sends nothing looks like a family that takes no photos; somebody has to count the days.
"""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from pydantic import BaseModel, Field, TypeAdapter

from keeper.errors import Problem
from keeper.service.alerts import Alerts
from keeper.service.messages import message
from keeper.service.syncthing import syncthing
from keeper.settings import PhoneSettings, Settings
from keeper.state import PhonesState, PhoneState, State, is_ahead, now

LOOK_SECONDS, TIMEOUT_SECONDS = 600.0, 20
NEVER = datetime(2000, 1, 1, tzinfo=UTC)
"""Syncthing tells 1970 of a device that it has never seen (lib/stats/device.go)."""
log = logging.getLogger("keeper.phones")


class Device(BaseModel):
    """What Syncthing remembers of a device (`/rest/stats/device`)."""

    last_seen: datetime = Field(alias="lastSeen")


class Connection(BaseModel):
    """Whether a device is there now (`/rest/system/connections`)."""

    connected: bool


class Connections(BaseModel):
    """All devices that are configured."""

    connections: dict[str, Connection]


DEVICES = TypeAdapter(dict[str, Device])


class Phones:
    """Notes when each phone was there, and tells which one has been silent for longer than the family wants."""

    def __init__(self, settings: Settings, alerts: Alerts, *, every: float = LOOK_SECONDS) -> None:
        self._settings, self._alerts, self._every = settings, alerts, every
        self._file = State(settings.state).phones_file
        self._state = PhonesState.read(self._file)

    def run(self, stop: threading.Event) -> None:
        """Look again and again until told to stop; a Syncthing that is away says nothing about phones."""
        while not stop.is_set():
            try:
                self.look()
            except (httpx.HTTPError, ValueError) as error:
                log.warning("Syncthing does not tell about the phones (%s)", type(error).__name__)
            stop.wait(self._every)

    def look(self) -> None:
        """Look at every declared phone once."""
        if not self._settings.phones:
            self._keep({})
            return
        with syncthing(self._settings, httpx.Timeout(TIMEOUT_SECONDS)) as client:
            devices = DEVICES.validate_python(_answer(client, "/rest/stats/device"))
            there = Connections.model_validate(_answer(client, "/rest/system/connections")).connections
        phones = {}
        for phone in self._settings.phones:
            connected = phone.device in there and there[phone.device].connected
            phones[phone.name] = self._seen(phone, _last(devices.get(phone.device), connected=connected))
        self._keep(phones)

    def _seen(self, phone: PhoneSettings, last: datetime | None) -> PhoneState:
        known = self._state.phones.get(phone.name)
        if known is None or known.device != phone.device or known.since is None:
            known = PhoneState(device=phone.device, since=now())  # another phone, or the first look
        seen = max((moment for moment in (known.seen, last) if moment), default=None)
        problem = self._silence(phone, seen, known.since or now())
        topic = f"quiet {phone.name}"
        if problem:
            told = message(self._settings.language, "alert.quiet", [problem], kind=problem.code, phone=phone.name)
            self._alerts.problem(topic, told)
        else:
            self._alerts.all_well(topic)
        return PhoneState(device=phone.device, since=known.since, seen=seen, quiet=problem)

    def _silence(self, phone: PhoneSettings, seen: datetime | None, since: datetime) -> Problem | None:
        if not phone.quiet_days or now() - (seen or since) <= timedelta(days=phone.quiet_days):
            return None
        day = (seen or since).astimezone(self._settings.zone).date()
        return Problem.of("phone.quiet" if seen else "phone.never", phone=phone.name, day=day)

    def _keep(self, phones: dict[str, PhoneState]) -> None:
        """Remember; what no phone is any more is no trouble any more. A full disk changes nothing until the next start."""
        for name in self._state.phones.keys() - phones.keys():
            self._alerts.all_well(f"quiet {name}")
        if phones == self._state.phones:
            return
        self._state = PhonesState(phones=phones)
        try:
            self._state.write(self._file)
        except OSError as error:
            log.warning("when the phones were seen is not written: %s", error.strerror)


def _last(device: Device | None, *, connected: bool) -> datetime | None:
    """Return when a device was last there; what a wrong clock noted says nothing."""
    if connected:
        return now()
    if device is None or device.last_seen < NEVER or is_ahead(device.last_seen):
        return None
    return device.last_seen


def _answer(client: httpx.Client, path: str) -> Any:
    return client.get(path).raise_for_status().json()
