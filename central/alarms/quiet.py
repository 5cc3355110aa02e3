"""Which readings of a commit cannot change any alarm, found for whole columns at once.

A rule whose condition is quiet (normal, nothing pending) has bounds between which no value
activates any level. When all good values of a point in a commit lie between the bounds of all its
rules, in rising time, the machine would only have noted the newest of them: that is done here. What
is left goes through the machine, reading by reading. Both ways give the same (the tests hold them
against each other).
"""

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from central.alarms.tracked import Branch, Tracked
from central.store.columns import Columns, Integers
from central.store.interface import FLAG_ESTIMATED
from central.store.values import NONE, OTHER
from protocols.alarms.condition import late
from protocols.quality import CLASS_MASK

LEAST: Final = 48
"""Fewer readings than this are judged one by one: columns would cost more."""
_NEVER: Final = 2**62

Booleans = NDArray[np.bool_]


class Bounds(NamedTuple):
    """A value strictly between `low` and `high`, of a time in (after, until], changes nothing."""

    after: int
    until: int
    low: float
    high: float


class Passed(NamedTuple):
    """A point whose readings were quiet: the newest of them."""

    tracked: list[Tracked]
    time: int
    place: int


class Sifted(NamedTuple):
    """What is left for the machine (places in order of arrival), what passed, and good samples."""

    left: Integers
    passed: list[Passed]
    good: list[tuple[int, int, float]]


def sift(by_point: dict[int, list[Tracked]], rows: Columns, stream: int, since: int) -> Sifted:
    """Part `rows` by what they can change; of good samples only those after `since` are told."""
    order = np.argsort(rows.points, kind="stable")
    points = rows.points[order]
    starts = np.append(0, np.flatnonzero(points[1:] != points[:-1]) + 1)
    here = [by_point.get(point) for point in points[starts].tolist()]
    watched = np.array([tracked is not None for tracked in here])
    if not watched.any():
        return Sifted(np.array([], np.int64), [], [])
    sizes = np.diff(np.append(starts, len(points)))
    row_watched = np.repeat(watched, sizes)
    values, known, bad = _numbers(rows, order, row_watched)
    bounds = [_bounds(tracked, stream) if tracked else None for tracked in here]
    quiet = _quiet(rows.times[order], values, (known, bad), starts, sizes, bounds)
    left = np.sort(order[row_watched & ~np.repeat(quiet, sizes)])
    passed = _passed(rows, order, (known & np.repeat(quiet, sizes), starts, sizes), here)
    return Sifted(left, passed, _good(rows, order[known], since))


def settle(
    passed: list[Passed], rows: Columns, stream: int, now: int
) -> list[tuple[Tracked, Branch]]:
    """Note the newest of what passed; return the branches that have to be kept."""
    branches = []
    for tracked_here, time, place in passed:
        value = rows.values[place]
        for tracked in tracked_here:
            if tracked.stream == stream:
                tracked.newest, tracked.value = time, value
                tracked.lagging = late(time, now)
            else:
                branch = tracked.branches[stream]
                branch.newest = time
                branches.append((tracked, branch))
    return branches


def _numbers(
    rows: Columns, order: Integers, watched: Booleans
) -> tuple[NDArray[np.float64], Booleans, Booleans]:
    """Return values as floats, which of them may be judged, and which say that nothing is known."""
    good = (rows.qualities[order] & CLASS_MASK) == 0
    timed = (rows.flags[order] & FLAG_ESTIMATED) == 0
    bad = watched & ~good & timed
    known = watched & good & timed
    floats = rows.values.numbers[order]
    kinds = rows.values.kinds[order]
    # NaN, which lies between no bounds, for large integers: the machine has to look at them.
    large = [p for p, v in rows.values.others.items() if not isinstance(v, str)]
    blank = (kinds == NONE) | ((kinds == OTHER) & ~np.isin(order, large))
    return floats, known & ~blank, bad


def _bounds(tracked_here: list[Tracked], stream: int) -> Bounds | None:
    """Return the bounds of all rules of a point; None when one of them is not quiet."""
    after, until, low, high = -_NEVER, _NEVER, -math.inf, math.inf
    for tracked in tracked_here:
        if tracked.newest is None:
            return None
        if tracked.stream == stream:
            newest: int | None = tracked.newest
            calm = tracked.calm
        else:
            branch = tracked.branches.get(stream)
            if branch is None:
                return None
            newest, calm = branch.newest, branch.calm
            until = min(until, tracked.newest)
        if calm is None or newest is None:
            return None
        after = max(after, newest)
        low, high = max(low, calm[0]), min(high, calm[1])
    return Bounds(after, until, low, high)


def _quiet(  # columns and how they fall into points
    times: Integers,
    values: NDArray[np.float64],
    marks: tuple[Booleans, Booleans],
    starts: Integers,
    sizes: Integers,
    bounds: list[Bounds | None],
) -> Booleans:
    """Return for each point whether nothing of it can change anything."""
    known, bad = marks
    able = np.array([bound is not None for bound in bounds])
    table = [bound or Bounds(_NEVER, -_NEVER, math.inf, -math.inf) for bound in bounds]
    after = np.array([bound.after for bound in table], np.int64)
    until = np.array([bound.until for bound in table], np.int64)
    low = np.repeat(np.array([bound.low for bound in table]), sizes)
    high = np.repeat(np.array([bound.high for bound in table]), sizes)
    # Only what may be judged counts: its times have to rise from one to the next.
    before = np.repeat(after, sizes)
    judged = np.flatnonzero(known)
    group = np.repeat(np.arange(len(starts)), sizes)[judged]
    inside = group[1:] == group[:-1]
    before[judged[1:][inside]] = times[judged[:-1][inside]]
    fits = (values > low) & (values < high) & (times > before) & (times <= np.repeat(until, sizes))
    fits |= ~known
    # A past that is still arriving has a live condition beside it, which bad quality may touch.
    fits &= ~bad | (np.repeat(until, sizes) == _NEVER)
    return able & np.logical_and.reduceat(fits, starts)


def _passed(
    rows: Columns,
    order: Integers,
    groups: tuple[Booleans, Integers, Integers],
    here: list[list[Tracked] | None],
) -> list[Passed]:
    known, starts, sizes = groups
    judged = np.flatnonzero(known)
    group = np.repeat(np.arange(len(starts)), sizes)[judged]
    if not len(group):
        return []
    last = np.append(np.flatnonzero(group[1:] != group[:-1]), len(group) - 1)
    places = order[judged[last]]
    return [
        Passed(here[nth] or [], time, place)
        for nth, time, place in zip(
            group[last].tolist(), rows.times[places].tolist(), places.tolist(), strict=True
        )
    ]


def _good(rows: Columns, places: Integers, since: int) -> list[tuple[int, int, float]]:
    recent = np.sort(places[rows.times[places] > since])
    values = rows.values
    return list(
        zip(
            rows.points[recent].tolist(),
            rows.times[recent].tolist(),
            [float(values[place] or 0) for place in recent.tolist()],
            strict=True,
        )
    )
