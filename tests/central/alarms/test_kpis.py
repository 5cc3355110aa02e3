"""Figures of alarm quality, on journals made up for the purpose."""

import asyncio
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.alarms.figures import kpi_source
from central.alarms.figures.kpis import Line, Period, flooded, kpis
from protocols.alarms.flood import Bounds, Flood, advance, announced
from protocols.alarms.rule import Colour
from protocols.clock import HOUR, MINUTE, SECOND

DAY = 24 * HOUR
WEEK = Period(start=0, end=7 * DAY)
_WORDS = {"R": "RAISE", "RR": "RERAISE", "RA": "REALARM"}


def line(episode, time, word, colour=Colour.YELLOW, rule="r", point=1, late=False, recorded=None):
    word = _WORDS.get(word, word)
    recorded = time if recorded is None else recorded
    return Line(episode, rule, point, time, recorded, word, colour, late)


def figures(lines, verdicts=None, period=WEEK):
    found = kpis(lines, verdicts or {}, period)
    return {figure.name: figure for figure in found.figures}, found


def spread(count, every=HOUR, **more):
    """Alarms one after another, each over and acknowledged a minute later."""
    return [
        each
        for n in range(count)
        for each in (
            line(n, n * every, "R", **more),
            line(n, n * every + MINUTE, "ACK", **more),
            line(n, n * every + 2 * MINUTE, "RTN", **more),
        )
    ]


def test_a_quiet_week_has_every_figure_and_nothing_to_divide():
    found, whole = figures([])
    assert found["per_hour"].value == 0
    assert found["flood_time"].value == 0
    for name in ("top_10", "chattering", "fleeting", "priority_top", "false_alarms"):
        assert found[name].value is None
        assert found[name].denominator == 0
    assert found["acknowledge_median"].value is None
    assert whole.top == whole.chattering == ()


def test_load_is_by_hour_day_ten_minutes_and_operator():
    found, _ = figures(spread(168), period=WEEK)
    assert (found["per_hour"].numerator, found["per_hour"].denominator) == (168, 168)
    assert found["per_hour"].value == 1
    assert found["per_day"].value == 24
    assert found["per_10_min"].value == pytest.approx(1 / 6)
    assert found["peak_10_min"].value == 1
    assert found["mean_daily_peak"].value == 1
    halved, _ = figures(spread(168), period=Period(start=0, end=7 * DAY, operators=2))
    assert halved["per_hour"].value == 0.5


def test_every_call_counts_where_it_happened():
    lines = [
        line(1, -HOUR, "R"),  # before the period
        line(1, HOUR, "RA"),
        line(1, 2 * HOUR, "RTN"),
        line(1, 3 * HOUR, "RR"),
        line(2, 4 * HOUR, "SHADOW_RAISE"),  # nobody was called
        line(3, 7 * DAY, "R"),  # after it
    ]
    assert figures(lines)[0]["per_hour"].numerator == 2


def test_what_was_told_of_the_past_is_counted_with_its_number_beside():
    lines = [*spread(2), line(9, 5 * HOUR, "R", late=True, recorded=9 * HOUR)]
    found, _ = figures(lines)
    assert (found["per_day"].numerator, found["per_day"].late) == (3, 1)
    assert found["acknowledge_median"].denominator == 2


def test_a_flood_is_eleven_in_ten_minutes_until_fewer_than_five_are_left():
    lines = [line(n, n * 30 * SECOND, "R") for n in range(11)]
    found, _ = figures(lines)
    # On with the eleventh at 300 s; four are left when the seventh, at 180 s, leaves at 780 s.
    assert found["flood_time"].numerator == 780 - 300
    assert figures(lines[:10])[0]["flood_time"].numerator == 0
    calm, _ = figures(lines, period=Period(start=0, end=DAY, operators=2))
    assert calm["flood_time"].numerator == 0


@given(
    st.lists(st.integers(0, 4 * HOUR // SECOND), max_size=120).map(sorted),
    st.integers(1, 12),
    st.integers(1, 6),
)
def test_floods_are_those_of_the_core(seconds, on_above, off_below):
    bounds = Bounds(on_above=on_above, off_below=min(off_below, on_above))
    times = [second * SECOND for second in seconds]
    end = 6 * HOUR
    state, said = Flood(), []
    for time in times:
        state, more = announced(bounds, state, time)
        said += more
    said += advance(bounds, state, end)[1]
    turns = [time for time, _ in said]
    expected = sum(off - on for on, off in zip(turns[::2], turns[1::2], strict=True))
    assert flooded(times, Period(start=0, end=end, flood=bounds)) == expected


def test_a_busy_hour_has_more_than_thirty():
    lines = [line(n, HOUR + n * MINUTE, "R") for n in range(31)]
    lines += [line(99, 5 * HOUR + n, "R") for n in range(30)]
    found, _ = figures(lines)
    assert (found["busy_hours"].numerator, found["busy_hours"].denominator) == (1, 168)


def test_the_ten_points_that_make_the_most_of_it():
    lines = [line(n, n * MINUTE, "R", point=n % 20) for n in range(40)]
    lines += [line(99, n * MINUTE, "R", point=7) for n in range(8)]
    found, whole = figures(lines)
    assert whole.top[0] == (7, 10)
    assert len(whole.top) == 10
    assert (found["top_10"].numerator, found["top_10"].denominator) == (10 + 9 * 2, 48)


@pytest.mark.parametrize(("gaps", "part"), [([20, 20], 3), ([30, 30], 0), ([1, 1, 1, 90, 1], 4)])
def test_chatter_is_three_beginnings_within_a_minute(gaps, part):
    times = [sum(gaps[:n]) * SECOND for n in range(len(gaps) + 1)]
    lines = [line(1, time, "RR", rule="x") for time in times]
    lines += spread(5, rule="y")
    found, whole = figures(lines)
    assert found["chattering"].numerator == part
    assert whole.chattering == ((("x", part),) if part else ())


def test_fleeting_returned_before_anybody_could_act():
    lines = [line(1, 0, "R"), line(1, MINUTE, "RTN"), line(2, HOUR, "R"), line(2, 2 * HOUR, "RTN")]
    found, _ = figures(lines)
    assert (found["fleeting"].numerator, found["fleeting"].denominator) == (1, 2)


def test_stale_stood_longer_than_a_day_at_some_time_of_the_period():
    lines = [
        *(line(1, -3 * DAY, "R"), line(1, HOUR, "RTN")),  # until within it
        *(line(2, -3 * DAY, "R"), line(2, -HOUR, "RTN")),  # over before
        *(line(3, DAY, "R"), line(3, 2 * DAY, "RTN")),  # a day, not longer
        line(4, 5 * DAY, "R"),  # still stands at the end
        line(5, 6 * DAY + 1, "R"),  # not yet a day
        # Came back: each standing for itself.
        *(
            line(6, 0, "R"),
            line(6, HOUR, "RTN"),
            line(6, 3 * DAY, "RR"),
            line(6, 3 * DAY + 5, "RTN"),
        ),
    ]
    found, _ = figures(lines)
    assert (found["stale"].numerator, found["stale"].denominator) == (2, 7)


def test_priorities_follow_the_colours():
    colours = (Colour.BLUE, Colour.YELLOW, Colour.ORANGE, Colour.RED, Colour.YELLOW)
    lines = [line(n, n * HOUR, "R", colour) for n, colour in enumerate(colours)]
    found, _ = figures(lines)
    shares = [found[f"priority_{name}"].value for name in ("low", "high", "top")]
    assert shares == [60, 20, 20]


def test_how_long_it_waited_to_be_acknowledged():
    lines = []
    for n in range(10):
        lines += [line(n, n * HOUR, "R"), line(n, n * HOUR + (n + 1) * MINUTE, "ACK")]
    lines += [line(98, DAY, "R"), line(99, DAY, "R")]  # nobody did
    found, _ = figures(lines)
    assert found["acknowledge_median"].value == 5 * 60
    assert found["acknowledge_p90"].value == 9 * 60
    median = found["acknowledge_median"]
    assert (median.numerator, median.denominator) == (10, 12)


def test_a_call_before_the_period_is_not_answered_in_it():
    lines = [line(1, -HOUR, "R"), line(1, HOUR, "ACK"), line(1, 2 * HOUR, "RA")]
    found, _ = figures(lines)
    median = found["acknowledge_median"]
    assert (median.value, median.numerator, median.denominator) == (None, 0, 1)


def test_what_they_turned_out_to_be():
    found, _ = figures([], {"real": 3, "false": 1, "test": 4, "": 12})
    assert (found["false_alarms"].value, found["false_alarms"].denominator) == (25, 4)
    assert (found["verified_test"].value, found["verified_test"].denominator) == (50, 8)
    assert (found["unverified"].numerator, found["unverified"].denominator) == (12, 20)


def test_benchmarks_say_where_they_are_from_and_that_they_were_not_read_again():
    found, _ = figures(spread(3))
    assert [(b.op, b.limit, b.meaning, b.status) for b in found["per_day"].benchmarks] == [
        ("<=", 150, "acceptable", "K"),
        ("<=", 300, "manageable", "K"),
    ]
    for figure in found.values():
        assert all(b.source and b.status in ("V", "K", "D") for b in figure.benchmarks)


async def test_the_journal_is_found_by_indexes(collector):
    for sql, indexes in (
        (kpi_source._ANNOUNCED, {"alarm_journal_called"}),
        (kpi_source._STOOD, {"episode_long", "episode_open"}),
    ):
        plan = await collector.db.read(
            lambda conn, sql=sql: conn.execute(
                f"EXPLAIN QUERY PLAN {sql}", [0] * sql.count("?")
            ).fetchall()
        )
        told = " ".join(row[3] for row in plan)
        assert all(f"INDEX {index}" in told for index in indexes), told


async def test_figures_leave_a_reader_to_the_lists(collector, monkeypatch):
    """Two people who ask for a bad year wait for each other, and nobody's list for them."""
    begun, entered, may = [], threading.Event(), threading.Event()

    def read(*_):
        begun.append(1)
        entered.set()
        assert may.wait(60)
        return kpi_source.Journal([], {})

    monkeypatch.setattr(kpi_source, "read", read)
    period = Period(start=0, end=DAY)
    asked = [asyncio.create_task(collector.alarms.kpis(period, None)) for _ in range(3)]
    async with asyncio.timeout(60):
        assert await asyncio.to_thread(entered.wait, 60)
        assert (await collector.alarms.episodes()).total == 0
        assert (len(begun), [each.done() for each in asked]) == (1, [False] * 3)
        may.set()
        await asyncio.gather(*asked)
    assert len(begun) == 3
