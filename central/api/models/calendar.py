"""Holidays, filings (报备) and platform faults (平台故障)."""

from datetime import date
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from central.api.models.queries import PointName
from central.api.models.words import Answer, Asked, Label, Name
from central.api.times import Time

FilingCategory = Literal[
    "shutdown",
    "maintenance",
    "calibration",
    "replacement",
    "power_or_network",
    "removal",
    "instrument_fault",
]
FaultCategory = Literal["platform", "network", "power", "maintenance"]
Reason = Annotated[str, Field(min_length=1, max_length=500)]
Reference = Annotated[str, Field(max_length=100)]


class _NewInterval(Asked):
    from_: AwareDatetime = Field(alias="from")
    to: AwareDatetime | None = None
    reason: Reason
    reference: Reference = ""


class NewFiling(_NewInterval):
    """A filing for a site, or for some of its points; `to` null: until it is ended."""

    site: Name
    points: Annotated[list[PointName], Field(max_length=500, default_factory=list)]
    category: FilingCategory


class NewFault(_NewInterval):
    """A fault of the platform itself; a site: only what came from there could not arrive."""

    site: Name | None = None
    category: FaultCategory


class EndAsked(Asked):
    """When it ended, or will."""

    at: AwareDatetime


class Exempted(Answer):
    """A filing or a fault. What was withdrawn never counted."""

    id: int
    category: str
    site: str | None
    points: list[str]
    from_: Time = Field(serialization_alias="from")
    to: Time | None
    reason: str
    reference: str
    created: Time
    created_by: str
    ended: Time | None
    ended_by: str | None
    withdrawn: Time | None
    withdrawn_by: str | None


class ExemptedPage(Answer):
    """Newest first; `next` goes on where this page ends."""

    items: list[Exempted]
    next: str | None


class DaysOff(Answer):
    """Days off in a row, both included."""

    name: Label
    first: date
    last: date


class HolidayYear(Answer):
    """One year's notice; `status` official: entered from the notice itself."""

    year: int
    source: str
    issued: date
    status: Literal["official", "unconfirmed"]
    off: list[DaysOff]
    working: list[date]
    working_days: int


class HolidayYears(Answer):
    """The years that are known; no other is guessed."""

    years: list[HolidayYear]
