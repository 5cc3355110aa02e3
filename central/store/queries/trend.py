"""A trend: what equal spans of time came to, those alone in which there is a reading. Pure.

What a page draws, and nothing else of a period's aggregates: of little that lies in memory it is
made at once, of all else from the aggregates. Both say the same (a property test).
"""

from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

from central.calendar.intervals import NOTHING
from central.near import TooMuch
from central.store.columns import Integers
from central.store.interface import FLAG_ESTIMATED, FLAG_LATE
from central.store.points import GOOD_BELOW, PointReadings
from central.store.queries.aggregate import RAW, Aggregates, Floats, aggregate
from central.store.queries.ranges import NearSource
from central.store.queries.source import Deadline, PointSource
from central.store.values import FLOAT
from protocols.words import Value

_MARKS: Final = FLAG_LATE | FLAG_ESTIMATED


@dataclass(slots=True)
class Trend:
    """Columns by span, in order of time. NaN: no good number."""

    starts: Integers
    """µs UTC."""
    least: Floats
    most: Floats
    mean: Floats
    last: list[Value]
    counts: Integers
    worst: Integers
    late: Integers
    estimated: Integers
    tier: str = RAW


def equal(start: int, end: int, count: int) -> Integers:
    """Return the edges of at most `count` equal spans. ValueError: end <= start."""
    if end <= start:
        raise ValueError("the end lies before the start")
    span = -(-(end - start) // max(1, count))
    return np.append(np.arange(start, end, span, dtype=np.int64), end)


def spans(source: PointSource, number: int, edges: Integers) -> Aggregates:
    """Return all that is known of a point's spans, but their first readings."""
    asked = (number, int(edges[0]), int(edges[-1]))
    pieces = chain(source.pieces(*asked), source.rolled(*asked))
    return aggregate(pieces, edges, NOTHING, Deadline(), firsts=False)


def near_trend(source: NearSource, number: int, edges: Integers) -> Trend:
    """Return the trend of what is little. Raises TooMuch."""
    asked = (number, int(edges[0]), int(edges[-1]))
    for _ in source.rolled(*asked):
        raise TooMuch
    return trend(source.read(*asked), edges)


def trend_of(found: Aggregates) -> Trend:
    """Return what of these aggregates a trend shows."""
    some = found.count.nonzero()[0]
    return Trend(
        starts=found.edges[:-1][some],
        least=found.least[some],
        most=found.most[some],
        mean=found.mean[some],
        last=[found.last[place] for place in some.tolist()],
        counts=found.count[some],
        worst=found.worst[some],
        late=found.late[some],
        estimated=found.estimated[some],
        tier=found.tier,
    )


def trend(readings: PointReadings, edges: Integers) -> Trend:
    """Return the trend of readings in order, all of which lie between the first and last edge."""
    bounds = readings.times.searchsorted(edges)
    counts = bounds[1:] - bounds[:-1]
    some = counts.nonzero()[0]
    starts, counts = bounds[some], counts[some]
    if not len(some):
        none = np.empty(0, np.int64)
        nan = np.empty(0, np.float64)
        return Trend(none, nan, nan, nan, [], none, none, none, none)
    values = readings.values
    floats = bool((values.kinds == FLOAT).all())
    good = readings.qualities < GOOD_BELOW if floats else readings.good
    least, most, mean = _numbers(values.numbers, good, starts, counts)
    ends = starts + counts - 1
    marked = bool((readings.flags & _MARKS).any())
    return Trend(
        starts=edges[some],
        least=least,
        most=most,
        mean=mean,
        last=values.numbers[ends].tolist() if floats else values.take(ends).tolist(),
        counts=counts,
        worst=np.maximum.reduceat(readings.qualities, starts),
        late=_marked(readings, FLAG_LATE, starts) if marked else np.zeros_like(counts),
        estimated=_marked(readings, FLAG_ESTIMATED, starts) if marked else np.zeros_like(counts),
    )


def _numbers(
    numbers: Floats, good: NDArray[np.bool_], starts: Integers, counts: Integers
) -> tuple[Floats, Floats, Floats]:
    """Return least, most and mean of the good numbers of each span."""
    if good.all():
        return _of_good((numbers, numbers, numbers), starts, counts)
    columns = (
        np.where(good, numbers, np.inf),
        np.where(good, numbers, -np.inf),
        np.where(good, numbers, 0.0),
    )
    held = np.add.reduceat(good, starts, dtype=np.int64)
    found = _of_good(columns, starts, np.maximum(held, 1))
    none = held == 0
    for column in found:
        column[none] = np.nan
    return found


def _of_good(
    columns: tuple[Floats, Floats, Floats], starts: Integers, counts: Integers
) -> tuple[Floats, Floats, Floats]:
    low, high, exact = columns
    least, most = np.minimum.reduceat(low, starts), np.maximum.reduceat(high, starts)
    total = np.add.reduceat(exact.astype(np.longdouble), starts)
    mean = (total / counts).astype(np.float64)
    # A mean is never outside its numbers, whatever was rounded.
    return least, most, np.maximum(np.minimum(mean, most), least)


def _marked(readings: PointReadings, flag: int, starts: Integers) -> Integers:
    marked: NDArray[np.bool_] = readings.flags & flag != 0
    found: Integers = np.add.reduceat(marked, starts, dtype=np.int64)
    return found
