"""Rows for an export from the collector's store, a bounded piece at a time."""

from collections.abc import AsyncGenerator
from functools import partial
from typing import Any, Final

import numpy as np

from central.export.layout import Block
from central.registry_records import PointRecord
from central.store.interface import FLAG_ESTIMATED, FLAG_LATE, Store
from central.store.paging import page
from central.store.points import PointReadings
from central.store.store import ChunkStore
from central.store.values import Values

PAGE: Final = 10_000


class Readings:
    """Every reading, one by one."""

    def __init__(self, store: ChunkStore) -> None:
        self._store = store

    async def blocks(
        self, place: int, point: PointRecord, start: int, end: int
    ) -> AsyncGenerator[Block, None]:
        """Yield blocks of at most PAGE readings."""
        after = (start, -1, -1)
        while True:
            found = await self._store.ask(
                partial(page, number=point.number, after=after, end=end, limit=PAGE)
            )
            if len(found):
                yield _block(place, found)
            if len(found) < PAGE:
                return
            after = int(found.times[-1]), int(found.streams[-1]), int(found.seqs[-1])


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


def _block(place: int, found: PointReadings) -> Block:
    return Block(
        place,
        len(found),
        {
            "time": found.times,
            "value": found.values,
            "quality": found.qualities,
            "late": (found.flags & FLAG_LATE != 0).astype(np.int64),
            "estimated": (found.flags & FLAG_ESTIMATED != 0).astype(np.int64),
            "received": found.received,
        },
    )
