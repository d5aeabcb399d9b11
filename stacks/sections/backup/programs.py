"""restic and rclone: the images that the keeper's own image takes them from, and which are too old."""

from __future__ import annotations

import re
from typing import Annotated, NamedTuple

from pydantic import AfterValidator

from components.fields import Image
from components.refusals import refusal

Version = tuple[int, ...]


class Program(NamedTuple):
    """A program of the keeper. The keeper itself refuses what is older than `least`, too (tested)."""

    name: str
    default: str
    least: Version

    @property
    def least_text(self) -> str:
        """The oldest version that will do, e.g. 0.19.1."""
        return ".".join(map(str, self.least))

    def check(self, image: str) -> str:
        """Refuse an image whose tag is an older version. A tag that is no version is left to the keeper."""
        found = re.search(r":v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?=$|[-@])", image)
        if found and (version := tuple(int(part) for part in found.groups() if part)) < self.least[: len(version)]:
            raise refusal(
                "program_too_old",
                "{image}: the keeper needs {program} {least} or newer. Write e.g. {default}",
                image=image,
                program=self.name,
                least=self.least_text,
                default=self.default,
            )
        return image


RESTIC = Program("restic", "restic/restic:0.19.1", (0, 19, 1))
RCLONE = Program("rclone", "rclone/rclone:1.75.2", (1, 70))
ResticImage = Annotated[Image, AfterValidator(RESTIC.check)]
RcloneImage = Annotated[Image, AfterValidator(RCLONE.check)]
