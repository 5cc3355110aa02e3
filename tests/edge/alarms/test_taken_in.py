"""What an alarm hangs on is sent whatever the deadband says, and the present before the past."""

import asyncio
from dataclasses import replace

from edge.alarms.evaluator import At, Evaluator
from edge.alarms.rules import local_rules, rules_by
from edge.deadband import NOTHING_DUE, Due
from edge.intake import Intake
from edge.roster import Roster
from protocols.alarms.definition import Definition
from protocols.alarms.kinds.rate import Rate
from protocols.alarms.rule import Colour, Level, Rule
from protocols.quality import Quality
from protocols.wire.rule_set import RuleSet, SharedRule
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


def rig(rules=local_rules):
    level = replace(builders.point(0, name="level", deadband=5.0, heartbeat=60.0), limits=LEVELS)
    fire = builders.point(1, name="fire", lane="alarm")
    buses = (builders.bus(builders.device("tk-101", (level, fire))),)
    clock, buffer = FakeClock(), Taken()
    intake = Intake(buses, buffer, Roster.of(buses), clock)
    evaluator = Evaluator(rules(buses), 2, BOOT)

    def judge(readings):
        judged = evaluator.take(readings, lambda: At(clock.now(), 0, clock.now()))
        return NOTHING_DUE if judged is None else Due(judged.points, judged.beside)

    intake.judge = judge
    return intake, buffer, clock


async def test_what_an_alarm_hangs_on_passes_the_deadband():
    intake, buffer, clock = rig()
    for value in (9.0, 10.0, 11.0, 11.5, 9.5):
        clock.time += 1_000_000
        intake.take(Sample([Reading(0, value, int(Quality.GOOD), clock.mono())]))
    # 10.0 and 11.5 say nothing new; 11.0 begins the delay of H, 9.5 calls it off.
    assert [items for _, items in buffer.appended] == [[(0, 9.0)], [(0, 11.0)], [(0, 9.5)]]


async def test_what_a_rate_hangs_on_is_sent_with_what_was_held_back_before_it():
    level = Level(name="快", colour=Colour.RED, op=">", limit=4.0, status="V")
    rule = Rule(id="s1/gw-1/tk-101/level:rate", subject="s1/gw-1/tk-101/level", levels=(level,))
    shared = SharedRule(Definition(rule=rule, kind=Rate(per=1.0)), ((rule.subject, ""),))
    intake, buffer, clock = rig(lambda buses: rules_by(buses, RuleSet(rules=(shared,))).rules)
    for value in (5.0, 5.5, 6.0, 10.5):
        clock.time += 1_000_000
        intake.take(Sample([Reading(0, value, int(Quality.GOOD), clock.mono())]))
    # Without 6.0 the collector would see 5.5 in three seconds.
    sent = [item for _, items in buffer.appended for item in items]
    assert sent == [(0, 5.0), (0, 6.0), (0, 10.5)]


async def test_the_past_waits_for_the_present_of_what_was_sent_already():
    """Else its past would come first, and be taken for the present."""
    intake, buffer, clock = rig()
    intake.take(Sample([Reading(0, 9.0, int(Quality.GOOD), clock.mono())]))
    buffer.appended.clear()
    present = asyncio.create_task(intake.report_present())
    await asyncio.sleep(0)
    assert not present.done()
    clock.time += 1_000_000
    intake.take(Sample([Reading(0, 9.0, int(Quality.GOOD), clock.mono())]))
    await present
    assert buffer.appended == [(StreamKind.DATA, [(0, 9.0)])]
    assert buffer.sealed == [StreamKind.DATA]


async def test_the_present_is_sent_again_at_once_and_no_alarm_with_it(monkeypatch):
    monkeypatch.setattr("edge.intake.PRESENT", 0.01)
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
