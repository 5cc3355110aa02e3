"""What an alarm hangs on is sent whatever the deadband says, and the present before the past."""

import asyncio
from dataclasses import replace

from edge.alarms.evaluator import At, Evaluator
from edge.alarms.rules import local_rules
from edge.intake import Intake
from edge.roster import Roster
from protocols.quality import Quality
from protocols.words import Reading, Sample, StreamKind
from tests import builders
from tests.edge.alarms.tank import BOOT, LEVELS
from tests.fakes import FakeClock


class Taken:
    """Remembers what a buffer would have been given."""

    def __init__(self):
        self.appended = []
        self.sealed = []

    def append(self, kind, items):
        self.appended.append((kind, [(each.point, each.value) for each in items]))
        done = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    async def seal(self, kind):
        self.sealed.append(kind)


def rig():
    level = replace(builders.point(0, name="level", deadband=5.0, heartbeat=60.0), limits=LEVELS)
    fire = builders.point(1, name="fire", lane="alarm")
    buses = (builders.bus(builders.device("tk-101", (level, fire))),)
    clock, buffer = FakeClock(), Taken()
    intake = Intake(buses, buffer, Roster.of(buses), clock)
    evaluator = Evaluator(local_rules(buses), 2, BOOT)

    def judge(readings):
        judged = evaluator.take(readings, lambda: At(clock.now(), 0, clock.now()))
        return () if judged is None else judged.points

    intake.judge = judge
    return intake, buffer, clock


async def test_what_an_alarm_hangs_on_passes_the_deadband():
    intake, buffer, clock = rig()
    for value in (9.0, 10.0, 11.0, 11.5, 9.5):
        clock.time += 1_000_000
        intake.take(Sample([Reading(0, value, int(Quality.GOOD), clock.mono())]))
    # 10.0 and 11.5 say nothing new; 11.0 begins the delay of H, 9.5 calls it off.
    assert [items for _, items in buffer.appended] == [[(0, 9.0)], [(0, 11.0)], [(0, 9.5)]]


async def test_the_present_is_sent_again_at_once_and_no_alarm_with_it():
    intake, buffer, clock = rig()
    await intake.report_present()
    assert buffer.appended == []
    for value in (9.0, 9.5):
        clock.time += 1_000_000
        reading = Reading(0, value, int(Quality.GOOD), clock.mono())
        intake.take(Sample([reading, Reading(1, True, int(Quality.GOOD), clock.mono())]))
    buffer.appended.clear()
    await intake.report_present()
    assert buffer.appended == [(StreamKind.DATA, [(0, 9.5)])]
    assert buffer.sealed == [StreamKind.DATA]
    await intake.report_present()
    assert len(buffer.appended) == 1, "nothing is sent twice"
    clock.time += 1_000_000
    intake.take(Sample([Reading(0, 9.5, int(Quality.GOOD), clock.mono())]))
    assert buffer.appended[1:] == [(StreamKind.DATA, [(0, 9.5)])], "but the next one is"
