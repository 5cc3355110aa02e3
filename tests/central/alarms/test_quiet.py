"""Judged as columns or reading by reading, a backlog leaves the same alarms, journal and state."""

import asyncio
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from central.alarms.arrays import quiet
from protocols.alarms.rule import Colour
from protocols.quality import Quality
from tests.central.alarms.story import Story
from tests.central.builders import Gateway, HandClock, PointSpec, level, manifest, open_collector

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


# A step: which stream (0 the oldest), how long the clock moves on, what else happens before,
# readings each with its step back or forth in time (mostly onwards).
STEPS = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.integers(0, 90),
        st.sampled_from(["", "", "", "again", "seal", "seal again", "rules"]),
        st.lists(
            st.tuples(readings(), st.sampled_from([1, 1, 1, 1, 1, 2, 30, 0, -1, -70, 80])),
            min_size=1,
            max_size=12,
        ),
    ),
    min_size=1,
    max_size=8,
)
TABLES = (
    "SELECT * FROM episode ORDER BY number",
    "SELECT * FROM alarm_journal ORDER BY id",
)
BEGINS = (0, 1_800, 3_580, 3_590)
"""Seconds: two streams are late, the others begin just now."""
OTHER_LIMITS = (level("H", 78.0, off_delay=4.0), level("L", 30.0, "<"))


class Played:
    """A collector whose engine is made to forget, and whose journal is sealed."""

    def __init__(self, collector, clock):
        self.collector = collector
        self.clock = clock
        self.engine = collector._engine
        self.gateway = Gateway(clock, points=POINTS)
        self.streams, self.times = [], []

    async def do(self, what):
        for word in what.split():
            await getattr(self, word)()

    async def open(self):
        self.streams.append(self.gateway.open())
        self.times.append(BEGINS[min(len(self.streams), len(BEGINS)) - 1])
        await self.gateway.register(self.collector, self.streams[-1])

    async def deliver(self, which, made):
        at = which % len(self.streams)
        batch = []
        for (point, value, quality), onwards in made:
            self.times[at] += onwards
            ago = 3_600 - self.times[at]
            batch.append(self.gateway.reading(point, value, quality, ago=ago))
        await self.gateway.deliver(self.collector, self.streams[at], *batch)
        await self.collector.tick()

    async def rules(self):
        limits = OTHER_LIMITS if len(self.streams) % 2 else LIMITS
        self.gateway.points = (PointSpec("a", decimals=1, limits=limits), *POINTS[1:])
        self.gateway.manifest = manifest("gw", self.gateway.points)
        await self.open()

    async def again(self):
        self.engine.forget()

    async def seal(self):
        """What the journal held is in chunks: nobody asks there how far an older stream was."""
        await self.collector.store.seal()

    def state(self, tables):
        found = {}
        for (rule,) in tables.conn.execute("SELECT id FROM rule ORDER BY id").fetchall():
            t = self.engine.tracked(tables.conn, rule)
            if t is not None:
                pasts = {
                    stream: (b.condition, b.newest, b.until, b.path, b.claim)
                    for stream, b in t.branches.items()
                }
                now = (t.newest, t.value, t.stream, t.since, t.lagging)
                found[rule] = (now, t.condition, t.alarm, t.episode, pasts)
        return found


def one_by_one(live, coming):
    """Leave everything to the machine."""
    return quiet.Sifted(np.arange(len(coming.rows)), quiet.NO_SAMPLES)


async def told(steps, *, undisturbed):
    """Play the steps as columns, or reading by reading and undisturbed; return what is known."""
    clock = HandClock()
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
        if undisturbed:
            patched.setattr(quiet, "sift", one_by_one)
        collector = await open_collector(Path(folder), clock)
        await collector.registry.add_gateway("gw")
        played = Played(collector, clock)
        for _ in range(3):
            await played.open()
        clock.move(3_600)
        for which, wait, what, made in steps:
            clock.move(wait)
            if what == "rules" or not undisturbed:
                await played.do(what)
            await played.deliver(which, made)
        if not undisturbed:
            await played.do("seal again")

        def all_of_it(tables):
            return [tables.conn.execute(sql).fetchall() for sql in TABLES], played.state(tables)

        found = await collector.db.write(all_of_it)
        await collector.close()
    return found


@pytest.mark.slow
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_columns_and_single_readings_tell_the_same(steps):
    """One is judged as columns, forgets and is sealed; the other reads on, one by one."""
    columns = asyncio.run(told(steps, undisturbed=False))
    assert columns == asyncio.run(told(steps, undisturbed=True))


async def test_what_passed_is_what_comes_next_starts_from(collector, gateway, stream, clock):
    """The newest quiet reading counts: one that is older is a stray, and says so."""
    clock.move(100)
    many = [gateway.reading("level", 50.0, ago=100 - n) for n in range(50)]
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


async def test_what_stands_and_was_told_late_is_live_once_it_catches_up(tmp_path, clock):
    """It stands at the same level all the time: columns must not pass over the catching up."""
    points = (PointSpec("level", limits=(level("H", 80.0, on_delay=5.0),)),)
    story = await Story.begin(tmp_path, clock, points=points)
    await story.at(0, 85.0)
    await story.tick(100)
    assert (await story.one()).late
    await story.late(200, story.stream, (50, 86.0))
    assert (await story.one()).late
    await story.at(201, 87.0)
    assert not (await story.one()).late
    await story.collector.close()


async def test_quiet_backfill_writes_no_condition(story, clock):
    """How far it is, is known from the journal; sealed, in one row for all points."""

    async def conditions():
        return await story.collector.db.read(
            lambda conn: conn.execute("SELECT rule, stream, body FROM condition").fetchall()
        )

    await story.at(600, 70.0)
    old = await story.new_stream()
    await story.at(800, 70.0)
    await story.late(801, old, (610, 70.0))
    before = await conditions()
    await story.late(802, old, (620, 70.0), (630, 71.0))
    assert await conditions() == before
    await story.collector.store.seal()
    (more,) = set(await conditions()) - set(before)
    assert more[0] == ""
    story.collector._engine.forget()
    await story.late(803, old, (625, 95.0))
    words = await story.collector.db.read(
        lambda conn: conn.execute("SELECT event, episode FROM alarm_journal").fetchall()
    )
    assert words == [("LATE_ALARM", None)]


async def test_an_older_stream_goes_on_where_its_branch_began_not_where_it_once_was(story):
    """Before it was overtaken it was further; what it says again from there on is its past."""
    await story.at(600, 70.0)
    old = await story.new_stream()
    await story.at(800, 70.0)
    await story.late(801, old, (590, 70.0))
    story.collector._engine.forget()
    await story.late(802, old, (595, 95.0), (597, 70.0))
    episode = await story.one()
    assert episode.late
    assert await story.journal() == [[595, "RAISE:HH"], [597, "RTN"]]


async def test_what_was_sealed_before_the_rules_changed_is_forgotten_with_them(story):
    """The branch begun after it is further back, and stays so."""
    await story.at(600, 70.0)
    old = await story.new_stream()
    await story.at(800, 70.0)
    await story.late(801, old, (610, 70.0))
    await story.late(802, old, (620, 70.0))
    await story.collector.store.seal()
    gateway = story.gateway
    gateway.points = (PointSpec("level", decimals=2, limits=(level("H", 80.0),)),)
    gateway.manifest = manifest("gw", gateway.points)
    story.stream = gateway.open()
    await gateway.register(story.collector, story.stream)
    await story.at(900, 70.0)
    await story.late(901, old, (605, 70.0))
    story.collector._engine.forget()
    await story.late(902, old, (607, 95.0), (609, 70.0))
    assert await story.journal() == [[607, "RAISE:H"], [609, "RTN"]]


async def test_a_stray_of_an_older_stream_is_one_after_what_passed_quietly(story):
    await story.at(600, 70.0)
    old = await story.new_stream()
    await story.at(800, 70.0)
    await story.late(801, old, (610, 70.0))
    await story.late(802, old, (620, 70.0), (630, 71.0))
    await story.late(803, old, (625, 95.0))
    assert await story.episodes() == []
