"""Types of what a person writes, tried against what they stand for."""

from __future__ import annotations

import zoneinfo

import pytest
from pydantic import TypeAdapter, ValidationError

from components.fields import TimeZone

ZONE: TypeAdapter[str] = TypeAdapter(TimeZone)
NONE = ("posix/UTC", "right/UTC", "posixrules", "Asia", "", "../etc/passwd", "zone.tab", "/usr/share/zoneinfo/UTC")


def test_every_time_zone_that_the_system_lists_is_taken() -> None:
    for name in zoneinfo.available_timezones():
        assert ZONE.validate_python(name) == name


@pytest.mark.parametrize("name", NONE)
def test_what_only_lies_beside_the_time_zones_is_none(name: str) -> None:
    with pytest.raises(ValidationError, match="is not a known time zone"):
        ZONE.validate_python(name)
