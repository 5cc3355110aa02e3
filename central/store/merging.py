"""Small chunks of a family and day made one, and rows of that day folded in.

Sizes grow in tiers, so that nothing is rewritten often: what is merged are at least six chunks of
which none is larger than twice all smaller ones together, or what is left of a day that no seal
has touched for a while. One transaction takes the old away and puts the new there.
"""

import logging
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from sqlite_utils import Database as Tables

from central.database import Database, Urgency
from central.store import chunks, late
from central.store.codec.cells import Cells
from central.store.codec.chunk import Chunk, ChunkDamaged, decode, encoded
from central.store.families import numbers_of
from central.store.packing import merge
from protocols.owner_thread import OwnerThread

logger = logging.getLogger(__name__)

SMALL: Final = 4_500
"""Readings of a chunk that is large enough to be left alone."""
TIER: Final = 6
"""Chunks that are worth a merge while more may come."""
QUIET: Final = 3
"""Seals that did not touch a day before what is small of it is put together."""
MOST_ROWS: Final = 20_000
"""Rows folded at a time."""

Key = tuple[int, int]
"""Family and day."""


@dataclass(slots=True)
class Figures:
    """What merging did since the start."""

    merges: int = 0
    chunks: int = 0
    """Chunks that were taken away."""
    rows: int = 0
    damaged: int = 0
    """Days left as they are because a chunk of theirs cannot be read."""


@dataclass(frozen=True, slots=True)
class _Due:
    key: Key
    ids: tuple[int, ...]
    bodies: tuple[bytes, ...]
    rows: tuple[tuple[int, Cells], ...]
    """Point and what of it lies in rows."""


@dataclass(slots=True)
class Merging:
    """Merges what seals have touched; `touched` counts a key's last seal."""

    db: Database
    worker: OwnerThread
    figures: Figures = field(default_factory=Figures)
    touched: dict[Key, int] = field(default_factory=dict)
    round: int = 0

    def note(self, keys: Iterable[Key]) -> None:
        """A seal wrote chunks or rows of these."""
        self.touched.update(dict.fromkeys(keys, self.round))

    async def run_once(self) -> None:
        """Merge what is due among what was touched."""
        self.round += 1
        for key, last in list(self.touched.items()):
            closing = self.round - last > QUIET
            try:
                await self.merge(key, closing=closing)
            except (ChunkDamaged, ValueError) as exc:
                self.figures.damaged += 1
                logger.error("chunks of family %d, day %d are left alone: %s", *key, exc)  # noqa: TRY400
                closing = True
            if closing:
                self.touched.pop(key, None)

    async def merge(self, key: Key, *, closing: bool) -> bool:
        """Merge one family's day if it is due.

        Raises ChunkDamaged, or ValueError: no chunk can be made of it.
        """
        due = await self.db.read(lambda conn: _due(conn, key, closing=closing))
        if due is None:
            return False
        made = await self.worker.run(_merged, due)
        done = await self.db.write(
            lambda tables: self._replace(tables, due, made), urgency=Urgency.PATIENT
        )
        if done:
            self.figures.merges += 1
            self.figures.chunks += len(due.ids)
            self.figures.rows += sum(len(cells) for _, cells in due.rows)
        return done

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


def _due(conn: sqlite3.Connection, key: Key, *, closing: bool) -> _Due | None:
    found = conn.execute(
        "SELECT id, n FROM chunk WHERE family = ? AND day = ? "
        "AND seal <= (SELECT watermark FROM store)",
        key,
    ).fetchall()
    ids = chosen(found, closing=closing)
    rows = _rows(conn, key) if closing and (found or ids) else ()
    if rows and not ids:
        ids = [min(found, key=lambda each: each[1])[0]]
    if not ids:
        return None
    return _Due(key, tuple(ids), tuple(chunks.bodies(conn, ids)), rows)


def chosen(found: Iterable[tuple[int, int]], *, closing: bool) -> list[int]:
    """Return the ids of the (id, readings) that are worth a merge now."""
    small = sorted((n, id_) for id_, n in found if n < SMALL)
    if closing:
        return [id_ for _, id_ in small] if len(small) > 1 else []
    taken: list[int] = []
    total = 0
    for n, id_ in small:
        if len(taken) >= TIER and n > 2 * total:
            break
        taken.append(id_)
        total += n
    return taken if len(taken) >= TIER else []


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


def _merged(due: _Due) -> list[Chunk]:
    parts = [decode(body, None) for body in due.bodies]
    parts += [cells for _, cells in due.rows]
    return encoded(merge(parts))
