"""Rules that rest while others stand: by the logic the rule names, whoever sends what and when."""

import pytest

from central.alarms.acts.acted import Acknowledge
from central.alarms.evaluation import Evaluation
from central.store.columns import Columns
from central.store.interface import FLAG_SOURCE, Row
from protocols.alarms.acting import Asked
from protocols.alarms.kinds.several import Levels
from protocols.alarms.overlay import Act
from protocols.quality import Quality
from protocols.words import Purpose
from tests.central.alarms.plant import Plant, high, wanted
from tests.central.builders import level

PUMP, FLOW = 2, 1
STOPPED = wanted("stopped", level("停运", 0.0, "="), inputs=((PUMP, ""),))
LOW = level("L", 2.0, "<=", on_delay=30.0)


def low(*names, **parts):
    by = tuple(f"site/{name}" for name in names)
    return wanted("low", LOW, suppressed_by=by, **parts)


@pytest.fixture
def plant():
    made = Plant(STOPPED, low("stopped"))
    made.say(0, (PUMP, 1.0), (FLOW, 8.0))
    yield made
    made.close()


def words(plant, name="low"):
    return plant.journal(name)


def test_what_cannot_be_otherwise_is_not_told(plant):
    plant.say(100, (PUMP, 0.0))
    plant.say(110, (FLOW, 0.1))
    plant.at(300)
    plant.say(500, (PUMP, 1.0))
    plant.at(600)
    assert words(plant) == [[100, "SUPPRESS"], [500, "UNSUPPRESS"], [530, "RAISE:L"]]
    reasons = plant.tables.execute(
        "SELECT comment, actor FROM alarm_journal WHERE rule = ?", ["site/low"]
    )
    assert reasons.fetchall()[0] == ("site/stopped", None)


def test_a_delay_that_ran_is_called_off(plant):
    plant.say(100, (FLOW, 0.1))
    plant.say(110, (PUMP, 0.0))
    plant.at(300)
    assert words(plant) == [[110, "SUPPRESS"]]


def test_an_alarm_that_stood_leaves_the_list_and_is_a_new_one_after_it(plant):
    plant.say(100, (FLOW, 0.1))
    plant.at(140)
    plant.say(150, (PUMP, 0.0))
    assert plant.states("low") == ["NORMAL"]
    plant.say(200, (PUMP, 1.0))
    plant.at(240)
    assert words(plant) == [
        [130, "RAISE:L"],
        [150, "SUPPRESS"],
        [200, "UNSUPPRESS"],
        [230, "RAISE:L"],
    ]
    assert plant.states("low") == ["NORMAL", "UNACK"]


def test_it_rests_while_any_of_them_stands():
    plant = Plant(STOPPED, wanted("repair", high(1.0), inputs=((3, ""),)), low("stopped", "repair"))
    plant.say(0, (PUMP, 1.0), (FLOW, 8.0), (3, 0.0))
    plant.say(10, (PUMP, 0.0))
    plant.say(20, (3, 1.0))
    plant.say(30, (PUMP, 1.0))
    assert words(plant) == [[10, "SUPPRESS"]]
    plant.say(40, (3, 0.0))
    assert words(plant) == [[10, "SUPPRESS"], [40, "UNSUPPRESS"]]
    plant.close()


def test_what_the_clock_raises_suppresses_at_that_time():
    plant = Plant(wanted("stopped", high(1.0, on_delay=60.0), inputs=((PUMP, ""),)), low("stopped"))
    plant.say(0, (PUMP, 1.0), (FLOW, 8.0))
    plant.at(100)
    assert words(plant) == [[60, "SUPPRESS"]]
    plant.close()


def test_an_acknowledged_return_is_none_of_its_business(plant):
    plant.say(100, (PUMP, 0.0))
    plant.act(105, "stopped", Acknowledge("ann"))
    plant.act(106, "stopped", Asked(Act.SHELVE, "ann", "检修", 60.0))
    plant.at(300)
    assert words(plant) == [[100, "SUPPRESS"]]


def test_what_a_person_suppressed_a_person_ends(plant):
    plant.act(10, "low", Asked(Act.SUPPRESS, "ann", "大修"))
    plant.say(100, (PUMP, 0.0))
    plant.say(200, (PUMP, 1.0))
    assert words(plant) == [[10, "SUPPRESS"]]
    plant.act(300, "low", Asked(Act.UNSUPPRESS, "ann", "完工"))
    assert words(plant)[-1] == [300, "UNSUPPRESS"]


def test_a_person_may_wake_it(plant):
    plant.say(100, (PUMP, 0.0))
    plant.act(110, "low", Asked(Act.UNSUPPRESS, "ann", "查流量计"))
    plant.say(120, (FLOW, 0.1))
    plant.at(200)
    assert [word for _, word in words(plant)] == ["SUPPRESS", "UNSUPPRESS", "RAISE:L"]


@pytest.mark.parametrize("restart", [False, True])
def test_it_follows_whatever_becomes_of_the_rules(plant, restart):
    def after():
        if restart:
            plant.restart()

    plant.say(100, (PUMP, 0.0))
    after()
    plant.at(110).take(low())
    assert words(plant)[1:] == [[110, "RULE_CHANGED"], [110, "UNSUPPRESS"]]
    after()
    plant.at(120).take(low("stopped"))
    assert words(plant)[3:] == [[120, "RULE_CHANGED"], [120, "SUPPRESS"]]
    after()
    plant.at(130).retire("low")
    assert words(plant)[5:] == [[130, "UNSUPPRESS"]]
    after()
    plant.at(140).take(STOPPED)
    plant.say(150, (PUMP, 0.0))
    assert words(plant)[6:] == [[140, "SUPPRESS"]]
    after()
    plant.at(160).retire("stopped")
    plant.at(170)
    rows = plant.tables.execute("SELECT rule FROM overlay").fetchall()
    assert rows == []


def test_who_suppresses_each_other_come_to_rest():
    rules = [
        wanted(name, high(), inputs=((number, ""),), suppressed_by=(f"site/{other}",))
        for number, name, other in ((1, "a", "c"), (2, "b", "a"), (3, "c", "b"))
    ]
    rules.append(wanted("self", high(), suppressed_by=("site/self",)))
    plant = Plant(*rules)
    plant.say(0, *((point, 90.0) for point in (1, 2, 3)))
    for second in range(1, 20):
        plant.say(second, *((point, 90.0) for point in (1, 2, 3)))
    lines = plant.tables.execute("SELECT COUNT(*) FROM alarm_journal").fetchone()
    assert lines[0] < 20 * 30
    assert plant.states("self") == ["UNACK"]
    plant.close()


def test_who_counts_it_hears_that_it_rests():
    counts = wanted("count", level("IV", 1.0), kind=Levels(), inputs=((0, "site/low"),))
    plant = Plant(STOPPED, low("stopped"), counts)
    plant.say(0, (PUMP, 1.0), (FLOW, 0.1))
    plant.at(40)
    plant.say(50, (PUMP, 0.0))
    assert [word for _, word in words(plant, "count")] == ["RAISE:IV", "RTN"]
    plant.close()


@pytest.mark.parametrize("purpose", [Purpose.TEST, Purpose.DRILL])
def test_a_test_lets_no_real_alarm_rest(plant, purpose):
    plant.at(100)
    rows = [Row(PUMP, plant.now, 0, 0.0, Quality.GOOD, FLAG_SOURCE)]
    plant.engine.evaluate(plant.tables, Evaluation(3, purpose, plant.now, Columns.of(rows)))
    assert plant.states("stopped") == ["UNACK"]
    assert words(plant) == []


def test_what_stands_after_it_is_told_with_the_value_that_is_known(plant):
    plant.say(100, (PUMP, 0.0))
    plant.say(110, (FLOW, 0.1))
    plant.say(500, (PUMP, 1.0))
    plant.at(600)
    told = plant.tables.execute("SELECT value_at_raise FROM episode WHERE rule = 'site/low'")
    assert told.fetchall() == [(0.1,)]


@pytest.mark.parametrize("again", [False, True], ids=["as it was", "after a restart"])
def test_an_act_that_ends_a_rest_tells_the_newest_value(again):
    plant = Plant(wanted("full", high(80.0)))
    plant.say(0, (FLOW, 90.0))
    plant.act(10, "full", Asked(Act.SUPPRESS, by="ann", reason="检修"))
    plant.say(20, (FLOW, 93.0))
    if again:
        plant.restart()
    plant.act(30, "full", Asked(Act.UNSUPPRESS, by="ann", reason="检修结束"))
    told = plant.tables.execute("SELECT value_at_raise FROM episode ORDER BY number")
    assert told.fetchall() == [(90.0,), (93.0,)]
    plant.close()
