"""A `Source` over readings as rows of one table."""

import sqlite3
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import numpy as np

from central.store.points import PointReadings, summary
from central.store.queries.source import Piece
from central.store.values import Values
from protocols.words import Value

PIECE: Final = 20_000
"""Rows of a piece."""
_COLUMNS: Final = "SELECT time, stream, seq, received, value, class, quality, flags FROM reading "


class TableSource:
    """Implements `Source` on one connection, within its snapshot."""

    def __init__(self, conn: sqlite3.Connection, value: Callable[[Any, int], Value]) -> None:
        self._conn = conn
        self._value = value

    def read(self, number: int, start: int, end: int) -> PointReadings:
        """Return the readings with start <= time < end."""
        return self._rows(
            "WHERE point = ? AND time >= ? AND time < ? ORDER BY time, stream, seq",
            (number, start, end),
        )

    def pieces(self, number: int, start: int, end: int) -> Iterator[Piece]:
        """Return pieces of some rows, each read when it is its turn."""
        after = (start, -1, -1)
        while True:
            found = self._rows(
                "WHERE point = ? AND (time, stream, seq) > (?, ?, ?) AND time < ? "
                "ORDER BY time, stream, seq LIMIT ?",
                (number, *after, end, PIECE),
            )
            if len(found):
                yield summary(found), partial(found.take, slice(None))
            if len(found) < PIECE:
                return
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
            Values.of(self._value(v, kind) for v, kind in zip(values, classes, strict=True)),
            np.array(qualities, np.int64),
            np.array(flags, np.int64),
        )
