"""What a reading costs: bytes sealed in the buffer and bytes sent, for data as sites have it."""

import random

import pytest

from protocols.clock import ClockState
from protocols.wire.batch import Stamp, encode_readings
from protocols.wire.request import pack
from protocols.words import Reading, TimeMark

POINTS = 25
DECIMALS = [2] * 18 + [1] * 2 + [None] * 5
BATCHES = 10


def scan(levels, dice):
    """Move every point a little: 18 of two decimals, 2 of one, 2 counters, 2 switches, 1 float."""
    for point, places in enumerate(DECIMALS[:20]):
        levels[point] = round(levels[point] + dice.gauss(0, 5 * 10**-places), places)
    levels[20] += dice.randrange(3)
    levels[21] += dice.randrange(3)
    levels[22] = dice.random() < 0.02
    levels[23] = dice.random() < 0.02
    levels[24] += dice.gauss(0, 0.1)


def readings(count, *, changed=1.0, stamped=False):
    """Return `count` readings; `changed` is the share of points that each scan reports."""
    dice = random.Random(count)
    levels = [dice.uniform(0, 400) for _ in range(22)] + [False, False, 20.0]
    levels[:22] = [*(round(level, 1) for level in levels[:20]), 5_000, 70_000]
    rows, now = [], 1_000_000_000
    while len(rows) < count:
        now += 1_000_000 + dice.randrange(-900, 900)
        scan(levels, dice)
        for point in range(POINTS):
            if dice.random() < changed:
                own = 1_770_000_000_000_000 + now // 1_000 * 1_000 + dice.randrange(1_000) * 1_000
                mark = TimeMark(stamped)
                rows.append(Reading(point, levels[point], 0, own if stamped else now, mark))
    return rows[:count]


def seal(rows, size):
    return [
        encode_readings(
            Stamp(
                clock_state=ClockState.SYNCHRONISED,
                number=12,
                seq0=1_000_000 + start,
                mono0=rows[start].time,
                wall0=1_770_000_000_000_000,
            ),
            rows[start : start + size],
            DECIMALS,
        )
        for start in range(0, len(rows), size)
    ]


@pytest.mark.parametrize("encoding", ["zstd", "deflate"])
@pytest.mark.parametrize(
    ("size", "shape", "sealed", "sent"),
    [
        (100, {}, 3.0, 1.9),
        (1_000, {}, 1.9, 1.3),
        (100, {"changed": 0.5}, 4.3, 2.9),
        (1_000, {"changed": 0.5}, 3.1, 2.2),
        (100, {"stamped": True}, 5.0, 3.6),
        (1_000, {"stamped": True}, 3.9, 3.0),
    ],
)
def test_bytes_of_a_reading(size, shape, sealed, sent, encoding):
    rows = readings(size * BATCHES, **shape)
    batches = seal(rows, size)
    body, _ = pack(batches, encoding)
    assert sum(map(len, batches)) / len(rows) <= sealed
    assert len(body) / len(rows) <= sent
