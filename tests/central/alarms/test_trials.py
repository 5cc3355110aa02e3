"""What a test or a drill said is in nothing that production is judged by, whatever remembers it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.alarms.kinds.expression import Expression
from protocols.alarms.kinds.rate import Rate
from protocols.alarms.kinds.several import Clause, Deviation, Interlock, Levels
from protocols.alarms.kinds.vote import Vote
from protocols.alarms.kinds.window import Aggregate, Window
from protocols.words import Purpose
from tests.central.alarms.plant import Plant, high, wanted

AB = ((1, "a"), (2, "b"))
BOTH = (Clause("a", ">=", 80.0), Clause("b", ">=", 80.0))
SUM = Window(aggregate=Aggregate.SUM, seconds=60.0)
LATE = Window(aggregate=Aggregate.SUM, seconds=60.0, allowed_lateness=20.0)
METER = Window(aggregate=Aggregate.SUM, seconds=60.0, counter=True)
REAL, TEST = 1, 50
"""Streams of one gateway: as it works, and as somebody tries it."""


@pytest.fixture(params=[False, True], ids=["undisturbed", "restarted"])
def plant(request):
    made = []

    def of(*rules):
        made.append(it := Plant(*rules))
        say = it.say

        def said(*args, **more):
            say(*args, **more)
            if request.param:
                it.restart()

        it.say = said
        return it

    yield of
    for each in made:
        each.close()


def told(it, name="it"):
    return it.tables.execute(
        "SELECT purpose, state FROM episode WHERE rule = ? ORDER BY number", (f"site/{name}",)
    ).fetchall()


def tried(it, second, *readings, purpose=Purpose.TEST):
    it.say(second, *readings, stream=TEST, purpose=purpose)


@pytest.mark.parametrize("purpose", [Purpose.TEST, Purpose.DRILL])
def test_a_sum_that_raised_nothing_has_nothing_of_the_test(plant, purpose):
    it = plant(wanted("it", high(150.0), kind=SUM))
    it.say(0, (1, 20.0))
    tried(it, 10, (1, 100.0), purpose=purpose)
    it.say(20, (1, 40.0))
    assert told(it) == []
    assert it.engine.tracked(it.tables.conn, "site/it").shown == 60.0
    it.say(30, (1, 95.0))
    assert told(it) == [("production", "UNACK")]


def test_what_the_test_took_away_is_counted_for_production(plant):
    """A meter that a test set back to nothing has not run from there."""
    it = plant(wanted("it", high(100.0), kind=METER))
    it.say(0, (1, 500.0))
    tried(it, 10, (1, 0.0))
    it.say(20, (1, 550.0))
    assert told(it) == []
    it.say(30, (1, 610.0))
    assert told(it) == [("production", "UNACK")]


def test_a_rate_goes_from_production_to_production(plant):
    it = plant(wanted("it", high(30.0), kind=Rate(per=60.0)))
    it.say(0, (1, 10.0))
    tried(it, 50, (1, 10.0))
    it.say(60, (1, 39.0))
    assert told(it) == []
    tried(it, 110, (1, 39.0))
    it.say(120, (1, 70.0))
    assert told(it) == [("production", "UNACK")]


def test_a_late_reading_of_a_test_is_not_put_into_the_sum_of_production(plant):
    it = plant(wanted("it", high(100.0), kind=LATE))
    it.say(0, (1, 20.0))
    it.say(30, (1, 20.0))
    it.say(25, (1, 70.0), stream=TEST, purpose=Purpose.TEST, now=31)
    it.say(40, (1, 20.0))
    assert [purpose for purpose, _ in told(it)] == ["test"]
    assert it.engine.tracked(it.tables.conn, "site/it").shown == 60.0


def test_a_head_that_is_tried_has_no_vote(plant):
    it = plant(wanted("it", high(2.0), inputs=AB, kind=Vote(clauses=BOTH)))
    it.say(0, (1, 0.0))
    it.say(0, (2, 0.0), stream=9)
    tried(it, 10, (1, 95.0))
    it.say(9, (2, 95.0), stream=9, now=11)
    assert told(it) == []
    tried(it, 20, (1, 95.0))
    assert told(it) == [("test", "UNACK")]
    it.say(21, (2, 95.0), stream=9)
    assert told(it) == [("test", "NORMAL")]
    it.say(30, (1, 95.0))
    assert told(it) == [("test", "NORMAL"), ("production", "UNACK")]


def test_a_delay_that_began_in_a_test_is_none(plant):
    it = plant(wanted("it", high(80.0, on_delay=30.0)))
    tried(it, 0, (1, 95.0))
    it.say(20, (1, 95.0))
    it.at(45)
    assert told(it) == []
    it.say(46, (1, 95.0))
    it.at(60)
    assert told(it) == [("production", "UNACK")]


def test_a_delay_that_began_before_a_test_ends_as_the_test_s(plant):
    it = plant(wanted("it", high(80.0, on_delay=30.0)))
    it.say(0, (1, 95.0))
    tried(it, 20, (1, 95.0))
    it.at(40)
    assert told(it) == [("test", "UNACK")]


def test_a_tried_rule_is_not_counted_among_real_ones(plant):
    count = wanted("count", high(2.0), kind=Levels(), inputs=((0, "site/one"), (0, "site/two")))
    it = plant(wanted("one", high()), wanted("two", high(), inputs=((2, ""),)), count)
    tried(it, 0, (1, 95.0))
    it.say(10, (2, 95.0), stream=9)
    assert told(it, "count") == []
    tried(it, 20, (1, 96.0))
    it.say(30, (1, 95.0))
    assert told(it, "one") == [("test", "NORMAL"), ("production", "UNACK")]
    assert told(it, "count")[-1] == ("production", "UNACK")


def test_the_end_of_a_test_ends_what_counted_it(plant):
    count = wanted("count", high(1.0), kind=Levels(), inputs=((0, "site/one"),))
    it = plant(wanted("one", high()), count)
    tried(it, 0, (1, 95.0))
    assert told(it, "count") == [("test", "UNACK")]
    it.say(10, (1, 50.0))
    assert told(it, "count") == [("test", "NORMAL")]
    assert told(it, "one") == [("test", "NORMAL")]


def test_a_past_of_production_is_told_while_a_test_stands(plant):
    it = plant(wanted("it", high(5.0), kind=Rate(per=60.0)))
    it.say(0, (1, 10.0))
    tried(it, 600, (1, 10.0))
    tried(it, 660, (1, 90.0))
    it.say(120, (1, 40.0), (1, 10.0, True, 60), stream=REAL, now=670)
    assert ("production", "NORMAL") in told(it)
    assert ("test", "UNACK") in told(it)


RULES = (
    wanted("plain", high(deadband=2.0)),
    wanted("sum", high(250.0), kind=SUM),
    wanted("late", high(250.0), kind=LATE),
    wanted("meter", high(60.0), kind=METER),
    wanted("rate", high(100.0), kind=Rate(per=60.0)),
    wanted("lock", high(1.0), inputs=AB, kind=Interlock(clauses=BOTH)),
    wanted("vote", high(2.0), inputs=AB, kind=Vote(clauses=BOTH)),
    wanted("apart", high(20.0), inputs=AB, kind=Deviation(input="a", reference="b")),
    wanted("both", high(150.0), inputs=AB, kind=Expression(text="a + b")),
    wanted(
        "count",
        high(2.0),
        kind=Levels(),
        inputs=tuple((0, f"site/{name}") for name in ("plain", "sum", "lock", "apart")),
    ),
)
SAID = st.lists(
    st.tuples(
        st.sampled_from([1, 5, 20]),
        st.booleans(),
        st.sampled_from([1, 2]),
        st.sampled_from([50.0, 50.0, 79.0, 85.0, 96.0]),
    ),
    min_size=3,
    max_size=25,
)


def real(said, *, tests):
    """Return what production is told, with what tests said or without."""
    it, second = Plant(*RULES), 0
    for wait, trial, point, value in said:
        second += wait
        if not trial:
            it.say(second, (point, value), stream=point)
        elif tests:
            stream = TEST + point
            it.say(second, (point, value), stream=stream, purpose=Purpose.TEST)
    found = it.tables.execute(
        "SELECT rule, raised, level, late FROM episode WHERE purpose = 'production' "
        "ORDER BY rule, raised"
    ).fetchall()
    it.close()
    return found


@settings(max_examples=60, deadline=None)
@given(SAID)
def test_production_is_told_the_same_as_if_nobody_had_tried_anything(said):
    assert real(said, tests=True) == real(said, tests=False)
