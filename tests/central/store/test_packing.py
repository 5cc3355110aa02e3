"""Packing: every reading is in exactly one chunk, those of a family, a day and an hour together."""

from collections import Counter
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from central.store.codec.cells import Cells
from central.store.packing import CELLS, DAY, STRAYS, Readings, merge, pack, split
from central.store.values import Values
from protocols.clock import HOUR
from tests.central.store.shapes import DAY0, cells_of, columns, listed


def everything(packed):
    return [
        row
        for family, _, cells in packed.groups + packed.strays
        for row in listed(cells, family=family)
    ]


def expected(readings):
    rows = []
    for family in np.unique(readings.families):
        own = np.flatnonzero(readings.families == family)
        part = Readings(
            *[column[own] for column in readings[:6]],
            readings.values.take(own),
            *[column[own] for column in readings[7:]],
        )
        rows += listed(cells_of(part), family=int(family))
    return rows


@settings(max_examples=60, deadline=None)
@given(columns(families=3, days=3))
def test_every_reading_is_somewhere_once(readings):
    packed = pack(readings)
    assert Counter(everything(packed)) == Counter(expected(readings))
    for _, day, cells in packed.groups + packed.strays:
        assert set((cells.times // DAY).tolist()) == {day}
        order = np.lexsort((cells.seqs, cells.streams, cells.times, cells.members))
        assert (order == np.arange(len(cells))).all()
    assert all(len(cells) < STRAYS for *_, cells in packed.strays)


def poll(members, slots, period=10_000_000, shift=0):
    """Readings in order of arrival; `shift` moves each member's times apart."""
    at = np.repeat(np.arange(slots), members)
    rows = np.tile(np.arange(members), slots)
    times = DAY0 + at * period + rows * shift
    zeros = np.zeros(len(at), np.int64)
    values = Values.floats(np.arange(len(at)) / 4)
    return Readings(zeros, rows, times, zeros + 1, np.arange(len(at)), times, values, zeros, zeros)


def test_a_poll_group_of_an_hour_is_one_chunk():
    assert [len(cells) for *_, cells in pack(poll(25, 360)).groups] == [9000]


def test_a_day_is_cut_by_the_hour_and_between_moments():
    groups = pack(poll(25, 8640)).groups
    assert len(groups) == 24
    spans = [(int(cells.times.min()), int(cells.times.max())) for *_, cells in groups]
    assert all(last - first < HOUR for first, last in spans)
    assert all(one[1] < other[0] for one, other in pairwise(spans))


def test_a_slow_group_is_not_cut_into_crumbs():
    sizes = [len(cells) for *_, cells in pack(poll(25, 288, 300_000_000)).groups]
    assert len(sizes) == 3
    assert min(sizes) > 2000


def test_members_that_share_no_moment_have_chunks_of_their_own():
    groups = pack(poll(5, 360, shift=1_234_567)).groups
    assert [len(set(cells.members.tolist())) for *_, cells in groups] == [1] * 5


def test_members_with_few_readings_stay_together():
    assert len(pack(poll(5, 20, shift=1_234_567)).groups) == 1


def test_one_moment_again_and_again_is_cut_all_the_same():
    readings = poll(1, 30_000, 0)
    sizes = [len(cells) for *_, cells in pack(readings).groups]
    assert sum(sizes) == 30_000
    assert max(sizes) <= CELLS + 32


def test_nothing_packs_to_nothing():
    none = np.zeros(0, np.int64)
    packed = pack(Readings(none, none, none, none, none, none, Values.of([]), none, none))
    assert (packed.groups, packed.strays) == ([], [])


@settings(max_examples=60, deadline=None)
@given(columns(), st.lists(st.integers(0, 2), min_size=90, max_size=90))
def test_parts_that_overlap_merge_into_what_they_were(readings, shares):
    cells = cells_of(readings)
    share = np.array(shares)[: len(cells)]
    parts = [cells.take(np.flatnonzero(share == each)) for each in range(3)]
    merged = merge([part for part in parts if len(part)])
    rows = [row for part in merged for row in listed(part)]
    assert sorted(rows, key=repr) == sorted(listed(cells), key=repr)


def test_ten_minutes_merge_into_an_hour():
    whole = cells_of(poll(25, 360))
    parts = [whole.take(np.flatnonzero(whole.seqs // 1500 == part)) for part in range(6)]
    (merged,) = merge(parts)
    assert isinstance(merged, Cells)
    assert listed(merged) == listed(whole)
    assert [len(part) for part in split(merged)] == [9000]
