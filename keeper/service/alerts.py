"""Alerts to the family through Apprise, and pings to a watcher outside of the house.

Every channel stands for itself. An alert leaves first and is written second: what a channel did not take, and what was
told, is known here in memory, and where there is room also in `<state>/alerts/`, for the next start. Nothing that happens
here changes the result of a run, and no address, which holds a secret, reaches a log.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import apprise
import httpx
from pydantic import BaseModel, Field, ValidationError

from keeper.service.messages import Message
from keeper.settings import Settings
from keeper.state import Stored, is_ahead, now, write_whole
from keeper.texts import clock, for_stack, say

URLS, PING_URL = "backup_alert_urls", "backup_ping_url"
LIFE = timedelta(days=7)
REPEAT = timedelta(hours=22)
"""Daily, with room for a run that ends earlier than yesterday's."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
PING_SECONDS = 10
PUSH, START = "/push/", "start"
EXIT_CODES = range(256)

log = logging.getLogger("keeper.alerts")
# They write addresses into their logs.
for name in ("apprise", "httpx", "httpcore", "urllib3"):
    logging.getLogger(name).setLevel(logging.CRITICAL + 1)


class Alert(BaseModel):
    """One message on its way. `channels`: marks of those that have not taken it yet."""

    raised: datetime
    kind: Literal["failure", "success"]
    title: str
    body: str
    channels: list[str]
    tries: int = 0
    next_try: datetime

    @property
    def file_name(self) -> str:
        """Where it waits."""
        return f"{self.raised:%Y%m%dT%H%M%S%f}.json"


class Trouble(BaseModel):
    """A problem that was told and is not over. `well` is what to say when it is."""

    kind: str
    told: datetime
    well: str = ""


class Troubles(Stored):
    """What was told: topic → the problem."""

    told: dict[str, Trouble] = Field({})


class Alerts:
    """Tells problems once a day and their end once. `state`: the folder of the program that tells."""

    def __init__(
        self, settings: Settings, state: Path, *, repeat: timedelta = REPEAT, pause: timedelta = FIRST_PAUSE
    ) -> None:
        self._settings, self._folder, self._file = settings, state / "alerts", state / "troubles.json"
        self._repeat, self._pause = repeat, pause
        # The scheduler and the index after sync tell from threads of their own.
        self._lock = threading.RLock()
        self._troubles = Troubles.read(self._file).told
        self._waiting = list(self._left_over())

    def problem(self, topic: str, message: Message) -> None:
        """Tell a problem, unless the same one was told within a day."""
        with self._lock:
            known = self._troubles.get(topic)
            if known and known.kind == message.kind and not is_ahead(known.told) and now() - known.told < self._repeat:
                return
            self._troubles[topic] = Trouble(kind=message.kind, told=now(), well=message.well)
            self._raise(message.title, message.body, "failure")
            self._keep(self._file, Troubles(told=self._troubles))

    def all_well(self, topic: str) -> None:
        """Tell that a topic is well again, if a problem was told."""
        with self._lock:
            if trouble := self._troubles.pop(topic, None):
                self._raise(trouble.well, "", "success")
                self._keep(self._file, Troubles(told=self._troubles))

    def topics(self) -> list[str]:
        """Return the topics of which a problem was told that is not over."""
        with self._lock:
            return sorted(self._troubles)

    def send_waiting(self) -> None:
        """Try the channels again that did not take an alert; give up after a week."""
        with self._lock:
            for alert in list(self._waiting):
                if now() - alert.raised > LIFE:
                    log.warning("an alert of %s was never taken by %s channels", alert.raised, len(alert.channels))
                    self._forget(alert)
                elif now() >= alert.next_try or is_ahead(alert.next_try):
                    self._deliver(alert)

    def ping(self, outcome: str = "") -> None:
        """Tell the watcher outside: "start", nothing for a good end, or the exit code of a bad one."""
        address = self._settings.secret(PING_URL).strip()
        try:
            said = say(self._settings.language, "ping.failed", code=outcome) if outcome else "OK"
            if address and (url := ping_url(address, outcome, said)):
                httpx.get(url, timeout=PING_SECONDS, follow_redirects=True).raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            log.warning("the ping was not taken: %s", type(error).__name__)

    def _raise(self, title: str, body: str, kind: Literal["failure", "success"]) -> None:
        moment = now()
        raised = say(self._settings.language, "alert.raised", time=clock(moment, self._settings.zone))
        body = "\n".join(line for line in (for_stack(body, self._settings.stack), raised) if line)
        log.log(logging.INFO if kind == "success" else logging.WARNING, "%s", title)
        if channels := list(self._channels()):
            whole = f"{self._settings.stack}: {title}"
            alert = Alert(raised=moment, kind=kind, title=whole, body=body, channels=channels, next_try=moment)
            self._waiting.append(alert)
            self._deliver(alert)

    def _deliver(self, alert: Alert) -> None:
        known = self._channels()
        alert.channels = [
            mark
            for number, mark in enumerate(known, start=1)
            if mark in alert.channels and not _send(known[mark], number, alert)
        ]
        if not alert.channels:
            self._forget(alert)
            return
        alert.tries += 1
        alert.next_try = now() + min(self._pause * 2 ** min(alert.tries - 1, 16), LONGEST_PAUSE)
        self._keep(self._folder / alert.file_name, alert)

    def _forget(self, alert: Alert) -> None:
        self._waiting.remove(alert)
        with suppress(OSError):
            (self._folder / alert.file_name).unlink(missing_ok=True)

    def _keep(self, file: Path, content: BaseModel) -> None:
        """Write down for the next start what is known here; that there is no room changes nothing until then."""
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(file, content.model_dump_json().encode())
        except OSError as error:
            log.warning("%s is not written: %s", file.name, error.strerror)

    def _left_over(self) -> list[Alert]:
        """Return what the last start could not send."""
        found = []
        for file in sorted(self._folder.glob("*.json")):
            try:
                found.append(Alert.model_validate_json(file.read_bytes()))
            except (OSError, ValidationError):
                log.warning("the waiting alert %s is unreadable and was removed", file.name)
                with suppress(OSError):
                    file.unlink()
        return found

    def _channels(self) -> dict[str, str]:
        """Return mark → address; the mark is what the queue says instead of the address."""
        urls = self._settings.secret(URLS).split()
        return {hashlib.sha256(url.encode()).hexdigest()[:16]: url for url in urls}


def ping_url(address: str, outcome: str, said: str) -> httpx.URL | None:
    """Return where to tell an outcome: "start", "" for a good end, or the exit code of a bad one; None for nowhere.

    Uptime Kuma's push addresses carry the outcome in the query and know no start (server/routers/api-router.js in
    louislam/uptime-kuma: whatever is not "down" is up). Healthchecks and those like it take it at the end of the path,
    before a query such as ?create=1.
    """
    url = httpx.URL(address).copy_with(fragment=None)
    written, mark, query = url.raw_path.decode("ascii").partition("?")
    path = written.rstrip("/")
    if PUSH in path:
        if outcome == START:
            return None
        told = {"status": "down" if outcome else "up", "msg": said}
        return url.copy_with(raw_path=f"{path}{mark}{query}".encode()).copy_merge_params(told)
    if outcome.lstrip("-").isdigit() and int(outcome) not in EXIT_CODES:
        outcome = "fail"
    path = f"{path}/{outcome}" if outcome else path or "/"
    return url.copy_with(raw_path=f"{path}{mark}{query}".encode())


def _send(url: str, number: int, alert: Alert) -> bool:
    """Send through one channel; return whether it took it."""
    kind = apprise.NotifyType.FAILURE if alert.kind == "failure" else apprise.NotifyType.SUCCESS
    messenger = apprise.Apprise()
    if not messenger.add(url):
        log.warning("alert channel %s: Apprise does not understand its address", number)
        return False
    try:
        taken = bool(messenger.notify(title=alert.title, body=alert.body, notify_type=kind))
    except Exception as error:  # noqa: BLE001 - a plugin may fail in any way; the other channels and the run go on
        log.warning("alert channel %s failed: %s", number, type(error).__name__)
        return False
    if not taken:
        log.warning("alert channel %s did not take it; it is sent again later", number)
    return taken
