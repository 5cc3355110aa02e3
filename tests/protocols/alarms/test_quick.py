"""The short way and the long one are the same, whatever came before."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocols.alarms import acting, quick, steps
from protocols.alarms.acting import Asked
from protocols.alarms.definition import Clocks, Definition, Watch
from protocols.alarms.machine import AHEAD, Sample, begin, due
from protocols.alarms.overlay import Act
from protocols.alarms.rule import OPERATORS, Colour, Level, Rule
from protocols.alarms.word import Word
from protocols.clock import SECOND
from protocols.errors import IllegalTransition

LEVELS = st.builds(
    Level,
    name=st.sampled_from("abc"),
    colour=st.just(Colour.RED),
    op=st.sampled_from(OPERATORS),
    limit=st.integers(0, 9).map(float),
    deadband=st.sampled_from([0.0, 1.5]),
    on_delay=st.sampled_from([0.0, 0.0, 5.0]),
    off_delay=st.sampled_from([0.0, 0.0, 9.0]),
    valid_from=st.sampled_from([None, None, None, "06-15"]),
)
DEFINITIONS = st.builds(
    Definition,
    rule=st.builds(
        Rule,
        id=st.just("r"),
        subject=st.just("s"),
        levels=st.lists(LEVELS, max_size=4).map(tuple),
        latching=st.booleans(),
    ),
    clocks=st.builds(
        Clocks,
        realarm_after=st.sampled_from([None, 20.0]),
        escalate=st.sampled_from([(), (7.0, 30.0)]),
        chatter=st.sampled_from([None, (3, 60.0)]),
    ),
    watch=st.sampled_from(
        [
            Watch(),
            Watch(stale_after=30.0, high=8.0),
            Watch(bad_after=10.0, frozen_after=40.0),
            Watch(bad_after=0.0, low=0.0),
        ]
    ),
)
READINGS = st.tuples(
    st.integers(-1, 30),  # seconds after the last
    st.integers(-1, 10).map(float),
    st.sampled_from([True] * 9 + [False]),
    st.sampled_from([0, 0, 0, 1, 59, 60, 61, -300, -301]),  # its arrival was behind it by
    st.sampled_from([0, 0, 2]),  # what the machine's clock waits
    st.sampled_from([""] * 9 + ["other"]),
)
ACTS = st.sampled_from([None] * 6 + ["ack", "reset", *Act])


def acted(definition, machine, now, act):
    try:
        if act == "ack":
            return acting.acknowledge(definition, machine, now)[0]
        if act == "reset":
            return acting.reset(definition, machine, now)[0]
        if act is Act.SHELVE:
            asked = Asked(act, seconds=40.0, one_shot=True)
            return acting.shelve(definition, machine, now, asked)[0]
        return acting.put(definition, machine, now, Asked(act))[0]
    except IllegalTransition:
        return machine


@given(DEFINITIONS, st.lists(st.tuples(READINGS, ACTS), max_size=25))
@example(Definition(rule=Rule(id="r", subject="s", levels=())), [((1, 1.0, True, 0, 0, ""), None)])
def test_the_short_way_is_the_long_one(definition, path):
    machine, time = begin(definition), 1_000
    for (wait, value, good, behind, lag, name), act in path:
        time += wait
        arrival = (time + behind) * SECOND
        sample = Sample(time * SECOND, value, arrival, good, name)
        now = arrival - lag * SECOND
        short = quick.feed(definition, machine, sample, now)
        long = steps.feed_whole(definition, machine, sample, now)
        assert short in (None, long)
        assert steps.feed(definition, machine, sample, now) == long
        machine = long[0]
        if act is not None:
            machine = acted(definition, machine, arrival, act)
        at = due(definition, machine)
        if at is not None and at <= arrival:
            machine = steps.advance(definition, machine, arrival)[0]


def plain(**more):
    levels = (Level(name="H", colour=Colour.RED, op=">=", limit=80.0, **more),)
    return Definition(rule=Rule(id="r", subject="s", levels=levels))


def test_storms_go_the_short_way():
    definition, machine = plain(), begin(plain())
    for second, value in enumerate([90.0, 10.0, 90.0, 10.0]):
        sample = Sample(second * SECOND, value, second * SECOND)
        taken = quick.feed(definition, machine, sample, sample.arrival)
        assert taken is not None
        machine, entries = taken
        assert [entry.word for entry in entries] == [
            [Word.RAISE, Word.RTN, Word.RERAISE, Word.RTN][second]
        ]


@pytest.mark.parametrize(
    ("definition", "sample"),
    [
        (plain(valid_from="06-01"), Sample(0, 90.0, 0)),
        (plain(), Sample(0, 90.0, 61 * SECOND)),
        (plain(), Sample(AHEAD + 1, 90.0, 0)),
        (plain(), Sample(0, 90.0, 0, good=False)),
        (plain(), Sample(0, 90.0, 0, input="a")),
        (Definition(rule=plain().rule, watch=Watch(high=80.0)), Sample(0, 90.0, 0)),
    ],
)
def test_what_asks_for_more_goes_the_long_way(definition, sample):
    assert quick.feed(definition, begin(definition), sample, sample.arrival) is None
