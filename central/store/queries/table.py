"""A `Source` over readings as rows of one table."""

import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any, Final, TypeVar

import numpy as np

from central.database import Database
from central.store.points import PointReadings, summary
from central.store.queries.source import BLOCK, Piece, Source
from central.store.rows import BOOLEAN, UNSIGNED
from central.store.values import Values
from protocols.words import Value

_COLUMNS: Final = "SELECT time, stream, seq, received, value, class, quality, flags FROM reading "


T = TypeVar("T")


class TableSource:
    """Implements `Source` on one connection, within its snapshot."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn

    def read(self, number: int, start: int, end: int) -> PointReadings:
        """Return the readings with start <= time < end."""
        return self._rows(
            "WHERE point = ? AND time >= ? AND time < ? ORDER BY time, stream, seq",
            (number, start, end),
        )

    def pieces(self, number: int, start: int, end: int) -> Iterator[Piece]:
        """Return pieces of some rows, each read when it is its turn."""
        for found in self.blocks(number, start, end):
            yield summary(found), partial(found.take, slice(None))

    def blocks(
        self, number: int, start: int, end: int, size: int = BLOCK
    ) -> Iterator[PointReadings]:
        """Return the readings of [start, end) in blocks, in order."""
        held: PointReadings | None = None
        after = (start, -1, -1)
        while True:
            rows = self._rows(
                "WHERE point = ? AND (time, stream, seq) > (?, ?, ?) AND time < ? "
                "ORDER BY time, stream, seq LIMIT ?",
                (number, *after, end, size),
            )
            last = len(rows) < size
            found = rows if held is None else PointReadings.merged([held, rows])
            # What is of the last moment may go on in the next rows.
            whole = len(found) if last else int(np.searchsorted(found.times, found.times[-1]))
            if whole:
                yield found.take(slice(0, whole))
            if last:
                return
            held = found.take(slice(whole, None))
            after = int(found.times[-1]), int(found.streams[-1]), int(found.seqs[-1])

    def newest(self, number: int, at: int) -> PointReadings:
        """Return the newest reading with time <= at, or none."""
        return self._rows(
            "WHERE point = ? AND time <= ? ORDER BY time DESC, stream DESC, seq DESC LIMIT 1",
            (number, at),
        )

    def newest_arrived(self, number: int, by: int) -> PointReadings:
        """Return the newest reading by source time of those received at or before `by`, or none."""
        return self._rows(
            "WHERE point = ? AND received <= ? ORDER BY time DESC, stream DESC, seq DESC LIMIT 1",
            (number, by),
        )

    def _rows(self, where: str, params: tuple[int, ...]) -> PointReadings:
        rows = self._conn.execute(_COLUMNS + where, params).fetchall()
        columns: list[tuple[Any, ...]] = list(zip(*rows, strict=True)) or [()] * 8
        times, streams, seqs, received, values, classes, qualities, flags = columns
        return PointReadings(
            np.array(times, np.int64),
            np.array(streams, np.int64),
            np.array(seqs, np.int64),
            np.array(received, np.int64),
            Values.of(_value(v, kind) for v, kind in zip(values, classes, strict=True)),
            np.array(qualities, np.int64),
            np.array(flags, np.int64),
        )


class Asking:
    """Runs work on the table's snapshots, in a reader's thread. Raises QueryTooLong."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def __call__(self, work: Callable[[Source], T]) -> Awaitable[T]:
        """Return what the work returned."""
        return self._db.read(lambda conn: work(TableSource(conn)))


def _value(stored: Value, kind: int) -> Value:
    if kind == BOOLEAN:
        return bool(stored)
    return int(stored) if kind == UNSIGNED and isinstance(stored, str) else stored
