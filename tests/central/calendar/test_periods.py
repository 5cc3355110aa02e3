from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.calendar.periods import Kind, TooManyPeriods, ZoneNotBeijing, ZoneUnknown, periods

BEIJING, BERLIN, LORD_HOWE = "Asia/Shanghai", "Europe/Berlin", "Australia/Lord_Howe"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND, HOUR = 1_000_000, 3_600_000_000


def at(text):
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)


def edges(kind, start, end, zone=BEIJING):
    found = periods(Kind(kind), at(start), at(end), zone).tolist()
    return [
        (EPOCH + timedelta(microseconds=t)).astimezone(ZoneInfo(zone)).isoformat() for t in found
    ]


def test_the_hydrological_day_begins_at_eight():
    asked = ("2026-06-12T07:59:59+08:00", "2026-06-13T08:00:00+08:00")
    assert edges("hydrological_day", *asked) == [
        "2026-06-11T08:00:00+08:00",
        "2026-06-12T08:00:00+08:00",
        "2026-06-13T08:00:00+08:00",
    ]
    with pytest.raises(ZoneNotBeijing):
        edges("hydrological_day", *asked, BERLIN)


def test_months_and_days_are_whole():
    asked = ("2026-01-31T12:00:00+08:00", "2026-03-01T00:00:00+08:00")
    assert edges("month", *asked) == [
        "2026-01-01T00:00:00+08:00",
        "2026-02-01T00:00:00+08:00",
        "2026-03-01T00:00:00+08:00",
    ]
    assert len(edges("day", *asked)) == 1 + 29
    assert edges("hour", "2026-06-12T22:06:00+08:00", "2026-06-12T22:07:00+08:00") == [
        "2026-06-12T22:00:00+08:00",
        "2026-06-12T23:00:00+08:00",
    ]


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-12", 24)]
)
def test_where_clocks_change_a_day_has_fewer_or_more_hours(day, hours):
    start = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(BERLIN))
    end = start + timedelta(days=1)
    assert len(edges("hour", start.isoformat(), end.isoformat(), BERLIN)) == hours + 1
    assert len(edges("day", start.isoformat(), end.isoformat(), BERLIN)) == 2


@given(
    st.sampled_from(Kind),
    st.sampled_from([BEIJING, BERLIN, LORD_HOWE, "UTC", "Asia/Kolkata"]),
    st.integers(at("1971-01-01T00:00:00Z"), at("2100-01-01T00:00:00Z")),
    st.integers(1, 500 * 24 * HOUR),
)
def test_every_span_is_covered_once_by_as_few_periods_as_hold_it(kind, zone, start, length):
    if kind is Kind.HYDROLOGICAL_DAY:
        zone = BEIJING
    found = periods(kind, start, start + length, zone).tolist()
    assert found == sorted(set(found))
    assert found[0] <= start < found[1]
    assert found[-2] < start + length <= found[-1]


def test_what_cannot_be_reckoned_is_refused():
    with pytest.raises(ZoneUnknown):
        periods(Kind.DAY, 0, 1, "Mars/Olympus")
    with pytest.raises(ZoneUnknown):
        periods(Kind.DAY, 0, 1, "../../etc/passwd")
    with pytest.raises(TooManyPeriods):
        periods(Kind.HOUR, 0, 10 * 366 * 24 * HOUR, BEIJING)
