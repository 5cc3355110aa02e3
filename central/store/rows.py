"""The store as one plain SQLite table: one row per reading, the newest of each point in memory.

A row's `class` keeps what SQLite's storage classes do not tell apart: 1 a boolean, 2 an integer
above 2**63-1 (as text); 0 everything else, which comes back as it went in.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from central.alarms.stored import Arrivals
from central.database import Database
from central.registry import Registry
from central.store.columns import Columns, Integers
from central.store.good_numbers import GoodNumber
from central.store.heads import Heads
from central.store.interface import (
    FLAG_ESTIMATED,
    Buckets,
    Latest,
    ReadingsPage,
    Row,
)
from protocols.words import Value

BOOLEAN: Final = 1
UNSIGNED: Final = 2
MOST_BUCKETS: Final = 5_000
MOST_ROWS: Final = 50_000
_INT64: Final = 2**63

_INTO: Final = (
    "INSERT INTO reading(stream, received, class, quality, flags, point, time, seq, value) VALUES "
)
_INSERT: Final = f"{_INTO}(?, ?, ?, ?, ?, ?, ?, ?, ?)"
CHUNK: Final = 100
"""Rows one statement writes: each statement lets go of the interpreter once, and takes it back."""
_SHARED: Final = 5
_INSERT_CHUNK: Final = _INTO + ", ".join(
    f"(?1, ?2, ?3, ?4, ?5, ?{n}, ?{n + 1}, ?{n + 2}, ?{n + 3})"
    for n in range(_SHARED + 1, _SHARED + 1 + 4 * CHUNK, 4)
)
_GOOD_NUMBER: Final = (
    "CASE WHEN quality < 0x40000000 AND class <> 2 AND typeof(value) <> 'text' THEN value END"
)


class RowStore:
    """Implements `central.store.interface.Store` over the table `reading`."""

    def __init__(self, db: Database, registry: Registry) -> None:
        self._db = db
        self._registry = registry
        self.heads = Heads(registry)

    def append(
        self, conn: sqlite3.Connection, stream: int, received: int, rows: Sequence[Row]
    ) -> None:
        """Write `rows` inside the caller's transaction, each point's next to each other."""
        columns = rows if isinstance(rows, Columns) else Columns.of(rows)
        if not len(columns):
            return
        order = columns.order
        values, classes = _stored(columns.values.take(order).tolist())
        own: list[Any] = [None] * (4 * len(values))
        own[0::4] = columns.points[order].tolist()
        own[1::4] = columns.times[order].tolist()
        own[2::4] = columns.seqs[order].tolist()
        own[3::4] = values
        kinds = [classes, columns.qualities[order].tolist(), columns.flags[order].tolist()]
        for at in range(0, len(values), CHUNK):
            here = [kind[at : at + CHUNK] for kind in kinds]
            _write(conn, (stream, received), here, own[4 * at : 4 * (at + CHUNK)])

    async def load(self) -> None:
        """Rebuild the heads from the table."""
        numbers = self._registry.numbers()
        heads = await self._db.read(lambda conn: _newest(conn, numbers), deadline=600)
        self.heads = Heads(self._registry)
        for received, rows in heads.items():
            self.heads.take(Columns.of(rows), received)

    def committed(self, parts: Sequence[Columns], received: int) -> Integers:
        """Take the rows of a commit after it; return the points whose head changed."""
        return self.heads.take_all(parts, received)

    def head(self, number: int) -> Latest | None:
        """Return the newest reading of the point with that number."""
        return self.heads.head(number)

    def latest(self, points: Sequence[str] | None = None, site: str | None = None) -> list[Latest]:
        """Return the heads of `points`, of a site, or of everything; from memory."""
        return self.heads.latest(points, site)

    async def readings(
        self, point: str, start: int, end: int, limit: int = 1000, cursor: str | None = None
    ) -> ReadingsPage:
        """Return raw readings with start <= time < end. ValueError: the cursor is not ours."""
        after = _parse_cursor(cursor) if cursor else (start, -1, -1)
        number, limit = self._registry.number(point), max(1, min(limit, MOST_ROWS))
        found = await self._db.read(
            lambda conn: conn.execute(
                "SELECT time, value, class, quality, stream, seq FROM reading WHERE point = ? "
                "AND (time, stream, seq) > (?, ?, ?) AND time < ? ORDER BY time, stream, seq "
                "LIMIT ?",
                (number, *after, end, limit + 1),
            ).fetchall()
        )
        page = found[:limit]
        more = len(found) > limit
        return ReadingsPage(
            times=[row[0] for row in page],
            values=[_value(row[1], row[2]) for row in page],
            qualities=[row[3] for row in page],
            next=f"{page[-1][0]}.{page[-1][4]}.{page[-1][5]}" if more else None,
        )

    async def buckets(self, point: str, start: int, end: int, count: int) -> Buckets:
        """Return at most `count` equal spans between start and end. ValueError: end <= start."""
        if end <= start:
            raise ValueError("the end lies before the start")
        number, count = self._registry.number(point), max(1, min(count, MOST_BUCKETS))
        span = -(-(end - start) // count)
        where = "FROM reading WHERE point = ? AND time >= ? AND time < ? GROUP BY bucket"
        columns = (
            f"SELECT (time - {int(start)}) / {span} AS bucket, min({_GOOD_NUMBER}), "
            f"max({_GOOD_NUMBER}), avg({_GOOD_NUMBER}), count(*), max(quality) {where}"
        )
        # The bare columns of a lone max() are those of its row: the last of the span.
        last = f"SELECT (time - {int(start)}) / {span} AS bucket, max(time), value, class {where}"
        rows, ends = await self._db.read(
            lambda conn: (
                conn.execute(columns, (number, start, end)).fetchall(),
                conn.execute(last, (number, start, end)).fetchall(),
            )
        )
        return Buckets(
            times=[start + row[0] * span for row in rows],
            minimum=[row[1] for row in rows],
            maximum=[row[2] for row in rows],
            mean=[row[3] for row in rows],
            last=[_value(row[2], row[3]) for row in ends],
            counts=[row[4] for row in rows],
            qualities=[row[5] for row in rows],
        )

    def newest_good_all(
        self, conn: sqlite3.Connection, numbers: Iterable[int]
    ) -> dict[int, GoodNumber]:
        """Return the newest good number of each point that has one; of one moment the first."""
        found = ((number, conn.execute(_NEWEST_GOOD, (number,)).fetchone()) for number in numbers)
        return {number: GoodNumber(*row) for number, row in found if row is not None}

    def position(self, conn: sqlite3.Connection, stream: int) -> int:
        """Return a number that whatever is appended to the stream from now on lies above."""
        # Each stream of a line counts anew.
        row = conn.execute(
            "SELECT cursor FROM stream WHERE number = ?1 "
            "AND NOT EXISTS (SELECT 1 FROM stream WHERE line = ?1)",
            (stream,),
        ).fetchone()
        return int(row[0]) if row else 0

    def arrivals(self, conn: sqlite3.Connection, stream: int, above: Mapping[int, int]) -> Arrivals:
        """Return what the stream brought of these points above these positions."""
        found = [
            row
            for number, at in above.items()
            for row in conn.execute(_ARRIVALS, (number, at, stream, stream))
        ]
        return Arrivals(*np.array(found, np.int64).reshape(-1, 3).T)

    async def count(self, point: str, start: int, end: int) -> int:
        """Return how many readings are stored with start <= time < end."""
        number = self._registry.number(point)
        row = await self._db.read(
            lambda conn: conn.execute(
                "SELECT count(*) FROM reading WHERE point = ? AND time >= ? AND time < ?",
                (number, start, end),
            ).fetchone()
        )
        return int(row[0])


_GOOD: Final = (
    "quality < 0x40000000 AND (class = 2 OR typeof(value) IN ('integer', 'real')) "
    f"AND flags & {FLAG_ESTIMATED} = 0"
)
_NEWEST_GOOD: Final = (
    "SELECT time, iif(class = 2, CAST(value AS REAL), value), "  # noqa: S608
    "coalesce((SELECT line FROM stream WHERE number = reading.stream), stream), "
    f"received FROM reading WHERE point = ? AND {_GOOD} ORDER BY time DESC, received, seq LIMIT 1"
)
_ARRIVALS: Final = (
    "SELECT point, time, seq FROM reading WHERE point = ? AND seq > ? AND stream IN "  # noqa: S608
    f"(SELECT number FROM stream WHERE number = ? OR line = ?) AND {_GOOD}"
)


def _newest(conn: sqlite3.Connection, numbers: Iterable[int]) -> dict[int, list[Row]]:
    """Return the newest row of each point by the time it was received."""
    found: dict[int, list[Row]] = {}
    for number in numbers:
        row = conn.execute(
            "SELECT point, time, seq, value, class, quality, flags, received FROM reading "
            "WHERE point = ? ORDER BY time DESC, stream DESC, seq DESC LIMIT 1",
            (number,),
        ).fetchone()
        if row is not None:
            point, time, seq, value, kind, quality, flags, received = row
            row = Row(point, time, seq, _value(value, kind), quality, flags)
            found.setdefault(received, []).append(row)
    return found


def _write(
    conn: sqlite3.Connection, whose: tuple[int, int], kinds: list[list[int]], own: list[Any]
) -> None:
    """Write up to CHUNK rows; most are of one class, quality and flags, which are bound once."""
    first = [kind[0] for kind in kinds]
    if len(own) == 4 * CHUNK and all(
        kind.count(one) == CHUNK for kind, one in zip(kinds, first, strict=True)
    ):
        conn.execute(_INSERT_CHUNK, (*whose, *first, *own))
        return
    rows = zip(*kinds, own[0::4], own[1::4], own[2::4], own[3::4], strict=True)
    conn.executemany(_INSERT, [(*whose, *row) for row in rows])


def _stored(values: list[Value]) -> tuple[list[Value], list[int]]:
    """Return what SQLite is given for each value, and the value's class."""
    if {int, bool}.isdisjoint(map(type, values)):
        return values, [0] * len(values)
    pairs = [_stored_one(value) for value in values]
    return [value for value, _ in pairs], [kind for _, kind in pairs]


def _stored_one(value: Value) -> tuple[Value, int]:
    if isinstance(value, bool):
        return int(value), BOOLEAN
    if isinstance(value, int) and value >= _INT64:
        return str(value), UNSIGNED
    return value, 0


def holds(row: tuple[Value, int], value: Value) -> bool:
    """Return whether a stored (value, class) is `value`; 1, 1.0 and true are three values."""
    stored = _value(*row)
    return type(stored) is type(value) and stored == value


def _value(stored: Value, kind: int) -> Value:
    if kind == BOOLEAN:
        return bool(stored)
    if kind == UNSIGNED and isinstance(stored, str):
        return int(stored)
    return stored


def _parse_cursor(cursor: str) -> tuple[int, int, int]:
    time, stream, seq = (int(part) for part in cursor.split("."))
    return time, stream, seq
