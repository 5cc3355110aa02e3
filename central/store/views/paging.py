"""A point's raw readings page by page, and how many there are, over a view of the store."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from central.store.interface import Buckets
from central.store.points import EMPTY, PointReadings
from central.store.views.reading import View

Key = tuple[int, int, int]
"""Time, stream and number of a reading: what a page goes on after."""
START: Final = -1


def page(view: View, number: int, after: Key, end: int, limit: int) -> PointReadings:
    """Return up to `limit` readings after `after` with time < end, in order."""
    found = EMPTY
    for part in view.blocks(number, after[0], end, limit):
        found = PointReadings.merged([found, part.take(_beyond(part, after))])
        if len(found) >= limit:
            return found.take(slice(0, limit))
    return found


def count(view: View, number: int, start: int, end: int) -> int:
    """Return how many readings there are with start <= time < end; decodes only at the edges."""
    total = 0
    for known, load in view.pieces(number, start, end):
        inside = start <= known["t0"] and known["t1"] < end
        total += int(known["n"]) if inside else len(load().between(start, end))
    return total


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


def buckets(view: View, number: int, start: int, end: int, count: int) -> Buckets:
    """Return at most `count` equal spans of time; those without a reading are left out."""
    span = -(-(end - start) // count)
    held = view.read(number, start, end)
    if not len(held):
        return Buckets(times=[], minimum=[], maximum=[], mean=[], last=[], counts=[], qualities=[])
    places = (held.times - start) // span
    first = np.append(0, np.flatnonzero(np.diff(places)) + 1)
    last = np.append(first[1:], len(held)) - 1
    good = held.good
    numbers = held.values.numbers
    goods = np.add.reduceat(good, first, dtype=np.int64)
    some = goods > 0
    least = np.minimum.reduceat(np.where(good, numbers, np.inf), first)
    most = np.maximum.reduceat(np.where(good, numbers, -np.inf), first)
    total = np.add.reduceat(np.where(good, numbers, 0.0), first)
    mean = total / np.maximum(goods, 1)
    return Buckets(
        times=(start + places[first] * span).tolist(),
        minimum=_shown(least, some),
        maximum=_shown(most, some),
        mean=_shown(mean, some),
        last=held.values.take(last).tolist(),
        counts=(last - first + 1).tolist(),
        qualities=np.maximum.reduceat(held.qualities, first).tolist(),
    )


def _shown(column: NDArray[np.float64], some: NDArray[np.bool_]) -> list[float | None]:
    pairs = zip(column.tolist(), some.tolist(), strict=True)
    return [value if known else None for value, known in pairs]
