"""Rows for an export from the collector's store, a bounded piece at a time."""

import sqlite3
from collections.abc import AsyncGenerator
from typing import Any, Final

import numpy as np

from central.database import Database
from central.export.layout import Block
from central.registry_records import PointRecord
from central.store.interface import FLAG_ESTIMATED, FLAG_LATE, Store
from central.store.rows import BOOLEAN, UNSIGNED
from central.store.values import Values
from protocols.words import Value

PAGE: Final = 10_000


class Readings:
    """Every reading, one by one."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def blocks(
        self, place: int, point: PointRecord, start: int, end: int
    ) -> AsyncGenerator[Block, None]:
        """Yield blocks of at most PAGE readings."""
        after = (start, -1, -1)
        while True:
            rows = await self._db.read(
                lambda conn, after=after: _page(conn, point.number, after, end)  # type: ignore[misc]
            )
            if rows:
                yield _block(place, rows)
            if len(rows) < PAGE:
                return
            after = rows[-1][:3]


class Spans:
    """What the readings of equal spans come to; spans without a reading are left out."""

    def __init__(self, store: Store, count: int) -> None:
        self._store = store
        self._count = count

    async def blocks(
        self, place: int, point: PointRecord, start: int, end: int
    ) -> AsyncGenerator[Block, None]:
        """Yield one block of at most `count` spans."""
        found = await self._store.buckets(point.id, start, end, self._count)
        times = np.array(found.times, np.int64)
        span = -(-(end - start) // self._count)
        yield Block(
            place,
            len(times),
            {
                "time": times,
                "to": np.minimum(times + span, end),
                "count": np.array(found.counts, np.int64),
                "minimum": _numbers(found.minimum),
                "maximum": _numbers(found.maximum),
                "mean": _numbers(found.mean),
                "last": Values.of(found.last),
                "quality": np.array(found.qualities, np.int64),
            },
        )


def _numbers(cells: list[float | None]) -> Any:
    return np.array([np.nan if cell is None else cell for cell in cells], np.float64)


def _page(
    conn: sqlite3.Connection, number: int, after: tuple[int, int, int], end: int
) -> list[Any]:
    return conn.execute(
        "SELECT time, stream, seq, value, class, quality, flags, received FROM reading "
        "WHERE point = ? AND (time, stream, seq) > (?, ?, ?) AND time < ? "
        "ORDER BY time, stream, seq LIMIT ?",
        (number, *after, end, PAGE),
    ).fetchall()


def _block(place: int, rows: list[Any]) -> Block:
    flags = np.array([row[6] for row in rows], np.int64)
    return Block(
        place,
        len(rows),
        {
            "time": np.array([row[0] for row in rows], np.int64),
            "value": Values.of(_value(row[3], row[4]) for row in rows),
            "quality": np.array([row[5] for row in rows], np.int64),
            "late": (flags & FLAG_LATE != 0).astype(np.int64),
            "estimated": (flags & FLAG_ESTIMATED != 0).astype(np.int64),
            "received": np.array([row[7] for row in rows], np.int64),
        },
    )


def _value(stored: Value, kind: int) -> Value:
    if kind == BOOLEAN:
        return bool(stored)
    return int(stored) if kind == UNSIGNED and isinstance(stored, str) else stored
