"""Every kind at the gateway says what the pure core says, also over restarts and clock changes."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.alarms.standing import Times, body, restored
from protocols.alarms.machine import Sample, begin, due
from protocols.alarms.state import NORMAL
from protocols.alarms.steps import advance, feed
from tests.edge.alarms.bund import BOOT, HERE, OBJECT, POINTS, SECOND, SHARED, START, Watched

steps = st.lists(
    st.tuples(
        st.integers(1, 25),
        st.integers(0, 3),
        st.sampled_from([0.0, 1.0, 5.0, 9.0, 12.0, 25.0, None]),
    ),
    min_size=1,
    max_size=25,
)
KINDS = [each for each in SHARED if each.definition.rule.kind != "roll-up"]
NAMES = {"RAISE": "RAISE", "RERAISE": "RAISE", "LEVEL": "LEVEL", "RTN": "RTN"}


class ByTheCore:
    """What the rule's machine says of readings; an alarm that returns is over."""

    def __init__(self, shared):
        self._definition, self._inputs = shared
        self._machine = begin(self._definition, START)
        self.said = []

    def play(self, story):
        now = START
        for wait, point, value in story:
            now += wait * SECOND
            while (end := due(self._definition, self._machine)) is not None and end < now:
                self._heard(advance(self._definition, self._machine, end))
            number = 0.0 if value is None else value
            for source, name in self._inputs:
                if source == f"{HERE}/{POINTS[point]}":
                    sample = Sample(now, number, now, value is not None, name)
                    self._heard(feed(self._definition, self._machine, sample))
        return self.said

    def _heard(self, after):
        self._machine, entries = after
        for entry in entries:
            word, levels = entry.word.value, self._definition.rule.levels
            if word in NAMES:
                level = levels[entry.level - 1].name if entry.level else ""
                self.said.append((entry.time, NAMES[word], level))
            if word == "RTN":
                self._machine = self._machine._replace(alarm=NORMAL)


def play(story, watched, restart=None):
    now = START
    for place, (wait, point, value) in enumerate(story):
        now += wait * SECOND
        watched.read(now, point, value)
        if place == restart:
            start_again(watched)
    return watched


def start_again(watched):
    """Keep every rule as JSON, and go on in another process of another start."""
    old = watched.evaluator
    then, now = Times(BOOT, 0, dated=True), Times("5ec0" * 8, 0, dated=True)
    rows = {id_: json.loads(json.dumps(body(kept))) for id_, kept in old.rules.items()}
    again = Watched()
    watched.evaluator = again.evaluator
    for id_, row in rows.items():
        rule = again.evaluator.rules[id_].rule
        again.evaluator.put(restored(rule, row, then, now, watched.now))


@settings(max_examples=60, deadline=None)
@given(steps)
def test_the_gateway_says_what_the_core_says(story):
    watched = play(story, Watched())
    for shared in KINDS:
        id_ = shared.definition.rule.id
        said = [(time, word, level if word != "RTN" else "") for time, word, level in
                watched.said(id_)]  # fmt: skip
        assert said == ByTheCore(shared).play(story), id_


@settings(max_examples=60, deadline=None)
@given(steps, st.integers(0, 24))
def test_a_restart_anywhere_changes_nothing(story, restart):
    undisturbed, again = play(story, Watched()), play(story, Watched(), restart)
    for shared in SHARED:
        id_ = shared.definition.rule.id
        assert again.said(id_) == undisturbed.said(id_), id_
        one, other = undisturbed.evaluator.rules[id_], again.evaluator.rules[id_]
        assert one.machine.memory == other.machine.memory
        assert one.machine.condition == other.machine.condition
        assert (one.standing is None) == (other.standing is None)


@settings(max_examples=40, deadline=None)
@given(steps, st.integers(0, 24), st.integers(-3_600, 3_600))
def test_a_clock_that_is_set_moves_all_times_as_one(story, place, seconds):
    """But for the hours of a schedule, which are the clock's."""
    by = seconds * SECOND
    one, other, now = Watched(), Watched(), START
    for nth, (wait, point, value) in enumerate(story):
        now += wait * SECOND
        moved = by if nth > place else 0
        one.read(now, point, value)
        other.read(now + moved, point, value)
        if nth == place:
            other.evaluator.shift(by)
            other.now += by
    for shared in SHARED:
        if shared.definition.rule.kind in ("night",):
            continue
        id_ = shared.definition.rule.id
        late = [(w, level) for _, w, level in other.said(id_)]
        assert late == [(w, level) for _, w, level in one.said(id_)], id_


def test_a_roll_up_follows_the_rules_it_counts():
    watched = Watched()
    for second, point, value in ((1, 0, 12.0), (2, 1, 12.0), (3, 0, 25.0), (4, 1, 0.0)):
        watched.read(START + second * SECOND, point, value)
    said = [(time - START, word) for time, word, _ in watched.said(f"{OBJECT}:roll-up")]
    assert said == [(3 * SECOND, "RAISE"), (4 * SECOND, "RTN")]


@pytest.mark.parametrize("boot", [BOOT, "5ec0" * 8])
def test_where_no_clock_could_tell_memory_begins_anew(boot):
    watched = Watched()
    watched.read(START + SECOND, 0, 9.0)
    watched.read(START + 2 * SECOND, 0, 25.0)
    kept = watched.evaluator.rules[f"{HERE}/a:rate"]
    assert kept.standing is not None
    then, now = Times(BOOT, 0, dated=False), Times(boot, 0, dated=False)
    again = restored(kept.rule, json.loads(json.dumps(body(kept))), then, now, START)
    assert again.machine.condition.level == 1
    known = again.machine.memory.time
    assert known == (START + 2 * SECOND if boot == BOOT else None)
