"""Cells of every shape for hypothesis: shared moments and own ones, every kind of value."""

import numpy as np
from hypothesis import strategies as st

from central.store.cells import Cells
from central.store.packing import DAY, Readings
from central.store.values import Values

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.integers(-3, 3),
    st.sampled_from([2**53, 2**53 + 1, -(2**53), -(2**53) - 1, 2**64 - 1, 2**63, -(2**63), 0]),
    FLOATS,
    st.sampled_from([0.0, -0.0, 5e-324, 2.2e-308, 1.7e308, -1.7e308, 0.1, 1e22, 2.0**53, 1e-9]),
    st.integers(-(10**6), 10**6).map(lambda number: number / 100),
    st.floats(width=32, allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.sampled_from(["", "水" * 1000, "\0", "\U0010ffff"]),
)
KINDS = st.sampled_from(
    [
        VALUES,
        FLOATS,
        st.booleans(),
        st.integers(0, 5),
        st.integers(0, 9999).map(lambda number: number / 100),
        st.just(23.4),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
        st.floats(width=32, allow_nan=False, allow_infinity=False),
        st.none(),
    ]
)
DAY0 = 20_000 * DAY
"""A day in 2024."""


@st.composite
def columns(draw, families=1, days=1, most=60):
    """Return Readings of some families and days in any order, each (point, stream, seq) once."""
    size = draw(st.integers(1, most))
    moments = draw(
        st.lists(
            st.one_of(st.integers(0, days * DAY - 1), st.integers(0, 20).map((10_000_000).__mul__)),
            min_size=1,
            max_size=20,
        )
    )
    kind = {member: draw(KINDS) for member in range(32)}
    width = draw(st.integers(1, 32))
    rows = []
    for number in range(size):
        member = draw(st.integers(0, width - 1))
        rows.append(
            (
                draw(st.integers(0, families - 1)) * 1000,
                member,
                DAY0 + draw(st.sampled_from(moments)),
                draw(st.sampled_from([1, 1, 1, 7, 2**62])),
                1 + number * draw(st.sampled_from([1, 1, 1000, 2**55])),
                1000 * draw(st.sampled_from([0, 5, DAY0 // 1000, DAY0 // 500])),
                draw(kind[member]),
                draw(st.sampled_from([0, 0, 0, 0x40920000, 0x80050000])),
                draw(st.sampled_from([0, 0, 1, 2, 4, 7])),
            )
        )
    rows = draw(st.permutations(rows))
    lists = list(zip(*rows, strict=True))
    numbers = [np.array(each, np.int64) for each in (*lists[:6], *lists[7:])]
    return Readings(*numbers[:6], Values.of(lists[6]), *numbers[6:])


def cells_of(readings):
    """Return the readings of one family and day as cells."""
    order = np.lexsort((readings.seqs, readings.streams, readings.times, readings.members))
    return Cells(
        *[column[order] for column in readings[1:6]],
        readings.values.take(order),
        readings.qualities[order],
        readings.flags[order],
    )


def listed(cells, *, family=0):
    """Return a tuple for each cell; values with their class, floats by their bits."""
    names = ("members", "times", "streams", "seqs", "received", "qualities", "flags")
    columns = [getattr(cells, name).tolist() for name in names]
    return [
        (family, *row, type(value).__name__, value.hex() if isinstance(value, float) else value)
        for *row, value in zip(*columns, cells.values.tolist(), strict=True)
    ]
