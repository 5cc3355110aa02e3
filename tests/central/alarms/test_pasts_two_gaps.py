"""Two gateways that were cut off, each with its part of one rule: told once, as heard in order."""

import os
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from protocols.alarms import steps
from protocols.alarms.definition import Definition
from protocols.alarms.machine import Sample, begin
from tests.central.alarms.plant import Plant
from tests.central.alarms.test_pasts_several import KINDS, SCAN, VALUES, episodes, rule_of
from tests.central.builders import SECOND, START

SEARCH = int(os.environ.get("FENGSUI_STORIES", "0"))
"""Stories drawn anew (`make soak`); without it the same hundred each time."""

NAMES = ("a", "b")
STREAMS = ((1, 2), (9, 10))


@dataclass(frozen=True)
class Gap:
    """Scans from `start` to before `end` are delivered at the scan `due`, in so many pieces."""

    start: int
    end: int
    due: int
    pieces: int = 1

    def parts(self):
        size = -(-(self.end - self.start) // self.pieces)
        for first in range(self.start, self.end, size):
            yield range(first, min(first + size, self.end))


@dataclass(frozen=True)
class Story:
    kind: str
    said: tuple
    gaps: tuple

    @property
    def scans(self):
        return range(len(self.said[0]))


@st.composite
def gaps(draw, count):
    start = draw(st.integers(1, count - 2))
    end = draw(st.integers(start + 1, min(start + 6, count - 1)))
    due = min(end + draw(st.integers(0, 3)), count - 1)
    return Gap(start, end, due, draw(st.integers(1, 3)))


@st.composite
def stories(draw):
    count = draw(st.integers(5, 14))
    column = st.lists(VALUES, min_size=count, max_size=count).map(tuple)
    return Story(
        draw(st.sampled_from(sorted(KINDS))),
        (draw(column), draw(column)),
        (draw(gaps(count)), draw(gaps(count))),
    )


def played(story):
    it = Plant(rule_of(story.kind))
    for scan in story.scans:
        for place, gap in enumerate(story.gaps):
            old, new = STREAMS[place]
            if not gap.start <= scan < gap.end:
                stream = old if scan < gap.start else new
                it.say(scan * SCAN, (place + 1, story.said[place][scan]), stream=stream)
        for place, gap in enumerate(story.gaps):
            for part in gap.parts() if scan == gap.due else ():
                rows = [
                    (place + 1, story.said[place][each], True, (scan - each) * SCAN)
                    for each in part
                ]
                it.say(scan * SCAN, *rows, stream=STREAMS[place][0], now=scan * SCAN + 1)
    return it


def truth(story):
    """Return the level after each scan, of everything heard in order."""
    definition = Definition(rule=rule_of(story.kind).definition.rule, kind=KINDS[story.kind][0])
    machine, levels = begin(definition), []
    for scan in story.scans:
        at = START + scan * SCAN * SECOND
        for place, name in enumerate(NAMES):
            sample = Sample(at, story.said[place][scan], at, True, name)
            machine, _ = steps.feed(definition, machine, sample)
        levels.append(machine.condition.level)
    return levels


def stood(it):
    """Return when each episode stood: one that stood again after it returned, twice."""
    found = []
    rows = it.tables.execute("SELECT number, raised, returned, late FROM episode").fetchall()
    for number, raised, returned, late in rows:
        turns = [raised, *([returned] if late else _turns(it, number))]
        ends = [*turns, 2**62][: len(turns) + len(turns) % 2]
        spans = [(since, to) for place, (since, to) in enumerate(pairwise(ends)) if not place % 2]
        found += [((since - START) / SECOND, (to - START) / SECOND) for since, to in spans]
    return found


def _turns(it, number):
    sql = "SELECT time, event FROM alarm_journal WHERE episode = ? ORDER BY id"
    turns = []
    for time, event in it.tables.execute(sql, (number,)).fetchall():
        if event == ("RERAISE" if len(turns) % 2 else "RTN"):
            turns.append(time)
    return turns


@settings(max_examples=SEARCH or 100, derandomize=not SEARCH, deadline=None)
@given(stories())
@example(  # both gaps end at once: each past sees what the other tells of
    Story("interlock", ((0, 30, 0, 0, 70, 0), (0, 30, 40, 30, 70, 30)),
          (Gap(1, 5, 5, 2), Gap(4, 5, 5)))
)  # fmt: skip
@example(  # what was known of a raised it live; the gap tells of the same time
    Story("interlock", ((70, 40, 30, 40, 0, 0), (0, 40, 0, 30, 40, 0)),
          (Gap(1, 5, 5), Gap(2, 3, 5)))
)  # fmt: skip
@example(  # the live alarm returned at the very moment to which a piece of the gap had come
    Story("expression", ((40, 40, 70, 70, 30, 0, 70, 0), (0, 0, 0, 40, 30, 30, 0, 0)),
          (Gap(6, 7, 7), Gap(1, 7, 7, 3)))
)  # fmt: skip
@example(  # one gap told a late alarm; the other lets the live one begin in the same time
    Story("expression", ((0, 0, 70, 0, 30), (0, 0, 70, 70, 30)), (Gap(1, 3, 3), Gap(1, 4, 4)))
)
@example(  # the live alarm returned at the very moment with which the gap ends
    Story("deviation", ((0, 30, 70, 70, 0), (0, 0, 0, 30, 0)), (Gap(2, 4, 4), Gap(1, 2, 2)))
)
def test_every_moment_it_stood_is_in_one_episode_and_in_no_other(story):
    it = played(story)
    found, spans, levels = episodes(it), stood(it), truth(story)
    machine = it.engine.tracked(it.tables.conn, "site/it").machine
    it.close()
    for scan, level in enumerate(levels):
        at = scan * SCAN
        inside = [since <= at and (to is None or at < to) for _, since, to, _ in found]
        assert any(inside) or not level, f"scan {scan} is in no episode: {found}"
        assert sum(since <= at < to for since, to in spans) <= 1, f"scan {scan} told twice: {spans}"
    assert machine.alarm.state.abnormal or not levels[-1]
    assert levels[-1] or not machine.condition.level


@pytest.fixture
def vote():
    it = Plant(rule_of("vote"))
    yield it
    it.close()


def test_a_past_that_goes_on_over_the_live_raise_is_one_with_it(vote):
    """What had moved the live raise back is not moved forth again when both have returned."""
    vote.say(0, (1, 0.0), stream=1)
    vote.say(0, (2, 40.0), stream=9)
    vote.say(100, (1, 40.0), stream=2)
    vote.say(20, (1, 40.0), stream=1, now=101)
    assert episodes(vote) == [("UNACK", 20, None, False)]
    vote.say(120, (2, 0.0), stream=9)
    vote.say(140, (1, 40.0), stream=2)
    vote.say(125, (1, 40.0), stream=1, now=141)
    assert episodes(vote) == [("RTN_UNACK", 20, 120, False)]
    assert [word for _, word in vote.journal("it")] == ["RAISE:H", "BACKDATED:H", "RTN"]


def test_a_late_alarm_that_still_stands_is_not_told_complete(vote):
    """It began an hour ago by what came late; somebody has to see it."""
    vote.say(0, (1, 0.0), stream=1)
    vote.say(0, (2, 40.0), stream=9)
    vote.say(3600, (1, 40.0, True, 3500), stream=2)
    assert episodes(vote) == [("UNACK", 100, None, True)]
    vote.say(3601, (1, 0.0, True, 3401), stream=2)
    vote.say(20, (1, 40.0), (1, 40.0, True, -40), stream=1, now=3602)
    (state, _, _, _), *_ = episodes(vote)
    assert state == "RTN_UNACK"
    closed = vote.tables.execute("SELECT state, closed IS NULL FROM episode").fetchall()
    assert all((state == "NORMAL") != is_open for state, is_open in closed)
