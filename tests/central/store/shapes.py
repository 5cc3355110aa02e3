"""Cells of every shape for hypothesis: shared moments and own ones, every kind of value."""

import random

import numpy as np
from hypothesis import strategies as st

from central.store.chunks import DAY
from central.store.codec.cells import Cells
from central.store.packing import Readings
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


STREAMS = ([1], [1, 1, 1, 7], [1, 2, 2**62])
QUALITIES = ([0], [0] * 20 + [0x80050000], [0, 0, 0x40920000, 0x80050000, 2**32 - 1])
FLAGS = ([0], [1], [0, 1, 2, 4, 7])
GAPS = ([1], [1, 1, 1000], [1, 2**50])
DELAYS = ([200], [200, 203, 280], [0, DAY0 // 1000])


@st.composite
def columns(draw, families=1, days=1, most=90):
    """Return Readings of some families and days in any order, each (point, stream, seq) once.

    The odd values and moments are hypothesis's; which reading gets which is up to a seed.
    """
    pool = draw(st.lists(draw(KINDS), min_size=1, max_size=6))
    more = draw(st.lists(VALUES, max_size=6))
    moments = draw(st.lists(st.integers(0, days * DAY - 1), min_size=1, max_size=6))
    moments += [draw(st.integers(0, DAY - 1)) // 1000 * 1000 + n * 10_000_000 for n in range(9)]
    chance = random.Random(draw(st.integers(0, 2**32)))
    width, slots = draw(st.integers(1, 32)), draw(st.integers(1, 12))
    here = [
        (member, moment) for moment in chance.choices(moments, k=slots) for member in range(width)
    ]
    here = (
        here[:most] if draw(st.booleans()) else chance.sample(here, min(len(here), most) + 1 >> 1)
    )
    pools = {member: chance.choice([pool, pool, pool + more, more or pool]) for member in range(32)}
    streams, qualities, flags, gaps, delays = (
        chance.choice(each) for each in (STREAMS, QUALITIES, FLAGS, GAPS, DELAYS)
    )
    rows, seq = [], chance.randrange(1, 2**40)
    for member, moment in here:
        seq += chance.choice(gaps)
        time = (DAY0 + moment) % (2**62)
        family = 1000 * chance.randrange(families)
        received = (time // 1000 + chance.choice(delays)) * 1000
        row = (family, member, time, chance.choice(streams), seq, received)
        rows.append(
            (*row, chance.choice(pools[member]), chance.choice(qualities), chance.choice(flags))
        )
    if draw(st.booleans()):
        chance.shuffle(rows)
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
