"""Whether a commit brings a past: what it leads to may have to be looked up in the store."""

import numpy as np

from central.alarms.arrays.still import NEVER
from central.alarms.memory import Memory
from central.store.columns import Columns


def reaches_back(memory: Memory, stream: int, rows: Columns) -> bool:
    """Return whether some readings are older than what another stream said of their point."""
    live, points = memory.live, rows.points
    live.reach(rows.column.high)
    others = np.flatnonzero(live.watched[points] & (live.streams[points] != stream))
    if not len(others):
        return False
    points, times = points[others], rows.times[others]
    newest = live.times[points]
    if np.any(times <= newest):
        return True
    # Of rules that see every reading the arrays say nothing.
    seen = newest == NEVER
    return any(
        tracked.knows(point, time)
        for point, time in zip(points[seen].tolist(), times[seen].tolist(), strict=True)
        for tracked in memory.here.get(point, ())
    )
