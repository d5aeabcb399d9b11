"""`photos:library`: the folders that hold photos."""

from __future__ import annotations

import re

from pydantic import Field, field_validator, model_validator

from components.fields import HostPath, Section
from components.refusals import refusal
from components.storage import PHONES, Library


class LibraryConfig(Section):
    """The folders that hold photos."""

    originals: HostPath = Field(description="folder of the sorted photos, e.g. /mnt/d/photoprism/originals")
    imports: HostPath = Field(
        alias="import", description="folder from which PhotoPrism imports, e.g. /mnt/d/photoprism/import"
    )
    others: dict[str, HostPath] = Field(
        {}, description="more libraries: name: folder. Each is shown inside originals under its name"
    )

    @field_validator("others")
    @classmethod
    def _plain_names(cls, others: dict[str, str]) -> dict[str, str]:
        for name in others:
            if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,39}", name) or name == PHONES:
                raise refusal(
                    "library_name",
                    '"{name}" cannot be the name of a library. Write lower-case letters, digits and -, e.g. scans',
                    name=name,
                )
        return others

    @model_validator(mode="after")
    def _apart(self) -> LibraryConfig:
        folders = {"originals": self.originals, "import": self.imports}
        folders |= {f"others.{name}": path for name, path in self.others.items()}
        names = list(folders)
        for index, name in enumerate(names):
            for other in names[index + 1 :]:
                one, two = folders[name] + "/", folders[other] + "/"
                if one.startswith(two) or two.startswith(one):
                    raise refusal(
                        "libraries_overlap",
                        "{name} and {other} are the same folder or one lies inside the other. Keep them apart",
                        name=name,
                        other=other,
                    )
        return self

    def library(self) -> Library:
        """Return the folders as components know them."""
        return Library(originals=self.originals, imports=self.imports, others=self.others)
