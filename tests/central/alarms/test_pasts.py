"""What an older stream brings late (补传) of rules that are more than a ladder."""

from dataclasses import replace

import pytest

from central.alarms.engine import Evaluation
from central.database_queue import Heavy
from central.store.columns import Columns
from central.store.interface import FLAG_SOURCE, Row
from protocols.alarms.definition import Watch
from protocols.alarms.kinds.rate import Rate
from protocols.words import Purpose
from tests.central.alarms.plant import Plant, high, wanted
from tests.central.builders import SECOND, START

WATCHED = wanted("it", high(), watch=Watch(bad_after=60.0))
FAST = wanted("it", high(5.0), kind=Rate(per=60.0))
CUT, BACK = 600, 1800
"""The cable is out for twenty minutes."""


@pytest.fixture(params=[False, True], ids=["undisturbed", "restarted"])
def plant(request):
    made = []

    def of(*rules):
        made.append(Plant(*rules))
        say = made[-1].say

        def said(*args, **more):
            judged = say(*args, **more)
            if request.param:
                made[-1].restart()
            return judged

        made[-1].say = said
        return made[-1]

    yield of
    for each in made:
        each.close()


def told(it):
    return [
        (state, (raised - START) / SECOND, returned and (returned - START) / SECOND, bool(late))
        for state, raised, returned, late in it.tables.execute(
            "SELECT state, raised, returned, late FROM episode ORDER BY raised"
        ).fetchall()
    ]


def test_a_whole_episode_in_the_gap_is_late_and_calls_nobody(plant):
    it = plant(WATCHED)
    it.say(CUT, (1, 70.0), stream=1)
    it.say(BACK, (1, 70.0), stream=2)
    it.say(1000, (1, 85.0), stream=1, now=BACK + 1)
    it.say(1100, (1, 70.0), stream=1, now=BACK + 2)
    assert told(it) == [("NORMAL", 1000, 1100, True)]
    assert it.engine.tracked(it.tables.conn, "site/it").episode is None


def test_what_stands_at_the_end_of_the_gap_is_one_live_alarm(plant):
    it = plant(WATCHED)
    it.say(CUT, (1, 70.0), stream=1)
    it.say(BACK, (1, 85.0), stream=2)
    it.say(1000, (1, 85.0), stream=1, now=BACK + 1)
    assert told(it) == [("UNACK", 1000, None, False)]
    assert it.journal("it") == [[BACK, "RAISE:H"], [1000, "BACKDATED:H"]]


def test_what_the_live_deadband_has_not_cleared_becomes_the_live_alarm(plant):
    it = plant(wanted("it", high(deadband=5.0), watch=Watch(bad_after=60.0)))
    it.say(CUT, (1, 70.0), stream=1)
    it.say(BACK, (1, 78.0), stream=2)
    it.say(1000, (1, 85.0), stream=1, now=BACK + 1)
    assert [state for state, *_ in told(it)] == ["UNACK"]
    it.say(BACK + 10, (1, 70.0), stream=2)
    assert [state for state, *_ in told(it)] == ["RTN_UNACK"]


def test_a_rate_of_the_past_is_told_late(plant):
    it = plant(FAST)
    it.say(CUT, (1, 10.0), stream=1)
    it.say(BACK, (1, 20.0), stream=2)
    it.say(BACK + 60, (1, 20.0), stream=2)
    it.say(660, (1, 20.0), stream=1, now=BACK + 61)
    it.say(720, (1, 20.0), stream=1, now=BACK + 62)
    assert told(it) == [("NORMAL", 660, 720, True)]


def test_a_past_that_lasted_is_put_right_when_more_of_it_comes(plant):
    it = plant(WATCHED)
    it.say(CUT, (1, 70.0), stream=1)
    it.say(BACK, (1, 70.0), stream=2)
    it.say(1000, (1, 85.0), stream=1, now=BACK + 1)
    assert told(it) == [("NORMAL", 1000, BACK, True)]
    it.say(1100, (1, 70.0), stream=1, now=BACK + 2)
    assert told(it) == [("NORMAL", 1000, 1100, True)]


@pytest.mark.parametrize(
    "rule", [wanted("it", high()), WATCHED, FAST], ids=["plain", "watched", "rate"]
)
def test_a_past_is_not_judged_on_the_event_loop(plant, rule):
    """It may have to be looked up; what is live goes on there."""
    it = plant(rule)
    it.say(CUT, (1, 70.0), stream=1)
    it.say(BACK, (1, 70.0), stream=2)

    def say(second, stream):
        rows = Columns.of([Row(1, START + second * SECOND, 0, 70.0, 0, FLAG_SOURCE)])
        batch = Evaluation(stream, Purpose.PRODUCTION, START + BACK * SECOND, rows, most=64)
        return it.engine.evaluate(it.tables, batch)

    with pytest.raises(Heavy):
        say(1000, stream=1)
    say(BACK + 1, stream=2)
    say(BACK + 2, stream=3)


@pytest.mark.parametrize(
    "rule",
    [wanted("it", high()), WATCHED, wanted("it", high(5.0), kind=Rate(per=60.0))],
    ids=["plain", "watched", "rate"],
)
def test_a_changed_rule_says_what_it_lets_go_of(plant, rule):
    """What was told of an unfinished past stays told; its end is not put right any more."""
    it = plant(rule)
    it.say(CUT, (1, 0.0), stream=1)
    it.say(BACK, (1, 0.0), stream=2)
    it.say(1000, (1, 85.0), (1, 0.0, True, 60), stream=1, now=BACK + 1)
    before = told(it)
    assert [late for *_, late in before] == [True]
    changed = replace(rule.definition, rule=replace(rule.definition.rule, levels=(high(6.0),)))
    it.at(BACK + 10).take(rule._replace(definition=changed))
    assert told(it) == before
    (last,) = it.tables.execute(
        "SELECT event, time, recorded FROM alarm_journal WHERE episode = 1 ORDER BY id DESC LIMIT 1"
    ).fetchall()
    now = START + (BACK + 10) * SECOND
    assert last == ("RULE_CHANGED", now, now)
    it.say(1100, (1, 0.0), (1, 85.0, True, 30), stream=1, now=BACK + 20)
    assert told(it)[0] == before[0]


@pytest.mark.parametrize("kind", [None, Rate()], ids=["plain", "rate"])
def test_more_pasts_than_are_remembered_are_each_told(kind):
    limit = 80.0 if kind is None else 0.1
    plant = Plant(wanted("it", high(limit), kind=kind))
    plant.say(5_000, (1, 10.0), stream=99)
    for stream in range(12, 0, -1):
        gap = ((1, 10.0, True, 200), (1, 95.0, True, 100), (1, 10.0, True, 0))
        plant.say(300 * stream, *gap, stream=stream, now=5_000 + 13 - stream)
    raised = [line for line in plant.journal("it") if line[1] == "RAISE:H"]
    assert [second for second, _ in raised] == [300 * nth - 100 for nth in range(12, 0, -1)]
    plant.close()


DELAYED = {
    "raise": ({"on_delay": 250.0}, 10.0, 85.0, []),
    "return": ({"off_delay": 250.0}, 85.0, 10.0, [[0, "RAISE:H"]]),
}


@pytest.mark.parametrize("again", [True, False], ids=["in-the-gap", "after-it"])
@pytest.mark.parametrize("case", DELAYED)
def test_a_delay_that_was_broken_off_in_a_gap_begins_anew(case, again):
    delay, before, after, told = DELAYED[case]
    plant = Plant(wanted("it", high(**delay)))
    plant.say(0, (1, before), stream=1)
    plant.say(1_050, (1, after), stream=1)
    plant.say(1_250, (1, after), stream=2)
    gap = [(1_100, after), (1_140, before), (1_200, after if again else before)]
    kept = [(1, value, True, 1_200 - second) for second, value in gap]
    plant.say(1_200, *kept, stream=1, now=1_251)
    for second in range(1_300, 1_800, 50):
        plant.say(second, (1, after), stream=2)
    began = 1_200 if again else 1_250
    assert plant.journal("it") == [
        *told,
        [began + 250, f"{case.upper()}:H" if told == [] else "RTN"],
    ]
    plant.close()
