"""While nobody can know its input a rule tells nothing of it, and nothing returns."""

from hypothesis import given
from hypothesis import strategies as st

from protocols.alarms import hold, steps
from protocols.alarms.definition import Definition, Watch
from protocols.alarms.kinds.health import Bad, Stale
from protocols.alarms.kinds.limit import Limit
from protocols.alarms.machine import Sample, begin, due
from protocols.alarms.rule import Colour, Level, Rule
from protocols.alarms.state import State
from protocols.alarms.word import Word
from protocols.clock import SECOND

LEVELS = tuple(
    Level(name=name, colour=colour, op=">=", limit=limit, on_delay=on, off_delay=30.0)
    for name, colour, limit, on in (
        ("H", Colour.YELLOW, 40.0, 0.0),
        ("HH", Colour.RED, 80.0, 20.0),
    )
)
WATCH = Watch(stale_after=50.0, bad_after=20.0, frozen_after=90.0)
DEFINITIONS = st.sampled_from(
    [
        Definition(rule=Rule(id="r", subject="s", levels=LEVELS), kind=kind, watch=watch)
        for kind, watch in (
            (Limit(), WATCH),
            (Limit(), Watch()),
            (Stale(), Watch()),
            (Bad(), WATCH),
        )
    ]
)
READINGS = st.lists(
    st.tuples(st.integers(1, 40), st.sampled_from((0.0, 50.0, 90.0)), st.booleans()), max_size=12
)
UNTRUE = {Word.STALE, Word.BAD, Word.FROZEN, Word.RTN, Word.STALE_CLEAR, Word.BAD_CLEAR}


def told(definition, readings):
    """Return the machine after readings (seconds later, value, good), and when that is."""
    machine, now = begin(definition, 0), 0
    for later, value, good in readings:
        now += later * SECOND
        machine, _ = steps.feed(definition, machine, Sample(now, value, now, good))
    return machine, now


@given(DEFINITIONS, READINGS, st.integers(0, 30), st.integers(0, 100_000))
def test_silence_that_is_known_is_told_by_nobody(definition, readings, patience, lasts):
    machine, since = told(definition, readings)
    now = since + patience * SECOND
    held, said = hold.hold(definition, machine, since, now)
    assert not UNTRUE.intersection(entry.word for entry in said)
    assert hold.hold(definition, held, since, now) == (held, [])
    assert hold.rest(definition, held, now) == held
    after, said = steps.advance(definition, held, now + lasts * SECOND)
    words = {entry.word for entry in said}
    assert not UNTRUE & words
    if type(definition.kind) is not Limit:
        assert not words  # it is about the input itself
    if machine.alarm.state.abnormal:
        assert after.alarm.state.abnormal
        assert after.condition.level >= held.condition.level


@given(DEFINITIONS, READINGS, st.integers(100, 100_000))
def test_whoever_is_heard_again_has_its_time_anew(definition, readings, lasts):
    machine, since = told(definition, readings)
    held, _ = hold.hold(definition, machine, since, since + 30 * SECOND)
    held, _ = steps.advance(definition, held, since + lasts * SECOND)
    back = since + lasts * SECOND
    released = hold.release(definition, held, back)
    assert released.alarm == held.alarm
    assert released.condition == held.condition
    after, said = steps.advance(definition, released, back + 19 * SECOND)
    assert not UNTRUE.intersection(entry.word for entry in said)
    if not held.alarm.state.abnormal and type(definition.kind) is Stale:
        assert after.alarm.state is held.alarm.state
        at = due(definition, released)
        assert at is not None
        assert at >= back + 40 * SECOND


def test_a_silence_that_was_told_goes_on_where_it_was():
    definition = Definition(rule=Rule(id="r", subject="s", levels=LEVELS), kind=Stale())
    machine, now = told(definition, [(1, 1.0, True)])
    machine, _ = steps.advance(definition, machine, now + 50 * SECOND)
    assert machine.alarm.state is State.UNACK
    held, _ = hold.hold(definition, machine, now, now + 60 * SECOND)
    assert due(definition, held) is None
    released = hold.release(definition, held, now + 5_000 * SECOND)
    # Forty more seconds: twenty to the level, twenty of its delay.
    after, said = steps.advance(definition, released, now + 5_039 * SECOND)
    assert not said
    _, said = steps.advance(definition, after, now + 5_041 * SECOND)
    assert [entry.word for entry in said] == [Word.LEVEL]


def test_a_return_that_was_seen_to_its_end_is_one():
    definition = Definition(rule=Rule(id="r", subject="s", levels=LEVELS))
    machine, now = told(definition, [(1, 50.0, True), (1, 0.0, True)])
    held, said = hold.hold(definition, machine, now + 31 * SECOND, now + 60 * SECOND)
    assert [entry.word for entry in said] == [Word.RTN]
    held, said = hold.hold(definition, machine, now + 29 * SECOND, now + 60 * SECOND)
    assert (held.alarm.state, said) == (State.UNACK, [])
