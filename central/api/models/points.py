"""Points, newest values, readings and trends."""

from central.api.models.words import Answer, Label, Level, Quality, TierName, Value
from central.api.times import Time


class Choice(Answer):
    """One value of an enumeration."""

    value: int
    label: Label


class Point(Answer):
    """One measured variable (监测点位)."""

    id: str
    site: str
    gateway: str
    device: str
    label: Label
    device_label: Label
    object: str | None
    object_label: Label | None
    quantity: str
    unit: str
    low: float | None
    high: float | None
    type: str
    decimals: int | None
    stale: float
    enumeration: list[Choice]
    limits: list[Level]


class Points(Answer):
    """The points in scope."""

    items: list[Point]


class Latest(Answer):
    """The newest reading of a point.

    `late` came by backfill; `estimated` nobody knew the time, it is the received one.
    """

    point: str
    value: Value
    quality: Quality
    source_time: Time
    received_time: Time
    late: bool
    estimated: bool


class LatestValues(Answer):
    """The newest reading of every point asked for."""

    items: list[Latest]


class ReadingColumns(Answer):
    """Readings as columns of equal length; `quality` is the StatusCode, `received` when it came.

    `late` came by backfill; `estimated` nobody knew the time, it is the received one.
    """

    time: list[Time]
    value: list[Value]
    quality: list[int]
    received: list[Time]
    late: list[bool]
    estimated: list[bool]


class Readings(Answer):
    """One page of readings, oldest first."""

    columns: ReadingColumns
    next: str | None


class BucketColumns(Answer):
    """Buckets as columns: start, extremes, mean, last, count and worst StatusCode of each.

    `late` and `estimated` count the readings that came late, and whose time nobody knew.
    """

    time: list[Time]
    min: list[float | None]
    max: list[float | None]
    mean: list[float | None]
    last: list[Value]
    count: list[int]
    quality: list[int]
    late: list[int]
    estimated: list[int]


class Buckets(Answer):
    """A trend in as many buckets as were asked for, empty ones left out.

    `tier`: the coarsest of what it was made of. Where readings are past their time rollups of a
    minute (1min) or an hour (1h) are left; each counts where its first reading lay.
    """

    columns: BucketColumns
    tier: TierName


class Mark(Answer):
    """What is said of a reading beside its value, in the words of `Latest`."""

    quality: Quality
    late: bool
    estimated: bool


class MarkRuns(Answer):
    """A column told in runs: `of[n]` holds at the next `count[n]` places."""

    of: list[Mark]
    count: list[int]


class TimeRuns(Answer):
    """A column told in runs: `of[n]` holds at the next `count[n]` places."""

    of: list[Time]
    count: list[int]


class SiteValues(Answer):
    """What points of a site became within the last second (`values` of the stream), as columns.

    A place of each column is one reading: `point[n]` became `value[n]`. A site of more than 5,000
    points comes in several events.
    """

    site: str
    point: list[str]
    value: list[Value]
    mark: MarkRuns
    source_time: TimeRuns
    received_time: TimeRuns
