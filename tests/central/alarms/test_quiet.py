"""Judged as columns or reading by reading, a backlog leaves the same alarms, journal and state."""

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from central.alarms import quiet
from protocols.alarms.rule import Colour
from protocols.quality import Quality
from tests.central.builders import Gateway, HandClock, PointSpec, level, open_collector

LIMITS = (
    level("H", 80.0, deadband=2.0, on_delay=3.0, off_delay=4.0),
    level("HH", 90.0, colour=Colour.RED),
    level("L", 20.0, "<=", on_delay=2.0),
)
POINTS = (
    PointSpec("a", decimals=1, limits=LIMITS),
    PointSpec("b", "int", limits=(level("HH", 2.0**53, ">"),)),
    PointSpec("c", "bool", limits=(level("fire", 1.0, "="),)),
    PointSpec("d"),
)
VALUES = {
    0: st.sampled_from([50.0, 50.0, 50.0, 79.9, 80.0, 89.0, 95.0, 20.0, 19.0, None]),
    1: st.sampled_from([0, 5, 2**53 - 1, 2**53, 2**53 + 1, 2**64 - 1]),
    2: st.booleans(),
    3: st.sampled_from([1.0, "开", None]),
}
QUALITIES = st.sampled_from([Quality.GOOD] * 6 + [Quality.BAD, Quality.UNCERTAIN])


@st.composite
def readings(draw):
    point = draw(st.integers(0, 3))
    return point, draw(VALUES[point]), draw(QUALITIES)


# A step: which stream (0 the oldest), how long the clock moves on, readings each with its step
# back or forth in time (mostly onwards).
STEPS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.integers(0, 90),
        st.lists(
            st.tuples(readings(), st.sampled_from([1, 1, 1, 1, 2, 30, 0, -1])),
            min_size=1,
            max_size=12,
        ),
    ),
    min_size=1,
    max_size=8,
)
TABLES = (
    "SELECT * FROM condition ORDER BY rule, stream",
    "SELECT * FROM episode ORDER BY number",
    "SELECT * FROM alarm_journal ORDER BY id",
    "SELECT recorded, kind, body FROM outbox ORDER BY id",
)


async def told(steps, least):
    """Play the steps with columns from `least` readings on; return what the tables hold."""
    clock = HandClock()
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
        patched.setattr(quiet, "LEAST", least)
        collector = await open_collector(Path(folder), clock)
        await collector.registry.add_gateway("gw")
        gateway = Gateway(clock, points=POINTS)
        streams = [gateway.open() for _ in range(3)]
        for stream in streams:
            await gateway.register(collector, stream)
        times = [0, 600, 1_200]
        clock.move(3_600)
        for which, wait, made in steps:
            clock.move(wait)
            batch = []
            for (point, value, quality), onwards in made:
                times[which] += onwards
                batch.append(gateway.reading(point, value, quality, ago=3_600 - times[which]))
            await gateway.deliver(collector, streams[which], *batch)
            await collector.tick()

        def tables(conn):
            return [conn.execute(sql).fetchall() for sql in TABLES]

        found = await collector.db.read(tables)
        engine = collector._engine
        state = {
            rule: (t.newest, t.value, t.stream, t.lagging, t.condition, t.alarm)
            for rule, t in engine._rules.items()
        }
        await collector.close()
    return found, state


@pytest.mark.slow
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_columns_and_single_readings_tell_the_same(steps):
    assert asyncio.run(told(steps, 1)) == asyncio.run(told(steps, 10**9))


async def test_what_passed_is_what_comes_next_starts_from(collector, gateway, stream, clock):
    """The newest quiet reading counts: one that is older is a stray, and says so."""
    clock.move(100)
    many = [gateway.reading("level", 50.0, ago=100 - n) for n in range(quiet.LEAST + 5)]
    await gateway.deliver(collector, stream, gateway.reading("level", 50.0, ago=101))
    await gateway.deliver(collector, stream, *many)
    await gateway.deliver(collector, stream, gateway.reading("level", 95.0, ago=99))
    assert (await collector.alarms.episodes()).items == ()
    words = await collector.db.read(
        lambda conn: conn.execute("SELECT event FROM alarm_journal").fetchall()
    )
    assert words == [("LATE_ALARM",)]


async def test_the_largest_integers_are_the_newest_sample_after_a_restart(tmp_path, clock):
    """What SQLite keeps as text was judged too: an older reading stays a stray."""
    points = (PointSpec("count", "int", limits=(level("H", 1e19),)),)
    async with await open_collector(tmp_path, clock) as collector:
        await collector.registry.add_gateway("gw")
        gateway = Gateway(clock, points=points)
        stream = gateway.open()
        await gateway.register(collector, stream)
        clock.move(60)
        await gateway.deliver(collector, stream, gateway.reading("count", 2**63, ago=10))
    async with await open_collector(tmp_path, clock) as again:
        await gateway.deliver(again, stream, gateway.reading("count", 2**64 - 1, ago=20))
        assert (await again.alarms.episodes()).items == ()
        words = await again.db.read(
            lambda conn: conn.execute("SELECT event FROM alarm_journal").fetchall()
        )
        assert words == [("LATE_ALARM",)]
