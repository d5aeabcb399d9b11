"""Pin the images of a stack: look at each, decide, and write the digests into its stack file."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from cli import containers, images, paths, stack_config, workspace
from cli.console import confirm, fail, say, warn
from cli.pins.digests import look, without_digest
from cli.pins.pinning import Pin, pin
from components.messages import message
from stacks.images import ImageKey, image_keys
from stacks.names import NAMESPACE
from stacks.sections import Settings
from stacks.sections.pins import PinConfig


def pin_images(stack: str, service: str | None) -> int:
    """Pin all images, or those of one service; return 1 when one is not as it should be."""
    settings = _settings(stack)
    chosen = _chosen(settings, service)
    with containers.connected(stack) as dockers, ThreadPoolExecutor(max_workers=len(chosen)) as all_at_once:
        asked = [(dockers.of(key.service), key) for key in chosen]
        seen = list(all_at_once.map(lambda each: look(each[0], each[1].current, settings.image_registry), asked))
    pins = []
    for key, digests in zip(chosen, seen, strict=True):
        made = pin(key.name, digests, settings.pins.get(digests.image), confirm)
        for line in made.told:
            (warn if made.is_wrong else say)(line)
        pins.append((key, digests.image, made))
    _write(stack, settings, pins)
    return int(any(made.is_wrong for _, _, made in pins))


def unpin_images(stack: str, service: str | None) -> int:
    """Take the digests out; what was seen first stays remembered."""
    chosen = [key for key in _chosen(_settings(stack), service) if "@" in key.current]
    if chosen:
        workspace.set_values(stack, {NAMESPACE + key.key: without_digest(key.current) for key in chosen})
    names = ", ".join(key.name for key in chosen) or "-"
    say(message("pins_removed", "No longer pinned: {names}", names=names))
    return 0


def _settings(stack: str) -> Settings:
    if not paths.stack_file(stack).exists():
        fail(
            message(
                "pin_before_up", 'The stack "{stack}" is not set up yet. First: ./photos setup {stack}', stack=stack
            )
        )
    return images.with_running(stack, stack_config.offline(stack).settings)


def _chosen(settings: Settings, service: str | None) -> list[ImageKey]:
    keys = list(image_keys(settings))
    chosen = [key for key in keys if service in (None, key.name)]
    if not chosen:
        fail(
            message(
                "pin_no_such_image",
                'The stack has no image of "{service}". It has: {names}',
                service=service,
                names=", ".join(key.name for key in keys),
            )
        )
    return chosen


def _write(stack: str, settings: Settings, pins: list[tuple[ImageKey, str, Pin]]) -> None:
    values: dict[str, str] = {}
    for key, image, made in pins:
        pinned = f"{image}@{made.digest}"
        if made.digest and pinned != key.current:
            values[NAMESPACE + key.key] = pinned
        if made.record and made.record != settings.pins.get(image):
            values |= _as_paths(image, made.record)
    if not values:
        say(message("pins_unchanged", "Nothing to write."))
        return
    workspace.set_values(stack, values)
    say(
        message(
            "pins_written",
            "Written to stacks/Pulumi.{stack}.yaml. ./photos up {stack} takes it over; what runs has this content already, or gets it then.",
            stack=stack,
        )
    )


def _as_paths(image: str, record: PinConfig) -> dict[str, str]:
    """Return path → value of a record; an image's name has dots of its own, which quotes keep together."""
    values = record.model_dump(mode="json")
    values["confirmed"] = str(values["confirmed"]).lower()
    return {f'{NAMESPACE}pins["{image}"].{field}': str(value) for field, value in values.items()}
