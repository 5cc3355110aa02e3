"""Of many blocks the newest good numbers are those that a look at every reading finds."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from central.store.columns import Columns
from central.store.heads.point_memory import PointMemory
from central.store.held import Holding
from central.store.interface import Row
from central.store.unsealed import Block
from tests.central.store.plant import Names

BAD = 0x80050000
reading = st.tuples(
    st.integers(1, 6),
    st.integers(0, 9),
    st.sampled_from([1.5, -0.0, True, 7, None, "x", 2**60, 2**64 - 1]),
    st.sampled_from([0, 0, 0, BAD]),
    st.sampled_from([0, 0, 4, 2]),
)
brought = st.lists(
    st.tuples(st.lists(reading, min_size=1, max_size=8), st.integers(0, 3), st.integers(1, 3)),
    min_size=1,
    max_size=8,
)


def blocks_of(brought):
    holding, seq, received = Holding(), 0, 0
    for number, (readings, later, stream) in enumerate(brought):
        received += later
        rows = []
        for point, time, value, quality, flags in readings:
            seq += 1
            rows.append(Row(point, time, seq, value, quality, flags))
        block = Block.of(number, stream, 1_000 * received, Columns.of(rows), stream + 5)
        if number % 2:
            block.rows = holding.held(block.rows)
        yield block


def model(blocks):
    """Return time, value, line and received time of each point's newest good number."""
    found = {}
    for block in blocks:
        for row in block.rows.rows():
            number = isinstance(row.value, int | float)
            if not number or row.quality or row.flags & 2:
                continue
            known = found.get(row.point)
            first = known is not None and (row.time, -block.received) <= (known[0], -known[3])
            if not first:
                found[row.point] = (row.time, row.value, block.line, block.received)
    return found


@settings(max_examples=150, deadline=None)
@given(brought, st.lists(st.integers(1, 7), max_size=3))
def test_what_is_left_is_what_counts(brought, at):
    memory, blocks = PointMemory(Names()), list(blocks_of(brought))
    for place, block in enumerate(blocks):
        memory.take(block)
        if place in at:
            memory.fold()
    expected = model(blocks)
    for number in range(1, 7):
        known = memory.newest_good(number, [])
        assert (known is None) == (number not in expected)
        if known is not None:
            time, value, line, received = expected[number]
            assert (known.time, known.stream, known.received) == (time, line, received)
            exact = isinstance(value, int) and -(2**63) <= value < 2**63
            assert known.value == (value if exact else float(value))


def test_a_scan_again_and_again_leaves_the_last_and_what_was_good_before_it():
    memory = PointMemory(Names())
    for scan in range(30):
        points = np.arange(4, 24)
        quality = np.where((points == 7) & (scan > 20), BAD, 0)
        memory.take(
            Block.of(
                scan + 1,
                1,
                1_000 * scan,
                Columns(
                    points,
                    np.full(20, scan),
                    20 * scan + points,
                    [float(scan)] * 20,
                    quality,
                    np.zeros(20, np.int64),
                ),
            )
        )
    memory.fold()
    assert [memory.newest_good(number, []).value for number in (4, 7)] == [29.0, 20.0]
    assert memory.newest_good(3, []) is None
