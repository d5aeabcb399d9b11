"""`photos:owner`: whom the photos belong to."""

from __future__ import annotations

from pydantic import Field, field_validator

from components.fields import Section
from components.messages import Message, message
from components.refusals import refused

# PhotoPrism's entrypoint knows no others: photoprism-docs, config-options.md, "Docker Image".
PHOTOPRISM_IDS = ((0, 0), (33, 33), (50, 99), (500, 600), (900, 1250), (2000, 2100))
PHOTOPRISM_GIDS = (*PHOTOPRISM_IDS, (44, 44), (105, 105), (109, 109), (115, 116))


class OwnerConfig(Section):
    """The user and group (numbers) to whom the photos belong. Default: the owner of the originals folder."""

    uid: int = Field(description="user number, from `id -u`")
    gid: int = Field(description="group number, from `id -g`")

    @field_validator("uid", "gid")
    @classmethod
    def _known_to_photoprism(cls, value: int, info: object) -> int:
        field = getattr(info, "field_name", "uid")
        if problem := id_problem(value, field):
            raise refused(problem)
        return value


def id_problem(value: int, field: str) -> Message | None:
    """Say why PhotoPrism cannot run as this user or group number; None when it can."""
    if value == 0:
        return message(
            "owner_root", "0 is root, which must not own family photos. Write your own number, from `id -u` and `id -g`"
        )
    ranges = PHOTOPRISM_IDS if field == "uid" else PHOTOPRISM_GIDS
    if any(low <= value <= high for low, high in ranges):
        return None
    return message(
        "owner_not_of_photoprism",
        "{value} is not supported by PhotoPrism. Use 33, 50-99, 500-600, 900-1250 or 2000-2100, e.g. 1000",
        value=value,
    )
