"""Limits judged where they are read: the same words as at the collector, and quiet is cheap."""

import math
from dataclasses import replace

import pytest

from edge.alarms.rules import local_rules
from edge.alarms.standing import Times, body, restored
from protocols.alarms.rule import Colour, Level
from protocols.quality import Quality
from protocols.words import Reading, TimeMark
from tests.edge.alarms.tank import BOOT, LEVELS, SECOND, Told, buses


def test_rules_are_the_confirmed_limits_under_the_collectors_ids():
    rules = local_rules(buses())
    assert [rule.id for rule in rules] == ["s1/gw-1/tk-101/level:high", "s1/gw-1/tk-101/level:low"]
    assert [level.name for level in rules[0].definition.rule.levels] == ["H", "HH"]
    assert [rule.scan for rule in rules] == [5.0, 5.0]
    assert [rule.scan for rule in local_rules(buses(protocol="mqtt"))] == [0.0, 0.0]


def test_up_and_down_again():
    told = Told()
    for second, value in ((0, 5), (5, 11), (10, 12.5), (15, 11.8), (20, 11.2), (25, 9)):
        told.read(second, value)
    assert told.happened == [
        [7, "RAISE:H"], [10, "LEVEL:HH"], [20, "LEVEL:H"], [25, "RTN:H"],
    ]  # fmt: skip
    # What changed a condition, a pending delay too, has to be sent; 11.8 changed nothing.
    assert told.sent == [5, 10, 20, 25]
    assert len({each.standing.key for each in told.all}) == 1


def test_quiet_readings_never_come_to_the_machine():
    told = Told()
    assert told.read(0, 5.0) is None
    assert told.read(1, 9.999) is None
    assert told.read(2, 5.0, Quality.BAD_TIMEOUT).changed == {}
    told.read(3, 15.0)
    told.tick(6)
    told.read(6, 15.0)
    assert told.read(7, 16.0) is None, "it stands, and higher is nothing new"


def test_another_time_is_another_standing():
    told = Told()
    for second, value in ((0, 13), (1, 5), (2, 13)):
        told.read(second, value)
    assert told.happened == [[0, "RAISE:HH"], [1, "RTN:HH"], [2, "RAISE:HH"]]
    first, _, second = (each.standing.key for each in told.all)
    assert first != second


def test_bad_quality_returns_nothing_and_calls_off_a_return():
    told = Told(levels=(replace(LEVELS[2], off_delay=10.0),))
    told.read(0, 13)
    told.read(5, 5)
    told.read(8, None, Quality.BAD_NO_COMMUNICATION)
    told.tick(60)
    assert told.happened == [[0, "RAISE:HH"]]
    told.read(61, 5)
    told.tick(80)
    assert told.happened[1:] == [[71, "RTN:HH"]]


@pytest.mark.parametrize("value", [None, "text", math.inf])
def test_what_is_no_number_is_no_reason(value):
    told = Told(levels=LEVELS[:1])
    told.read(0, value)
    assert told.happened == []


def test_a_devices_own_time_counts_and_its_past_does_not():
    told = Told()
    told.read(100, 13, mark=TimeMark.SOURCE, ago=3.0)
    told.read(101, 5, mark=TimeMark.SOURCE, ago=50.0)
    assert told.happened == [[97, "RAISE:HH"]]
    told.read(102, 5, mark=TimeMark.SOURCE, ago=1.0)
    assert told.happened[1:] == [[101, "RTN:HH"]]


def test_a_season_waits_for_the_date():
    summer = Level(
        name="汛限", colour=Colour.ORANGE, op=">", limit=6.0, status="V",
        valid_from="01-01", valid_to="12-31",
    )  # fmt: skip
    told = Told(levels=(summer,), dated=False)
    told.read(0, 7)
    assert told.happened == []
    told.evaluator.know_date()
    told.read(1, 7)
    assert told.happened == [[1, "RAISE:汛限"]]


def test_acknowledged_here_once_and_unseen_again_when_it_gets_worse():
    told = Told()
    told.read(0, 11)
    told.tick(3)
    rule = "s1/gw-1/tk-101/level:high"
    assert told.evaluator.acknowledge(rule, "王", 3 * SECOND).happened[0].by == "王"
    assert told.evaluator.acknowledge(rule, "李", 3 * SECOND) is None
    told.read(4, 13)
    assert told.evaluator.rules[rule].standing.acknowledged == ""
    assert told.evaluator.acknowledge(rule, "李", 5 * SECOND).happened[0].by == "李"
    assert told.evaluator.acknowledge("no/such/rule", "李", 5 * SECOND) is None


@pytest.mark.parametrize(
    ("boot", "dated", "since", "began"),
    [(BOOT, True, 7, 3), (BOOT, False, 12, 8), ("other", True, 7, 3), ("other", False, 200, None)],
)
def test_what_is_kept_goes_on(boot, dated, since, began):
    told = Told(levels=(replace(LEVELS[1], on_delay=0.0, off_delay=30.0), LEVELS[2]))
    told.read(3, 13)
    told.read(7, 9)
    kept = told.evaluator.rules["s1/gw-1/tk-101/level:high"]
    then, now = Times(BOOT, 0, dated), Times(boot, 0 if dated else 5 * SECOND, dated)
    again = restored(kept.rule, body(kept), then, now, 200 * SECOND)
    assert again.standing.began == (None if began is None else began * SECOND)
    assert again.standing.level == "H"
    assert again.machine.condition.level == 1
    assert again.machine.condition.steps[0].since == since * SECOND


def test_levels_that_are_gone_are_not_restored():
    told = Told()
    told.read(0, 13)
    kept = told.evaluator.rules["s1/gw-1/tk-101/level:high"]
    (rule, _) = local_rules(buses((LEVELS[1], LEVELS[0])))
    times = Times(BOOT, 0, dated=True)
    again = restored(rule, body(kept), times, times, SECOND)
    assert again.machine.condition.level == 0
    assert again.standing is not None, "so that its return can be told"


def test_running_time_is_shifted_whole():
    told = Told()
    told.read(0, 13)
    told.read(1, 5)
    told.read(2, 11)
    kept = told.evaluator.rules["s1/gw-1/tk-101/level:high"]
    assert told.evaluator.shift(50 * SECOND) == [kept]
    assert told.evaluator.due() == 54 * SECOND


def test_strangers_change_nothing():
    told = Told()
    assert told.evaluator.take([Reading(1, "x", 0, 0), Reading(1, 1e9, 0, 0)], told.at) is None
