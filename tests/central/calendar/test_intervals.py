import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from central.calendar.intervals import NOTHING, Intervals

PAIRS = st.lists(st.tuples(st.integers(-30, 30), st.integers(-30, 30)), max_size=8)
SPAN = range(-40, 41)


def moments(pairs):
    return {t for start, end in pairs for t in range(start, end)}


def inside(intervals):
    return moments(intervals.pairs())


def normal(intervals):
    """In order, none empty, none touching the next."""
    flat = [edge for pair in intervals.pairs() for edge in pair]
    return flat == sorted(set(flat))


@given(PAIRS, PAIRS)
def test_the_algebra_is_that_of_sets_of_moments(a, b):
    one, other = Intervals.of(a), Intervals.of(b)
    for made, expected in (
        (one, moments(a)),
        (one.union(other), moments(a) | moments(b)),
        (one.intersection(other), moments(a) & moments(b)),
        (one.difference(other), moments(a) - moments(b)),
        (one.within(-5, 12), moments(a) & set(range(-5, 12))),
    ):
        assert inside(made) == expected
        assert made.total == len(expected)
        assert normal(made)


@given(PAIRS, st.lists(st.tuples(st.integers(-40, 40), st.integers(0, 20)), max_size=6))
def test_lengths_and_membership_are_counted_on_arrays(pairs, asked):
    held, inner = Intervals.of(pairs), moments(pairs)
    assert held.holds(np.array(SPAN)).tolist() == [t in inner for t in SPAN]
    starts = np.array([start for start, _ in asked], np.int64)
    ends = np.array([start + length for start, length in asked], np.int64)
    expected = [len(inner & set(range(start, start + length))) for start, length in asked]
    assert held.lengths(starts, ends).tolist() == expected


@given(PAIRS)
def test_the_same_moments_are_the_same_set(pairs):
    assert Intervals.of(pairs) == Intervals.of((t, t + 1) for t in moments(pairs))


def test_times_of_this_century_are_exact():
    year = 1_798_761_600_000_000
    held = Intervals.of([(year, year + 1), (year + 2, year + 10**13)])
    assert held.total == 10**13 - 1
    assert held.lengths(np.array([0]), np.array([year + 3])).tolist() == [2]
    assert (len(NOTHING), NOTHING.total) == (0, 0)
    assert hash(held) == hash(held.union(NOTHING))
