"""`photos:backup.gate` and `.keep`: how much may vanish before a person is asked, and how long old snapshots stay."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema, field_validator, model_validator

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


Percent = Annotated[
    int,
    BeforeValidator(_percent),
    WithJsonSchema({"type": "integer", "minimum": PERCENT[0], "maximum": PERCENT[-1]}),
]


class GateConfig(Section):
    """How much may vanish or change between two snapshots before old ones are no longer forgotten."""

    max_delete_percent: Percent = Field(
        keeper_default(GATE, "max_delete_percent"), description="files that may vanish, percent; 20 files always may"
    )
    max_change_percent: Percent = Field(
        keeper_default(GATE, "max_change_percent"), description="files that may change, percent; 20 files always may"
    )


class Days(Section):
    """Numbers of days."""

    @field_validator("*", mode="before")
    @classmethod
    def _something(cls, days: object) -> object:
        if isinstance(days, int) and days < 1:
            raise refusal("keep_nothing", "{days} would keep nothing. Write a number of days, e.g. 30", days=days)
        return days


class KeepConfig(Days):
    """How long old snapshots are kept. The newest three always are; a vault forgets nothing."""

    all_days: int = Field(keeper_default(KEEP, "all_days"), ge=1, description="every snapshot, days")
    weekly_days: int = Field(keeper_default(KEEP, "weekly_days"), ge=1, description="one snapshot a week, days")
    monthly_days: int = Field(keeper_default(KEEP, "monthly_days"), ge=1, description="one snapshot a month, days")

    @model_validator(mode="after")
    def _longer_and_longer(self) -> KeepConfig:
        if not self.all_days <= self.weekly_days <= self.monthly_days:
            raise refusal(
                "keep_order",
                "weekly_days must not be below all_days, nor monthly_days below weekly_days. Write e.g. 30, 180 and 730",
            )
        return self


class OwnKeepConfig(Days):
    """How long this copy keeps its snapshots, where that differs from `backup.keep`."""

    all_days: int | None = Field(None, ge=1, description="every snapshot, days; default: that of `backup.keep`")
    weekly_days: int | None = Field(None, ge=1, description="one snapshot a week, days; default: that of `backup.keep`")
    monthly_days: int | None = Field(
        None, ge=1, description="one snapshot a month, days; default: that of `backup.keep`"
    )

    def over(self, others: KeepConfig) -> KeepConfig:
        """Return the days of this copy.

        Raises:
            ValidationError: the days of both together are out of order.
        """
        return KeepConfig(**(others.model_dump() | self.model_dump(exclude_none=True)))
