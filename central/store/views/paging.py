"""A point's raw readings page by page over a view of the store."""

import numpy as np

from central.store.points import EMPTY, PointReadings
from central.store.views.reading import View

Key = tuple[int, int, int]
"""Time, stream and number of a reading: what a page goes on after."""


def page(view: View, number: int, after: Key, end: int, limit: int) -> PointReadings:
    """Return up to `limit` readings after `after` with time < end, in order."""
    found = EMPTY
    for part in view.blocks(number, after[0], end, limit):
        found = PointReadings.merged([found, part.take(_beyond(part, after))])
        if len(found) >= limit:
            return found.take(slice(0, limit))
    return found


def _beyond(part: PointReadings, after: Key) -> slice:
    """Return the place of the first reading after `after`, to the end."""
    first = int(np.searchsorted(part.times, after[0]))
    while (
        first < len(part)
        and (
            int(part.times[first]),
            int(part.streams[first]),
            int(part.seqs[first]),
        )
        <= after
    ):
        first += 1
    return slice(first, len(part))
