"""Sums, counts and the like at the gateway, and at the collector of what it was sent: the same."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.deadband import Deadband
from protocols.alarms.kinds.window import Aggregate, Counted, Window
from protocols.alarms.machine import Sample, begin
from protocols.alarms.state import NORMAL
from protocols.alarms.steps import feed
from protocols.quality import Quality, is_good
from protocols.words import Reading
from tests import builders
from tests.edge.alarms.bund import SECOND, START, Watched, level, on_point

WINDOWS = {
    "sum": (Window(aggregate=Aggregate.SUM, seconds=20.0), 60.0),
    "mean": (Window(aggregate=Aggregate.MEAN, seconds=20.0, min_samples=3), 9.0),
    "min": (Window(aggregate=Aggregate.MIN, seconds=20.0), 8.0),
    "max": (Window(aggregate=Aggregate.MAX, seconds=20.0), 10.0),
    "change": (Window(aggregate=Aggregate.CHANGE, seconds=20.0), 2.0),
    "count": (Window(aggregate=Aggregate.COUNT, seconds=20.0), 4.0),
    "violations": (
        Window(aggregate=Aggregate.COUNT, seconds=60.0, counted=Counted(">", 10.0)),
        2.0,
    ),
}
READINGS = st.lists(
    st.tuples(st.integers(1, 9), st.sampled_from([7.0, 8.5, 9.5, 10.5, 11.5, None])),
    min_size=1,
    max_size=60,
)


class Intake:
    """A gateway with a coarse deadband, and a collector that judges what it was sent."""

    def __init__(self, shared):
        self.gateway = Watched([shared])
        sheet = replace(builders.point(0, "d1", "a").sheet, deadband=3.0, heartbeat=60.0)
        self._deadband = Deadband([sheet] * 4)
        self._definition, _ = shared
        self._machine = begin(self._definition, START)
        self.sent, self.said = 0, []

    def read(self, time, value):
        quality = Quality.GOOD if value is not None else Quality.BAD_TIMEOUT
        reading = Reading(0, value, int(quality), time)
        self.gateway.now = time
        judged = self.gateway.evaluator.take([reading], self.gateway.at)
        self.gateway.happened += judged.happened
        for each in self._deadband.select([reading], time, judged.points):
            self.sent += 1
            self._judge(each)

    def _judge(self, reading):
        good = is_good(reading.quality)
        sample = Sample(reading.time, reading.value if good else 0.0, reading.time, good)
        self._machine, entries = feed(self._definition, self._machine, sample)
        for entry in entries:
            self.said.append((entry.time, entry.word.value.replace("RERAISE", "RAISE")))
            if entry.word.value == "RTN":
                self._machine = self._machine._replace(alarm=NORMAL)


@pytest.mark.parametrize("name", WINDOWS)
@settings(max_examples=60, deadline=None)
@given(READINGS)
def test_both_sides_judge_the_same_readings(name, readings):
    kind, limit = WINDOWS[name]
    intake, now = Intake(on_point(name, kind, (level("到", ">=", limit),))), START
    for wait, value in readings:
        now += wait * SECOND
        intake.read(now, value)
    there = [(each.time, each.word.value) for each in intake.gateway.happened]
    assert there == intake.said


def test_rain_that_falls_evenly_is_summed_whole():
    """A value that stays is within any deadband, and counts each time."""
    intake = Intake(on_point("sum", Window(aggregate=Aggregate.SUM, seconds=600.0),
                             (level("暴雨", ">=", 20.0),)))  # fmt: skip
    for minute in range(10):
        intake.read(START + (minute * 60 + 1) * SECOND // 2, 2.0)
    assert intake.sent == 10
    assert [word for _, word in intake.said] == ["RAISE"]
