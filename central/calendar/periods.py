"""Periods by which people reckon: hours, days, months and hydrological days (水文日) of a zone.

Pure. Every period is whole: the first is the one that `start` lies in, the last ends at or after
`end`. A day is from midnight to midnight of the zone, 23 or 25 hours long where its clocks change;
the hydrological day begins at 08:00 Beijing time, wherever the gauge stands.
"""

from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from central.calendar.intervals import Integers
from protocols.clock import HOUR
from protocols.errors import FengsuiError

BEIJING: Final = "Asia/Shanghai"
MOST_PERIODS: Final = 50_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class Kind(StrEnum):
    """What a period is."""

    HOUR = "hour"
    HYDROLOGICAL_DAY = "hydrological_day"
    DAY = "day"
    MONTH = "month"


class ZoneUnknown(FengsuiError):
    """No time zone of that name (IANA, `Asia/Shanghai`)."""

    code = "ZONE_UNKNOWN"


class ZoneNotBeijing(FengsuiError):
    """Hydrological days are reckoned in Beijing time only."""

    code = "ZONE_NOT_BEIJING"


class TooManyPeriods(FengsuiError):
    """The span holds more periods than one question may ask for."""

    code = "QUERY_PERIODS"


def zone_named(name: str) -> ZoneInfo:
    """Return the zone. Raises ZoneUnknown."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise ZoneUnknown(zone=name[:64]) from exc


def periods(kind: Kind, start: int, end: int, zone: str) -> Integers:
    """Return the edges of the periods that meet [start, end): n periods have n + 1 edges.

    Times are µs UTC, start < end. Raises ZoneUnknown, ZoneNotBeijing or TooManyPeriods.
    """
    here = zone_named(zone)
    if kind is Kind.HYDROLOGICAL_DAY and zone != BEIJING:
        raise ZoneNotBeijing(zone=zone)
    shortest = {Kind.HOUR: 1, Kind.MONTH: 27 * 24}.get(kind, 22)
    if (end - start) // (shortest * HOUR) > MOST_PERIODS:
        raise TooManyPeriods(limit=MOST_PERIODS)
    if kind is Kind.MONTH:
        edges = _months(start, end, here)
    else:
        edges = _days(start, end, here, 8 if kind is Kind.HYDROLOGICAL_DAY else 0)
        if kind is Kind.HOUR:
            edges = _hours(edges)
    found = np.array(edges, np.int64)
    first = int(np.searchsorted(found, start, side="right")) - 1
    last = int(np.searchsorted(found, end, side="left"))
    return found[first : last + 1]


def day_edges(first: date, last: date, zone: ZoneInfo) -> list[int]:
    """Return where each day from `first` to `last` begins, and where `last` ends."""
    days = (last - first).days + 1
    return [midnight(first + timedelta(days=n), zone) for n in range(days + 1)]


def midnight(day: date, zone: ZoneInfo, hour: int = 0) -> int:
    """Return when `hour` of `day` is in the zone; of two such moments the earlier."""
    return _time(datetime(day.year, day.month, day.day, hour, tzinfo=zone))


def local_day(time: int, zone: ZoneInfo) -> date:
    """Return the date in the zone."""
    return (_EPOCH + time * _MICROSECOND).astimezone(zone).date()


def _days(start: int, end: int, zone: ZoneInfo, hour: int) -> list[int]:
    first = local_day(start, zone) - timedelta(days=1)  # the day that began yesterday at 08:00
    last = local_day(end, zone) + timedelta(days=1)
    count = (last - first).days
    return [midnight(first + timedelta(days=n), zone, hour) for n in range(count + 1)]


def _months(start: int, end: int, zone: ZoneInfo) -> list[int]:
    first, last = local_day(start, zone), local_day(end, zone)
    numbers = range(first.year * 12 + first.month - 1, last.year * 12 + last.month + 1)
    return [midnight(date(n // 12, n % 12 + 1, 1), zone) for n in numbers]


def _hours(days: list[int]) -> list[int]:
    """Return the edges of the hours of days: where clocks change a day has 23 or 25 of them.

    A change by half an hour leaves one period of that length, at the end of its day.
    """
    return [edge for day, after in pairwise(days) for edge in range(day, after, HOUR)] + days[-1:]


def _time(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND
