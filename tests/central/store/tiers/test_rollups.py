"""A rollup says of readings what recomputing says, whatever parts it was made of."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central.store.points import PointReadings, summary
from central.store.squeezed import Damaged
from central.store.tiers import tiers
from central.store.tiers.rollups import ROW, SPANS, combined, decode, encode, rolled
from central.store.values import Values

MINUTE, HOUR = SPANS.values()
values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**64), 2**64),
    st.floats(-1e9, 1e9),
    st.text(max_size=4),
)
readings = st.lists(
    st.tuples(
        st.integers(0, 3 * HOUR),
        st.integers(1, 3),
        values,
        st.sampled_from([0, 0x408F0000, 0x80310000]),
        st.integers(0, 7),
        st.integers(0, 10**6),
    ),
    min_size=1,
    max_size=40,
)


def made(rows):
    """Return readings in order; the place in `rows` is the number, so no two are alike."""
    rows = sorted((row[0], row[1], seq, *row[2:]) for seq, row in enumerate(rows))
    times, streams, seqs, found, qualities, flags, late = zip(*rows, strict=True)
    times, streams, seqs, qualities, flags, late = (
        np.array(column, np.int64) for column in (times, streams, seqs, qualities, flags, late)
    )
    received = (times + late) // 1000 * 1000
    return PointReadings(times, streams, seqs, received, Values.of(found), qualities, flags)


def check(rollup, whole, span):
    slots = whole.times // span
    assert rollup.rows["t0"].tolist() == [
        whole.times[slots == slot][0] for slot in np.unique(slots)
    ]
    for place, slot in enumerate(np.unique(slots)):
        own = whole.take(np.flatnonzero(slots == slot))
        wanted, found = summary(own), rollup.summaries[place]
        for name in wanted.dtype.names:
            if name == "sum" and wanted["good"]:
                exact = math.fsum(own.values.numbers[own.good].tolist())
                size = math.fsum(np.abs(own.values.numbers[own.good]).tolist())
                assert abs(found["sum"] - exact) <= 1e-12 * max(size, 1)
            else:
                np.testing.assert_equal(found[name], wanted[name], name)
        ends = rollup.ends(place)
        assert ends.values[0] == own.values[0]
        assert ends.values[-1] == own.values[-1]
        assert type(ends.values[-1]) is type(own.values[-1])
        assert (ends.times[0], ends.times[-1]) == (own.times[0], own.times[-1])
    assert rollup.n == len(whole)


@settings(max_examples=60, deadline=None)
@given(rows=readings, span=st.sampled_from([MINUTE, HOUR]))
def test_it_says_what_recomputing_says(rows, span):
    whole = made(rows)
    check(rolled(whole, span), whole, span)


@settings(max_examples=60, deadline=None)
@given(rows=readings, cuts=st.lists(st.integers(0, 2), min_size=40, max_size=40))
def test_parts_of_whatever_kind_come_to_the_same(rows, cuts):
    whole = made(rows)
    kinds = np.array(cuts)[np.arange(len(whole)) % 40]
    parts = [rolled(whole.take(np.flatnonzero(kinds == kind)), MINUTE) for kind in range(3)]
    once = combined([combined(parts[:2], MINUTE), parts[2]], MINUTE)
    check(once, whole, MINUTE)
    check(combined([once], HOUR), whole, HOUR)
    check(combined(parts, HOUR), whole, HOUR)


@settings(max_examples=60, deadline=None)
@given(rows=readings)
def test_it_comes_back_from_bytes_as_it_was(rows):
    rollup = rolled(made(rows), MINUTE)
    found = tiers.unpacked(tiers.packed({3: rollup, 31: rollup}))
    assert sorted(found) == [3, 31]
    for one in (*found.values(), tiers.unpacked(tiers.packed({3: rollup}), 3)[3]):
        assert one.rows.tobytes() == rollup.rows.tobytes()
        assert one.first == rollup.first
        assert one.last == rollup.last
    assert tiers.unpacked(tiers.packed({3: rollup}), 4) == {}


def test_a_sum_beyond_a_float_is_infinite_and_says_nothing():
    rows = [(0, 1, 1.7e308, 0, 0, 0), (1, 1, 1.7e308, 0, 0, 0)]
    assert rolled(made(rows), HOUR).rows["sum"].tolist() == [math.inf]


@pytest.mark.parametrize("place", range(0, 120, 7))
def test_damaged_bytes_are_told(place):
    body = bytearray(
        encode(rolled(made([(n * 10**7, 1, n / 3, 0, 0, 0) for n in range(90)]), HOUR))
    )
    body[place % len(body)] ^= 0x20
    with pytest.raises(Damaged):
        decode(bytes(body))


def test_an_hour_of_every_second_is_small():
    rows = [(n * 10**6, 1, 20 + round(math.sin(n / 600), 2), 0, 0, 40_000) for n in range(10_800)]
    minutes = rolled(made(rows), MINUTE)
    assert len(encode(minutes)) / len(minutes) < 40
    assert ROW.itemsize > 100
