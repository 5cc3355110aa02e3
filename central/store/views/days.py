"""What the tables say of a family's day, remembered until something is written to them.

With what memory holds of chunks (`near.Remembered`) a question that was asked a moment ago is
answered without SQLite. Whatever a seal, a merge or retention changes is written by work that is
not light, of which the database keeps count: with another count nothing of this stands. What
another program may write is seen after `STANDS`. The event loop's.
"""

import sqlite3
from typing import Final, NamedTuple

from central.store import chunks, late
from central.store.families import Place
from central.store.tiers import tiers
from protocols.clock import real_monotonic

STANDS: Final = 1.0
"""Real seconds."""
CHUNKS: Final = 64
"""Of a day; one with more is looked up each time."""
MOST: Final = 8_000
"""Chunks of all days: about 4 MB."""
POINTS: Final = 50_000
"""Points of which is known that they have no rows."""


class Day(NamedTuple):
    """All chunks of a family's day up to the watermark, by time."""

    chunks: tuple[chunks.Little, ...]
    rolled: bool
    """Whether something of it has been rolled up."""


class Days:
    """As of one count of what was written, and one watermark."""

    def __init__(self) -> None:
        self.watermark = 0
        self._changes = -1
        self._until = 0.0
        self._days: dict[tuple[int, int], Day] = {}
        self._plain: set[int] = set()
        self._chunks = 0

    def stands(self, changes: int) -> bool:
        """Whether what is here is still so."""
        return changes == self._changes and real_monotonic() < self._until

    def begin(self, changes: int, watermark: int) -> bool:
        """Make ready for what is read now; False: something is being written, take nothing."""
        if changes & 1:
            return False
        self._days.clear()
        self._plain.clear()
        self._chunks = 0
        self.watermark = watermark
        self._changes = changes
        self._until = real_monotonic() + STANDS
        return True

    def few(
        self, conn: sqlite3.Connection, place: Place, start: int, end: int
    ) -> list[chunks.Little] | None:
        """Return what `chunks.few` returns; None: there are too many to remember."""
        found: list[chunks.Little] = []
        bit = 1 << place.member
        for day in _days(start, end):
            known = self._day(conn, place.family, day)
            if known is None:
                return None
            found += [
                each
                for each in known.chunks
                if each.t0 < end and each.t1 >= start and each.members & bit
            ]
        return found

    def rolled(self, conn: sqlite3.Connection, family: int, start: int, end: int) -> bool | None:
        """Return what `tiers.some` returns; None as `few`."""
        found = [self._day(conn, family, day) for day in _days(start, end)]
        return None if None in found else any(day.rolled for day in found if day is not None)

    def plain(self, conn: sqlite3.Connection, number: int) -> bool:
        """Whether a point has no rows at all."""
        if number in self._plain:
            return True
        if late.some(conn, number):
            return False
        if len(self._plain) >= POINTS:
            self._plain.clear()
        self._plain.add(number)
        return True

    def _day(self, conn: sqlite3.Connection, family: int, day: int) -> Day | None:
        known = self._days.get((family, day))
        if known is not None:
            return known
        found = chunks.of_one_day(conn, (family, day), self.watermark, CHUNKS + 1)
        if len(found) > CHUNKS:
            return None
        if self._chunks >= MOST:
            self._days.clear()
            self._chunks = 0
        self._chunks += 1 + len(found)
        start = day * chunks.DAY
        known = Day(tuple(found), tiers.some(conn, family, start, start + chunks.DAY))
        self._days[family, day] = known
        return known


def _days(start: int, end: int) -> range:
    return range(start // chunks.DAY, (end - 1) // chunks.DAY + 1)
