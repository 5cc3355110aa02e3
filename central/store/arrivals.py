"""What a stream brought that no chunk has yet, as the alarms want it."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from central.store.columns import Integers
from central.store.heads.good_numbers import good
from central.store.unsealed import Block


class Arrivals(NamedTuple):
    """Good numbers of one stream whose times were known, each with its place in the journal."""

    points: Integers
    times: Integers
    positions: Integers


def arrivals(
    blocks: Iterable[Block], above: Mapping[int, Mapping[int, int]]
) -> dict[int, Arrivals]:
    """Return what lines brought, of each the points asked for above their positions."""
    own: dict[int, list[Block]] = {}
    for block in blocks:
        if block.line in above:
            own.setdefault(block.line, []).append(block)
    return {line: _of_line(found, above[line]) for line, found in own.items()}


def _of_line(blocks: list[Block], above: Mapping[int, int]) -> Arrivals:
    wanted = np.array(sorted(above), np.int64)
    positions = np.array([above[point] for point in wanted.tolist()], np.int64)
    parts: list[Arrivals] = []
    for block in blocks:
        _, places = good(block.rows)
        points = block.rows.points[places].astype(np.int64)
        at = np.minimum(np.searchsorted(wanted, points), len(wanted) - 1)
        kept = (wanted[at] == points) & (positions[at] < block.id)
        points, times = points[kept], block.rows.times[places][kept]
        parts.append(Arrivals(points, times, np.full(len(points), block.id)))
    return Arrivals(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
