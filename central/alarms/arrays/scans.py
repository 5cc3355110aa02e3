"""Scan after scan of the same points in one commit, each point's readings below each other.

The same as `quiet` finds of it, without putting anything in order first. A reading that is older
than its point's newest, of the same stream, changes nothing while no alarm stands and its value
lies between the bounds: devices whose clocks stray bring such ones. What is not usual is left to
`quiet`, and points of which something is, to the machine.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from central.alarms.arrays.still import NEVER, Booleans, Floats, Integers, Live
from central.alarms.samples import NOBODY, NOTHING, Coming, Good, Sifted
from central.database_queue import Heavy
from central.store.interface import FLAG_ESTIMATED
from central.store.points import GOOD_BELOW
from protocols.alarms.condition import LIVE_DELAY


@dataclass(slots=True)
class _Grid:
    """Readings some rule judges, `[scan, point]`; `at` picks the points' cells of the arrays."""

    points: Integers
    at: Any
    places: Integers | None
    """Theirs in a scan; None: all of it."""
    width: int
    times: Integers
    numbers: Floats
    good: Booleans


def sifted(live: Live, coming: Coming) -> Sifted | None:
    """Note what cannot change anything; None: it is no such commit, and nothing was noted.

    Raises Heavy, with nothing noted, where more is left than may be.
    """
    grid = _grid(live, coming)
    if not isinstance(grid, _Grid):
        return grid
    times, numbers, good, at = grid.times, grid.numbers, grid.good, grid.at
    calm: Booleans = numbers > live.low[at]
    calm &= numbers < live.high[at]
    late = times < coming.arrival - LIVE_DELAY
    if np.logical_or.reduce(late, axis=None):
        # What stands and is late may be told otherwise once it catches up.
        calm &= ~(late & live.stands[at])
    odd = good > calm  # good, and not calm
    apart = np.zeros(len(grid.points), np.bool_)
    if np.logical_or.reduce(odd, axis=None):
        if np.isnan(numbers[odd]).any():
            return None  # no number: nothing to judge
        apart |= np.logical_or.reduce(odd, axis=0)
    if not np.logical_and.reduce(good, axis=None):
        # Bad quality may call something off.
        apart |= ~np.logical_and.reduce(good, axis=0) & (live.low[at] >= live.high[at])
    newest, values = _newest(live, grid, apart)
    left = _left(grid, apart)
    if coming.most is not None and len(left) > coming.most:
        raise Heavy
    _note(live, grid, coming.arrival, (newest, values, apart))
    return Sifted(left, _samples(coming, grid, apart))


def _grid(live: Live, coming: Coming) -> _Grid | Sifted | None:
    """Return the readings some rule judges; None: they are not scans of one live stream."""
    rows = coming.rows
    scan, flags = rows.column.scan, rows.flags
    said = flags[0] if flags.strides == (0,) else np.bitwise_or.reduce(flags)
    if scan is None or said & FLAG_ESTIMATED:
        return None
    if scan.high >= len(live.streams):
        live.reach(scan.high)
    width = len(scan.numbers)
    times, numbers = rows.times.reshape(-1, width), rows.values.numbers.reshape(-1, width)
    good = rows.qualities.reshape(-1, width) < GOOD_BELOW
    at, points, places = scan.at, scan.numbers, None
    own = live.streams[at] == coming.stream
    if not np.logical_and.reduce(own):
        places = live.watched[at].nonzero()[0]
        if not len(places):
            return NOTHING
        if not np.logical_and.reduce(own[places]):
            return None
        at = points = points[places]
        times, numbers, good = times[:, places], numbers[:, places], good[:, places]
    return _Grid(points, at, places, width, times, numbers, good)


def _newest(live: Live, grid: _Grid, apart: Booleans) -> tuple[Integers, Floats]:
    """Return each point's newest time and its value; what falls back and may matter sets `apart`.

    Only what is good counts.
    """
    times, good = grid.times, grid.good
    before = live.times[grid.at]
    rising = times[1:] > times[:-1]
    if np.logical_and.reduce(times[0] > before) and np.logical_and.reduce(rising, axis=None):
        return _last(live, grid, before)
    known = np.where(good, times, NEVER)
    reached = np.maximum.accumulate(np.concatenate((before[None], known)))
    fallen = good & (known <= reached[:-1])
    if np.logical_or.reduce(fallen, axis=None):
        # Of one moment two values are a conflict; where an alarm stands a stray may be one too.
        apart |= np.logical_or.reduce(fallen & (known == reached[:-1]), axis=0)
        apart |= np.logical_or.reduce(fallen, axis=0) & live.stands[grid.at]
    newest = reached[-1]
    last = known.argmax(axis=0)
    values = grid.numbers[last, np.arange(len(last))]
    return newest, np.where(newest > before, values, live.values[grid.at])


def _last(live: Live, grid: _Grid, before: Integers) -> tuple[Integers, Floats]:
    """Return the same where all times rise."""
    newest, values = grid.times[-1], grid.numbers[-1]
    bad = (~grid.good[-1]).nonzero()[0]
    if not len(bad):
        return newest, values
    good = grid.good[::-1, bad]
    known, back = np.logical_or.reduce(good, axis=0), good.argmax(axis=0)
    scans = len(grid.times) - 1 - back
    newest, values = newest.copy(), values.copy()
    newest[bad] = np.where(known, grid.times[scans, bad], before[bad])
    values[bad] = np.where(known, grid.numbers[scans, bad], live.values[grid.at][bad])
    return newest, values


def _left(grid: _Grid, apart: Booleans) -> Integers:
    """Return the places of all readings of points that are `apart`, in order."""
    points = apart.nonzero()[0]
    if not len(points):
        return NOBODY
    if grid.places is not None:
        points = grid.places[points]
    left: Integers = (np.arange(len(grid.times))[:, None] * grid.width + points).ravel()
    return left


def _note(live: Live, grid: _Grid, arrival: int, found: tuple[Integers, Floats, Booleans]) -> None:
    """Keep what is newer than what is known, but of points that are `apart`."""
    newest, values, apart = found
    moved = newest > live.times[grid.at]
    moved &= ~apart
    at = grid.at
    if not np.logical_and.reduce(moved):
        at, newest, values = grid.points[moved], newest[moved], values[moved]
    live.times[at] = newest
    live.values[at] = values
    live.arrived[at] = arrival


def _samples(coming: Coming, grid: _Grid, apart: Booleans) -> Good:
    """Return the good ones of all other points, in order of arrival."""
    kept = grid.good
    if np.logical_or.reduce(apart):
        kept = kept & ~apart
    rows = coming.rows
    points, times, numbers = rows.points, rows.times, rows.values.numbers
    if grid.places is not None:
        points = np.tile(grid.points, len(grid.times))
        times, numbers = grid.times.ravel(), grid.numbers.ravel()
    places = kept.ravel().nonzero()[0]
    if len(places) == len(points):
        return Good(points, times, numbers)
    return Good(points[places], times[places], numbers[places])
