"""`photos:pins`: which content an image's tag had when `./photos pin` saw it first. Written by that command."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from components.fields import Section
from components.refusals import refusal

DIGEST = r"sha256:[0-9a-f]{64}"
DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"


def _digest(value: str) -> str:
    if not re.fullmatch(DIGEST, value, re.ASCII):
        raise refusal(
            "digest_unreadable",
            '"{value}" is no digest (sha256: and 64 hex digits). Take this record out: ./photos pin writes it anew',
            value=value,
        )
    return value


def _date(value: str) -> str:
    if not re.fullmatch(DATE, value, re.ASCII):
        raise refusal(
            "date_unreadable",
            '"{value}" is no date. Write it as year-month-day in quotes, e.g. "2026-11-29"',
            value=value,
        )
    return value


class PinConfig(Section):
    """What an image's tag stood for when it was seen first."""

    digest: Annotated[str, AfterValidator(_digest)] = Field(description="the content that the tag had")
    through: str = Field(description="the registry that said so")
    seen: Annotated[str, AfterValidator(_date)] = Field(description="the day on which it said so")
    confirmed: bool = Field(False, description="whether Docker Hub itself said the same")
