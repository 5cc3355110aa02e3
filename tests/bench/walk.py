"""The values of a plant, for benchmarks: slow walks in steps of 0.01 that sometimes stand still."""

import random
from typing import Final

POINTS: Final = 100
CYCLE: Final = 601
"""Scans until the values repeat; a prime, so that batches do not repeat with them."""
STEPS: Final = (-0.03, -0.02, -0.01, -0.01, 0, 0.01, 0.01, 0.02, 0.03, 0.01)


def scans(points: int, seed: int) -> list[list[float]]:
    """Return the values of `CYCLE` scans that end near where they began."""
    dice = random.Random(seed)
    levels = [round(dice.uniform(0, 100), 2) for _ in range(points)]
    there = []
    for _ in range(CYCLE // 2 + 1):
        there.append(list(levels))
        for point in range(points):
            levels[point] = round(levels[point] + dice.choice(STEPS), 2)
    return [*there, *there[-2:0:-1], there[0]]
