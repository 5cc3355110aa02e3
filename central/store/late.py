"""Rows for strays, for corrections, and for what older versions kept.

Merging folds them into chunks. A row's `class` keeps what SQLite's storage classes do not tell
apart: 1 a boolean, 2 an integer above 2**63-1 (as text); 0 everything else, which comes back as it
went in.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from central.store.codec.cells import Cells
from central.store.heads.good_numbers import GoodNumber
from central.store.interface import FLAG_ESTIMATED
from central.store.points import EMPTY, RECEIVED_UNIT, PointReadings
from central.store.squeezed import Damaged
from central.store.values import Values
from central.store.views.gathering import Readings
from protocols.words import Value

BOOLEAN: Final = 1
UNSIGNED: Final = 2
_INT64: Final = 2**63
_COLUMNS: Final = "time, stream, seq, received, quality, flags, value, class"


def insert(conn: sqlite3.Connection, number: int, readings: PointReadings) -> None:
    """Write a point's readings as rows inside the caller's transaction."""
    conn.executemany(
        "INSERT OR IGNORE INTO late(point, time, stream, seq, received, quality, flags, value, "
        "class) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (number, *rest, *stored(value))
            for value, *rest in zip(
                readings.values.tolist(),
                readings.times.tolist(),
                readings.streams.tolist(),
                readings.seqs.tolist(),
                readings.received.tolist(),
                readings.qualities.tolist(),
                readings.flags.tolist(),
                strict=True,
            )
        ],
    )


def insert_cells(conn: sqlite3.Connection, numbers: Mapping[int, int], cells: Cells) -> str | None:
    """Write cells as rows, or none of them: then return why. `numbers`: points by member."""
    conn.execute("SAVEPOINT strays")
    try:
        for member in np.unique(cells.members).tolist():
            insert(conn, numbers[member], cells.of(member))
    except (ValueError, OverflowError) as exc:
        conn.execute("ROLLBACK TO strays")
        return str(exc)
    finally:
        conn.execute("RELEASE strays")
    return None


def read(
    conn: sqlite3.Connection, number: int, start: int, end: int, most: int = -1
) -> PointReadings:
    """Return a point's rows with start <= time < end; at most so many (-1: all)."""
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM late WHERE point = ? AND time >= ? AND time < ? "  # noqa: S608
        "ORDER BY time, stream, seq LIMIT ?",
        (number, start, end, most),
    ).fetchall()
    return _readings(rows) if rows else EMPTY


def some(conn: sqlite3.Connection, number: int) -> bool:
    """Return whether a point has rows."""
    row = conn.execute("SELECT 1 FROM late WHERE point = ? LIMIT 1", (number,)).fetchone()
    return row is not None


def newest(conn: sqlite3.Connection, number: int, at: int, arrived: int) -> PointReadings:
    """Return the rows (mostly one) of a point's newest moment up to `at`, here by `arrived`."""
    row = conn.execute(
        "SELECT time FROM late WHERE point = ? AND time <= ? AND received <= ? "
        "ORDER BY time DESC LIMIT 1",
        (number, at, arrived),
    ).fetchone()
    return EMPTY if row is None else read(conn, number, row[0], row[0] + 1)


def newest_of(conn: sqlite3.Connection, numbers: Sequence[int], at: int, arrived: int) -> Readings:
    """Return what `newest` returns of each of many points."""
    rows = conn.execute(
        f"SELECT asked.point, {_COLUMNS} FROM (SELECT j.value AS point, "  # noqa: S608
        "(SELECT time FROM late WHERE point = j.value AND time <= ? AND received <= ? "
        "ORDER BY time DESC LIMIT 1) AS newest FROM json_each(?) AS j) AS asked "
        "CROSS JOIN late ON late.point = asked.point AND time = newest",
        (at, arrived, json.dumps(numbers)),
    ).fetchall()
    if not rows:
        return Readings(EMPTY.times, EMPTY)
    points = np.array([row[0] for row in rows], np.int64)
    return Readings(points, _readings([row[1:] for row in rows]))


def those_with(conn: sqlite3.Connection, numbers: Sequence[int]) -> set[int]:
    """Return those of `numbers` that have rows."""
    rows = conn.execute(
        "SELECT j.value FROM json_each(?) AS j "
        "WHERE EXISTS (SELECT 1 FROM late WHERE late.point = j.value)",
        (json.dumps(numbers),),
    )
    return {row[0] for row in rows}


def counts(conn: sqlite3.Connection, start: int, end: int) -> dict[int, int]:
    """Return how many rows each point has with start <= time < end; those with none are left out.

    From point to point through the key: of an old store nearly all of the table is outside.
    """
    rows = conn.execute(
        "WITH RECURSIVE own(point) AS (SELECT min(point) FROM late UNION ALL "
        "SELECT (SELECT min(point) FROM late WHERE point > own.point) FROM own "
        "WHERE own.point IS NOT NULL) SELECT point, (SELECT count(*) FROM late "
        "WHERE late.point = own.point AND time >= ? AND time < ?) AS n "
        "FROM own WHERE point IS NOT NULL AND n > 0",
        (start, end),
    )
    return dict(rows.fetchall())


def points(conn: sqlite3.Connection) -> list[int]:
    """Return the numbers of all points that have rows."""
    found: list[int] = []
    while True:
        after = found[-1] if found else -1
        row = conn.execute("SELECT min(point) FROM late WHERE point > ?", (after,)).fetchone()
        if row[0] is None:
            return found
        found.append(row[0])


def newest_good(conn: sqlite3.Connection, number: int) -> GoodNumber | None:
    """Return the newest good number among a point's rows; `stream` is the one the alarms know."""
    row = conn.execute(
        "SELECT time, iif(class = 2, CAST(value AS REAL), value), "
        "coalesce((SELECT line FROM stream WHERE number = late.stream), stream), "
        "received FROM late WHERE point = ? AND quality < 0x40000000 "
        "AND (class = 2 OR typeof(value) IN ('integer', 'real')) "
        "AND flags & ? = 0 ORDER BY time DESC, received, seq LIMIT 1",
        (number, FLAG_ESTIMATED),
    ).fetchone()
    return None if row is None else GoodNumber(*row)


def delete(conn: sqlite3.Connection, number: int, start: int, end: int) -> int:
    """Delete a point's rows with start <= time < end; return how many."""
    done = conn.execute(
        "DELETE FROM late WHERE point = ? AND time >= ? AND time < ?", (number, start, end)
    )
    return done.rowcount


def stored(value: Value) -> tuple[Value, int]:
    """Return what SQLite is given for a value, and its class."""
    if isinstance(value, bool):
        return int(value), BOOLEAN
    if isinstance(value, int) and value >= _INT64:
        return str(value), UNSIGNED
    return value, 0


def value_of(held: Value, kind: int) -> Value:
    """Return the value that `stored` was given."""
    if kind == BOOLEAN:
        return bool(held)
    if kind == UNSIGNED and isinstance(held, str):
        return int(held)
    return held


def _readings(rows: list[tuple[Any, ...]]) -> PointReadings:
    """Return rows as columns. Raises Damaged: a cell is not of a class that was ever written."""
    times, streams, seqs, received, qualities, flags, held, kinds = zip(*rows, strict=True)
    try:
        return PointReadings(
            times=np.array(times, np.int64),
            streams=np.array(streams, np.int64),
            seqs=np.array(seqs, np.int64),
            received=np.array(received, np.int64) // RECEIVED_UNIT * RECEIVED_UNIT,
            values=Values.of(map(value_of, held, kinds)),
            qualities=np.array(qualities, np.int64),
            flags=np.array(flags, np.int64),
        )
    except (ValueError, TypeError, OverflowError) as exc:
        raise Damaged(what="late", reason=str(exc)) from exc
