"""What can be upgraded: programs whose image in the stack file is older than this checkout's, or the one that a person names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pydantic import TypeAdapter, ValidationError

from cli.console import fail
from cli.upgrade.parts import Part, parts
from cli.upgrade.versions import is_newer, repository, series, tag
from components.database import Database
from components.fields import Image
from components.messages import Said, message
from stacks.sections import Settings
from stacks.sections.backup.programs import RCLONE, RESTIC, RcloneImage, ResticImage

KINDS = {RESTIC.name: ResticImage, RCLONE.name: RcloneImage}


@dataclass(frozen=True)
class Offer:
    """A program and the image that it would get."""

    part: Part
    to: str

    @property
    def name(self) -> str:
        """What a person calls the program."""
        return self.part.name


def offers(
    stack: str,
    settings: Settings,
    name: str | None = None,
    to: str | None = None,
    released: Mapping[str, str] = MappingProxyType({}),
) -> list[Offer]:
    """Return what can be upgraded, of one program or of all; end the program where that is nothing that can be.

    `released`: program → an image that its registry was seen to have, and that may be newer than this checkout's.
    """
    known = parts(stack, settings)
    chosen = [part for part in known if name in (None, part.name)]
    if not chosen:
        names = ", ".join(part.name for part in known)
        fail(
            message(
                "upgrade_unknown",
                'Nothing in the stack "{stack}" is called "{name}". There are: {names}. The keeper itself comes with this checkout: ./photos up {stack}',
                stack=stack,
                name=name,
                names=names,
            )
        )
    if to is None:
        newest = [Offer(part, _newest(part, released.get(part.name))) for part in chosen]
        newer = [offer for offer in newest if is_newer(offer.to, offer.part.image.current)]
        return [offer for offer in newer if not _refusal(offer)]
    if name is None:
        fail(message("upgrade_to_what", "--to needs the program: ./photos upgrade NAME --to {to}", to=to))
    (part,) = chosen
    offer = Offer(part, _checked(part, to))
    if reason := _refusal(offer):
        fail(reason)
    return [offer]


def _newest(part: Part, released: str | None) -> str:
    return released if released and is_newer(released, part.image.default) else part.image.default


def _checked(part: Part, to: str) -> str:
    """Return the image; end the program where it is none that a stack file may name."""
    try:
        return str(TypeAdapter(KINDS.get(part.name, Image)).validate_python(to))
    except ValidationError as invalid:
        said: Said = invalid.errors()[0].get("ctx", {}).get("said") or invalid.errors()[0]["msg"]
        return fail(
            message(
                "upgrade_to_wrong",
                "--to {to}: {said}. Write e.g. {example}",
                to=to,
                said=said,
                example=part.image.default,
            )
        )


def _refusal(offer: Offer) -> Said | None:
    """Say why the database cannot go there in one step; MariaDB knows no way back and skips no major version."""
    if offer.part.service != Database.service or offer.name != Database.service:
        return None
    now, then = series(tag(offer.part.image.current)), series(tag(offer.to))
    if not now or not then or repository(offer.to) != repository(offer.part.image.current):
        return None
    if then < now:
        return message(
            "upgrade_database_older",
            "MariaDB {to} cannot read what {now} wrote. The way back is the restore point: ./photos upgrade mariadb --back",
            to=tag(offer.to),
            now=tag(offer.part.image.current),
        )
    if then[0] - now[0] > 1:
        return message(
            "upgrade_database_skips",
            "MariaDB {now} → {to} skips a major version. First: ./photos upgrade mariadb --to {next}",
            now=tag(offer.part.image.current),
            to=tag(offer.to),
            next=f"{repository(offer.to)}:{now[0] + 1}.x.y",
        )
    return None
