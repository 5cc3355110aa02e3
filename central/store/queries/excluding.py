"""Which intervals are taken out of a question: by name, from the calendar, or given."""

from dataclasses import dataclass

from central.calendar.exemptions import Exempt, Kind
from central.calendar.holidays import Holidays
from central.calendar.intervals import NOTHING, Intervals
from central.registry_records import PointRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclude:
    """What does not count: readings inside are left out, and nothing is owed inside."""

    holidays: bool = False
    """Days off by the notice (放假日)."""
    rest_days: bool = False
    """Every day nobody works: weekends without those worked, and holidays (休息日)."""
    filings: bool = False
    """What was filed for the point or its site (报备)."""
    platform_faults: bool = False
    """When the platform itself was at fault (平台故障)."""
    intervals: Intervals = NOTHING

    @property
    def kinds(self) -> list[Kind]:
        """The kinds that are looked up in the database."""
        chosen = ((self.filings, Kind.FILING), (self.platform_faults, Kind.PLATFORM_FAULT))
        return [kind for wanted, kind in chosen if wanted]


class Excluding:
    """What is excluded within [start, end) µs UTC, point by point."""

    def __init__(self, shared: Intervals, found: Exempt) -> None:
        self._shared = shared
        self._found = found

    def of(self, point: PointRecord) -> Intervals:
        """Return what is excluded of one point, united."""
        return self._shared.union(self._found.of(point.site, point.number))


def days_out(exclude: Exclude, holidays: Holidays, start: int, end: int) -> Intervals:
    """Return what is excluded of every point alike. Raises HolidaysUnknown."""
    out = exclude.intervals.within(start, end)
    if exclude.holidays:
        out = out.union(holidays.off(start, end))
    if exclude.rest_days:
        out = out.union(holidays.rest(start, end))
    return out
