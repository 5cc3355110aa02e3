"""The newest good number of every point, as arrays: what a rule starts from.

Good quality, a number (true is 1), and its time was known. Of one moment the first received stands.
Belongs to one thread; changed only by what is committed.
"""

from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np

from central.store.columns import Columns, Integers
from central.store.heads.head_pages import NEVER, PointArrays
from central.store.interface import FLAG_ESTIMATED
from central.store.points import GOOD_BELOW
from central.store.values import Floats

_INT64: Final = 2**63


class GoodNumber(NamedTuple):
    """A point's newest good number; `stream` is the one the alarms know (of a line its first)."""

    time: int
    value: float
    stream: int
    received: int


class GoodNumbers(PointArrays):
    """Parallel arrays by number; `others` holds large integers exactly."""

    COLUMNS = MappingProxyType(
        {"times": np.int64, "numbers": np.float64, "streams": np.int64, "received": np.int64}
    )
    numbers: Floats
    streams: Integers
    received: Integers

    def take(self, rows: Columns, received: int | Integers, stream: int | Integers) -> Integers:
        """Take committed `rows` in order of arrival; return the points they changed.

        `received` and `stream`: of all of them, or of each.
        """
        numbers, places = good(rows)
        points, times = rows.points, rows.times
        arrived = np.broadcast_to(np.asarray(received), times.shape)
        streams = np.broadcast_to(np.asarray(stream), times.shape)
        if len(places) < len(points):
            points, times, arrived = points[places], times[places], arrived[places]
        if not len(points):
            return points
        self.reach(int(points.max()))
        known = self.times[points]
        newer = times > known
        if not newer.all():
            newer |= (times == known) & (arrived < self.received[points])
            points, times, places = points[newer], times[newer], places[newer]
            arrived = arrived[newer]
        np.maximum.at(self.times, points, times)
        first = np.flatnonzero(self.times[points] == times)[::-1]
        changed = points[first]
        self._places[changed] = first  # backwards: of places of one point the first one stays
        kept = self._places[changed] == first
        if not kept.all():
            first, changed = first[kept], changed[kept]
        self.numbers[changed] = numbers[places[first]]
        self.streams[changed] = streams[places[first]]
        self.received[changed] = arrived[first]
        if self.others or rows.values.others:
            self._take_large(rows, places[first], changed)
        return changed

    def newest(self, number: int) -> GoodNumber | None:
        """Return the newest good number of a point, or None."""
        return self.newest_all(np.array([number])).get(number)

    def newest_all(self, numbers: Integers) -> dict[int, GoodNumber]:
        """Return the same of each of these points that has one."""
        asked = numbers[(numbers >= 0) & (numbers < len(self.times))]
        asked = asked[self.times[asked] != NEVER]
        columns = (self.times, self.numbers, self.streams, self.received)
        rows = zip(*(column[asked].tolist() for column in columns), strict=True)
        found = dict(zip(asked.tolist(), map(GoodNumber._make, rows), strict=True))
        for number in self.others.keys() & found.keys():
            large = self.others[number]
            if isinstance(large, int):
                found[number] = found[number]._replace(value=large)
        return found

    def _take_large(self, rows: Columns, places: Integers, changed: Integers) -> None:
        others = rows.values.others
        for place, number in zip(places.tolist(), changed.tolist(), strict=True):
            value = others.get(place)
            if isinstance(value, int) and -_INT64 <= value < _INT64:
                self.others[number] = value
            else:
                self.others.pop(number, None)


def newest_of(rows: Columns, received: int, stream: int) -> GoodNumber | None:
    """Return the newest good number of one point's rows of a commit, or None."""
    numbers, places = good(rows)
    if not len(places):
        return None
    place = int(places[rows.times[places].argmax()])  # the first of the newest
    return GoodNumber(int(rows.times[place]), float(numbers[place]), stream, received)


def good(rows: Columns) -> tuple[Floats, Integers]:
    """Return all values as floats, and the places of those that are good numbers."""
    numbers = rows.values.numbers
    others = {p: v for p, v in rows.values.others.items() if isinstance(v, int)}
    if others:
        numbers = numbers.copy()
        numbers[list(others)] = [float(value) for value in others.values()]
    good = numbers == numbers  # NaN stands for what is no number
    good &= rows.qualities < GOOD_BELOW
    good &= (rows.flags & FLAG_ESTIMATED) == 0
    return numbers, np.flatnonzero(good)
