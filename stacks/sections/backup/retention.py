"""`photos:backup.gate` and `.keep`: how much may vanish before a person is asked, and how long old versions stay."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, field_validator, model_validator

from components.fields import Section
from components.refusals import refusal
from stacks.sections.backup.keeper_defaults import GATE, KEEP, keeper_default

PERCENT = range(1, 51)


def _percent(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value not in PERCENT:
        raise refusal(
            "percent_unreadable", "{value} is not a percentage. Write a whole number from 1 to 50, e.g. 2", value=value
        )
    return value


Percent = Annotated[int, BeforeValidator(_percent)]
Days = Annotated[int, Field(ge=1)]


class GateConfig(Section):
    """How much may vanish or change between two runs before a person is asked."""

    max_delete_percent: Percent = Field(
        keeper_default(GATE, "max_delete_percent"), description="files that may vanish, percent; 20 files always may"
    )
    max_change_percent: Percent = Field(
        keeper_default(GATE, "max_change_percent"), description="files that may change, percent; 20 files always may"
    )


class KeepConfig(Section):
    """How long old versions and runs are kept. The newest three good runs always are; a vault forgets nothing."""

    all_days: Days = Field(keeper_default(KEEP, "all_days"), description="every run, days")
    weekly_days: Days = Field(keeper_default(KEEP, "weekly_days"), description="one run a week, days")
    monthly_days: Days = Field(keeper_default(KEEP, "monthly_days"), description="one run a month, days")

    @model_validator(mode="after")
    def _longer_and_longer(self) -> KeepConfig:
        if not self.all_days <= self.weekly_days <= self.monthly_days:
            raise refusal(
                "keep_order",
                "weekly_days must not be below all_days, nor monthly_days below weekly_days. Write e.g. 30, 180 and 730",
            )
        return self

    @field_validator("*", mode="before")
    @classmethod
    def _something(cls, days: object) -> object:
        if isinstance(days, int) and days < 1:
            raise refusal("keep_nothing", "{days} would keep nothing. Write a number of days, e.g. 30", days=days)
        return days
