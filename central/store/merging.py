"""Small chunks of a family and day made one, and rows of that day folded in.

What is merged, `choosing` says: while more comes, when the store rests, and at last what is left of
a day that no seal has touched for a while. One transaction takes the old away and puts the new
there. The process that packs reads and makes chunks; a few, or those with rows, the thread of the
store.
"""

import logging
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import numpy as np
from sqlite_utils import Database as Tables

from central.database import Database, Urgency
from central.store import chunks, late
from central.store.choosing import TIER, WHOLE, Piece, Stage, chosen, is_small
from central.store.codec.cells import Cells
from central.store.codec.chunk import Chunk, ChunkDamaged, decode, encoded
from central.store.families import numbers_of
from central.store.packing import merge
from central.store.sealer.messages import Merge, Merged, chunk_of
from central.store.sealer.process import Sealer, SealerBroken
from central.store.squeezed import Damaged
from central.store.unseen import Extent
from protocols.owner_thread import OwnerThread

logger = logging.getLogger(__name__)

QUIET: Final = 3
"""Seals that did not touch a day before what is small of it is put together."""
MOST_ROWS: Final = 20_000
"""Rows folded at a time."""
LITTLE: Final = 100_000
"""Readings of a portion that are merged in the thread: not worth a process."""
PORTION: Final = 64
"""Days of families looked at together."""
STEP: Final = 8
"""Of those how many one transaction replaces."""

Key = tuple[int, int]
"""Family and day."""


@dataclass(slots=True)
class Figures:
    """What merging did since the start."""

    merges: int = 0
    chunks: int = 0
    """Chunks that were taken away."""
    rows: int = 0
    inside: int = 0
    """Portions that were for the process, and were done in the thread because it died."""
    damaged: int = 0
    """Days left as they are because a chunk of theirs cannot be read."""


@dataclass(frozen=True, slots=True)
class _Due:
    key: Key
    ids: tuple[int, ...]
    readings: int
    rows: tuple[tuple[int, Cells], ...]
    """Point and what of it lies in rows."""


@dataclass(slots=True)
class _Touched:
    """A day of a family: the round of its last seal, and what came in small chunks since."""

    last: int
    chunks: int = 0
    readings: int = 0
    rested: bool = False
    """Whether nothing came since the store last rested."""

    @property
    def due(self) -> bool:
        """Whether it is worth a look."""
        return self.chunks >= TIER or self.readings >= WHOLE


@dataclass(slots=True)
class Merging:
    """Merges what seals have touched."""

    db: Database
    worker: OwnerThread
    sealer: Sealer
    little: int = LITTLE
    figures: Figures = field(default_factory=Figures)
    touched: dict[Key, _Touched] = field(default_factory=dict)
    round: int = 0

    def note(self, keys: Mapping[Key, list[Extent]]) -> None:
        """A seal wrote these chunks, or rows."""
        for key, extents in keys.items():
            known = self.touched.setdefault(key, _Touched(self.round))
            known.last, known.rested = self.round, False
            small = [each.n for each in extents if is_small(each)]
            known.chunks += len(small)
            known.readings += sum(small)

    async def run_once(self) -> None:
        """Merge what is due among what was touched."""
        self.round += 1
        over = {key: self.round - each.last > QUIET for key, each in self.touched.items()}
        closing = [key for key, is_over in over.items() if is_over]
        due = [key for key, each in self.touched.items() if each.due and not over[key]]
        await self._merge(due, Stage.GROWING)
        await self._merge(closing, Stage.CLOSING)
        for key in closing:
            self.touched.pop(key, None)

    async def rest(self) -> None:
        """Put together what takes pages for nothing: no more comes for a while.

        What was looked at is not looked at again before a seal touches it.
        """
        keys = [key for key, each in self.touched.items() if not each.rested]
        await self._merge(keys, Stage.RESTING)
        for key in keys:
            if (known := self.touched.get(key)) is not None:
                known.rested = True

    async def _merge(self, keys: Sequence[Key], stage: Stage) -> None:
        for at in range(0, len(keys), PORTION):
            await self._portion(keys[at : at + PORTION], stage)

    async def _portion(self, keys: Sequence[Key], stage: Stage) -> None:
        dues, damaged = await self.db.read(lambda conn: _all_due(conn, keys, stage))
        for key, exc in damaged.items():
            self._leave(key, exc)
        plain = [due for due in dues if not due.rows]
        made: dict[Key, list[Chunk]] = {}
        if sum(due.readings for due in plain) >= self.little and self.sealer.ready:
            try:
                made = await self._apart(plain)
            except SealerBroken as exc:
                logger.warning("merges are done in the collector: %s", exc)
                self.figures.inside += 1
        for due in dues:
            if due.key not in made and (found := await self._inside(due)) is not None:
                made[due.key] = found
        ready = [(due, made[due.key]) for due in dues if due.key in made]
        for at in range(0, len(ready), STEP):
            some = ready[at : at + STEP]
            done = await self.db.write(partial(self._replace_all, some), urgency=Urgency.PATIENT)
            self._note(some, done)

    async def _apart(self, dues: list[_Due]) -> dict[Key, list[Chunk]]:
        """Have the process merge; what it cannot is left out. Raises SealerBroken."""
        await self.worker.run(self.sealer.ask, Merge(tuple(due.ids for due in dues)))
        made = {}
        for due in dues:
            answer = await self.worker.run(self.sealer.answer)
            if isinstance(answer, Merged):
                made[due.key] = [chunk_of(row)[2] for row in answer.rows]
        await self.worker.run(self.sealer.answer)
        return made

    async def _inside(self, due: _Due) -> list[Chunk] | None:
        """Merge in the thread; None: a chunk is gone, or cannot be read or made."""
        bodies = await self.db.read(lambda conn: list(chunks.bodies(conn, due.ids)))
        if len(bodies) < len(due.ids):
            return None
        try:
            return await self.worker.run(_merged, due, bodies)
        except (ChunkDamaged, ValueError) as exc:
            self._leave(due.key, exc)
            return None

    def _leave(self, key: Key, reason: Exception) -> None:
        """Look at what is damaged no more, so that the others get on."""
        self.figures.damaged += 1
        logger.error("chunks of family %d, day %d are left alone: %s", *key, reason)
        self.touched.pop(key, None)

    def _note(self, some: list[tuple[_Due, list[Chunk]]], done: list[bool]) -> None:
        for (due, made), replaced in zip(some, done, strict=True):
            if not replaced:
                continue
            self.figures.merges += 1
            self.figures.chunks += len(due.ids)
            self.figures.rows += sum(len(cells) for _, cells in due.rows)
            if (known := self.touched.get(due.key)) is not None:
                small = [chunk.n for chunk in made if is_small(Extent(chunk.n, chunk.t0, chunk.t1))]
                known.chunks, known.readings = len(small), sum(small)

    def _replace_all(self, some: list[tuple[_Due, list[Chunk]]], tables: Tables) -> list[bool]:
        return [self._replace(tables, due, made) for due, made in some]

    def _replace(self, tables: Tables, due: _Due, made: list[Chunk]) -> bool:
        """Put the new in the place of the old; False when something of it is gone meanwhile."""
        conn = tables.conn
        marks = ", ".join("?" * len(due.ids))
        found = conn.execute(f"SELECT count(*) FROM chunk WHERE id IN ({marks})", due.ids)  # noqa: S608
        if found.fetchone()[0] != len(due.ids) or not _same_rows(conn, due):
            return False
        conn.executemany("DELETE FROM chunk WHERE id = ?", [(id_,) for id_ in due.ids])
        self.db.crash.reach("central.merging")
        for number, cells in due.rows:
            late.delete(conn, number, int(cells.times.min()), int(cells.times.max()) + 1)
        chunks.insert(conn, chunks.MERGED, [(*due.key, chunk) for chunk in made])
        return True


def _all_due(
    conn: sqlite3.Connection, keys: Sequence[Key], stage: Stage
) -> tuple[list[_Due], dict[Key, Damaged]]:
    """Return what is due, and of which keys a row that came late cannot be read."""
    dues, damaged = [], {}
    for key in keys:
        try:
            due = _due(conn, key, stage)
        except Damaged as exc:
            damaged[key] = exc
        else:
            dues += [] if due is None else [due]
    return dues, damaged


def _due(conn: sqlite3.Connection, key: Key, stage: Stage) -> _Due | None:
    size = "0" if stage is Stage.GROWING else "length(summary) + length(body)"
    rows_of_day = conn.execute(
        f"SELECT id, n, t0, t1, {size} FROM chunk WHERE family = ? AND day = ? "  # noqa: S608
        "AND seal <= (SELECT watermark FROM store)",
        key,
    )
    found = list(map(Piece._make, rows_of_day))
    ids = chosen(found, stage)
    rows = _rows(conn, key) if stage is Stage.CLOSING and (found or ids) else ()
    if rows and not ids:
        ids = [min(found, key=lambda each: each.n).id]
    if not ids:
        return None
    sizes = {piece.id: piece.n for piece in found}
    return _Due(key, tuple(ids), sum(sizes[id_] for id_ in ids), rows)


def _rows(conn: sqlite3.Connection, key: Key) -> tuple[tuple[int, Cells], ...]:
    family, day = key
    found = []
    total = 0
    for place, number in numbers_of(conn, family).items():
        held = late.read(conn, number, day * chunks.DAY, (day + 1) * chunks.DAY)
        total += len(held)
        if total > MOST_ROWS:
            break
        if len(held):
            members = np.full(len(held), place, np.int64)
            cells = Cells(
                members,
                held.times,
                held.streams,
                held.seqs,
                held.received,
                held.values,
                held.qualities,
                held.flags,
            )
            found.append((number, cells))
    return tuple(found)


def _same_rows(conn: sqlite3.Connection, due: _Due) -> bool:
    """Whether the rows to be folded are all there is within their span."""
    for number, cells in due.rows:
        span = (number, int(cells.times.min()), int(cells.times.max()))
        row = conn.execute(
            "SELECT count(*) FROM late WHERE point = ? AND time BETWEEN ? AND ?", span
        ).fetchone()
        if row[0] != len(cells):
            return False
    return True


def _merged(due: _Due, bodies: list[bytes]) -> list[Chunk]:
    parts = [decode(body, None) for body in bodies]
    parts += [cells for _, cells in due.rows]
    return encoded(merge(parts))
