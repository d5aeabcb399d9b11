"""`photos:backup.mirrors`: where the keeper's image gets its packages when it is built."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator

from components.addresses import too_long
from components.fields import Section
from components.refusals import refusal


def _mirror(value: str) -> str:
    try:
        parts = urlsplit(value)
        good = (
            parts.scheme in ("http", "https")
            and re.fullmatch(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?", parts.netloc)
            and parts.port != 0
        )
    except ValueError:
        good = False
    if (
        not good
        or too_long(parts.hostname or "")
        or not re.fullmatch(r"[\w./-]*", parts.path)
        or parts.query
        or parts.fragment
    ):
        raise refusal(
            "mirror_unreadable",
            '"{value}" is not the address of a mirror. Write scheme and host, for pip the folder too, e.g. https://mirrors.ustc.edu.cn',
            value=value,
        )
    return value


Mirror = Annotated[str, AfterValidator(_mirror)]


class MirrorsConfig(Section):
    """Where the keeper's image gets its packages when it is built."""

    apt: Mirror | None = Field(None, description="scheme and host of a Debian or Ubuntu mirror")
    pip: Mirror | None = Field(None, description="a Python package index")

    @field_validator("apt")
    @classmethod
    def _host_alone(cls, value: str | None) -> str | None:
        if value and urlsplit(value).path.strip("/"):
            parts = urlsplit(value)
            raise refusal(
                "mirror_with_folder",
                '"{value}" holds a folder, which sources of apt bring along. Write {scheme}://{host}',
                value=value,
                scheme=parts.scheme,
                host=parts.netloc,
            )
        return value
