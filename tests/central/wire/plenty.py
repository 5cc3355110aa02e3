"""Batches as plants make them, and rows as columns and back."""

import random

from protocols.wire.batch import encode_readings
from protocols.words import Reading, TimeMark
from tests.protocols.wire.strategies import SAMPLE_STAMP

PLACES = [2, 1, None, 3] * 50


def scans(points, count, *, first=0, step=1_000_000):
    """Return whole scans of neighbouring points, values of two decimals wandering."""
    dice = random.Random(points)
    levels = [round(dice.uniform(-50, 50), 2) for _ in range(points)]
    rows = []
    for row in range(count):
        point = row % points
        levels[point] = round(levels[point] + dice.choice((-0.02, 0, 0.01)), 2)
        rows.append(Reading(first + point, levels[point], 0, row // points * step))
    return rows


def changes(points, count):
    """Return what a deadband lets through, each poll a little late."""
    dice = random.Random(points)
    rows, at = [], 0
    while len(rows) < count:
        at += dice.randrange(990_000, 1_010_000)
        rows += [
            Reading(point, round(dice.gauss(20, 9), 2), dice.choice([0] * 30 + [0x808C0000]), at)
            for point in sorted(dice.sample(range(points), points // 4))
        ]
    return rows[:count]


def mixture(count, *, marks=(TimeMark.GATEWAY,)):
    """Return values of every class beside each other."""
    dice = random.Random(count)
    made = [
        lambda: round(dice.gauss(0, 500), dice.choice((1, 2, 3, 7))),
        lambda: dice.choice((True, False)),
        lambda: dice.choice((None, 0.0, -0.0, 0.5, "开", "", "x" * 300)),
        lambda: dice.randrange(-(2**63), 2**64),
        lambda: dice.randrange(-40, 40),
        lambda: dice.randrange(-(2**53), 2**53),
        lambda: dice.gauss(0, 1),
        lambda: dice.choice((1e300, 2.0**-149, 2.0**80, 1e15, 999999999999999.0)),
    ]
    return [
        Reading(
            point := dice.randrange(12),
            made[point % len(made) if dice.random() < 0.95 else dice.randrange(len(made))](),
            dice.choice((0, 0, 0, 0x40900000)),
            1_770_000_000_000_000 + dice.randrange(90) * dice.choice((1, 1000, 1_000_000)),
            dice.choice(marks),
        )
        for _ in range(count)
    ]


ROWS = {
    "scan": scans(60, 60),
    "scans": scans(9, 90),
    "one point": scans(1, 40),
    "far points": scans(150, 300, first=19_800),
    "changes": changes(30, 120),
    "many changes": changes(160, 700),
    "mixture": mixture(60),
    "mixture of marks": mixture(200, marks=tuple(TimeMark)),
    "source": [row._replace(mark=TimeMark.SOURCE) for row in scans(5, 50, step=1)],
    "stretches": [
        row._replace(quality=0x80310000 * (140 <= row.point < 150 or row.point == 160))
        for row in scans(200, 600)
    ],
    "switches": [Reading(n % 7, n % 3 == 0, 0, n // 7 * 1000) for n in range(60)],
    "counters": [Reading(n % 3, n // 3 << n % 51, 0, n // 3 * 10_000) for n in range(99)],
    "words": [Reading(n % 4, "开关"[n % 3 % 2 :], 0, n) for n in range(30)],
    "nothing": [Reading(n % 4, None, 0x808C0000, n) for n in range(30)],
    "floats": [Reading(n % 8 * 4 + 2, n / 7 if n % 5 else n / 8, 0, n) for n in range(80)],
}
BATCHES = {name: encode_readings(SAMPLE_STAMP, rows, PLACES * 100) for name, rows in ROWS.items()}
