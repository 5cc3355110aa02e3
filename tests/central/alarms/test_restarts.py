"""Whatever is told of rules of every kind: a restart changes nothing of it, nor do the arrays."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central.alarms.acts.acted import Acknowledge, Reset
from central.alarms.arrays import quiet
from protocols.alarms.acting import Asked
from protocols.alarms.definition import Clocks, Watch
from protocols.alarms.kinds.health import Stale
from protocols.alarms.kinds.rate import Rate
from protocols.alarms.kinds.several import Clause, Deviation, Interlock, Levels
from protocols.alarms.kinds.vote import Vote
from protocols.alarms.kinds.window import Aggregate, Window
from protocols.alarms.overlay import Act
from protocols.alarms.rule import Colour
from protocols.errors import IllegalTransition
from tests.central.alarms.plant import Plant, high, wanted
from tests.central.builders import level

CLOCKS = Clocks(
    realarm_after=40.0, realarm_repeats=2, escalate=(15.0, 60.0), chatter=(3, 60.0),
    longest_shelf=100.0,
)  # fmt: skip
CLAUSES = (Clause("a", ">=", 80.0), Clause("b", ">=", 80.0))
AB = ((1, "a"), (2, "b"))
RULES = (
    wanted("plain", high(on_delay=3.0, off_delay=4.0), level("HH", 90.0, colour=Colour.RED),
           clocks=CLOCKS, watch=Watch(stale_after=30.0)),
    wanted("latch", high(), latching=True, inputs=((3, ""),), clocks=CLOCKS),
    wanted("exact", high(off_delay=5.0), watch=Watch(bad_after=5.0, frozen_after=20.0, high=95.0)),
    wanted("silent", level("I", 20.0), level("II", 40.0), kind=Stale(), inputs=((2, ""),)),
    wanted("rate", high(60.0), kind=Rate(per=60.0, max_gap=60.0), inputs=((2, ""),)),
    wanted("sum", high(300.0), kind=Window(
        aggregate=Aggregate.SUM, seconds=60.0, allowed_lateness=20.0), inputs=((2, ""),)),
    wanted("lock", high(1.0, on_delay=5.0), inputs=AB, kind=Interlock(clauses=CLAUSES)),
    wanted("vote", high(1.0), inputs=AB, kind=Vote(clauses=CLAUSES), clocks=CLOCKS),
    wanted("apart", high(20.0), inputs=AB, kind=Deviation(input="a", reference="b")),
    wanted("count", level("IV", 2.0), level("III", 3.0, colour=Colour.ORANGE), kind=Levels(),
           inputs=tuple((0, f"site/{name}") for name in ("plain", "latch", "vote", "lock"))),
)  # fmt: skip
NAMES = [each.definition.rule.id.removeprefix("site/") for each in RULES]
READING = st.tuples(
    st.sampled_from([1, 1, 2, 2, 3]),
    st.sampled_from([50.0] * 6 + [81.0, 85.0, 92.0, 96.0]),
    st.sampled_from([True] * 8 + [False]),
    st.sampled_from([0] * 8 + [1, 5, 15, 70]),
)
WHAT = st.sampled_from(
    [Acknowledge("ann", "已看")] * 4
    + [Reset("ann")] * 2
    + [Asked(Act.SHELVE, "ann", "检修", *long) for long in ((20.0, False), (90.0, True))]
    + [Asked(act, "ann", "检修") for act in Act if act is not Act.SHELVE]
)
STEP = st.one_of(
    st.tuples(st.just("say"), st.lists(READING, min_size=1, max_size=6)),
    st.tuples(st.just("say"), st.lists(READING, min_size=1, max_size=6)),
    st.tuples(st.just("say"), st.lists(READING, min_size=1, max_size=6)),
    st.tuples(st.just("act"), st.tuples(st.sampled_from(NAMES), WHAT)),
    st.tuples(st.just("rules"), st.sampled_from([82.0, 60.0])),
)
STEPS = st.lists(
    st.tuples(st.sampled_from([0, 1, 1, 3, 8, 25, 70]), st.sampled_from([1] * 8 + [2]), STEP),
    min_size=4,
    max_size=16,
)


def play(steps, between=lambda plant: None):
    """Play steps, each after a wait; restarts come between any two."""
    plant, second = Plant(*RULES), 0
    for wait, stream, (verb, said) in steps:
        second += wait
        if verb == "say":
            plant.say(second, *said, stream=stream)
        elif verb == "act":
            try:
                plant.act(second, *said)
            except IllegalTransition as exc:
                plant.acts.append((second, exc.params))
        else:
            plant.at(second).take(wanted("plain", high(said, on_delay=3.0), clocks=CLOCKS))
        between(plant)
    plant.at(second + 100)
    told = *plant.told(), plant.acts
    plant.close()
    return told


def one_by_one(live, coming):
    return quiet.Sifted(np.arange(len(coming.rows)), quiet.NO_SAMPLES)


@settings(max_examples=25, deadline=None, report_multiple_bugs=False)
@given(STEPS)
def test_a_restart_between_any_two_steps_changes_nothing(steps):
    def restarted(plant):
        plant.seal()
        plant.restart()

    undisturbed = play(steps)
    assert play(steps, Plant.restart) == undisturbed
    assert play(steps, restarted) == undisturbed


@settings(max_examples=25, deadline=None, report_multiple_bugs=False)
@given(STEPS)
def test_what_passes_in_arrays_is_what_each_reading_would_say(steps):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(quiet, "sift", one_by_one)
        each = play(steps)
    assert play(steps) == each
