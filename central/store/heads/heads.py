"""The newest reading of every point as arrays indexed by the registry's number of the point.

Owned by the event loop and changed only after a commit. A reading older than its point's head never
replaces it; of one moment the last to arrive wins. No object is made until somebody asks for one.
"""

from collections.abc import Iterable, Sequence
from types import MappingProxyType
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from central.registry_records import PointRecord
from central.store.columns import Columns, Integers
from central.store.heads.head_pages import NEVER as NEVER
from central.store.heads.head_pages import PointArrays
from central.store.interface import FLAG_ESTIMATED, FLAG_LATE, Latest
from central.store.values import FLOAT, INTEGER, NONE, OTHER, Bytes, Floats, Values
from protocols.words import Value

NOTHING: Final[Integers] = np.empty(0, np.int64)


class Names(Protocol):
    """What heads have to know of points to be shown."""

    def by_number(self, number: int) -> PointRecord | None:
        """Return the point with the registry's own number, if it is connected."""
        ...

    def number(self, id: str) -> int | None:  # noqa: A002  # the registry's word
        """Return the registry's number of a point."""
        ...


class Heads(PointArrays):
    """Parallel arrays by number; `others` holds texts and large integers by number."""

    COLUMNS = MappingProxyType(
        {
            "times": np.int64,
            "kinds": np.uint8,
            "numbers": np.float64,
            "qualities": np.uint32,
            "flags": np.uint8,
            "received": np.int64,
        }
    )
    kinds: Bytes
    numbers: Floats
    qualities: NDArray[np.uint32]
    flags: Bytes
    received: Integers

    def __init__(self, names: Names) -> None:
        super().__init__()
        self._names = names

    def take(self, rows: Columns, received: int) -> Integers:
        """Take committed `rows` in order of arrival; return the points whose head they became."""
        points = rows.points
        if not len(points):
            return points
        self.reach(int(points.max()))
        np.maximum.at(self.times, points, rows.times)
        newest = np.flatnonzero(self.times[points] == rows.times)
        changed = points if len(newest) == len(points) else points[newest]
        self._places[changed] = newest  # of places of one point the last one stays
        last = self._places[changed] == newest
        if not last.all():
            newest, changed = newest[last], changed[last]
        values = rows.values
        if len(newest) == len(points):
            kinds, numbers, qualities, flags = (
                values.kinds,
                values.numbers,
                rows.qualities,
                rows.flags,
            )
        else:
            kinds, numbers = values.kinds[newest], values.numbers[newest]
            qualities, flags = rows.qualities[newest], rows.flags[newest]
        self.kinds[changed] = kinds
        self.numbers[changed] = numbers
        self.qualities[changed] = qualities
        self.flags[changed] = flags
        self.received[changed] = received
        if values.others:
            at = np.flatnonzero(kinds == OTHER)
            places, owners = newest[at].tolist(), changed[at].tolist()
            self.others |= {
                owner: values.others[place] for owner, place in zip(owners, places, strict=True)
            }
        return changed

    def take_all(self, parts: Sequence[Columns], received: int) -> Integers:
        """Take several, one after the other; a point that changed twice may be named twice."""
        if len(parts) == 1:
            return self.take(parts[0], received)
        changed = [self.take(rows, received) for rows in parts]
        return np.concatenate(changed) if changed else NOTHING

    def head(self, number: int) -> Latest | None:
        """Return the newest reading of the point with that number."""
        if not 0 <= number < len(self.times) or self.times[number] == NEVER:
            return None
        point = self._names.by_number(number)
        return None if point is None else self._latest(point, number)

    def latest(self, points: Sequence[str] | None = None, site: str | None = None) -> list[Latest]:
        """Return the heads of `points`, of a site, or of everything; from memory."""
        if points is None:
            numbers: Iterable[int] = self.known().tolist()
        else:
            numbers = [n for n in map(self._names.number, points) if n is not None]
        found = map(self.head, numbers)
        return [head for head in found if head is not None and (site is None or head.site == site)]

    def times_of(self, numbers: Sequence[int] | Integers) -> Integers:
        """Return the time of each point's head; NEVER where there is none."""
        asked = np.array(numbers, np.int64)
        inside = (asked >= 0) & (asked < len(self.times))
        return np.where(inside, self.times[np.where(inside, asked, 0)], NEVER)

    def values(self, numbers: Integers) -> Values:
        """Return the values of the heads of `numbers`, which all have one."""
        kinds = self.kinds[numbers]
        others: dict[int, Value] = {}
        if self.others:
            for place in np.flatnonzero(kinds == OTHER).tolist():
                others[place] = self.others[int(numbers[place])]
        return Values(kinds, self.numbers[numbers], others)

    def _latest(self, point: PointRecord, number: int) -> Latest:
        flags = int(self.flags[number])
        return Latest(
            point=point.id,
            site=point.site,
            value=self._value(number),
            quality=int(self.qualities[number]),
            source_time=int(self.times[number]),
            received_time=int(self.received[number]),
            late=bool(flags & FLAG_LATE),
            estimated=bool(flags & FLAG_ESTIMATED),
        )

    def _value(self, number: int) -> Value:
        kind = self.kinds[number]
        if kind == FLOAT:
            return float(self.numbers[number])
        if kind == NONE:
            return None
        if kind == OTHER:
            return self.others[number]
        return int(self.numbers[number]) if kind == INTEGER else bool(self.numbers[number])
