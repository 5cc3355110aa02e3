"""What is done as it was done before gives what the machine gives: every table, every machine."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central.alarms import judging, stepping
from central.alarms.acts.acted import Acknowledge, Reset
from protocols.alarms.acting import Asked
from protocols.alarms.definition import Clocks, Watch
from protocols.alarms.overlay import Act
from protocols.alarms.rule import Colour
from protocols.errors import IllegalTransition
from tests.central.alarms.plant import Plant, wanted
from tests.central.alarms.test_arrays import by_the_machine
from tests.central.builders import level

UP = (level("H", 80.0, deadband=2.0), level("HH", 90.0, colour=Colour.RED))
DOWN = (level("L", 20.0, "<="), level("LL", 10.0, "<", deadband=1.0, colour=Colour.RED))
POINTS = (1, 2, 3, 5_000)
RULES = {
    "up1": wanted("up1", *UP),
    "down1": wanted("down1", *DOWN),
    "up2": wanted("up2", *UP, inputs=((2, ""),)),
    "latched2": wanted("latched2", *DOWN, inputs=((2, ""),), latching=True),
    "up3": wanted("up3", *UP, inputs=((3, ""),)),
    "clocks3": wanted("clocks3", *DOWN, inputs=((3, ""),), clocks=Clocks(realarm_after=20.0)),
    "watched3": wanted("watched3", *UP, inputs=((3, ""),), watch=Watch(stale_after=60.0)),
    "up5": wanted("up5", *UP, inputs=((5_000, ""),)),
    "slow5": wanted("slow5", level("H", 80.0, on_delay=3.0), inputs=((5_000, ""),)),
}
CHANGED = {
    "up1": wanted("up1", level("H", 60.0), level("HH", 95.0, colour=Colour.RED)),
    "up2": wanted("up2", *UP, inputs=((2, ""),), latching=True),
    "state3": wanted("state3", level("on", 50.0, "="), inputs=((3, ""),)),
}
ASKED = (
    Acknowledge("a"),
    Acknowledge("a"),
    Reset("b"),
    Asked(Act.SHELVE, "c", "why", 5.0),
    Asked(Act.UNSHELVE, "c"),
    Asked(Act.SUPPRESS, "logic"),
    Asked(Act.UNSUPPRESS, "logic"),
)
USUAL = (50.0, 95.0, 5.0, 85.0, 50.0, 95.0, 5.0, 50, 78.0, 79, 80.0, 90.0, 95, 20.0, 10.0, 11)
LESSONS = (50.0, 95.0, 50.0, 85.0, 5.0, 95.0, 85.0, 5.0, 50.0, 11.0, 95.0, 50.0)
VALUES = st.sampled_from([*USUAL, True, 2.0**60, 2**53 + 1])
READINGS = st.lists(
    st.tuples(
        st.sampled_from(POINTS),
        VALUES,
        st.sampled_from([True] * 14 + [False]),
        st.sampled_from([0] * 14 + [-1, 1, 5, 70]),
    ),
    min_size=1,
    max_size=8,
)
STORM = st.tuples(st.just("storm"), VALUES)
STEPS = st.lists(
    st.one_of(
        *[STORM] * 5,
        st.tuples(st.just("say"), READINGS, st.sampled_from([1, 1, 1, 2])),
        st.tuples(st.just("act"), st.sampled_from(list(RULES)), st.sampled_from(ASKED)),
        st.tuples(st.sampled_from(["restart", "seal", "wait", "change", "change_back"])),
    ),
    min_size=8,
    max_size=30,
)


class Told:
    """A plant that is told a story, a second after another."""

    def __init__(self):
        self.plant = Plant(*RULES.values())
        self.second = 1
        for value in LESSONS:
            self.second += 1
            self.storm(value)

    def storm(self, value):
        self.plant.say(self.second, *[(point, value) for point in POINTS])

    def say(self, readings, stream):
        self.plant.say(self.second, *readings, stream=stream, now=self.second)

    def act(self, name, asked):
        with suppress(IllegalTransition):
            self.plant.act(self.second, name, asked)

    def wait(self):
        self.second += 70

    def change(self):
        self.plant.take(*CHANGED.values())

    def change_back(self):
        self.plant.take(*(each for name, each in RULES.items() if name in CHANGED))

    def restart(self):
        self.plant.restart()

    def seal(self):
        self.plant.seal()


def play(steps):
    told = Told()
    for what, *more in steps:
        told.second += 1
        getattr(told, what)(*more)
    states = told.plant.tables.execute("SELECT rule, stream, body FROM condition").fetchall()
    known = told.plant.told()
    told.plant.close()
    return known, sorted(states)


@settings(max_examples=80, deadline=None)
@given(STEPS)
def test_habits_tell_what_the_machine_tells(steps):
    told = play(steps)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(judging, "usual", by_the_machine)
        assert told == play(steps)


def test_a_storm_is_not_the_machines(monkeypatch):
    """Once it has been through what it meets, nothing is stepped singly."""
    plant = Plant(RULES["up1"], RULES["down1"], RULES["up2"])
    stepped, taken = [], stepping.take
    monkeypatch.setattr(stepping, "take", lambda *given: stepped.append(given) or taken(*given))
    second, told = 0, []
    for off in (0.0, 0.0, 0.5, 1.0):
        for value in (50.0, 95.0, 50.0, 85.0, 5.0, 95.0, 85.0, 5.0, 50.0):
            second += 1
            plant.say(second, (1, value + off), (2, value + off))
        (lines,) = plant.tables.execute("SELECT count(*) FROM alarm_journal").fetchone()
        told.append((lines, len(stepped)))
    (_, _), (before, learned), (then, still), (after, last) = told
    assert learned == still == last > 0
    assert after - then == then - before == 18
    plant.close()


def test_what_strays_behind_another_is_no_lesson():
    """Of a reading that was not taken nothing follows; of one alike that is, everything."""
    plant = Plant(RULES["up1"])
    for second, value in enumerate((50.0, 95.0), 1):
        plant.say(second, (1, value))
    plant.restart()
    plant.say(4, (1, 96.0, True, 0), (1, 50.0, True, 1), now=4)
    plant.say(5, (1, 50.0))
    assert [event for _, event in plant.journal("up1")] == ["RAISE:HH", "RTN"]
    plant.close()
