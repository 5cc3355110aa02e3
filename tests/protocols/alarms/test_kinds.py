"""What holds of every kind: silence and bad quality never end an alarm, nor does what is late."""

from pathlib import Path

import pytest

from protocols.alarms import steps
from protocols.alarms.definition import Definition
from protocols.alarms.document_kinds import KINDS
from protocols.alarms.kinds.expression import Expression
from protocols.alarms.kinds.health import Bad, Frozen, Stale
from protocols.alarms.kinds.limit import Limit
from protocols.alarms.kinds.rate import Rate
from protocols.alarms.kinds.schedule import Hours, Schedule
from protocols.alarms.kinds.several import Clause, Deviation, Interlock, Levels
from protocols.alarms.kinds.vote import Vote
from protocols.alarms.kinds.window import Aggregate, Window
from protocols.alarms.machine import Sample, begin, due
from protocols.alarms.rule import Colour, Level, Rule
from protocols.alarms.word import Word
from protocols.clock import SECOND

DAY = 86_400
NIGHT = 1_781_193_600 + 3_600
"""2026-06-12 01:00 in Shanghai."""
PAGE = Path(__file__).resolve().parents[3] / "docs" / "alarm-kinds.md"
WINDOW = Window(aggregate=Aggregate.SUM, seconds=3600.0)
PUMP = (Clause("pump", "=", 1.0), Clause("flow", "<", 2.0))
HEADS = tuple(Clause(name, ">=", 25.0) for name in "abc")

# Kind, limit, and readings (seconds after the beginning, input, value) after which it stands.
RAISED = {
    "limit": (Limit(), 10.0, [(0, "", 20.0)]),
    "rate": (Rate(per=60.0), 10.0, [(0, "", 0.0), (60, "", 20.0)]),
    "window": (WINDOW, 10.0, [(0, "", 6.0), (60, "", 6.0)]),
    "interlock": (Interlock(clauses=PUMP), 1.0, [(0, "pump", 1.0), (1, "flow", 0.0)]),
    "vote": (Vote(clauses=HEADS), 2.0, [(0, "a", 30.0), (1, "b", 30.0), (2, "c", 0.0)]),
    "deviation": (Deviation(input="a", reference="b"), 5.0, [(0, "a", 10.0), (1, "b", 0.0)]),
    "levels": (Levels(), 2.0, [(0, "a", 1.0), (1, "b", 3.0)]),
    "schedule": (Schedule(allowed=(Hours("06:00", "22:00"),)), 0.1, [(0, "", 1.0)]),
    "expression": (Expression("a > b"), 1.0, [(0, "a", 10.0), (1, "b", 0.0)]),
    "stale": (Stale(), 300.0, [(0, "", 1.0)]),
    "frozen": (Frozen(), 300.0, [(0, "", 1.0), (300, "", 1.0)]),
}
KEPT = sorted(RAISED)


def clocked(definition, machine, until):
    """Let the clock fire what is due, each at its time."""
    said = []
    while (at := due(definition, machine)) is not None and at <= until:
        machine, entries = steps.advance(definition, machine, at)
        said += entries
    return machine, said


def raised(name):
    """Return a definition of the kind, its machine with the alarm standing, and when."""
    kind, limit, readings = RAISED[name]
    level = Level(name="H", colour=Colour.YELLOW, op=">=", limit=limit, off_delay=30.0)
    definition = Definition(rule=Rule(id="r", subject="s", levels=(level,), kind=name), kind=kind)
    machine = begin(definition)
    for second, input_, value in readings:
        at = (NIGHT + second) * SECOND
        machine, _ = steps.feed(definition, machine, Sample(at, value, at, input=input_))
    now = (NIGHT + 1_000) * SECOND
    machine, _ = clocked(definition, machine, now)
    assert machine.alarm.state.abnormal
    return definition, machine, now


@pytest.mark.parametrize("name", KEPT)
def test_silence_never_ends_an_alarm(name):
    definition, machine, now = raised(name)
    machine, said = clocked(definition, machine, now + 30 * DAY * SECOND)
    machine, more = steps.advance(definition, machine, now + 30 * DAY * SECOND)
    assert machine.alarm.state.abnormal
    assert Word.RTN not in [entry.word for entry in said + more]


@pytest.mark.parametrize("name", KEPT)
def test_bad_quality_never_ends_an_alarm(name):
    definition, machine, now = raised(name)
    for nth in range(1, 50):
        at = now + nth * 1_800 * SECOND
        for input_ in {input_ for _, input_, _ in RAISED[name][2]}:
            lost = Sample(at, 0.0, at, good=False, input=input_)
            machine, _ = steps.feed(definition, machine, lost)
            machine, _ = clocked(definition, machine, at + SECOND)
    assert machine.alarm.state.abnormal


@pytest.mark.parametrize("name", KEPT)
def test_bad_quality_calls_off_a_return_that_is_pending(name):
    definition, machine, now = raised(name)
    at = now + SECOND
    _, _, readings = RAISED[name]
    input_ = readings[0][1]
    calm = NIGHT + 9 * 3_600 if name == "schedule" else at // SECOND
    machine, _ = steps.feed(
        definition, machine, Sample(calm * SECOND, -1.0, calm * SECOND, input=input_)
    )
    if not machine.condition.pending:
        return  # one reading is not enough to end it
    at = calm * SECOND + 10 * SECOND
    lost = Sample(at, 0.0, at, good=False, input=input_)
    machine, _ = steps.feed(definition, machine, lost)
    machine, _ = clocked(definition, machine, at + DAY * SECOND)
    assert machine.alarm.state.abnormal


@pytest.mark.parametrize("name", KEPT)
def test_what_is_older_than_the_newest_changes_no_live_alarm(name):
    definition, machine, now = raised(name)
    for second, input_, _ in RAISED[name][2]:
        for value in (-100.0, 0.5, 100.0):
            stray = Sample((NIGHT + second) * SECOND - 7, value, now, input=input_)
            after, said = steps.feed(definition, machine, stray)
            assert (after.alarm, after.condition) == (machine.alarm, machine.condition)
            assert {entry.word for entry in said} <= {Word.LATE_ALARM}


def test_bad_quality_stands_until_it_is_good():
    level = Level(name="H", colour=Colour.YELLOW, op=">=", limit=60.0)
    definition = Definition(rule=Rule(id="r", subject="s", levels=(level,)), kind=Bad())
    at = NIGHT * SECOND
    machine, _ = steps.feed(definition, begin(definition), Sample(at, 0.0, at, good=False))
    machine, said = clocked(definition, machine, at + DAY * SECOND)
    assert [(entry.word, entry.time - at) for entry in said] == [(Word.RAISE, 60 * SECOND)]
    assert machine.alarm.state.abnormal


def test_silence_counts_from_when_readings_are_expected():
    level = Level(name="H", colour=Colour.YELLOW, op=">=", limit=60.0)
    definition = Definition(rule=Rule(id="r", subject="s", levels=(level,)), kind=Stale())
    assert due(definition, begin(definition)) is None
    machine = begin(definition, NIGHT * SECOND)
    assert due(definition, machine) == (NIGHT + 60) * SECOND
    machine, said = clocked(definition, machine, (NIGHT + 99) * SECOND)
    assert [entry.word for entry in said] == [Word.RAISE]


@pytest.mark.parametrize("name", KEPT)
def test_a_changed_rule_judges_what_is_known_at_once(name):
    """A limit out of reach ends it, and the old one raises it again, with nothing newly heard."""
    definition, machine, now = raised(name)
    level = definition.rule.levels[0]
    far = Level(name="H", colour=level.colour, op=">=", limit=1e9)
    new = Definition(
        rule=Rule(id="r", subject="s", levels=(far,), kind=name, version=2), kind=definition.kind
    )
    machine, said = steps.change(definition, machine, new, now + SECOND, "张三")
    assert [entry.word for entry in said] == [Word.RULE_CHANGED, Word.RTN]
    machine, said = steps.change(new, machine, definition, now + 2 * SECOND, "张三")
    assert [entry.word for entry in said] == [Word.RULE_CHANGED, Word.RERAISE]


def test_every_kind_stands_in_the_document():
    text = PAGE.read_text(encoding="utf-8")
    for name in KINDS:
        assert f"| `{name}`" in text
    assert {*RAISED, "bad"} >= set(KINDS)
