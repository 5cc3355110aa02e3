"""What comes late of one input of several, held against the same readings heard in order."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.alarms import steps
from protocols.alarms.definition import Definition
from protocols.alarms.kinds.expression import Expression
from protocols.alarms.kinds.several import Clause, Deviation, Interlock
from protocols.alarms.kinds.vote import Vote
from protocols.alarms.machine import CALLS, Sample, begin
from tests.central.alarms.plant import Plant, high, wanted
from tests.central.builders import SECOND, START

CUT, BACK = 600, 1800
PAIR = ((1, "a"), (2, "b"))
TWO = (Clause("a", ">=", 25.0), Clause("b", ">=", 25.0))
KINDS = {
    "vote": (Vote(clauses=TWO), 2.0),
    "interlock": (Interlock(clauses=TWO), 1.0),
    "deviation": (Deviation(input="a", reference="b", absolute=False), 20.0),
    "expression": (Expression(text="a + b"), 60.0),
}
SCAN, AFTER = 10, 6


def rule_of(kind, **more):
    made, limit = KINDS[kind]
    return wanted("it", high(limit, **more), kind=made, inputs=PAIR)


@pytest.fixture
def plant():
    made = []

    def of(*rules):
        made.append(Plant(*rules))
        return made[-1]

    yield of
    for each in made:
        each.close()


def episodes(it):
    """Return (state, raised, returned, late)."""
    return [
        (state, (raised - START) / SECOND, returned and (returned - START) / SECOND, bool(late))
        for state, raised, returned, late in it.tables.execute(
            "SELECT state, raised, returned, late FROM episode ORDER BY raised, number"
        ).fetchall()
    ]


def cut(it, *, before=0.0, after=0.0, other=40.0):
    """Head 1 is cut off from 22:10 to 22:30; head 2, of another gateway, is heard all the time."""
    it.say(CUT, (1, before), stream=1)
    it.say(CUT, (2, other), stream=9)
    for second in range(CUT + 60, BACK, 60):
        it.say(second, (2, other), stream=9)
    it.say(BACK, (1, after), stream=2)
    it.say(BACK, (2, other), stream=9)


@pytest.mark.parametrize("kind", ["vote", "interlock"])
def test_a_whole_episode_of_the_gap_is_late_and_calls_nobody(plant, kind):
    it = plant(rule_of(kind))
    cut(it)
    it.say(1000, (1, 30.0), stream=1, now=BACK + 1)
    it.say(1100, (1, 0.0), stream=1, now=BACK + 2)
    assert episodes(it) == [("NORMAL", 1000, 1100, True)]
    assert it.engine.tracked(it.tables.conn, "site/it").episode is None


def test_it_is_judged_with_what_the_other_said_then(plant):
    it = plant(rule_of("vote"))
    it.say(CUT, (1, 0.0), stream=1)
    for second, value in ((CUT, 0.0), (900, 40.0), (1200, 0.0), (1790, 40.0)):
        it.say(second, (2, value), stream=9)
    it.say(BACK, (1, 0.0), stream=2)
    it.say(1500, (1, 30.0, True, 700), (1, 30.0), (1, 0.0, True, -30), stream=1, now=BACK + 1)
    assert episodes(it) == [("NORMAL", 900, 1200, True)]


def test_what_stands_at_the_end_of_the_gap_is_one_live_alarm(plant):
    it = plant(rule_of("vote"))
    cut(it, after=30.0)
    assert episodes(it) == [("UNACK", BACK, None, False)]
    it.say(1000, (1, 30.0), stream=1, now=BACK + 1)
    assert episodes(it) == [("UNACK", 1000, None, False)]
    assert [word for _, word in it.journal("it")] == ["RAISE:H", "BACKDATED:H"]


def test_what_stood_before_the_gap_and_after_it_is_one(plant):
    it = plant(rule_of("vote"))
    cut(it, before=30.0, after=30.0)
    it.say(1000, (1, 30.0), stream=1, now=BACK + 1)
    assert episodes(it) == [("UNACK", CUT, None, False)]


def test_a_past_in_pieces_is_put_right(plant):
    it = plant(rule_of("vote"))
    cut(it)
    it.say(1000, (1, 30.0), stream=1, now=BACK + 1)
    assert episodes(it) == [("NORMAL", 1000, BACK, True)]
    it.restart()
    it.say(1100, (1, 0.0), stream=1, now=BACK + 2)
    assert episodes(it) == [("NORMAL", 1000, 1100, True)]


def test_what_no_live_reading_ended_becomes_the_live_alarm(plant):
    it = plant(wanted("it", high(20.0, deadband=5.0), kind=KINDS["deviation"][0], inputs=PAIR))
    cut(it, after=56.0)
    it.say(1000, (1, 62.0), stream=1, now=BACK + 1)
    assert episodes(it) == [("UNACK", 1000, None, False)]
    it.say(BACK + 10, (1, 40.0), stream=2)
    assert episodes(it) == [("RTN_UNACK", 1000, BACK + 10, False)]


@dataclass(frozen=True)
class Story:
    """`one` is of input a and lacks some scans, delivered `turn` scans after the gap; `two` of b.

    Values are (value, good).
    """

    kind: str
    delay: float
    one: tuple
    two: tuple
    gap: tuple
    turn: int
    pieces: int

    @property
    def wanted(self):
        return rule_of(self.kind, on_delay=self.delay)

    def samples(self, scan):
        at = START + scan * SCAN * SECOND
        for name, (value, good) in (("a", self.one[scan]), ("b", self.two[scan])):
            yield Sample(at, value, at, good, name)

    @property
    def due(self):
        return min(self.gap[1] + self.turn, len(self.one) - 1)


VALUES = st.sampled_from([0.0, 0.0, 30.0, 40.0, 70.0])


@st.composite
def stories(draw, delays=(0.0,), *, bad=False):
    good = st.sampled_from([True, True, True, True, not bad])
    before, gap, after = (draw(st.integers(1, most)) for most in (3, 6, 6))
    count = before + gap + after
    column = st.lists(st.tuples(VALUES, good), min_size=count, max_size=count).map(tuple)
    one, two = draw(column), draw(column)
    return Story(
        kind=draw(st.sampled_from(sorted(KINDS))),
        delay=draw(st.sampled_from(delays)),
        one=one,
        two=two,
        gap=(before, before + gap),
        turn=draw(st.integers(0, 3)),
        pieces=draw(st.integers(1, 3)),
    )


def truth(story, known=None):
    """Return the level after each scan, of what was heard, in order."""
    definition = Definition(rule=story.wanted.definition.rule, kind=KINDS[story.kind][0])
    machine, levels = begin(definition), []
    for scan in range(len(story.one)):
        for sample in story.samples(scan):
            if known is None or sample.input == "b" or scan in known:
                machine, _ = steps.feed(definition, machine, sample)
        at = START + (scan + 1) * SCAN * SECOND - 1
        machine, _ = steps.advance(definition, machine, at)
        levels.append(machine.condition.level)
    return levels


def told(story):
    """Return the engine after it, and when the past called somebody, with what was known then."""
    it, calls, known = Plant(story.wanted), [], set()
    since, to = story.gap

    def say(scan, stream, *readings, now=None):
        lines = len(journal(it))
        it.say(scan * SCAN, *readings, stream=stream, now=now)
        new = journal(it)[lines:] if now is not None else []
        late = {number for word, number in new if word == "RTN" and closed_late(it, number)}
        if any(word in CALLS and number not in late for word, number in new):
            calls.append((scan, frozenset(known)))

    for scan in range(len(story.one)):
        if not since <= scan < to:
            known.add(scan)
            say(scan, 1 if scan < since else 2, (1, *story.one[scan]))
        say(scan, 9, (2, *story.two[scan]))
        if scan == story.due:
            size = -(-(to - since) // story.pieces)
            for first in range(since, to, size):
                part = range(first, min(first + size, to))
                known.update(part)
                rows = [(1, *story.one[each], (scan - each) * SCAN) for each in part]
                say(scan, 1, *rows, now=scan * SCAN + 1)
    return it, calls


def journal(it):
    sql = "SELECT event, episode FROM alarm_journal ORDER BY id"
    return it.tables.execute(sql).fetchall()


def closed_late(it, number):
    sql = "SELECT late AND state = 'NORMAL' AND closed = returned FROM episode WHERE number = ?"
    return bool(it.tables.execute(sql, (number,)).fetchone()[0])


@settings(max_examples=60, deadline=None)
@given(stories(bad=True))
def test_backfill_never_sounds_for_what_is_over(story):
    it, calls = told(story)
    it.close()
    for scan, known in calls:
        assert truth(story, known)[scan], f"called at {scan}"


@settings(max_examples=60, deadline=None)
@given(stories(delays=(0.0, 25.0)))
def test_backfill_never_hides_what_is_not_over(story):
    it, _ = told(story)
    machine = it.engine.tracked(it.tables.conn, "site/it").machine
    it.close()
    if truth(story)[-1] and not story.delay:
        assert machine.condition.level
        assert machine.alarm.state.abnormal


@settings(max_examples=60, deadline=None)
@given(stories())
def test_every_moment_it_stood_lies_in_an_episode_and_no_late_one_elsewhere(story):
    it, _ = told(story)
    found, levels = episodes(it), truth(story)
    it.close()
    end = len(story.one) * SCAN
    for scan, level in enumerate(levels):
        at = scan * SCAN
        inside = [late for _, since, to, late in found if since <= at < (end if to is None else to)]
        assert inside or not level, f"scan {scan} is in no episode: {found}"
        assert level or not any(inside), f"scan {scan} is in a late episode: {found}"
