"""The newest reading of every point as arrays indexed by the registry's number of the point.

Owned by the event loop and changed only after a commit. A reading older than its point's head never
replaces it; of one moment the last to arrive wins. No object is made until somebody asks for one.
What commits bring is only noted, and taken when somebody asks or enough of it waits: whatever reads
the arrays themselves asks for something by method first.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from types import MappingProxyType
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from central.registry_records import PointRecord
from central.store.columns import Columns, Integers
from central.store.heads.head_pages import NEVER as NEVER
from central.store.heads.head_pages import PointArrays
from central.store.interface import FLAG_ESTIMATED, FLAG_LATE, Latest
from central.store.point_column import PointColumn
from central.store.values import FLOAT, INTEGER, NONE, OTHER, Bytes, Floats, Values
from protocols.words import Value

NOTHING: Final[Integers] = np.empty(0, np.int64)
BAD_FROM: Final = 0x8000_0000
"""Qualities from here on are bad (OPC UA); what is uncertain is known."""
COMMITS: Final = 64
READINGS: Final = 1 << 16
"""What waits to be taken at most."""
_ALL: Any = slice(None)
SMALL: Final = 256
"""Readings of a commit that is put together with those beside it: a look at each costs more."""


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
        self._waiting: list[tuple[Columns, int]] = []
        self._size = 0
        self.watchers: list[Callable[[Integers], None]] = []
        """Told the points whose head changed, when what was noted is taken."""

    def note(self, rows: Columns, received: int) -> None:
        """Take committed `rows` in order of arrival, at the latest when somebody asks."""
        self._waiting.append((rows, received))
        self._size += len(rows)
        if self._size >= READINGS or len(self._waiting) >= COMMITS:
            self.settle()

    def settle(self) -> None:
        """Take all that was noted, in its order."""
        if not self._waiting:
            return
        changed = [self._take(*each) for each in _together(self._waiting)]
        # Only now: whoever looks from elsewhere finds everything here or in the arrays.
        self._waiting, self._size = [], 0
        for watcher in self.watchers:
            for points in changed:
                watcher(points)

    def noted(self) -> list[Columns]:
        """Return what was noted and not taken yet; may be asked anywhere."""
        return [rows for rows, _ in tuple(self._waiting)]

    def take(self, rows: Columns, received: int) -> Integers:
        """Take committed `rows` at once; return the points whose head they became."""
        self.settle()
        return self._take(rows, received)

    def _take(self, rows: Columns, received: int | Integers) -> Integers:
        points = rows.points
        if not len(points):
            return points
        column = rows.column
        self.reach(column.high)
        at, newest = column.at, _ALL
        if column.distinct and np.logical_and.reduce(rows.times >= self.times[at]):
            changed = points
        elif (scan := self._last_scan(rows)) is not None:
            at, changed, newest = scan.at, scan.numbers, slice(-len(scan.numbers), None)
        else:
            at, changed, newest = self._newest(rows)
        values = rows.values
        self.times[at] = rows.times[newest]
        self.kinds[at] = kinds = values.kinds[newest]
        self.numbers[at] = values.numbers[newest]
        self.qualities[at] = rows.qualities[newest]
        self.flags[at] = rows.flags[newest]
        self.received[at] = received if isinstance(received, int) else received[newest]
        if values.others:
            held = (kinds == OTHER).nonzero()[0]
            places = np.arange(len(points))[newest][held].tolist()
            owners = changed[held].tolist()
            self.others |= {
                owner: values.others[place] for owner, place in zip(owners, places, strict=True)
            }
        return changed

    def _last_scan(self, rows: Columns) -> PointColumn | None:
        """Return the points of the last scan of several, if all that is newest is in it."""
        scan = rows.column.scan
        if scan is None or scan is rows.column:
            return None
        times = rows.times.reshape(-1, len(scan.numbers))
        before = np.maximum(np.maximum.reduce(times), self.times[scan.at])
        return scan if np.logical_and.reduce(times[-1] >= before) else None

    def _newest(self, rows: Columns) -> tuple[Integers, Integers, Integers]:
        """Return the points whose head changes, twice, and the place of each one's newest row."""
        points, times = rows.points, rows.times
        np.maximum.at(self.times, points, times)
        newest = (self.times[points] == times).nonzero()[0]
        changed = points if len(newest) == len(points) else points[newest]
        self._places[changed] = newest  # of places of one point the last one stays
        last = self._places[changed] == newest
        if not np.logical_and.reduce(last):
            newest, changed = newest[last], changed[last]
        return changed, changed, newest

    def take_all(self, parts: Sequence[Columns], received: int) -> Integers:
        """Take several, one after the other; a point that changed twice may be named twice."""
        if len(parts) == 1:
            return self.take(parts[0], received)
        changed = [self.take(rows, received) for rows in parts]
        return np.concatenate(changed) if changed else NOTHING

    def head(self, number: int) -> Latest | None:
        """Return the newest reading of the point with that number."""
        self.settle()
        if not 0 <= number < len(self.times) or self.times[number] == NEVER:
            return None
        point = self._names.by_number(number)
        return None if point is None else self._latest(point, number)

    def latest(self, points: Sequence[str] | None = None, site: str | None = None) -> list[Latest]:
        """Return the heads of `points`, of a site, or of everything; from memory."""
        self.settle()
        if points is None:
            numbers: Iterable[int] = self.known().tolist()
        else:
            numbers = [n for n in map(self._names.number, points) if n is not None]
        found = map(self.head, numbers)
        return [head for head in found if head is not None and (site is None or head.site == site)]

    def times_of(self, numbers: Sequence[int] | Integers) -> Integers:
        """Return the time of each point's head; NEVER where there is none."""
        self.settle()
        return self.times_taken(numbers)

    def times_taken(self, numbers: Sequence[int] | Integers) -> Integers:
        """As `times_of`, of what is not only `noted`; may be asked anywhere."""
        asked = np.array(numbers, np.int64)
        inside = (asked >= 0) & (asked < len(self.times))
        return np.where(inside, self.times[np.where(inside, asked, 0)], NEVER)

    def bad(self, numbers: Integers) -> NDArray[np.bool_]:
        """Return of which points the newest is of bad quality; of what is not known it is not."""
        self.settle()
        inside = (numbers >= 0) & (numbers < len(self.qualities))
        qualities = self.qualities[np.where(inside, numbers, 0)]
        return inside & (qualities >= BAD_FROM)

    def values(self, numbers: Integers) -> Values:
        """Return the values of the heads of `numbers`, which all have one."""
        self.settle()
        kinds = self.kinds[numbers]
        others: dict[int, Value] = {}
        if self.others:
            for place in np.flatnonzero(kinds == OTHER).tolist():
                others[place] = self.others[int(numbers[place])]
        return Values(kinds, self.numbers[numbers], others)

    def known(self) -> Integers:
        """Return the numbers of all points of which something is known, connected or not."""
        self.settle()
        return super().known()

    def pages(self, numbers: Integers) -> dict[int, bytes]:
        """Return every page that holds one of `numbers`, packed."""
        self.settle()
        return super().pages(numbers)

    def put_page(self, page: int, packed: bytes) -> None:
        """Take a page as `pages` gave it. ValueError: it was not."""
        self.settle()
        super().put_page(page, packed)

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


def _together(waiting: list[tuple[Columns, int]]) -> Iterator[tuple[Columns, int | Integers]]:
    """Yield the same in its order, small ones that follow each other as one."""
    few: list[tuple[Columns, int]] = []
    for rows, received in waiting:
        if len(rows) < SMALL:
            few.append((rows, received))
            continue
        if few:
            yield _joined(few)
            few = []
        yield rows, received
    if few:
        yield _joined(few)


def _joined(few: list[tuple[Columns, int]]) -> tuple[Columns, int | Integers]:
    if len(few) == 1:
        return few[0]
    received = np.array([when for _, when in few], np.int64)
    sizes = [len(rows) for rows, _ in few]
    return Columns.joined([rows for rows, _ in few]), received.repeat(sizes)
