"""Limits over time: every operator, seasons, ladders, and what must hold for any samples."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.alarms.condition import (
    Condition,
    Step,
    advance,
    calm,
    carry_over,
    due,
    in_season,
    interrupt,
    sample,
    start,
    violates,
)
from protocols.alarms.ladder import ladders
from protocols.alarms.rule import OPERATORS, Colour, Level, Rule

SECOND = 1_000_000
DAY = 86_400 * SECOND
MIDNIGHT = 1_781_193_600 * SECOND
"""2026-06-12 00:00 in Shanghai, which is 16:00 UTC the day before."""


def level(name="H", limit=80.0, op=">=", **more):
    return Level(name=name, limit=limit, op=op, colour=more.pop("colour", Colour.YELLOW), **more)


def rule(*levels):
    return Rule(id="r", subject="p", levels=levels)


@pytest.mark.parametrize(
    ("op", "below", "at", "above"),
    [
        (">", False, False, True),
        (">=", False, True, True),
        ("<", True, False, False),
        ("<=", True, True, False),
        ("=", False, True, False),
        ("!=", True, False, True),
    ],
)
def test_operators_count_equality_as_they_say(op, below, at, above):
    one = rule(level(op=op))
    assert [bool(violates(one, 0, v)) for v in (79.0, 80.0, 81.0)] == [below, at, above]
    assert bool(violates(one, 0, 80)) == at


@pytest.mark.parametrize(("op", "value"), [("=", 80.0), ("!=", 79.0)])
def test_a_deadband_means_nothing_to_equality(op, value):
    one = rule(level(op=op, deadband=50.0))
    condition, _ = sample(one, start(one), 0, value)
    assert condition.level == 1
    condition, changes = sample(one, condition, SECOND, 80.0 if op == "!=" else 79.0)
    assert [change.level for change in changes] == [0]


@pytest.mark.parametrize(
    ("first", "last", "inside", "outside"),
    [
        ("04-15", "06-30", [104, 180], [103, 181]),
        ("11-01", "03-31", [0, 89, 304, 364], [90, 303]),
        ("2026-06-12", None, [162, 400], [161]),
        (None, "2026-06-12", [0, 162], [163]),
        ("2026-06-12", "2026-06-12", [162], [161, 163]),
    ],
)
def test_seasons_include_both_ends_in_site_time(first, last, inside, outside):
    one = level(valid_from=first, valid_to=last)
    new_year = MIDNIGHT - 162 * DAY
    for days, expected in ((inside, True), (outside, False)):
        for day in days:
            start_of_day = new_year + day * DAY
            assert in_season(one, start_of_day) is expected
            assert in_season(one, start_of_day + DAY - 1) is expected


def test_times_no_calendar_has_are_still_judged():
    one = level(valid_from="04-15", valid_to="06-30")
    assert {in_season(one, time) for time in (-(2**62), 2**62)} <= {True, False}


def test_a_level_out_of_season_returns():
    one = rule(level(valid_from="06-01", valid_to="06-12"))
    condition, _ = sample(one, start(one), MIDNIGHT, 90.0)
    condition, changes = sample(one, condition, MIDNIGHT + DAY, 90.0)
    assert [change.level for change in changes] == [0]


def test_levels_that_come_due_together_are_one_change():
    one = rule(level("H", 80.0, on_delay=5.0), level("HH", 90.0, on_delay=5.0))
    condition, _ = sample(one, start(one), 0, 95.0)
    assert due(one, condition) == 5 * SECOND
    condition, changes = advance(one, condition, 10 * SECOND)
    assert [(c.time, c.before, c.level) for c in changes] == [(5 * SECOND, 0, 2)]
    assert due(one, condition) is None


def test_a_changed_ladder_keeps_levels_of_the_same_name():
    old = rule(level("H", 80.0), level("HH", 90.0))
    new = rule(level("H", 85.0), level("XH", 88.0), level("HH", 95.0))
    before = Condition((Step(True), Step(False, 7)))
    assert carry_over(old, before, new).steps == (Step(True), Step(), Step(False, 7))


def test_each_direction_is_a_rule_and_the_unconfirmed_are_none():
    confirmed = {"status": "D", "confirmed_by": "someone"}
    found = ladders(
        "p",
        [
            level("LL", 10.0, "<=", colour=Colour.RED, **confirmed),
            level("L", 20.0, "<=", **confirmed),
            level("HH", 90.0, colour=Colour.RED, **confirmed),
            level("H", 80.0, **confirmed),
            level("X", 1.0, "=", status="U"),
        ],
    )
    assert [(r.id, [item.name for item in r.levels]) for r in found] == [
        ("p:high", ["H", "HH"]),
        ("p:low", ["L", "LL"]),
    ]


LADDER = rule(
    level("H", 80.0, deadband=5.0, on_delay=3.0, off_delay=4.0), level("HH", 90.0, on_delay=2.0)
)
SAMPLES = st.lists(st.tuples(st.integers(1, 10), st.integers(70, 100)), min_size=1, max_size=30)


def run(samples, *, pause=None):
    """Feed samples (gap in seconds, value), optionally firing timers by a clock in between."""
    condition, time, changes, held = start(LADDER), 0, [], []
    for gap, value in samples:
        end = time + gap * SECOND
        if pause is not None:
            condition, fired = advance(LADDER, condition, time + round(gap * SECOND * pause))
            changes += fired
        condition, made = sample(LADDER, condition, end, float(value))
        changes += made
        time = end
        held.append((time, float(value)))
    return condition, changes, held


@given(SAMPLES, st.floats(0, 0.99))
def test_when_the_clock_looks_changes_nothing(samples, pause):
    assert run(samples)[:2] == run(samples, pause=pause)[:2]


@given(SAMPLES)
def test_it_is_on_only_after_the_condition_stood_its_delay(samples):
    _, changes, held = run(samples)
    for change in changes:
        if change.level <= change.before:
            continue
        one = LADDER.levels[change.level - 1]
        since = change.time - round(one.on_delay * SECOND)
        during = [value for time, value in held if since <= time < change.time]
        before = [value for time, value in held if time <= since][-1:]
        assert all(value >= one.limit for value in before + during)


@given(SAMPLES)
def test_changes_follow_each_other(samples):
    condition, changes, _ = run(samples)
    level_now, last = 0, 0
    for change in changes:
        assert change.before == level_now
        assert change.level != change.before
        assert change.time >= last
        level_now, last = change.level, change.time
    assert condition.level == level_now


LEVELS = st.builds(
    level,
    op=st.sampled_from(OPERATORS),
    limit=st.integers(0, 9).map(float),
    deadband=st.sampled_from([0.0, 0.0, 1.5]),
    on_delay=st.sampled_from([0.0, 0.0, 2.0]),
    off_delay=st.sampled_from([0.0, 0.0, 2.0]),
    valid_from=st.sampled_from([None, None, "06-15"]),
)


@given(
    st.lists(LEVELS, max_size=4),
    st.lists(st.tuples(st.integers(1, 3), st.integers(-1, 10), st.booleans()), max_size=8),
)
def test_within_the_bounds_nothing_ever_changes(levels, samples):
    one = rule(*levels)
    condition, value, time = start(one), None, MIDNIGHT
    for wait, value, lost in samples:
        time += wait * SECOND
        condition, _ = sample(one, condition, time, float(value))
        if lost:
            condition, _ = interrupt(one, condition, time)
    low, high = calm(one, condition, value)
    for other in (n / 2 for n in range(-4, 24)):
        for later in (time + SECOND, time + 10 * DAY, time + 300 * DAY):
            if low < other < high:
                assert sample(one, condition, later, other) == (condition, [])
            if low < high:
                assert interrupt(one, condition, later) == (condition, [])
                assert advance(one, condition, later) == (condition, [])
