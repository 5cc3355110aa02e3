"""Working days (工作日) from a table of the yearly notices: what is not in it is never guessed.

Days are those of Beijing. A notice may also name days at the end of the year before.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain
from typing import Final

from central.calendar.intervals import Intervals
from central.calendar.periods import BEIJING, day_edges, local_day, zone_named
from protocols.errors import FengsuiError
from protocols.words import Label

FARTHEST: Final = 3_660
"""Most days one question may reckon over."""
_DAY: Final = timedelta(days=1)


class HolidaysUnknown(FengsuiError):
    """The arrangements of that year are in no table here."""

    code = "HOLIDAYS_UNKNOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holiday:
    """Days off in a row, both included."""

    name: Label
    first: date
    last: date

    def days(self) -> Iterable[date]:
        """Return each day off."""
        return (self.first + n * _DAY for n in range((self.last - self.first).days + 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class HolidayYear:
    """One notice: `status` official (from the notice itself) or unconfirmed."""

    year: int
    source: str
    issued: date
    status: str
    off: tuple[Holiday, ...]
    working: tuple[date, ...]


class Holidays:
    """Answers for the years of its table; HolidaysUnknown for every other."""

    def __init__(self, years: Mapping[int, HolidayYear]) -> None:
        self.years = dict(sorted(years.items()))
        tables = self.years.values()
        self._off = {day for table in tables for each in table.off for day in each.days()}
        self._working = set(chain.from_iterable(table.working for table in tables))

    def year(self, year: int) -> HolidayYear:
        """Return that year's arrangements. Raises HolidaysUnknown."""
        found = self.years.get(year)
        if found is None:
            raise HolidaysUnknown(year=year)
        return found

    def is_holiday(self, day: date) -> bool:
        """Return whether the day is off by the notice. Raises HolidaysUnknown."""
        self.year(day.year)
        return day in self._off

    def is_working(self, day: date) -> bool:
        """Return whether the day is a working day. Raises HolidaysUnknown."""
        if self.is_holiday(day):
            return False
        return day in self._working or day.weekday() < 5

    def after(self, day: date, working_days: int) -> date:
        """Return the n-th working day after `day`, n >= 0; 0 is the day itself.

        Raises HolidaysUnknown where the count runs into a year without a table.
        """
        left = working_days
        while left > 0:
            day += _DAY
            left -= self.is_working(day)
        return day

    def off(self, start: int, end: int) -> Intervals:
        """Return the holidays within [start, end) µs UTC. Raises HolidaysUnknown."""
        return self._chosen(self.is_holiday, start, end)

    def rest(self, start: int, end: int) -> Intervals:
        """Return the days within [start, end) nobody works. Raises HolidaysUnknown."""
        return self._chosen(lambda day: not self.is_working(day), start, end)

    def _chosen(self, wanted: Callable[[date], bool], start: int, end: int) -> Intervals:
        zone = zone_named(BEIJING)
        first, last = local_day(start, zone), local_day(end - 1, zone)
        edges = day_edges(first, last, zone)
        chosen = [n for n in range(len(edges) - 1) if wanted(first + n * _DAY)]
        return Intervals.of((edges[n], edges[n + 1]) for n in chosen).within(start, end)
