"""Which digest an image is pinned to, and what is said of it. What was seen first is remembered, and nothing else is taken silently."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from cli.pins.digests import Digests
from components.messages import Message, Said, message
from keeper.releases.registry import DOCKER_HUB
from stacks.sections.pins import PinConfig

SHORT = 19
"""Of a digest, "sha256:" among it: enough to compare two by eye."""


@dataclass(frozen=True)
class Pin:
    """What becomes of one image. `digest` is "" where it stays as it is; `record` is what is to be remembered of it.

    `is_wrong`: something is not as it should be, and a person has to look.
    """

    told: tuple[Message, ...]
    digest: str = ""
    record: PinConfig | None = None
    is_wrong: bool = False


def pin(name: str, seen: Digests, record: PinConfig | None, agrees: Callable[[Said], bool]) -> Pin:
    """Decide. `record`: what is remembered of this tag; `agrees` asks a person whether other content is taken."""
    if not seen.here and not seen.there:
        return Pin((_unknown(name, seen),), is_wrong=True)
    if seen.hub and seen.there and seen.hub != seen.there:
        return Pin((_differs_from_hub(name, seen),), is_wrong=True)
    first = record.digest if record else seen.pinned or seen.here or seen.there
    others = [digest for digest in (seen.there, seen.here, seen.hub) if digest and digest != first]
    if not others:
        return _settled(name, seen, record, first)
    if agrees(_changed(name, seen, record, first, others[0])):
        return _settled(name, seen, None, others[0])
    return Pin((_stays(name, first),), first, record or _record(seen, first), is_wrong=True)


def _settled(name: str, seen: Digests, record: PinConfig | None, digest: str) -> Pin:
    kept = record or _record(seen, digest)
    if seen.hub and not kept.confirmed:
        kept = kept.model_copy(update={"confirmed": True})
    return Pin(tuple(_told(name, seen, kept, digest)), digest, kept)


def _record(seen: Digests, digest: str) -> PinConfig:
    today = datetime.now(UTC).date().isoformat()
    return PinConfig(digest=digest, through=seen.through, seen=today, confirmed=seen.hub == digest)


def _told(name: str, seen: Digests, record: PinConfig, digest: str) -> Iterator[Message]:
    yield message("pin_is", "{name}: {image}@{digest}", name=name, image=seen.image, digest=digest)
    if record.confirmed:
        yield message("pin_confirmed", "  Docker Hub itself says the same.")
    elif record.through != DOCKER_HUB:
        yield message(
            "pin_trusts_first_answer",
            "  This trusts the first answer of {through} ({seen}): Docker Hub itself could not be asked, or the image is not from there. "
            "From now on no other content is taken under this tag.",
            through=record.through,
            seen=record.seen,
        )
    if not seen.there:
        yield message(
            "pin_of_what_was_pulled",
            "  This is what was pulled here; the registry does not answer now ({reason}).",
            reason=seen.reason[-150:],
        )


def _unknown(name: str, seen: Digests) -> Message:
    return message(
        "pin_unknown",
        "{name}: {image} is not here, and {through} does not say what it is ({reason}). Pull it first: ./photos up",
        name=name,
        image=seen.image,
        through=seen.through,
        reason=seen.reason[-150:] or "?",
    )


def _differs_from_hub(name: str, seen: Digests) -> Message:
    return message(
        "pin_differs_from_hub",
        "{name}: {through} hands out {there} as {image}, and Docker Hub has {hub}. One of them is old, or not what it says. "
        "Nothing was written. Wait a day and try again; if it stays, use another mirror: photos:image_registry",
        name=name,
        through=seen.through,
        there=_short(seen.there),
        image=seen.image,
        hub=_short(seen.hub),
    )


def _changed(name: str, seen: Digests, record: PinConfig | None, first: str, other: str) -> Message:
    since: Said = (
        message("pin_first_seen", "seen {seen} at {through}", seen=record.seen, through=record.through)
        if record
        else message("pin_seen_here", "as it stands in the stack file or runs here")
    )
    places = {seen.here: message("pin_this_machine", "this machine"), seen.hub: DOCKER_HUB, seen.there: seen.through}
    return message(
        "pin_changed",
        "{name}: the tag {image} stands for other content than before. First: {first}, {since}. Now at {where}: {other}. "
        "A fixed tag should not change: look for a word about it in the project's release notes.\nTake the other content, {other}?",
        name=name,
        image=seen.image,
        first=_short(first),
        since=since,
        where=places[other],
        other=_short(other),
    )


def _stays(name: str, digest: str) -> Message:
    return message("pin_stays", "  {name} stays at {digest}.", name=name, digest=_short(digest))


def _short(digest: str) -> str:
    return f"{digest[:SHORT]}…"
