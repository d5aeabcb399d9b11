"""`./photos upgrade`."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import images, paths, releases, setup, stack_config, stackfile
from cli.commands.options import StackOption, Yes
from cli.console import Unattended, confirm, fail, say
from cli.moving import settling
from cli.upgrade import journal, points, returning, upgrading
from cli.upgrade.notes import notes
from cli.upgrade.offers import Offer, offers
from components.messages import message
from stacks.images import image_keys
from stacks.releases import release_settings
from stacks.sections import Settings


def upgrade(
    service: Annotated[str | None, typer.Argument(help="the program, e.g. photoprism; by default all")] = None,
    stack: StackOption = "dev",
    *,
    to: Annotated[
        str | None, typer.Option("--to", help="this image instead of the one that comes with ./photos")
    ] = None,
    back: Annotated[bool, typer.Option("--back", help="back to how it was before its last upgrade")] = False,
    forget: Annotated[bool, typer.Option("--forget", help="remove what --back would need")] = False,
    yes: Yes = False,
) -> None:
    """Bring programs to a newer version; what does not come up well goes back by itself, with its data."""
    Unattended.yes = yes
    if [bool(to), back, forget].count(True) > 1:
        fail(message("upgrade_one_of", "Write one of --to, --back and --forget."))
    if not stackfile.stack_id(paths.stack_file(stack)):
        fail(message("upgrade_not_set_up", "Nothing runs yet. First: ./photos up {stack}", stack=stack))
    setup.reach(stack)
    with journal.alone(stack):
        returning.settle_alone(stack)
        settling.settle_alone(stack)
        settings = stack_config.offline(stack).settings
        if forget:
            points.forget(stack, service)
        elif back:
            _back(stack, settings, service)
        else:
            images.write_down(stack, images.with_running(stack, settings))
            _upgrade(stack, stack_config.offline(stack).settings, service, to)


def _upgrade(stack: str, settings: Settings, service: str | None, to: str | None) -> None:
    found = offers(stack, settings, service, to, {} if to else _released(stack, settings))
    if not found:
        say(
            message(
                "upgrade_nothing", "Nothing newer is known, neither of this ./photos (git pull) nor of the registries."
            )
        )
        return
    for offer in found:
        _show(offer)
    names = ", ".join(offer.name for offer in found)
    question = message(
        "upgrade_agree",
        "Upgrade {names}? Each is stopped for a few minutes; what does not come up well goes back by itself. Your photos are not touched.",
        names=names,
    )
    if not confirm(question):
        fail(message("nothing_changed", "Nothing was changed."))
    failed = [
        offer.name for offer in found if not upgrading.upgrade(stack, stack_config.offline(stack).settings, offer)
    ]
    if failed:
        raise typer.Exit(1)


def _released(stack: str, settings: Settings) -> dict[str, str]:
    """Return program → the newest image of its series that its registry was seen to have; what `status` names."""
    wanted = release_settings(settings)
    if wanted.check != "daily":
        return {}
    seen = releases.known(stack, wanted).newer
    return {release.service: f"{release.image}:{release.newest}" for release in seen if release.newest}


def _show(offer: Offer) -> None:
    say(message("upgrade_offer", "{name}: {now} → {to}", name=offer.name, now=offer.part.image.current, to=offer.to))
    said = notes(offer.name, offer.to)
    if said is None:
        return
    for line in said.lines:
        say(f"    {line}")
    say(message("upgrade_notes", "    What is new: {link}", link=said.link))


def _back(stack: str, settings: Settings, service: str | None) -> None:
    kept = [point for point in journal.kept(stack) if service in (None, point.name)]
    if not kept:
        fail(points.none_of(stack, service))
    point = max(kept, key=lambda each: each.made)
    current = next((each.current for each in image_keys(settings) if each.key == point.key), "-")
    changed = upgrading.changed_since(stack, point)
    say(
        message(
            "upgrade_back_offer",
            "{name}: {now} → {image}, with its data of {made}. What came since is lost; your photos are not touched, and the next index finds new ones again.",
            name=point.name,
            now=current,
            image=point.image,
            made=points.when(stack, point),
        )
    )
    for line in changed:
        say(f"    {line}")
    if not confirm(message("upgrade_back_agree", "Go back to that?")):
        fail(message("nothing_changed", "Nothing was changed."))
    upgrading.back(stack, settings, point, current)
