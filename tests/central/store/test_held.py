"""Columns held in little memory are the same rows, whatever they say."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from central.store.columns import Columns
from central.store.held import Held, Holding
from central.store.interface import Row
from central.store.unsealed import AT_ONCE, FRESH, Block, Unsealed

WIDE = st.integers(-(2**63), 2**63 - 1)
NEAR = st.integers(1_781_272_800_000_000, 1_781_272_900_000_000)


@st.composite
def blocks(draw):
    points = draw(st.lists(st.integers(0, 9), min_size=1, max_size=12))
    times = draw(st.sampled_from([NEAR, st.integers(-(2**61), 2**61)]))
    first = draw(st.integers(0, 2**40))
    rows = []
    for place, point in enumerate(points):
        seq = first + place if draw(st.integers(0, 9)) else draw(st.integers(0, 2**40))
        quality = draw(st.sampled_from([0, 0, 0x80310000, 2**40, -1]))
        value = draw(st.one_of(st.floats(allow_nan=False), st.text(max_size=2), st.none()))
        rows.append(Row(point, draw(times), seq, value, quality, draw(st.integers(0, 7))))
    return rows


@settings(max_examples=200, deadline=None)
@given(st.lists(blocks(), min_size=1, max_size=4))
def test_rows_are_the_same(several):
    holding = Holding()
    held = [holding.held(Columns.of(rows)) for rows in several]
    assert [each.rows() for each in held] == several
    assert Columns.joined(held).rows() == [row for rows in several for row in rows]
    for each, rows in zip(held, several, strict=True):
        places = np.arange(len(rows))[::-1]
        assert each.take(places).rows() == rows[::-1]
        assert all(getattr(each, name).dtype == np.int64 for name in ("times", "seqs"))


def test_a_scan_takes_little():
    n = 1_000
    holding = Holding()

    def scan(nth):
        return Columns.of(
            [Row(p, nth * 10**7 + p, nth * n + p, p / 7, (p % 9 == 0) * 5, 1) for p in range(n)]
        )

    one, other = holding.held(scan(1)), holding.held(scan(2))
    assert one.points is other.points
    kept = [value for value in vars(other).values() if isinstance(value, np.ndarray)]
    kept += [other.values.numbers, other.values.kinds]
    assert sum(column.nbytes for column in kept if column is not other.points) <= 26 * n


def test_all_but_the_newest_blocks_are_small():
    unsealed = Unsealed()
    kept = [[Row(3, 10**15 + nth, nth, nth / 7, 0, 0)] for nth in range(3 * (FRESH + AT_ONCE))]
    for nth, rows in enumerate(kept):
        unsealed.add(Block.of(nth, 1, 10**15, Columns.of(rows)))
        loose = [block for block in unsealed.blocks() if not isinstance(block.rows, Held)]
        assert min(nth + 1, FRESH) <= len(loose) < FRESH + AT_ONCE
        assert loose == unsealed.blocks()[nth + 1 - len(loose) :]
    assert [block.rows.rows() for block in unsealed.blocks()] == kept
