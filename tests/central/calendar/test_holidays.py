from datetime import date, timedelta

import pytest

from central.calendar.holidays import HolidaysUnknown
from central.calendar.settings import load_holidays, own_holidays
from central.config import load_config
from protocols.errors import ConfigError
from tests.central.calendar.test_periods import at

DAY = timedelta(days=1)


def year_of(year):
    return [
        date(year, 1, 1) + n * DAY for n in range((date(year + 1, 1, 1) - date(year, 1, 1)).days)
    ]


@pytest.mark.parametrize(
    ("year", "off", "worked", "working"), [(2025, 28, 5, 248), (2026, 33, 6, 248)]
)
def test_the_tables_count_as_the_notices_do(year, off, worked, working):
    table = own_holidays()
    assert sum(table.is_holiday(day) for day in year_of(year)) == off
    assert len(table.year(year).working) == worked
    # Make-up days are weekends, and no notice moves more weekend than it gives back.
    assert all(day.weekday() >= 5 and table.is_working(day) for day in table.year(year).working)
    assert sum(table.is_working(day) for day in year_of(year)) == working


def test_deadlines_are_reckoned_in_working_days():
    table = own_holidays()
    assert table.after(date(2026, 9, 30), 1) == date(2026, 10, 8)
    assert table.after(date(2026, 2, 13), 1) == date(2026, 2, 14)  # a Saturday that is worked
    assert table.after(date(2026, 2, 14), 3) == date(2026, 2, 26)
    assert table.after(date(2026, 6, 12), 0) == date(2026, 6, 12)


def test_a_year_without_a_table_is_refused_and_named():
    table = own_holidays()
    with pytest.raises(HolidaysUnknown) as refused:
        table.after(date(2026, 12, 31), 1)
    assert refused.value.params == {"year": 2027}
    with pytest.raises(HolidaysUnknown):
        table.off(at("2024-12-31T00:00:00+08:00"), at("2025-01-02T00:00:00+08:00"))


def test_days_off_are_intervals_of_beijing_days():
    table = own_holidays()
    span = at("2026-10-06T12:00:00+08:00"), at("2026-10-12T00:00:00+08:00")
    assert table.off(*span).pairs() == [(span[0], at("2026-10-08T00:00:00+08:00"))]
    assert table.rest(*span).pairs() == [
        (span[0], at("2026-10-08T00:00:00+08:00")),
        (at("2026-10-11T00:00:00+08:00"), span[1]),
    ]


def test_a_file_of_one_s_own_is_read_strictly(tmp_path):
    file = tmp_path / "holidays.yaml"
    good = (
        "format: v1\nyears:\n- year: 2027\n  source: 通知\n  issued: 2026-11-05\n"
        "  status: official\n  off:\n  - {name: 元旦, from: 2026-12-31, to: 2027-01-02}\n"
        "  working: [2027-01-09]\n"
    )
    file.write_text(good, encoding="utf-8")
    assert load_holidays(file).is_holiday(date(2027, 1, 2))
    bad = good.replace("to: 2027-01-02", "to: 2026-12-30").replace("2027-01-09", "2028-01-09")
    file.write_text(bad.replace("official", "sure"), encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load_holidays(file)
    assert {problem.code for problem in refused.value.problems} == {"VALUE_CHOICE"}
    file.write_text(bad, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load_holidays(file)
    found = {(problem.code, problem.line) for problem in refused.value.problems}
    assert found == {("HOLIDAY_SPAN", 8), ("HOLIDAY_WORKED", 9)}


def test_the_collector_takes_years_from_a_file_of_its_own(tmp_path):
    config = tmp_path / "central.yaml"
    text = "format: v1\ndatabase: collector.db\ncalendar:\n  holidays: mine.yaml\n"
    config.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load_config(config)
    assert [problem.code for problem in refused.value.problems] == ["FILE_MISSING"]
    own = (
        "format: v1\nyears:\n- {year: 2027, source: 通知, issued: 2026-11-05, status: official,\n"
        "   off: [{name: 元旦, from: 2027-01-01, to: 2027-01-03}], working: []}\n"
    )
    (tmp_path / "mine.yaml").write_text(own, encoding="utf-8")
    holidays = load_config(config).holidays
    assert sorted(holidays.years) == [2025, 2026, 2027]
    assert not holidays.is_working(date(2027, 1, 1))
