"""What must always hold of alarms, over the engine: arrays, rows and restarts and all."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.alarms import condition
from protocols.alarms.acting import Asked
from protocols.alarms.definition import Watch
from protocols.alarms.kinds.rate import Rate
from protocols.alarms.kinds.several import Clause, Interlock
from protocols.alarms.kinds.window import Aggregate, Window
from protocols.alarms.overlay import Act
from tests.central.alarms.plant import Plant, high, wanted

TWO = (Clause("a", ">=", 80.0), Clause("b", ">=", 80.0))
PAIR = ((1, "a"), (2, "b"))
RULES = (
    wanted("plain", high(deadband=5.0, on_delay=5.0, off_delay=15.0)),
    wanted("watched", high(off_delay=5.0), watch=Watch(stale_after=60.0, bad_after=20.0)),
    wanted("rate", high(30.0), kind=Rate(per=60.0)),
    wanted("most", high(90.0), kind=Window(aggregate=Aggregate.MAX, seconds=60.0)),
    wanted("both", high(1.0), kind=Interlock(clauses=TWO), inputs=PAIR),
)
READING = st.tuples(
    st.sampled_from([1, 1, 2]),
    st.sampled_from([50.0, 77.0, 82.0, 95.0]),
    st.sampled_from([True, True, False]),
)
STEPS = st.lists(
    st.tuples(st.sampled_from([5, 10, 30, 120]), st.none() | READING, st.booleans()), max_size=25
)
RETURNS = ("RTN", "SHADOW_RTN")


def lines(it):
    return it.tables.execute("SELECT rule, event FROM alarm_journal ORDER BY id").fetchall()


def check_the_engine(path):
    """Play a story and look after every step."""
    it, second = Plant(*RULES), 0
    try:
        for wait, reading, restart in path:
            second += wait
            returning = pending_returns(it)
            known = len(lines(it))
            if reading is None:
                it.at(second)
            else:
                it.say(second, (*reading, 0))
            said = lines(it)[known:]
            if reading is None or not reading[2]:
                # A return that good readings began may end by the clock; nothing else may.
                for rule, event in said:
                    assert event not in RETURNS or rule in returning, f"{rule} returned"
            if restart:
                it.restart()
            for each in RULES:
                tracked = it.engine.tracked(it.tables.conn, each.definition.rule.id)
                abnormal = tracked.alarm.state.abnormal
                assert abnormal == bool(tracked.condition.level), each.definition.rule.id
    finally:
        it.close()


def pending_returns(it):
    """Return the rules of which a return is waited for."""
    found = set()
    for each in RULES:
        tracked = it.engine.tracked(it.tables.conn, each.definition.rule.id)
        if any(step.on and step.since is not None for step in tracked.condition.steps):
            found.add(tracked.rule.id)
    return found


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_nothing_is_active_without_a_condition_and_missing_or_bad_data_end_nothing(path):
    check_the_engine(path)


def bad_clears(monkeypatch):
    """A planted fault: what is bad ends every level."""

    def blank(rule, now, time):
        return condition.start(rule), [condition.Change(time, now.level, 0)] if now.level else []

    monkeypatch.setattr(condition, "interrupt", blank)


def test_a_planted_fault_is_found(monkeypatch):
    bad_clears(monkeypatch)
    with pytest.raises(AssertionError, match="returned"):
        check_the_engine(
            [(5, (1, 95.0, True), False), (30, (1, 95.0, True), False), (5, (1, 0.0, False), False)]
        )


@settings(max_examples=40, deadline=None)
@given(STEPS, st.integers(1, 3_600), st.booleans(), st.sampled_from(RULES))
def test_a_shelf_always_ends(path, seconds, one_shot, rule):
    id_ = rule.definition.rule.id
    it = Plant(*RULES)
    it.act(0, id_.removeprefix("site/"), Asked(Act.SHELVE, seconds=seconds, one_shot=one_shot))
    second = 0
    for wait, reading, restart in path:
        second += wait
        if reading is None:
            it.at(second)
        else:
            it.say(second, (*reading, 0))
        if restart:
            it.restart()
    it.at(max(second, seconds) + 3)
    machine = it.engine.tracked(it.tables.conn, id_).machine
    it.close()
    assert machine.overlay.shelf is None
    assert machine.alarm.state.abnormal == bool(machine.condition.level)
