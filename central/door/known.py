"""Which readings are here already, under whatever key: looked up by point, time and value.

Only where a reading is not newer than the newest of its point. Runs in the writer thread inside
the request's transaction.
"""

import json
import sqlite3
from typing import Final

import numpy as np

from central.door.judging import Accepted
from central.store.columns import Integers
from central.store.rows import _value as value_of
from protocols.words import Value

_UNKNOWN: Final = -2
_NONE: Final = -1
"""Before every time that goes in: the point has no reading."""
_FIRST: Final = 1_024


class Known:
    """Remembers the newest time of each point, by the registry's number (8 bytes each)."""

    def __init__(self) -> None:
        self._newest: Integers = np.full(_FIRST, _UNKNOWN, np.int64)

    def forget(self) -> None:
        """Drop what was remembered of tables whose transaction was undone."""
        self._newest = np.full(_FIRST, _UNKNOWN, np.int64)

    def fresh(self, conn: sqlite3.Connection, numbers: Integers, readings: Accepted) -> Accepted:
        """Return the readings, of points with these `numbers`, that are not here yet.

        What it returns counts as here from now on.
        """
        if not len(readings):
            return readings
        self._ask(conn, numbers)
        late = np.flatnonzero(readings.times <= self._newest[numbers])
        if len(late):
            here = held(conn, numbers[late], readings.times[late])
            again = [int(late[at]) for at, value in here if _same(value, readings.values[late[at]])]
            if again:
                left = np.delete(np.arange(len(readings)), again)
                numbers, readings = numbers[left], readings.take(left)
        np.maximum.at(self._newest, numbers, readings.times)
        return readings

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
            self._newest[asked] = newest(conn, asked)


def newest(conn: sqlite3.Connection, numbers: Integers) -> Integers:
    """Return the newest time of each point (-1: none); only this door writes them."""
    found = [
        conn.execute("SELECT max(time) FROM reading WHERE point = ?", (number,)).fetchone()[0]
        for number in numbers.tolist()
    ]
    return np.array([_NONE if time is None else time for time in found], np.int64)


def held(conn: sqlite3.Connection, numbers: Integers, times: Integers) -> list[tuple[int, Value]]:
    """Return what is here of these points at these times: (place in the columns, value)."""
    asked = json.dumps([numbers.tolist(), times.tolist()])
    rows = conn.execute(
        "SELECT n.key, r.value, r.class FROM json_each(?1, '$[0]') n "
        "JOIN json_each(?1, '$[1]') t ON t.key = n.key "
        "CROSS JOIN reading r ON r.point = n.value AND r.time = t.value",
        (asked,),
    )
    return [(at, value_of(value, kind)) for at, value, kind in rows]


def _same(here: Value, sent: Value) -> bool:
    """`1`, `1.0` and true are three values."""
    return type(here) is type(sent) and here == sent
