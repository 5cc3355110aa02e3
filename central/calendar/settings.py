"""The file of holidays, and the collector's key for it: strict YAML, every mistake with its line.

The collector brings the tables it knows; a file of its own adds years, or takes the place of them,
when the next notice is out before the next version is.
"""

from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field

from central.calendar.holidays import Holiday, Holidays, HolidayYear
from protocols.errors import ConfigError
from protocols.schema.fields import Choice, Date, Format, LabelModel, Line, Strict
from protocols.schema.report import Report
from protocols.schema.yaml_source import read

OWN: Final = Path(__file__).with_name("holidays.yaml")


class HolidayModel(Strict):
    """Days off in a row."""

    name: LabelModel
    from_: Date = Field(alias="from")
    to: Date


class YearModel(Strict):
    """One notice."""

    year: Annotated[int, Field(ge=1949, le=2999)]
    source: Line
    issued: Date
    status: Annotated[str, Choice(("official", "unconfirmed"))]
    off: Annotated[list[HolidayModel], Field(min_length=1, max_length=50)]
    working: Annotated[list[Date], Field(max_length=50)]


class HolidaysModel(Strict):
    """The file."""

    format: Format
    years: Annotated[list[YearModel], Field(min_length=1, max_length=200)]


class CalendarModel(Strict):
    """What the collector's file says of the calendar."""

    holidays: Line | None = None


def load_holidays(file: Path) -> Holidays:
    """Return the table of one file. Raises ConfigError with every problem."""
    report = Report(read(file))
    data = report.source.data
    model = report.check(HolidaysModel, data) if isinstance(data, dict) else None
    if not isinstance(data, dict):
        report.at((), "TYPE_MAPPING")
    for place, table in enumerate(model.years if model else ()):
        _check_days(report, place, table)
    report.finish()
    if model is None:
        raise AssertionError("a file without problems has a model")
    return Holidays({table.year: _year(table) for table in model.years})


@cache
def own_holidays() -> Holidays:
    """Return the tables this version brings."""
    return load_holidays(OWN)


def with_years(more: Mapping[int, HolidayYear]) -> Holidays:
    """Return the tables this version brings, with those of `more` added or in their place."""
    return Holidays({**own_holidays().years, **more})


def check_calendar(report: Report, data: Any, base: Path) -> Holidays:
    """Return the holidays the collector reckons by; name what is wrong with its own file."""
    calendar = data.get("calendar") if isinstance(data, dict) else None
    named = calendar.get("holidays") if isinstance(calendar, dict) else None
    if not isinstance(named, str):
        return own_holidays()
    try:
        return with_years(load_holidays(base / named).years)
    except ConfigError as exc:
        report.problems += exc.problems
    return own_holidays()


def _check_days(report: Report, place: int, table: YearModel) -> None:
    """Days must be the year's own (or of the last week before it), and not both off and worked."""
    off: set[date] = set()
    for number, each in enumerate(table.off):
        first, last = date.fromisoformat(each.from_), date.fromisoformat(each.to)
        at = ("years", place, "off", number)
        if not first <= last or (last - first).days > 31 or not _near(table.year, first, last):
            report.at((*at, "from"), "HOLIDAY_SPAN", year=table.year)
            continue
        off |= set(Holiday(name=each.name.label(), first=first, last=last).days())
    for number, text in enumerate(table.working):
        day = date.fromisoformat(text)
        if day in off or not _near(table.year, day, day):
            report.at(("years", place, "working", number), "HOLIDAY_WORKED", year=table.year)


def _near(year: int, first: date, last: date) -> bool:
    return date(year - 1, 12, 24) <= first and last <= date(year, 12, 31)


def _year(model: YearModel) -> HolidayYear:
    return HolidayYear(
        year=model.year,
        source=model.source,
        issued=date.fromisoformat(model.issued),
        status=model.status,
        off=tuple(
            Holiday(
                name=each.name.label(),
                first=date.fromisoformat(each.from_),
                last=date.fromisoformat(each.to),
            )
            for each in model.off
        ),
        working=tuple(date.fromisoformat(day) for day in model.working),
    )
