"""Which readings are here already, under whatever key: looked up by point, time and value.

Only where a reading is not newer than the newest of its point. Runs where the writing connection is
held, inside the request's transaction.
"""

import sqlite3
from typing import Final

import numpy as np

from central.door.judging import Accepted
from central.store.columns import Integers
from central.store.store import ChunkStore
from protocols.words import Value

_UNKNOWN: Final = -2
_NONE: Final = -1
"""Before every time that goes in: the point has no reading."""
_FIRST: Final = 1_024


class Known:
    """Remembers the newest time of each point, by the registry's number (8 bytes each)."""

    def __init__(self, stored: ChunkStore) -> None:
        self._stored = stored
        self._newest: Integers = np.full(_FIRST, _UNKNOWN, np.int64)

    def forget(self) -> None:
        """Drop what was remembered of tables whose transaction was undone."""
        self._newest = np.full(_FIRST, _UNKNOWN, np.int64)

    def fresh(self, conn: sqlite3.Connection, numbers: Integers, readings: Accepted) -> Accepted:
        """Return the readings, of points with these `numbers`, that are not here yet.

        For at least one that is not `newer`.
        """
        self._ask(conn, numbers)
        late = np.flatnonzero(readings.times <= self._newest[numbers])
        if len(late):
            here = self._stored.held(conn, numbers[late], readings.times[late])
            again = [int(late[at]) for at, value in here if _same(value, readings.values[late[at]])]
            if again:
                left = np.delete(np.arange(len(readings)), again)
                readings = readings.take(left)
        return readings

    def newer(self, numbers: Integers, readings: Accepted) -> bool:
        """Whether memory alone tells that no reading is here; may be asked anywhere."""
        if not len(readings):
            return True
        newest = self._newest
        if int(np.maximum.reduce(numbers)) >= len(newest):
            return False
        known = newest[numbers]
        later = bool(np.logical_and.reduce(readings.times > known))
        return later and int(np.minimum.reduce(known)) != _UNKNOWN

    def note(self, numbers: Integers, readings: Accepted) -> None:
        """These count as here from now on."""
        np.maximum.at(self._newest, numbers, readings.times)

    def _ask(self, conn: sqlite3.Connection, numbers: Integers) -> None:
        """Look up the newest times of points that are not remembered."""
        most = int(numbers.max())
        if most >= len(self._newest):
            longer = np.full(2 * most, _UNKNOWN, np.int64)
            longer[: len(self._newest)] = self._newest
            self._newest = longer
        missing = self._newest[numbers] == _UNKNOWN
        if missing.any():
            asked = np.unique(numbers[missing])
            self._newest[asked] = np.maximum(self._stored.newest_times(conn, asked), _NONE)


def _same(here: Value, sent: Value) -> bool:
    """`1`, `1.0` and true are three values."""
    return type(here) is type(sent) and here == sent
