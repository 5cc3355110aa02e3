"""The usual commit: each point once, all of their live stream, nothing of it changes any alarm.

The same as `quiet` finds, with the fewest array calls: of a scan of points with numbers side by
side every array is reached as a slice. Whatever is not usual is left to it.
"""

from typing import NamedTuple

import numpy as np

from central.alarms.samples import NOBODY, NOTHING, Coming, Good, Sifted
from central.alarms.still import Booleans, Floats, Integers, Live
from central.store.interface import FLAG_ESTIMATED
from central.store.points import GOOD_BELOW
from protocols.alarms.condition import LIVE_DELAY


class _Scan(NamedTuple):
    """Columns of the readings some rule judges; `at` picks their points' cells."""

    points: Integers
    at: slice | Integers
    times: Integers
    numbers: Floats
    qualities: Integers


def scanned(live: Live, coming: Coming) -> Sifted | None:
    """Note such a commit; None: it is another, and nothing was noted."""
    rows = coming.rows
    column, flags = rows.column, rows.flags
    said = flags[0] if flags.strides == (0,) else np.bitwise_or.reduce(flags)
    if not column.distinct or said & FLAG_ESTIMATED:
        return None
    if column.high >= len(live.streams):
        live.reach(column.high)
    at = column.at
    scan = _Scan(rows.points, at, rows.times, rows.values.numbers, rows.qualities)
    own = live.streams[at] == coming.stream
    if not np.logical_and.reduce(own):
        watched = live.watched[at]
        places = watched.nonzero()[0]
        if not len(places):
            return NOTHING
        if not np.logical_and.reduce(own[places]):
            return None
        points, times, qualities = rows.points[places], rows.times[places], rows.qualities[places]
        scan = _Scan(points, points, times, scan.numbers[places], qualities)
    return _held(live, coming, scan)


def _held(live: Live, coming: Coming, scan: _Scan) -> Sifted | None:
    """Hold readings against the bounds of their points."""
    points, at, times, numbers, qualities = scan
    calm: Booleans = numbers > live.low[at]
    calm &= numbers < live.high[at]
    calm &= times > live.times[at]
    late = times < coming.arrival - LIVE_DELAY
    if np.logical_or.reduce(late):
        # What stands and is late may be told otherwise once it catches up.
        calm &= ~(late & live.stands[at])
    good = qualities < GOOD_BELOW
    if np.logical_and.reduce(good):
        if not np.logical_and.reduce(calm):
            return None
    else:
        if np.logical_or.reduce(good > calm):  # good, and not calm
            return None
        bad = points[(~good).nonzero()[0]]
        if not np.logical_and.reduce(live.low[bad] < live.high[bad]):
            return None  # it may call something off
        kept = good.nonzero()[0]
        points, times, numbers = points[kept], times[kept], numbers[kept]
        at = points
    live.times[at] = times
    live.values[at] = numbers
    live.arrived[at] = coming.arrival
    return Sifted(NOBODY, Good(points, times, numbers))
