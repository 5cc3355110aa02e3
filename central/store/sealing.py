"""From the journal into chunks, in small steps, so that no reading waits for it and none is missed.

A seal takes everything up to a journal row, its watermark. Chunks are packed in a thread of their
own and written a few at a time, marked with the watermark to come: nobody sees them yet. The last
step moves the watermark, and what is in chunks and what is in memory change places at once. A
process killed in between finds the journal as it was, and deletes the chunks nobody saw.
"""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Final, NamedTuple

import numpy as np
from sqlite_utils import Database as Tables

from central.database import Database, Urgency
from central.effects import CollectorEvent
from central.store import chunks, journal, late
from central.store.codec.cells import Cells
from central.store.codec.chunk import Chunk, encoded
from central.store.families import Families, numbers_of
from central.store.packing import Packed, Readings, pack
from central.store.set_aside import Piece, SetAside, pieces_of
from central.store.squeezed import squeezed
from central.store.unsealed import Block, Unsealed
from central.store.values import Values
from protocols.owner_thread import OwnerThread

GROUP: Final = 250_000
"""Readings packed at a time: bounds the memory a seal takes."""
STEP: Final = 48
"""Chunks one transaction writes."""
PLACES: Final = 512
"""Points one transaction gives places in families."""
ROWS: Final = 64
"""Journal rows one transaction deletes."""

OnSeal = Callable[[sqlite3.Connection], None]
Pages = Callable[[], dict[tuple[str, int], bytes]]


@dataclass(slots=True)
class Figures:
    """What sealing did since the start."""

    seals: int = 0
    readings: int = 0
    chunks: int = 0
    strays: int = 0


class Refused(NamedTuple):
    """A family's day of which no chunk can be made, and why."""

    key: tuple[int, int]
    cells: Cells
    reason: str


class Sealed(NamedTuple):
    """What a seal did: how many readings, of which (family, day)."""

    readings: int
    keys: set[tuple[int, int]]


@dataclass(slots=True)
class Sealing:
    """Seals what `unsealed` holds; one seal at a time."""

    db: Database
    families: Families
    unsealed: Unsealed
    pages: Pages
    """Return the pages of heads to be kept with the watermark; called on the event loop."""
    worker: OwnerThread
    aside: SetAside
    before: list[Callable[[], None]] = field(default_factory=list)
    """Called in the worker's thread before the last step: what makes `pages` quick."""
    on_seal: list[OnSeal] = field(default_factory=list)
    """Called in the transaction that moves the watermark: whoever relies on the journal's rows."""
    figures: Figures = field(default_factory=Figures)
    _unfinished: bool = False
    """A seal failed on its way: what it wrote must not be there when the watermark moves."""

    async def seal(self) -> Sealed:
        """Seal everything that is in the journal; one that failed leaves nothing behind."""
        blocks = self.unsealed.blocks()
        if not blocks:
            return Sealed(0, set())
        if self._unfinished:
            await self._delete_unseen()
        self._unfinished = True
        watermark = blocks[-1].id
        strays: list[tuple[int, int, Cells]] = []
        refused: list[Refused] = []
        keys: set[tuple[int, int]] = set()
        for group in grouped(blocks):
            await self._place(group)
            packed = await self.worker.run(_pack, group, self.families)
            strays += packed.strays
            keys |= {(family, day) for family, day, _ in (*packed.groups, *packed.strays)}
            refused += await self._write(packed, watermark)
        for work in self.before:
            await self.worker.run(work)
        pages = self.pages()
        await self.db.write(
            lambda tables: self._finish(tables, watermark, strays, pages, refused),
            partial(self._finished, watermark),
            urgency=Urgency.PATIENT,
        )
        self._unfinished = False
        self.figures.seals += 1
        self.figures.readings += (sealed := sum(map(len, blocks)))
        self.figures.strays += sum(len(cells) for *_, cells in strays)
        await self._clear(watermark)
        return Sealed(sealed, keys)

    async def recover(self) -> None:
        """Delete what a killed process left: chunks nobody saw, journal rows that are sealed."""
        await self._delete_unseen()
        await self._clear(await self.db.read(chunks.watermark))

    async def _delete_unseen(self) -> None:
        while await self.db.write(_delete_unseen, urgency=Urgency.PATIENT):
            pass

    async def _place(self, group: list[Block]) -> None:
        points = np.unique(np.concatenate([np.unique(block.rows.points) for block in group]))
        missing = self.families.unplaced(points)
        for at in range(0, len(missing), PLACES):
            await self.db.write(
                partial(_give, self.families, missing[at : at + PLACES]),
                self.families.took,
                urgency=Urgency.PATIENT,
            )

    async def _write(self, packed: Packed, watermark: int) -> list[Refused]:
        """Write chunks; return what none can be made of."""
        left: list[Refused] = []
        for at in range(0, len(packed.groups), STEP):
            made, refused = await self.worker.run(_encode, packed.groups[at : at + STEP])
            left += refused
            await self.db.write(
                partial(_insert, watermark, made),
                urgency=Urgency.PATIENT,
            )
            self.figures.chunks += len(made)
            self.db.crash.reach("central.sealing")
        return left

    def _finished(
        self, watermark: int, set_aside: tuple[list[Piece], list[CollectorEvent]]
    ) -> None:
        self.unsealed.drop(watermark)
        self.aside.note(set_aside)

    def _finish(  # what the last step writes
        self,
        tables: Tables,
        watermark: int,
        strays: list[tuple[int, int, Cells]],
        pages: dict[tuple[str, int], bytes],
        refused: list[Refused],
    ) -> tuple[list[Piece], list[CollectorEvent]]:
        conn = tables.conn
        for hook in self.on_seal:
            hook(conn)
        for family, day, cells in strays:
            if (why := late.insert_cells(conn, numbers_of(conn, family), cells)) is not None:
                refused = [*refused, Refused((family, day), cells, why)]
        pieces = [piece for each in refused for piece in pieces_of(conn, *each)]
        put_pages(conn, pages)
        conn.execute(
            "UPDATE store SET watermark = ?, high = (SELECT coalesce(max(id), 0) FROM chunk)",
            (watermark,),
        )
        self.db.crash.reach("central.sealed")
        return pieces, self.aside.put(tables, pieces)

    async def _clear(self, watermark: int) -> None:
        """Delete sealed journal rows, a few at a time: nobody reads them any more."""
        while await self.db.write(
            lambda tables: _delete_rows(tables, watermark), urgency=Urgency.PATIENT
        ):
            self.db.crash.reach("central.clearing")


def _give(families: Families, numbers: list[int], tables: Tables) -> list[tuple[int, int, int]]:
    return families.give(tables.conn, numbers)


def _insert(seal: int, made: list[tuple[int, int, Chunk]], tables: Tables) -> None:
    chunks.insert(tables.conn, seal, made)


def put_pages(conn: sqlite3.Connection, pages: dict[tuple[str, int], bytes]) -> None:
    """Write pages of heads by (kind, page) inside the caller's transaction."""
    conn.executemany(
        "INSERT OR REPLACE INTO head(kind, page, body) VALUES (?, ?, ?)",
        [(kind, page, squeezed(body)) for (kind, page), body in pages.items()],
    )


def grouped(blocks: list[Block]) -> Iterator[list[Block]]:
    """Yield blocks in groups of about GROUP readings, those that speak of the same points together.

    A gateway's streams name the same points: its blocks lie beside each other by the least of them.
    """
    least: dict[int, int] = {}
    for block in blocks:
        least[block.stream] = min(block.low, least.get(block.stream, block.low))
    group: list[Block] = []
    size = 0
    for block in sorted(blocks, key=lambda each: (least[each.stream], each.id)):
        group.append(block)
        size += len(block)
        if size >= GROUP:
            yield group
            group, size = [], 0
    if group:
        yield group


def _pack(group: list[Block], families: Families) -> Packed:
    rows = [block.rows for block in group]
    points = np.concatenate([each.points for each in rows]).astype(np.int64)
    sizes = [len(block) for block in group]
    return pack(
        Readings(
            families.family[points],
            families.member[points],
            np.concatenate([each.times for each in rows]),
            np.repeat([block.stream for block in group], sizes),
            np.concatenate([each.seqs for each in rows]),
            np.repeat([block.received for block in group], sizes),
            Values.joined([each.values for each in rows]),
            np.concatenate([each.qualities for each in rows]),
            np.concatenate([each.flags for each in rows]),
        )
    )


def _encode(
    groups: list[tuple[int, int, Cells]],
) -> tuple[list[tuple[int, int, Chunk]], list[Refused]]:
    """Return the chunks, and what none can be made of: it takes none of the others along."""
    try:
        chunks = encoded([cells for *_, cells in groups])
    except ValueError as exc:
        if len(groups) == 1:
            ((family, day, cells),) = groups
            return [], [Refused((family, day), cells, str(exc))]
        parts = [_encode([group]) for group in groups]
        return [one for made, _ in parts for one in made], [one for *_, no in parts for one in no]
    return [
        (family, day, chunk) for (family, day, _), chunk in zip(groups, chunks, strict=True)
    ], []


def _delete_unseen(tables: Tables) -> int:
    done = tables.conn.execute(
        "DELETE FROM chunk WHERE id IN (SELECT c.id FROM chunk c, store s WHERE c.id > s.high "
        "AND c.seal > s.watermark LIMIT ?)",
        (4 * STEP,),
    )
    return done.rowcount


def _delete_rows(tables: Tables, watermark: int) -> int:
    done = tables.conn.execute(
        "DELETE FROM journal WHERE id IN (SELECT id FROM journal WHERE id <= ? "  # noqa: S608
        f"AND id NOT IN ({journal.SET_ASIDE}) LIMIT ?)",
        (watermark, ROWS),
    )
    return done.rowcount
