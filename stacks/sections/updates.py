"""`photos:updates`: whether newer releases of the images are asked for."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from components.fields import Section


class UpdatesConfig(Section):
    """Newer releases. Nothing is ever upgraded by itself: `./photos upgrade` does that."""

    check: Literal["daily", "never"] = Field(
        "daily", description="ask the registry once a day for newer releases of the images, or never"
    )
