"""The way in, over a real collector: ids, limits, what is excluded, what had arrived."""

import pytest

from central.calendar import exemptions
from central.calendar.exemptions import Exemption
from central.calendar.exemptions import Kind as Exempts
from central.calendar.holidays import HolidaysUnknown
from central.calendar.intervals import Intervals
from central.calendar.periods import Kind, TooManyPeriods
from central.store.queries.excluding import Exclude
from central.store.queries.queries import MOST_POINTS, Owed, Reckoning, TooManyPoints
from tests.central.builders import START

SECOND, HOUR = 1_000_000, 3_600_000_000
LEVEL, VALVE = "site/gw/tank/level", "site/gw/tank/count"
ZONE = "Asia/Shanghai"


@pytest.fixture
async def minutes(collector, gateway, stream, clock):
    """Two hours of the level from 22:00, every five minutes; 22:30 to 22:40 came at 23:55."""
    late = range(6, 8)
    for n in range(24):
        if n not in late:
            await gateway.deliver(collector, stream, gateway.reading("level", float(n)))
        if n == 23:
            readings = [gateway.reading("level", float(m), ago=300 * (n - m)) for m in late]
            await gateway.deliver(collector, stream, *readings)
        clock.move(300)
    return collector.queries


async def test_pages_carry_when_they_came_and_that_they_were_late(minutes):
    first = await minutes.readings(LEVEL, START, START + 2 * HOUR, limit=7)
    rest = await minutes.readings(LEVEL, START, START + 2 * HOUR, cursor=first.next)
    values = first.readings.values.tolist() + rest.readings.values.tolist()
    assert values == [float(n) for n in range(24)]
    assert (first.readings.flags & 4 != 0).tolist() == [False] * 6 + [True]
    assert first.readings.received[6] == START + 23 * 300 * SECOND
    with pytest.raises(ValueError, match=r"."):
        await minutes.readings(LEVEL, START, START + HOUR, cursor="theirs")


async def test_buckets_are_at_most_as_many_as_were_asked_for(minutes):
    found = await minutes.buckets(LEVEL, START, START + 2 * HOUR, 4)
    assert found.least.tolist() == [0, 6, 12, 18]
    assert found.most.tolist() == [5, 11, 17, 23]
    assert found.last == [5.0, 11.0, 17.0, 23.0]
    assert found.late.tolist() == [0, 2, 0, 0]
    assert (await minutes.buckets("a/b/c/d", START, START + HOUR, 3)).count.tolist() == [0, 0, 0]


async def test_periods_leave_out_what_is_excluded_and_say_how_much(minutes, collector):
    filed = Exemption(
        kind=Exempts.FILING,
        category="maintenance",
        site="site",
        points=(LEVEL,),
        start=START + HOUR // 2,
        until=START + HOUR,
        reason="检修",
        created=START,
        created_by="工程师",
    )
    await collector.db.write(lambda t: exemptions.add(t, filed, lambda tables, number: None))
    given = Intervals.of([(START, START + 10 * 60 * SECOND)])
    asked = Reckoning(
        start=START,
        end=START + 2 * HOUR,
        kind=Kind.HOUR,
        zone=ZONE,
        exclude=Exclude(filings=True, intervals=given),
    )
    found = await minutes.periods([LEVEL, VALVE, "a/b/c/d"], asked)
    level, valve = found.points[LEVEL], found.points[VALVE]
    assert list(found.points) == [LEVEL, VALVE]
    assert found.edges.tolist() == [START, START + HOUR, START + 2 * HOUR]
    assert level.count.tolist() == [4, 12]
    assert (level.least[0], level.most[0], level.mean[0]) == (2, 5, 3.5)
    assert level.excluded.tolist() == [HOUR // 2 + HOUR // 6, 0]
    assert valve.excluded.tolist() == [HOUR // 6, 0]


async def test_a_hydrological_day_is_from_eight_to_eight(minutes):
    asked = Reckoning(
        start=START, end=START + 1, kind=Kind.HYDROLOGICAL_DAY, zone=ZONE, exclude=Exclude()
    )
    found = await minutes.periods([LEVEL], asked)
    assert found.edges.tolist() == [START - 14 * HOUR, START + 10 * HOUR]
    assert found.points[LEVEL].sum.tolist() == [sum(range(24))]


async def test_counts_tell_backfill_from_being_on_line(minutes, clock):
    owed = Owed(every=60 * SECOND, gap=300 * SECOND)
    asked = await minutes.counts([LEVEL], START, START + 9 * HOUR, owed)
    assert (asked.start, asked.end) == (START, START + 2 * HOUR)
    found = asked.points[LEVEL]
    assert (found.count, found.late, found.slots_owed, found.slots_filled) == (24, 2, 120, 24)
    assert (found.owed, found.gap_count) == (2 * HOUR, 0)
    # Each of the 22 that came in time was recent for three minutes.
    assert found.online == 22 * 180 * SECOND


async def test_every_point_is_counted_by_its_site(minutes):
    found = await minutes.count_each(None, START, START + 2 * HOUR)
    counts = dict(zip(found.points, found.counts.tolist(), strict=True))
    assert counts[LEVEL] == 24
    assert sum(counts.values()) == 24
    assert (await minutes.count_each({"elsewhere"}, START, START + HOUR)).points == []
    some = await minutes.count_each({"site"}, START + HOUR // 2, START + HOUR)
    assert dict(zip(some.points, some.counts.tolist(), strict=True))[LEVEL] == 6


async def test_the_state_of_then_is_what_was_or_what_was_known(minutes):
    at = START + 35 * 60 * SECOND
    was = await minutes.state([LEVEL, VALVE], at)
    knew = await minutes.state([LEVEL], at, arrived=True)
    assert was[LEVEL].values.tolist() == [7.0]
    assert knew[LEVEL].values.tolist() == [5.0]
    assert len(was[VALVE]) == 0


async def test_limits_are_clear_errors(minutes):
    with pytest.raises(TooManyPoints) as refused:
        await minutes.state(["a/b/c/d"] * (MOST_POINTS + 1), START)
    assert refused.value.params == {"count": MOST_POINTS + 1, "limit": MOST_POINTS}
    with pytest.raises(TooManyPeriods):
        await minutes.counts([LEVEL], 0, START, Owed(every=SECOND))
    year = Reckoning(start=START, end=START + 9_000 * HOUR, kind=Kind.HOUR, zone=ZONE)
    with pytest.raises(TooManyPeriods):
        await minutes.periods([LEVEL] * 20, year)
    off = Reckoning(
        start=START,
        end=START + 300 * 24 * HOUR,
        kind=Kind.DAY,
        zone=ZONE,
        exclude=Exclude(holidays=True),
    )
    with pytest.raises(HolidaysUnknown):
        await minutes.periods([LEVEL], off)
