"""Questions about readings, and their answers: columns, one row of a point or period each."""

from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, Field

from central.api.models.points import Latest
from central.api.models.words import Answer, Asked, TierName, Value
from central.api.times import Time
from central.store.queries.queries import MOST_POINTS, MOST_RECKONED

MOST_INTERVALS: Final = 1_000
PointName = Annotated[str, Field(min_length=1, max_length=255)]
ZoneName = Annotated[
    str, Field(max_length=64, description="IANA name; hydrological days: Asia/Shanghai only")
]
PeriodKind = Literal["hour", "hydrological_day", "day", "month"]
ExclusionName = Literal["holidays", "rest_days", "filings", "platform_faults"]


class NamedPoints(Asked):
    """Points by id."""

    points: Annotated[list[PointName], Field(min_length=1, description=f"at most {MOST_POINTS}")]


class AskedSpan(Asked):
    """from <= time < to, each with its offset."""

    from_: AwareDatetime = Field(alias="from")
    to: AwareDatetime


class Exclusion(Asked):
    """What does not count: by name (calendar, filings, faults), and intervals given here."""

    named: list[ExclusionName] = Field(default_factory=list)
    intervals: list[AskedSpan] = Field(
        default_factory=list, description=f"at most {MOST_INTERVALS}"
    )


class PointsOverSpan(AskedSpan):
    """Some points over a span, without what is excluded."""

    points: Annotated[list[PointName], Field(min_length=1, description=f"at most {MOST_RECKONED}")]
    exclude: Exclusion = Exclusion()


class PeriodsAsked(PointsOverSpan):
    """Aggregates of whole periods: the first is the one `from` lies in."""

    kind: PeriodKind
    zone: ZoneName


class DeliveriesAsked(PointsOverSpan):
    """`every_s`: a reading is owed so often; a gap is longer than `gap_s` (none: than `stale`)."""

    every_s: Annotated[float | None, Field(ge=0.1, le=86_400)] = None
    gap_s: Annotated[float | None, Field(ge=0.1, le=31 * 86_400)] = None


class StateAsked(NamedPoints):
    """The newest by source time at `at`, or the newest of what had arrived by then."""

    at: AwareDatetime
    by: Literal["source_time", "received_time"] = "source_time"


class LatestOf(Answer):
    """The newest reading of each point that has one; `unknown`: no such point in scope."""

    items: list[Latest]
    without: list[str]
    unknown: list[str]


class StateColumns(Answer):
    """Readings as columns of equal length, one of each point."""

    point: list[str]
    value: list[Value]
    quality: list[int]
    source_time: list[Time]
    received_time: list[Time]
    late: list[bool]
    estimated: list[bool]


class State(Answer):
    """What each point's newest reading was; `without`: it had none; `unknown`: no such point."""

    columns: StateColumns
    without: list[str]
    unknown: list[str]


class CountColumns(Answer):
    """How many readings each point has."""

    point: list[str]
    count: list[int]


class Counts(Answer):
    """How many raw readings are stored of every point, and of all of them together."""

    columns: CountColumns
    total: int


class PeriodColumns(Answer):
    """One row a period; null where there is no reading, or no good number to reckon with.

    `good` counts the good numbers, which min, max, mean and sum are made of; `quality` is the worst
    StatusCode; `excluded_s` seconds of the period do not count.
    """

    count: list[int]
    good: list[int]
    min: list[float | None]
    max: list[float | None]
    mean: list[float | None]
    sum: list[float | None]
    first: list[Value]
    first_time: list[Time | None]
    last: list[Value]
    last_time: list[Time | None]
    quality: list[int | None]
    late: list[int]
    estimated: list[int]
    excluded_s: list[float]


class PointPeriods(Answer):
    """One point's periods; `tier` as of a trend."""

    point: str
    columns: PeriodColumns
    tier: TierName


class Periods(Answer):
    """Aggregates of whole periods, the same for every point."""

    start: list[Time]
    end: list[Time]
    items: list[PointPeriods]
    unknown: list[str]


class Gap(Answer):
    """No reading between these times; `counted_s` of it is not excluded."""

    from_: Time = Field(serialization_alias="from")
    to: Time
    counted_s: float


class Delivery(Answer):
    """What one point delivered; the formulas: docs/api-queries.md.

    `gaps` holds the longest ones, `gap_count` counts all. Slots and time on line are 0, and the
    percentages null, where `every_s` was not asked for. Percentages are never rounded up.
    """

    point: str
    count: int
    good: int
    uncertain: int
    bad: int
    late: int
    estimated: int
    first: Time | None
    last: Time | None
    gap_count: int
    gap_total_s: float
    gap_longest_s: float
    gaps: list[Gap]
    owed_s: float
    slots_owed: int
    slots_filled: int
    completeness_percent: float | None
    online_s: float
    online_percent: float | None


class Deliveries(Answer):
    """What each point delivered from `from` to `to`, which does not reach beyond now."""

    from_: Time = Field(serialization_alias="from")
    to: Time
    items: list[Delivery]
    unknown: list[str]
