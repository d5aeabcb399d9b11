"""`photos:data`: what `destroy` does with the named volumes."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from components.fields import Section


class DataConfig(Section):
    """What `destroy` does with the named volumes. The library folders are never touched."""

    on_destroy: Literal["keep", "delete"] = Field("keep", description="keep or delete the volumes at destroy")
    confirm: str | None = Field(None, description="the stack's name, to confirm `on_destroy: delete`")
