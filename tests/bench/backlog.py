"""Fills a buffer's folder with a large backlog, fast, through the real writer.

The readings are those of a plant: `points` points in turn, one scan a second, each point a slow
walk in steps of 0.01 that stands still in a tenth of the scans. Many batches go into one
transaction; apart from that the files are those a gateway would have left.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from edge.buffer.model import Group, Origin
from edge.buffer.store import Store
from edge.config import BufferSettings
from protocols.clock import SECOND, Clock, ClockState
from protocols.words import Reading, StreamKind, Value
from tests.bench.walk import CYCLE, scans

AT_ONCE: Final = 100_000
"""Readings a transaction: the builder's memory stays near 20 MB."""
QUOTA: Final = 1 << 40


def groups(
    count: int, per_batch: int, points: int, *, mono0: int, wall0: int, seed: int = 7
) -> Iterator[Group]:
    """Yield `count` readings in groups of `per_batch`, a scan of all points each second."""
    table = scans(points, seed)
    for start in range(0, count, per_batch):
        items = []
        for row in range(start, min(start + per_batch, count)):
            scan, point = divmod(row, points)
            items.append(Reading(point, table[scan % CYCLE][point], 0, mono0 + scan * SECOND))
        shift = start // points * SECOND
        yield Group(
            mono0=mono0 + shift,
            wall0=wall0 + shift,
            clock_state=ClockState.SYNCHRONISED,
            items=items,
        )


def build_backlog(
    folder: Path,
    readings: int,
    per_batch: int,
    points: int,
    origin: Origin,
    clock: Clock,
    *,
    streams: int = 1,
    kind: StreamKind = StreamKind.DATA,
    seed: int = 7,
    segment: int = 64 << 20,
) -> int:
    """Leave `readings` unsent readings in `folder`, in `streams` streams; returns the files' bytes.

    The newest reading is as old as one scan by `clock`. `origin.decimals` should be 2 for each of
    `points` points. Blocks; run it in a thread or before the loop starts. Raises BufferFault.
    """
    settings = BufferSettings(folder=folder, quota_bytes=QUOTA, segment_bytes=segment)
    store = Store(settings, origin, clock, _never)
    try:
        span = (readings // points + 1) * SECOND
        source = groups(
            readings,
            per_batch,
            points,
            mono0=clock.mono() - span,
            wall0=clock.now() - span,
            seed=seed,
        )
        each = -(-readings // streams)
        held: list[Group] = []
        count = done = 0
        for group in source:
            held.append(group)
            count += len(group.items)
            if count >= min(AT_ONCE, each - done):
                store.run(store.writer.write, kind, held)
                done, held, count = done + count, [], 0
            if done >= each:
                store.writer.rotate(kind)
                done = 0
        if held:
            store.run(store.writer.write, kind, held)
        return store.holdings.folder.total()
    finally:
        store.close()


def _never(code: str, params: Mapping[str, Value]) -> None:
    raise RuntimeError(f"{code} while a backlog is built: {params}")
