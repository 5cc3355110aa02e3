"""Whatever comes before whatever: a time at a level is told once, and what stands is live."""

import asyncio
import itertools
import tempfile
from pathlib import Path
from types import SimpleNamespace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.alarms.evaluator import At, Evaluator
from edge.alarms.journal import line_of, said_of
from edge.alarms.rules import local_rules
from edge.alarms.standing import Times
from edge.alarms.stepping import Happened
from protocols.wire.alarm_events import Said, alarm_event
from protocols.words import Label, PointId, Reading
from tests.central.alarms.test_joining import Joint
from tests.central.builders import BOOT, HIGH, LOW, SECOND, START, HandClock

SCAN = 5.0
SECONDS = 2 * SECOND
"""Both sides' clocks are one here; a scan apart is the same."""


class Site:
    """A gateway that judges, and a collector that hears of it in any order."""

    def __init__(self, story, draw):
        self.story = story
        self.draw = draw
        point = SimpleNamespace(
            index=0, id=PointId("site", "gw", "tank", "level"), limits=HIGH + LOW,
            label=Label("液位"), sheet=SimpleNamespace(unit="%", decimals=0, type="float"),
        )  # fmt: skip
        device = SimpleNamespace(points=[point], scan=SCAN)
        rules = local_rules([SimpleNamespace(protocol="modbus", devices=[device])])
        self.evaluator = Evaluator(rules, 1, BOOT)
        self.clock = story.clock
        self.readings = []
        self.events = []
        self.standings = {}
        self.last = None

    @property
    def offset(self):
        return self.clock.now() - self.clock.mono()

    def read(self, value):
        """One scan; what is worth sending waits."""
        reading = Reading(0, value, 0, self.clock.mono())
        at = At(self.clock.now(), self.offset, self.clock.now())
        judged = self.evaluator.take([reading], lambda: at)
        self.newest = reading
        if value != self.last or (judged and judged.points):
            self.readings.append(reading)
            self.last = value
        for happened in judged.happened if judged else ():
            self.say(happened)
            if happened.rule.id.endswith(":high"):
                key, began = happened.standing.key, happened.standing.began
                over = happened.time if happened.word is Said.RTN else None
                self.standings[key] = (began, over)

    def say(self, happened):
        times = Times(BOOT, self.offset, True)
        line = line_of(1, happened, times)
        self.events.append(alarm_event(said_of(line, times, self.clock.mono())))

    async def send(self):
        """Send all that waits, readings and events in any order."""
        while self.readings or self.events:
            first = self.readings and (not self.events or self.draw(st.booleans()))
            if first:
                count = self.draw(st.integers(1, len(self.readings)))
                some, self.readings = self.readings[:count], self.readings[count:]
                await self.story.gateway.deliver(self.story.collector, self.stream, *some)
            else:
                count = self.draw(st.integers(1, len(self.events)))
                some, self.events = self.events[:count], self.events[count:]
                await self.story.say(self.story.second, *some)
            if self.draw(st.booleans()):
                await self.story.tick(self.story.second + 1)

    async def mend(self):
        """The line is there again: the present first, then what waited."""
        self.stream = await self.story.new_stream()
        live = self.story.stream
        await self.story.gateway.deliver(self.story.collector, live, self.newest)
        at = self.draw(st.integers(0, len(self.events)))
        waited, self.events = self.events, []
        for kept in self.evaluator.standing():
            self.say(Happened(kept.rule, Said.STANDS, kept.standing, self.clock.now()))
        self.events = waited[:at] + self.events + waited[at:]
        await self.send()
        self.stream = live


async def told(values, cut, draw):
    with tempfile.TemporaryDirectory() as folder:
        story = await Joint.begin(Path(folder), HandClock())
        try:
            site = Site(story, draw)
            site.stream = story.stream
            for place, value in enumerate(values):
                story.until(place * SCAN + 1)
                site.read(value)
                if place == cut[1]:
                    await site.mend()
                elif not cut[0] <= place < cut[1]:
                    await site.send()
            await site.send()
            for _ in range(4):
                await story.tick(story.second + 40)
            rows = [row for row in await story.rows() if row.rule.endswith(":high")]
            return rows, site
        finally:
            await story.collector.close()


@settings(
    max_examples=25, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(st.data())
def test_in_any_order(data):
    values = data.draw(st.lists(st.sampled_from([50.0, 85.0, 95.0]), min_size=3, max_size=30))
    begin = data.draw(st.integers(0, len(values) - 1))
    end = data.draw(st.integers(begin, len(values) - 1))
    rows, site = asyncio.run(told(values, (begin, end), data.draw))
    stands = [row for row in rows if row.state == "UNACK"]
    assert len(stands) == (1 if values[-1] > 80 else 0), shown(rows)
    begun = sorted(row.raised for row in rows)
    together = [pair for pair in itertools.pairwise(begun) if pair[1] - pair[0] <= SECONDS]
    assert together == [], shown(rows)
    for began, over in site.standings.values():
        assert any(covers(row, began, over) for row in rows), (shown(rows), began, over)


def covers(row, began, over):
    end = row.returned or row.closed
    ends = end is None or (over is not None and over <= end + SECONDS)
    return row.raised <= began + SECONDS and ends


def shown(rows):
    return [
        ((r.raised - START) / SECOND, r.returned and (r.returned - START) / SECOND, r.state,
         r.level.name, r.late, r.origin, r.confirmation)
        for r in rows
    ]  # fmt: skip
