"""What the engine asks of the store when it reads its state again."""

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Protocol

from central.store.arrivals import Arrivals
from central.store.heads.good_numbers import GoodNumber
from central.store.measured import Measured


class Stored(Protocol):
    """All as the transaction sees it. A line of streams is known by its first (`stream.line`)."""

    def newest_good_all(
        self, conn: sqlite3.Connection, numbers: Iterable[int]
    ) -> Mapping[int, GoodNumber]:
        """Return the newest good number of each point that has one; of one moment the first."""
        ...

    def position(self, conn: sqlite3.Connection, stream: int) -> int:
        """Return a number that whatever is appended to the stream from now on lies above."""
        ...

    def arrivals(
        self, conn: sqlite3.Connection, above: Mapping[int, Mapping[int, int]]
    ) -> Mapping[int, Arrivals]:
        """Return by stream what it brought of each point above a position (both are asked for).

        What was appended before the last call of the engine's `flush` may be left out.
        """
        ...

    def readings(
        self, conn: sqlite3.Connection, numbers: Iterable[int], start: int, end: int
    ) -> list[Measured]:
        """Return what was measured of points, start <= time < end, in order of time.

        What cannot be read any more is left out. Not on the event loop: it may take a while.
        """
        ...
