import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from central.calendar.intervals import NOTHING, Intervals
from central.store.interface import FLAG_ESTIMATED, FLAG_LATE
from central.store.queries.aggregate import aggregate
from central.store.queries.source import Deadline
from tests.central.store.queries.list_source import (
    EXCLUDED,
    READINGS,
    SPAN,
    ListSource,
    reading,
)

EDGES = st.lists(st.integers(0, SPAN), min_size=2, max_size=12, unique=True).map(sorted)


def good_numbers(readings):
    return [
        r.value
        for r in readings
        if r.quality < 0x40000000
        and (isinstance(r.value, float) or (isinstance(r.value, int) and abs(r.value) <= 2**53))
    ]


def asked(source, edges, excluded=NOTHING, **more):
    found = source.pieces(1, edges[0], edges[-1])
    return aggregate(found, np.array(edges, np.int64), excluded, Deadline(), **more)


@given(READINGS, EDGES, EXCLUDED)
def test_every_column_is_that_of_a_plain_list(readings, edges, pairs):
    found = asked(ListSource(readings), edges, Intervals.of(pairs))
    out = {t for start, end in pairs for t in range(start, end)}
    for n, (start, end) in enumerate(pairwise(edges)):
        mine = sorted(r for r in readings if start <= r.time < end and r.time not in out)
        numbers = good_numbers(mine)
        assert found.excluded[n] == len(out & set(range(start, end)))
        assert (found.count[n], found.good[n]) == (len(mine), len(numbers))
        assert found.late[n] == sum(bool(r.flags & FLAG_LATE) for r in mine)
        assert found.estimated[n] == sum(bool(r.flags & FLAG_ESTIMATED) for r in mine)
        if mine:
            assert found.worst[n] == max(r.quality for r in mine)
            assert repr(found.first[n]) == repr(mine[0].value)
            assert repr(found.last[n]) == repr(mine[-1].value)
            assert (found.first_times[n], found.last_times[n]) == (mine[0].time, mine[-1].time)
        else:
            assert found.first[n] is found.last[n] is None
        if not numbers:
            assert math.isnan(found.mean[n])
            assert math.isnan(found.least[n])
            continue
        assert (found.least[n], found.most[n]) == (min(numbers), max(numbers))
        exact = sum(map(Fraction, numbers)) / len(numbers)
        scale = max(map(abs, numbers))
        assert abs(Fraction(found.mean[n]) - exact) <= Fraction(1e-9) * Fraction(scale)


def test_long_periods_are_answered_by_summaries():
    source = ListSource([reading(t, float(t), piece=t // 100) for t in range(1_000)])
    found = asked(source, [0, 500, 1_000])
    assert source.loads == 4  # the first and the last piece of each period
    assert found.least.tolist() == [0, 500]
    assert found.most.tolist() == [499, 999]
    assert (found.first, found.last) == ([0.0, 500.0], [499.0, 999.0])
    asked(source, [0, 500, 1_000], Intervals.of([(250, 260)]))
    assert source.loads == 4 + 5  # and the one that an excluded interval touches
    found = asked(source, [0, 500, 1_000], firsts=False)
    assert source.loads == 4 + 5 + 2
    assert found.last == [499.0, 999.0]


def test_a_piece_that_is_excluded_whole_is_not_read():
    source = ListSource([reading(t, piece=t // 100) for t in range(1_000)])
    found = asked(source, [0, 1_000], Intervals.of([(0, 900)]))
    assert (found.count[0], source.loads) == (100, 1)


def test_sums_beyond_a_float_leave_a_mean():
    huge = [reading(t, 1.7e308, piece=t % 2) for t in range(10)]
    found = asked(ListSource(huge), [0, 10])
    assert math.isclose(found.mean[0], 1.7e308)
    assert math.isnan(found.sum[0])
