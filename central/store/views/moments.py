"""What is stored of many points at given moments, found point by point."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from central.store.columns import Integers
from central.store.points import PointReadings
from central.store.unsealed import Block, of_point
from central.store.views.reading import View
from protocols.clock import HOUR
from protocols.words import Value

SPAN: Final = 6 * HOUR
"""Moments of a point within this are looked up by one read."""
ALL: Final = -1
"""Below every journal id."""


def at_moments(
    view: View, pending: Sequence[Block], numbers: Integers, times: Integers
) -> list[tuple[int, Value]]:
    """Return (place in the columns, value) of what is here, or pending, at these moments."""
    found: list[tuple[int, Value]] = []
    order = np.lexsort((times, numbers))
    groups = numbers[order] * 2**40 + times[order] // SPAN
    for part in np.split(order, np.flatnonzero(np.diff(groups)) + 1):
        number, asked = int(numbers[part[0]]), times[part]
        start, end = int(asked.min()), int(asked.max()) + 1
        parts = [view.read(number, start, end)]
        parts += of_point(
            (block for block in pending if block.low <= number <= block.high),
            number,
            ALL,
            (start, end),
        )
        for held in parts:
            found += _matching(held, part, asked)
    return found


def _matching(held: PointReadings, places: Integers, asked: Integers) -> list[tuple[int, Value]]:
    first = np.searchsorted(held.times, asked)
    last = np.searchsorted(held.times, asked, side="right")
    return [
        (place, held.values[at])
        for place, low, high in zip(places.tolist(), first.tolist(), last.tolist(), strict=True)
        for at in range(low, high)
    ]
