"""Other rules from the collector: judged by at once, and what stands goes on under its id."""

from dataclasses import replace

from edge.alarms.changing import judge_by
from edge.alarms.evaluator import Evaluator
from edge.alarms.rules import local_rules, rules_by
from protocols.alarms.definition import Definition
from protocols.alarms.kinds.expression import Expression
from protocols.alarms.kinds.rate import Rate
from protocols.alarms.kinds.several import Levels
from protocols.alarms.rule import Colour, Level, Rule
from protocols.quality import Quality
from protocols.wire.rule_set import RuleSet, SharedRule
from protocols.words import Reading
from tests.edge.alarms.tank import BOOT, SECOND, Told, buses

POINT = "s1/gw-1/tk-101/level"
HIGH = f"{POINT}:high"


def level(name, limit, op=">", **more):
    return Level(name=name, colour=Colour.RED, op=op, limit=limit, status="V", **more)


def shared(name, *levels, kind=None, inputs=((POINT, ""),)):
    rule = Rule(id=f"{POINT}:{name}", subject=POINT, levels=levels)
    definition = Definition(rule=rule) if kind is None else Definition(rule=rule, kind=kind)
    return SharedRule(definition, inputs)


def judging(*rules, masked=()):
    return rules_by(buses(), RuleSet(frozenset(masked), rules))


def change(told, *rules, masked=(), value=None):
    newest = {} if value is None else {0: Reading(0, value, 0, round(told.second * SECOND))}
    found = judging(*rules, masked=masked)
    judged, gone = judge_by(told.evaluator, found.rules, newest, told.at())
    told.all += judged.happened
    return gone


def test_a_rule_of_the_collector_takes_the_place_of_the_manifests_under_its_id():
    rules = judging(shared("high", level("高", 8.0))).rules
    assert sorted(rule.id for rule in rules) == [HIGH, f"{POINT}:low"]
    (high,) = (rule for rule in rules if rule.id == HIGH)
    assert [each.limit for each in high.definition.rule.levels] == [8.0]
    assert high.plain
    masked = judging(masked=[HIGH]).rules
    assert [rule.id for rule in masked] == [f"{POINT}:low"]


def test_what_stands_goes_on_under_another_limit():
    told = Told()
    told.read(0, 13)
    key = told.all[0].standing.key
    told.second = 5
    change(told, shared("high", level("HH", 11.0)), value=13.0)
    assert told.happened == [[0, "RAISE:HH"]], "the same level stands: nothing happened"
    told.read(6, 11.5)
    told.read(7, 10.5)
    assert told.happened[1:] == [[7, "RTN:HH"]]
    assert {each.standing.key for each in told.all} == {key}


def test_a_new_limit_is_held_against_what_passed_quietly():
    told = Told()
    told.read(0, 13)
    told.read(1, 9.9)
    assert told.read(2, 5.0) is None
    change(told, shared("high", level("HH", 8.0)), value=5.0)
    assert told.happened == [[0, "RAISE:HH"], [1, "RTN:HH"]], "9.9 is over long since"
    change(told, shared("high", level("HH", 4.0)), value=5.0)
    assert told.happened[2:] == [[2, "RAISE:HH"]]
    told.read(3, 4.5)
    told.read(4, 3.5)
    assert told.happened[3:] == [[4, "RTN:HH"]]


def test_what_stood_by_a_rule_that_went_is_put_down_and_not_returned():
    told = Told()
    told.read(0, 13)
    assert change(told, masked=[HIGH], value=13.0) == [HIGH]
    assert told.happened[1:] == [[0, "REST:HH"]]
    assert told.read(1, 50.0) is None
    change(told, value=13.0)
    assert told.happened[2:] == [[1, "RAISE:HH"]], "it holds again, at once"


def test_a_rule_of_another_kind_beside_makes_no_reading_quiet_and_goes_again():
    told = Told()
    change(told, shared("rate", level("快", 2.0), kind=Rate(per=1.0)), value=5.0)
    told.read(1, 5.1)
    told.read(2, 9.0)
    assert told.happened == [[2, "RAISE:快"]]
    change(told, value=9.0)
    assert told.read(3, 9.5) is None, "quiet again"


def test_what_cannot_be_judged_here_is_left_with_its_reason(monkeypatch):
    elsewhere = shared("far", level("H", 1.0), inputs=(("s1/gw-2/x/y", ""),))
    counting = shared("sum", level("两个", 2.0), kind=Levels(), inputs=(("", f"{POINT}:far"),))
    found = judging(elsewhere, counting)
    assert found.left == (
        (f"{POINT}:far", "RULE_POINT_ELSEWHERE"),
        (f"{POINT}:sum", "RULE_INPUT_ELSEWHERE"),
    )
    assert len(found.rules) == 2


def test_a_rule_that_is_counted_no_more_is_forgotten():
    told = Told()
    rate = shared("rate", level("快", 2.0), kind=Rate(per=1.0))
    both = (("", HIGH), ("", f"{POINT}:rate"))
    any_two = shared("sum", level("两个", 2.0, ">="), kind=Levels(), inputs=both)
    change(told, rate, any_two, value=5.0)
    told.read(0, 5.0)
    told.read(1, 20.0)
    assert [1, "RAISE:两个"] in told.happened
    change(told, rate, any_two._replace(inputs=both[:1]), value=20.0)
    assert told.happened[-1] == [1, "RTN:两个"]


def test_a_formula_is_judged_where_the_library_is():
    told = Told()
    change(told, shared("formula", level("是", 1.0, "="), kind=Expression(text="value > 7")))
    told.read(0, 8.0)
    assert told.happened == [[0, "RAISE:是"]]


def test_the_same_rules_again_change_nothing():
    told = Told()
    told.read(0, 11)
    before = {id_: kept.machine for id_, kept in told.evaluator.rules.items()}
    change(told, value=11.0)
    assert {id_: kept.machine for id_, kept in told.evaluator.rules.items()} == before
    fresh = Evaluator(local_rules(buses()), 2, BOOT)
    assert fresh.rules.keys() == before.keys()


def test_bad_quality_is_no_newest_value():
    told = Told()
    told.read(0, 13)
    found = judging(shared("high", level("HH", 20.0))).rules
    newest = {0: Reading(0, None, int(Quality.BAD_TIMEOUT), 0)}
    judge_by(told.evaluator, found, newest, told.at())
    kept = told.evaluator.rules[HIGH]
    assert kept.standing is not None, "whether 20 is exceeded nobody knows"
    assert replace(kept.standing, value=0.0).level == "HH"
