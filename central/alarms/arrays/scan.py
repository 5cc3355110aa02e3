"""The usual commit: each point once, nearly all of their live stream, nearly none of them changes
an alarm.

The same as `quiet` finds, with the fewest array calls: of a scan of points with numbers side by
side every array is reached as a slice. Whatever is not usual is left to it.
"""

from typing import NamedTuple

import numpy as np

from central.alarms.arrays.still import Booleans, Floats, Integers, Live
from central.alarms.samples import NOBODY, NOTHING, Coming, Good, Sifted
from central.database_queue import Heavy
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
    own: Booleans | None = None
    """Whose live stream it is; None: all points'."""
    places: Integers | None = None
    """Theirs in the commit; None: all of it."""


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
        if np.logical_and.reduce(watched):
            scan = scan._replace(own=own)
        else:
            places = watched.nonzero()[0]
            if not len(places):
                return NOTHING
            scan, own = _picked(scan, own, places), own[places]
        if 2 * np.count_nonzero(own) < len(own):
            return None  # a stream begins
    return _held(live, coming, scan)


def _picked(scan: _Scan, own: Booleans, places: Integers) -> _Scan:
    """Return the readings at these places only."""
    points, own = scan.points[places], own[places]
    return _Scan(
        points,
        points,
        scan.times[places],
        scan.numbers[places],
        scan.qualities[places],
        None if np.logical_and.reduce(own) else own,
        places,
    )


def _held(live: Live, coming: Coming, scan: _Scan) -> Sifted | None:
    """Hold readings against the bounds of their points."""
    points, at, times, numbers, qualities, own, _ = scan
    calm: Booleans = numbers > live.low[at]
    calm &= numbers < live.high[at]
    calm &= times > live.times[at]
    prompt, span = coming.arrival - LIVE_DELAY, coming.rows.span
    if span is None or span[0] < prompt:
        late = times < prompt
        if np.logical_or.reduce(late):
            # What stands and is late may be told otherwise once it catches up.
            calm &= ~(late & live.stands[at])
    calm &= qualities < GOOD_BELOW
    if own is not None:
        calm &= own
    left = NOBODY
    if not np.logical_and.reduce(calm):
        found = _left(live, scan, (~calm).nonzero()[0])
        if found is None:
            return None
        left = found
        if coming.most is not None and len(left) > coming.most:
            raise Heavy
        kept = calm.nonzero()[0]
        points, times, numbers = points[kept], times[kept], numbers[kept]
        at = points
    live.times[at] = times
    live.values[at] = numbers
    live.arrived[at] = coming.arrival
    return Sifted(left, Good(points, times, numbers))


def _left(live: Live, scan: _Scan, doubtful: Integers) -> Integers | None:
    """Return which of the `doubtful` are the machine's; None: another has to look at all."""
    good = scan.qualities[doubtful] < GOOD_BELOW
    left: Integers = doubtful[good]
    poor = doubtful[~good]
    bad = scan.points[poor]
    able: Booleans = live.low[bad] < live.high[bad]
    if scan.own is not None:
        if not np.logical_and.reduce(scan.own[left]):
            return None  # the stream becomes their live one, or is late
        able &= scan.own[poor]
    able |= live.free[bad]
    if not np.logical_and.reduce(able):
        return None  # it may call something off
    if not len(left):
        return NOBODY
    if np.logical_or.reduce(np.isnan(scan.numbers[left])):
        return None  # no number, or a large one
    return left if scan.places is None else scan.places[left]
