"""A gateway that falls silent is one item, through the real collector, whatever lies below it."""

import asyncio
import contextlib

import pytest

from central.alarms.journal.episode import EpisodeFilter
from central.alarms.rules.wanted import Wanted
from protocols.alarms.definition import Definition, Watch
from protocols.alarms.kinds.health import Stale
from protocols.alarms.rule import Rule
from tests.central.alarms.story import Story
from tests.central.builders import SECOND, START, PointSpec, level, open_collector

NUMBER = 200
RETURNS_SLOWLY = (level("H", 80.0, deadband=2.0, off_delay=60.0),)
POINTS = tuple(PointSpec(f"p{nth}", limits=RETURNS_SLOWLY) for nth in range(NUMBER))
FAULT = "fault:gw"


def watched(number, name, stale_after=100.0):
    """Return a rule that watches its point, and one that is about its silence alone."""
    high = level("H", 80.0, off_delay=60.0)
    both = Rule(id=f"site/{name}:watched", subject=f"site/{name}", levels=(high,))
    silent = Rule(
        id=f"site/{name}:silent", subject=f"site/{name}", levels=(level("S", stale_after),)
    )
    return [
        Wanted(Definition(rule=both, watch=Watch(stale_after=stale_after)), (number,), "here"),
        Wanted(Definition(rule=silent, kind=Stale()), (number,), "here"),
    ]


async def settle():
    for _ in range(30):
        await asyncio.sleep(0)


class Plant(Story):
    """A gateway of many points, each with rules that would call out when it is silent."""

    async def take_rules(self, stale_after=100.0):
        registry = self.collector.registry
        rules = []
        for nth in range(NUMBER):
            number = registry.number(f"site/gw/tank/p{nth}")
            rules += [
                each._replace(inputs=((number, ""),))
                for each in watched(number, f"p{nth}", stale_after)
            ]
        engine = self.collector._engine
        now = self.clock.now()
        await self.collector.db.write(lambda tables: engine.take_rules(tables, rules, now))
        await self.collector.tick()

    async def says(self, second, value):
        """Every point says the same."""
        self.until(second)
        readings = [self.gateway.reading(nth, value) for nth in range(NUMBER)]
        await self.gateway.deliver(self.collector, self.stream, *readings)

    async def passes(self, second):
        """Time passes, with every look at contacts and timers that is due on the way."""
        while (now := (self.clock.time - START) / SECOND) < second:
            self.until(min(second, now + 5))
            await self.collector.gateways._check(self.clock.now())
            await self.collector.tick()

    async def words(self):
        rows = await self.collector.db.read(
            lambda conn: conn.execute(
                "SELECT event, rule LIKE 'fault:%', count(*) FROM alarm_journal "
                "WHERE rule <> 'flood' GROUP BY 1, 2"
            ).fetchall()
        )
        return {(word, bool(fault)): count for word, fault, count in rows}

    async def faults(self, state="open"):
        page = await self.collector.alarms.episodes(EpisodeFilter(state=state, faults="only"))
        return page.items


@pytest.fixture
async def plant(tmp_path, clock):
    told = await Plant.begin(tmp_path, clock, points=POINTS)
    yield told
    with contextlib.suppress(Exception):
        await told.collector.close()


async def test_two_hundred_points_of_a_dead_gateway_are_one_item(plant, tmp_path):
    await plant.take_rules()
    await plant.says(0, 90.0)
    await plant.says(10, 50.0)  # about to return, seen as it falls
    await plant.passes(3_000)
    (fault,) = await plant.faults()
    assert (fault.rule, fault.state, fault.fault.place) == (FAULT, "UNACK", "gateway")
    assert (fault.fault.devices, fault.fault.points) == (1, NUMBER)
    assert fault.fault.since == START + 10 * SECOND
    words = await plant.words()
    assert words == {("RAISE", False): 2 * NUMBER, ("RAISE", True): 1}
    alarms = (await plant.collector.alarms.episodes(EpisodeFilter(limit=500))).items
    assert len(alarms) == 2 * NUMBER  # they stand, and nobody knows their state
    assert {each.unknown_since for each in alarms} == {START + 10 * SECOND}
    await plant.reopen(tmp_path)
    await plant.passes(6_000)
    assert await plant.words() == words
    (again,) = await plant.faults()
    assert again == fault


async def test_when_it_is_back_each_point_has_its_time_anew(plant, tmp_path):
    await plant.take_rules()
    await plant.says(0, 50.0)
    await plant.passes(1_000)
    await plant.alive(1_000)
    await plant.passes(1_020)
    (fault,) = await plant.faults()
    assert fault.state == "RTN_UNACK"
    assert await plant.words() == {("RAISE", True): 1, ("RTN", True): 1}
    await plant.reopen(tmp_path)
    for second in range(1_020, 1_100, 10):
        await plant.alive(second)
        await plant.passes(second + 1)
    assert ("STALE", False) not in await plant.words()
    for second in range(1_100, 1_130, 10):
        await plant.alive(second)
        await plant.passes(second + 4)
    words = await plant.words()
    assert words["STALE", False] == NUMBER  # they said nothing, though their gateway is there
    assert words["RAISE", False] == NUMBER


async def test_an_alarm_that_was_about_to_return_has_not(plant):
    await plant.says(0, 90.0)
    await plant.says(5, 50.0)
    await plant.passes(500)
    await plant.alive(500)
    await plant.passes(520)
    assert ("RTN", False) not in await plant.words()
    await plant.says(521, 50.0)
    await plant.says(575, 50.0)
    await plant.alive(583)
    await plant.passes(586)
    assert (await plant.words())["RTN", False] == NUMBER


async def test_silence_that_is_sooner_than_its_gateways_waits_for_it(plant):
    """Whoever watches for five seconds does not call out two hundred times before it is known."""
    await plant.take_rules(stale_after=15.0)
    await plant.says(0, 50.0)
    await plant.passes(200)
    assert await plant.words() == {("RAISE", True): 1}


async def test_a_fault_is_acknowledged_as_an_alarm_is_and_counted_apart(plant):
    await plant.says(0, 50.0)
    await plant.passes(40)
    (fault,) = await plant.faults()
    overview = await plant.collector.overview()
    assert (overview.levels.yellow, overview.unacknowledged) == (0, 0)
    assert overview.gateways.offline == 1
    assert (await plant.collector.alarms.episodes()).items == ()
    seen = await plant.ack(episode=fault.id)
    assert (seen.state, seen.fault) == ("ACKED", fault.fault)
    await plant.alive(50)
    assert await plant.faults() == ()
    (over,) = await plant.faults("history")
    assert over.returned == START + 50 * SECOND
    await plant.says(60, 50.0)
    await plant.passes(100)
    (again,) = await plant.faults()
    assert again.id != fault.id
    assert (await plant.collector.alarms.episode(fault.id)).episode.fault == fault.fault


async def test_after_we_were_away_nobody_is_silent_yet(plant, tmp_path):
    await plant.take_rules()
    await plant.says(0, 50.0)
    await plant.collector.close()
    plant.until(4_000)
    plant.collector = await open_collector(tmp_path, plant.clock)
    await plant.collector.tick()
    assert await plant.words() == {}
    await plant.alive(4_005)
    await plant.passes(4_010)
    assert await plant.words() == {}
