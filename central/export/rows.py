"""Rows for an export from the collector's store, a bounded piece at a time."""

from collections.abc import AsyncGenerator
from functools import partial
from typing import Final

import numpy as np

from central.calendar.periods import Kind
from central.export.layout import TIERS, Block
from central.registry_records import PointRecord
from central.store.interface import FLAG_ESTIMATED, FLAG_LATE
from central.store.points import PointReadings
from central.store.queries.aggregate import Aggregates
from central.store.queries.queries import Queries, Reckoned, Reckoning
from central.store.store import ChunkStore
from central.store.values import Values
from central.store.views.paging import page

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

    def __init__(self, queries: Queries, count: int) -> None:
        self._queries = queries
        self._count = count

    async def blocks(
        self, place: int, point: PointRecord, start: int, end: int
    ) -> AsyncGenerator[Block, None]:
        """Yield one block of at most `count` spans."""
        yield _spans(place, await self._queries.buckets(point.id, start, end, self._count))


class Periods:
    """What the readings of whole periods come to; periods without a reading are left out."""

    def __init__(self, queries: Queries, kind: Kind, zone: str) -> None:
        self._queries = queries
        self._kind = kind
        self._zone = zone

    async def blocks(
        self, place: int, point: PointRecord, start: int, end: int
    ) -> AsyncGenerator[Block, None]:
        """Yield one block. Raises TooManyPeriods, ZoneUnknown, ZoneNotBeijing."""
        asked = Reckoning(start=start, end=end, kind=self._kind, zone=self._zone)
        found: Reckoned = await self._queries.periods([point.id], asked)
        for one in found.points.values():
            yield _spans(place, one)


def _spans(place: int, found: Aggregates) -> Block:
    some = np.flatnonzero(found.count)
    return Block(
        place,
        len(some),
        {
            "time": found.edges[:-1][some],
            "to": found.edges[1:][some],
            "count": found.count[some],
            "good": found.good[some],
            "minimum": found.least[some],
            "maximum": found.most[some],
            "mean": found.mean[some],
            "last": Values.of([found.last[at] for at in some.tolist()]),
            "quality": found.worst[some],
            "tier": np.full(len(some), TIERS.index(found.tier)),
        },
    )


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
