"""Missing data end nothing: what returns was heard of after the return, whatever kind of rule."""

import asyncio
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from central.alarms.rules.wanted import Wanted
from protocols.alarms.definition import Definition, Watch
from protocols.alarms.kinds.health import Bad, Stale
from protocols.alarms.kinds.rate import Rate
from protocols.alarms.kinds.window import Aggregate, Counted, Window
from protocols.alarms.rule import Rule
from protocols.quality import Quality
from tests.central.alarms.story import Story
from tests.central.builders import SECOND, START, HandClock, PointSpec, level

RETURNS = ("RTN", "SHADOW_RTN", "STALE_CLEAR", "BAD_CLEAR")
SUM = Window(aggregate=Aggregate.SUM, seconds=60.0)
VIOLATIONS = Window(aggregate=Aggregate.COUNT, seconds=60.0, counted=Counted(">", 80.0))
KINDS = {
    "soon": Definition(rule=Rule(id="", subject="", levels=(level("H", 80.0, off_delay=2.0),))),
    "slowly": Definition(rule=Rule(id="", subject="", levels=(level("H", 80.0, off_delay=25.0),))),
    "sum": Definition(
        rule=Rule(id="", subject="", levels=(level("H", 150.0, off_delay=3.0),)), kind=SUM
    ),
    "count": Definition(
        rule=Rule(id="", subject="", levels=(level("H", 2.0, off_delay=3.0),)), kind=VIOLATIONS
    ),
    "rate": Definition(
        rule=Rule(id="", subject="", levels=(level("H", 5.0, off_delay=3.0),)), kind=Rate(per=1.0)
    ),
    "watched": Definition(
        rule=Rule(id="", subject="", levels=(level("H", 80.0, off_delay=6.0),)),
        watch=Watch(stale_after=9.0, bad_after=4.0),
    ),
    "stale": Definition(rule=Rule(id="", subject="", levels=(level("S", 10.0),)), kind=Stale()),
    "bad": Definition(rule=Rule(id="", subject="", levels=(level("B", 5.0),)), kind=Bad()),
}
POINT = "level"


def wanted(name, definition, number):
    rule = definition.rule
    made = Rule(id=f"site/gw/tank/level:{name}", subject="site/gw/tank/level", levels=rule.levels)
    named = Definition(rule=made, kind=definition.kind, watch=definition.watch)
    return Wanted(named, ((number, ""),), "here")


class Heard(Story):
    """A story that notes when its gateway was heard."""

    def note(self):
        self.times.append(self.clock.now())

    async def play(self, steps):
        self.times = []
        engine, number = (
            self.collector._engine,
            self.collector.registry.number("site/gw/tank/level"),
        )
        rules = [wanted(name, each, number) for name, each in KINDS.items()]
        now = self.clock.now()
        await self.collector.db.write(lambda tables: engine.take_rules(tables, rules, now))
        self.note()
        for wait, what in steps:
            for _ in range(wait):
                self.clock.move(1)
                await self.collector.gateways._check(self.clock.now())
                await self.collector.tick()
            if what == "alive":
                await self.alive((self.clock.now() - START) / SECOND)
            else:
                value, quality = (
                    (None, Quality.BAD_NO_COMMUNICATION) if what is None else (what, Quality.GOOD)
                )
                reading = self.gateway.reading(POINT, value, quality)
                await self.gateway.deliver(self.collector, self.stream, reading)
            self.note()
        for _ in range(120):  # and it is never heard again
            self.clock.move(1)
            await self.collector.gateways._check(self.clock.now())
            await self.collector.tick()

    async def said(self):
        return await self.collector.db.read(
            lambda conn: conn.execute(
                "SELECT rule, event, time, recorded FROM alarm_journal "
                "WHERE rule NOT LIKE 'fault:%' ORDER BY id"
            ).fetchall()
        )


STEPS = st.lists(
    st.tuples(
        st.sampled_from([1, 1, 2, 4, 9, 20, 40]), st.sampled_from([50.0, 90.0, None, "alive"])
    ),
    min_size=2,
    max_size=12,
)


async def told(steps):
    with tempfile.TemporaryDirectory() as folder:
        story = await Heard.begin(Path(folder), HandClock(), points=(PointSpec(POINT),))
        try:
            await story.play(steps)
            return story.times, await story.said()
        finally:
            await story.collector.close()


@settings(max_examples=40, deadline=None)
@given(STEPS)
def test_nothing_returns_of_a_time_after_which_nobody_was_heard(steps):
    times, said = asyncio.run(told(steps))
    for rule, event, time, recorded in said:
        if event in RETURNS or (event == "RAISE" and rule.endswith((":stale", ":bad"))):
            assert any(time <= heard <= recorded for heard in times), (rule, event, time, steps)


def test_the_property_sees_returns():
    steps = [(1, 90.0), (1, 50.0), (2, "alive"), (2, "alive"), (40, 90.0), (2, 50.0)]
    _, said = asyncio.run(told(steps))
    words = [(rule.rsplit(":")[-1], event) for rule, event, _, _ in said]
    assert words.count(("soon", "RTN")) == 1, "the second had begun when the gateway fell silent"
    assert words.count(("soon", "RERAISE")) == 1
