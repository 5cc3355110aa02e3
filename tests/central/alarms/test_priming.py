"""A rule that is attached, changed or confirmed stands at once where its past says so."""

from dataclasses import replace

import pytest

from protocols.alarms.definition import Watch
from protocols.alarms.kinds.expression import Expression, check
from protocols.alarms.kinds.health import Frozen
from protocols.alarms.kinds.rate import Rate
from protocols.alarms.kinds.several import Clause, Deviation, Interlock
from protocols.alarms.kinds.vote import Vote
from protocols.alarms.kinds.window import Aggregate, Counted, Window
from tests.central.alarms.plant import Plant, high, wanted

HOUR = 3_600
RAIN = Window(aggregate=Aggregate.SUM, seconds=3 * HOUR, counter=True)
COUNT = Window(aggregate=Aggregate.COUNT, seconds=HOUR, counted=Counted(">=", 80.0))
TWO = (Clause("a", ">=", 25.0), Clause("b", ">=", 25.0))
PAIR = ((1, "a"), (2, "b"))


@pytest.fixture
def plant():
    made = []

    def of(*rules):
        made.append(Plant(*rules))
        return made[-1]

    yield of
    for each in made:
        each.close()


def words(it, name="it"):
    return [(at, word.partition(":")[0]) for at, word in it.journal(name)]


def rained(it, until):
    """Let a counter go up by 0.6 a minute: 108 in three hours."""
    for minute in range(until // 60 + 1):
        it.say(minute * 60, (1, round(0.6 * minute, 1)))


def test_a_sum_that_stands_raises_when_its_rule_is_attached(plant):
    it = plant()
    rained(it, 3 * HOUR)
    it.at(3 * HOUR + 30)
    it.take(wanted("it", high(100.0), kind=RAIN))
    assert words(it) == [(3 * HOUR + 30, "RAISE")]
    machine = it.engine.tracked(it.tables.conn, "site/it").machine
    assert machine.values == (pytest.approx(108.0),)


def test_it_is_as_if_the_rule_had_been_there_all_the_time(plant):
    early, late = plant(wanted("it", high(100.0), kind=RAIN)), plant()
    for it in (early, late):
        rained(it, 2 * HOUR)
    late.take(wanted("it", high(100.0), kind=RAIN))
    for it in (early, late):
        for minute in range(121, 181):
            it.say(minute * 60, (1, round(0.6 * minute, 1)))
    assert words(early) == words(late) != []


def test_a_longer_window_is_filled_at_once(plant):
    short = Window(aggregate=Aggregate.SUM, seconds=HOUR, counter=True)
    it = plant(wanted("it", high(100.0), kind=short))
    rained(it, 3 * HOUR)
    assert words(it) == []
    it.take(wanted("it", high(100.0), kind=RAIN))
    assert words(it) == [(3 * HOUR, "RULE_CHANGED"), (3 * HOUR, "RAISE")]


def test_what_has_fallen_before_the_window_does_not_count(plant):
    it = plant()
    rained(it, HOUR)
    it.say(4 * HOUR + 120, (1, 36.0))
    it.take(wanted("it", high(30.0), kind=RAIN))
    assert words(it) == []


def test_violations_of_the_last_hour_are_counted(plant):
    it = plant()
    for second, value in ((0, 85.0), (60, 70.0), (600, 85.0), (660, 70.0), (1200, 85.0)):
        it.say(second, (1, value))
    it.take(wanted("it", high(3.0), kind=COUNT))
    assert words(it) == [(1200, "RAISE")]


def test_another_count_is_counted_anew(plant):
    more = Window(aggregate=Aggregate.COUNT, seconds=HOUR, counted=Counted(">=", 90.0))
    it = plant(wanted("it", high(2.0), kind=more))
    for second, value in ((0, 85.0), (60, 70.0), (600, 85.0), (660, 70.0)):
        it.say(second, (1, value))
    it.take(wanted("it", high(2.0), kind=COUNT))
    assert words(it) == [(660, "RULE_CHANGED"), (660, "RAISE")]


@pytest.mark.parametrize("hours", [1, 3, 20])
def test_a_meter_adds_from_its_reading_before_the_window_however_long_ago(plant, hours):
    it = plant()
    it.say(0, (1, 100.0))
    it.say(hours * HOUR + 1, (1, 150.0))
    it.take(wanted("it", high(50.0), kind=replace(RAIN, seconds=60.0)))
    assert words(it) == [(hours * HOUR + 1, "RAISE")]


def test_a_rate_goes_by_the_last_two_readings(plant):
    it = plant()
    it.say(0, (1, 10.0))
    it.say(60, (1, 20.0))
    it.take(wanted("it", high(5.0), kind=Rate(per=60.0)))
    assert words(it) == [(60, "RAISE")]


@pytest.mark.parametrize(
    "kind",
    [
        Vote(clauses=TWO),
        Interlock(clauses=TWO),
        Expression(text="a + b"),
        Deviation(input="a", reference="b", absolute=False),
    ],
    ids=lambda kind: type(kind).__name__,
)
def test_rules_of_several_inputs_know_what_each_said_last(plant, kind):
    if isinstance(kind, Expression):
        check(kind.text)
    limit = {"Vote": 2.0, "Interlock": 1.0, "Expression": 60.0, "Deviation": 4.0}
    it = plant()
    it.say(0, (2, 26.0))
    it.say(7_000, (1, 40.0))
    it.take(wanted("it", high(limit[type(kind).__name__]), kind=kind, inputs=PAIR))
    assert words(it) == [(7_000, "RAISE")]


def test_an_input_that_went_bad_does_not_vote(plant):
    it = plant()
    it.say(0, (1, 40.0), (2, 40.0))
    it.say(10, (2, 0.0, False))
    it.take(wanted("it", high(1.0), kind=Interlock(clauses=TWO), inputs=PAIR))
    assert words(it) == []


def test_stillness_counts_from_when_it_began(plant):
    it = plant()
    for minute in range(61):
        it.say(minute * 60, (1, 5.0))
    it.take(wanted("it", high(float(HOUR)), kind=Frozen()))
    assert words(it) == [(HOUR, "RAISE")]


def test_a_watched_limit_knows_its_newest_reading(plant):
    it = plant()
    it.say(0, (1, 85.0))
    it.take(wanted("it", high(), watch=Watch(bad_after=60.0)))
    assert words(it) == [(0, "RAISE")]


def test_what_comes_next_is_judged_as_ever(plant):
    it = plant()
    rained(it, 3 * HOUR)
    it.take(wanted("it", high(100.0), kind=RAIN))
    for minute in range(181, 300):
        it.say(minute * 60, (1, 108.0))
    assert [word for _, word in words(it)] == ["RAISE", "RTN"]
