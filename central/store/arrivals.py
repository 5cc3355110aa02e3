"""What a stream brought that no chunk has yet, as the alarms want it."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from central.store.columns import Integers
from central.store.good_numbers import good
from central.store.unsealed import Block


class Arrivals(NamedTuple):
    """Good numbers of one stream whose times were known, each with its place in the journal."""

    points: Integers
    times: Integers
    positions: Integers


_NONE = np.empty(0, np.int64)


def arrivals(blocks: Iterable[Block], line: int, above: Mapping[int, int]) -> Arrivals:
    """Return what a line brought of the points of `above` above these positions."""
    wanted = np.array(sorted(above), np.int64)
    positions = np.array([above[point] for point in wanted.tolist()], np.int64)
    parts: list[Arrivals] = []
    for block in blocks:
        if block.line != line or not len(wanted):
            continue
        _, places = good(block.rows)
        points = block.rows.points[places].astype(np.int64)
        at = np.minimum(np.searchsorted(wanted, points), len(wanted) - 1)
        kept = (wanted[at] == points) & (positions[at] < block.id)
        points, times = points[kept], block.rows.times[places][kept]
        parts.append(Arrivals(points, times, np.full(len(points), block.id)))
    if not parts:
        return Arrivals(_NONE, _NONE, _NONE)
    return Arrivals(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
