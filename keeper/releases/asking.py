"""The daily question: which of the images that run have a newer release."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Thread
from time import monotonic
from zlib import crc32

from keeper.releases.registry import LOOPBACK, Registry, RegistryError, Repository, tag_of, without_tag
from keeper.releases.tags import Newer, newer, numbers
from keeper.settings import UpdateSettings
from keeper.state import Release, UpdatesState, now

SECONDS = 60.0
"""For all that is asked, where nobody waits."""
DAY_MINUTES = 24 * 60
Login = Callable[[str], tuple[str, str] | None]
"""Returns user and password for a registry, where there are any."""


def ask(settings: UpdateSettings, *, seconds: float = SECONDS, login: Login = lambda _: None) -> UpdatesState:
    """Ask each image's registry. One that does not answer is named, and is no error."""
    asked = {service: image for service, image in settings.images.items() if numbers(tag_of(image))}
    found: dict[str, Newer] = {}

    def look(service: str, image: str) -> None:
        with suppress(RegistryError):
            tags = _tags(image, settings.registry, seconds, login)
            found[service] = newer(without_tag(image), tag_of(image), tags, settings.series.get(service, 1))

    # Nobody waits for one that hangs, say in a look-up of a name, which has no limit of its own.
    looks = [Thread(target=look, args=item, daemon=True) for item in asked.items()]
    for each in looks:
        each.start()
    end = monotonic() + seconds
    for each in looks:
        each.join(max(0.0, end - monotonic()))
    known = dict(found)
    return UpdatesState(
        looked=now(),
        newer=[
            Release(
                service=service, image=without_tag(image), runs=tag_of(image), newest=seen.newest, series=seen.series
            )
            for service, image in asked.items()
            if (seen := known.get(service)) and (seen.newest or seen.series)
        ],
        unknown=[service for service in asked if service not in known],
    )


def still(settings: UpdateSettings, state: UpdatesState) -> UpdatesState:
    """Return what is still true of a look: an image may have been upgraded since."""
    runs = {service: (without_tag(image), tag_of(image)) for service, image in settings.images.items()}
    kept = [release for release in state.newer if runs.get(release.service) == (release.image, release.runs)]
    return state.model_copy(update={"newer": kept, "unknown": [name for name in state.unknown if name in runs]})


def time_of_day(stack_id: str) -> str:
    """Return when to ask, as cron's five fields: at another minute in every house, so that no registry is stormed."""
    minute = crc32(stack_id.encode()) % DAY_MINUTES
    return f"{minute % 60} {minute // 60} * * *"


def _tags(image: str, mirror: str | None, seconds: float, login: Login) -> list[str]:
    """Return the tags from the first that has them: the mirror, then the image's own registry.

    Raises:
        RegistryError: none of them.
    """
    for place, plain in _places(image, mirror):
        with suppress(RegistryError), Registry(place.registry, seconds, login(place.registry), plain=plain) as registry:
            return registry.tags(place.name)
    msg = "none of them answers"
    raise RegistryError(msg)


def _places(image: str, mirror: str | None) -> Iterator[tuple[Repository, bool | None]]:
    """Yield where to ask, and whether without TLS: a mirror at home may have none, and tags are no secret."""
    through, own = Repository.of(image, mirror), Repository.of(image)
    yield through, None
    if through != own:
        if not LOOPBACK.fullmatch(through.registry):
            yield through, True
        yield own, None
