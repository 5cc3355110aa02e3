from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from central.calendar.intervals import NOTHING, Intervals
from central.store.queries.counts import Asked, count, truncated_percent
from central.store.queries.source import Deadline
from protocols.quality import Quality
from tests.central.store.queries.list_source import (
    EXCLUDED,
    READINGS,
    SILENT,
    SPAN,
    ListSource,
    reading,
)


def counted(readings, start=0, end=SPAN, now=SPAN * 10, **more):
    fields = {"number": 1, "gap": 30, "excluded": NOTHING} | more
    asked = Asked(start=start, end=end, now=now, **fields)
    return count(ListSource(readings), asked, Deadline())


@given(READINGS, EXCLUDED, st.integers(1, 90))
def test_counts_slots_and_time_on_line_are_those_of_a_plain_list(readings, pairs, every):
    excluded = Intervals.of(pairs)
    out = {t for start, end in pairs for t in range(start, end)}
    found = counted(readings, every=every, within=60, excluded=excluded)
    mine = sorted(r for r in readings if 0 <= r.time < SPAN and r.time not in out)
    assert found.count == len(mine)
    assert found.good == sum(r.quality < 0x40000000 for r in mine)
    assert found.bad == sum(r.quality >= 0x80000000 for r in mine)
    assert found.count == found.good + found.uncertain + found.bad
    owed = [t for t in range(SPAN) if t not in out]
    assert found.owed == len(owed)
    slots = [range(n * every, (n + 1) * every) for n in range(SPAN // every)]
    slots = [slot for slot in slots if not out & set(slot)]
    usable = {r.time for r in mine if r.quality < 0x80000000}
    assert found.slots_owed == len(slots)
    assert found.slots_filled == sum(bool(usable & set(slot)) for slot in slots)
    assert found.online == sum(on_line(readings, t, 60) for t in owed)


def on_line(readings, t, within):
    """By the words of the formula: the newest that had arrived by t is recent and not silent."""
    arrived = [r for r in readings if r.received <= t]
    newest = max((r.time for r in arrived), default=None)
    if newest is None or newest <= t - within:
        return False
    # Of several of one moment the last to arrive counts, and of those the last in order.
    last = sorted((r for r in arrived if r.time == newest), key=lambda r: r.received)[-1]
    same = [r for r in arrived if r.time == newest and r.received == last.received]
    return max(same, key=lambda r: r[:3]).quality & 0xFFFF0000 != SILENT


@given(READINGS, st.integers(1, 300), st.integers(100, 400), st.integers(500, 900))
def test_gaps_do_not_depend_on_the_window(readings, limit, start, end):
    found = counted(readings, start=start, end=end, gap=limit)
    times = sorted({r.time for r in readings})
    before = [t for t in times if t < start]
    edges = [before[-1] if before else start, *(t for t in times if start <= t < end)]
    after = [t for t in times if t >= end]
    edges.append(after[0] if after else 10**9)
    gaps = [
        (max(a, start), min(b, end))
        for a, b in pairwise(edges)
        if b - a > limit and max(a, start) < min(b, end)
    ]
    assert [(gap.start, gap.end) for gap in found.gaps] == gaps
    assert found.gap_count == len(gaps)
    assert found.gap_total == sum(b - a for a, b in gaps)
    assert found.gap_longest == max((b - a for a, b in gaps), default=0)


def test_silence_that_has_not_lasted_is_no_gap_yet():
    readings = [reading(t) for t in range(0, 90, 10)]
    assert counted(readings, end=100, now=100, gap=30).gap_count == 0
    assert counted(readings, end=100, now=1_000, gap=30).gaps[0].end == 100
    late = counted(readings, end=150, now=150, gap=30)
    assert [(gap.start, gap.end) for gap in late.gaps] == [(80, 150)]


def test_what_is_filed_is_no_gap():
    readings = [reading(t) for t in range(0, 1_000, 10) if not 300 <= t < 500]
    found = counted(readings, end=990, excluded=Intervals.of([(295, 490)]))
    assert found.gap_count == 0
    found = counted(readings, end=990, excluded=Intervals.of([(295, 400)]))
    assert [(gap.start, gap.end, gap.counted) for gap in found.gaps] == [(290, 500, 105)]


def test_backfill_completes_the_data_and_never_the_time_on_line():
    cut = [reading(t, received=t if t < 500 else 900, stream=1) for t in range(0, 1_000, 10)]
    found = counted(cut, every=10, within=60)
    assert (found.slots_filled, found.slots_owed) == (100, 100)
    assert found.online == 490 + 60 + 100  # the newest at 490 kept it on line until 550


def test_a_reading_that_says_nobody_answered_keeps_nothing_on_line():
    quiet = int(Quality.BAD_NO_COMMUNICATION)
    found = counted(
        [reading(t, quality=0 if t < 500 else quiet) for t in range(0, 1_000, 10)],
        every=10,
        within=60,
    )
    assert found.online == 500
    assert (found.slots_filled, found.bad) == (50, 50)


def test_percentages_are_never_rounded_up():
    assert truncated_percent(99_499, 100_000) == 99.49
    assert truncated_percent(1, 1) == 100.0
    assert truncated_percent(0, 0) is None
