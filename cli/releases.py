"""Newer releases in `./photos status`, where no keeper asks: once a day, within three seconds, and never an error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from cli import paths, stack_config, stackfile
from cli.console import say
from components.messages import Message, message
from keeper.releases.asking import ask, still
from keeper.settings import UpdateSettings
from keeper.state import UpdatesState, now
from stacks.host.credentials import GuardError, login_at
from stacks.releases import release_settings

SECONDS = 3.0
DAY = timedelta(days=1)


def show(stack: str) -> None:
    """Name the newer releases of what runs."""
    settings = release_settings(stack_config.offline(stack).settings)
    if settings.check == "daily":
        for line in lines(stack, known(stack, settings)):
            say(line)


def known(stack: str, settings: UpdateSettings) -> UpdatesState:
    """Return what was seen today, that nothing answered among it; else ask now."""
    file = _file(stack)
    seen = UpdatesState.read(file)
    if seen.looked is None or now() - seen.looked > DAY:
        seen = ask(settings, seconds=SECONDS, login=_login)
        with suppress(OSError):
            seen.write(file)
    return still(settings, seen)


def lines(stack: str, seen: UpdatesState) -> Iterator[Message]:
    """Yield what to say of each newer release; the keeper says the same (tested)."""
    option = stackfile.option(stack)
    for release in seen.newer:
        service, runs = release.service, release.runs
        if release.newest:
            yield message(
                "release_newer",
                "newer: {service} {runs} → {newest}: {command}",
                service=service,
                runs=runs,
                newest=release.newest,
                command=f"{release.command}{option}",
            )
        if release.series:
            yield message(
                "release_of_newer_series",
                "a newer series: {service} {runs} → {newest}; first read docs/upgrading.md: {command}",
                service=service,
                runs=runs,
                newest=release.series,
                command=f"{release.series_command}{option}",
            )


def _file(stack: str) -> Path:
    return paths.data_folder() / "releases" / f"{stack}.json"


def _login(registry: str) -> tuple[str, str] | None:
    """Return what `docker login` keeps for a registry; a token of Docker's own is no use here."""
    with suppress(GuardError):
        if (login := login_at(registry)) and login.password:
            return login.user, login.password
    return None
