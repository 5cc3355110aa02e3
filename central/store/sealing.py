"""From the journal into chunks, in small steps, so that no reading waits for it and none is missed.

A seal takes everything up to a journal row, its watermark. Chunks are packed in a process of their
own and written a few at a time, marked with the watermark to come (`unseen.py`). The last step
moves the watermark, and what is in chunks and what is in memory change places at once. A process
killed in between finds the journal as it was, and deletes the chunks nobody saw.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final, NamedTuple

from sqlite_utils import Database as Tables

from central.database import Database, Urgency
from central.effects import CollectorEvent
from central.store import chunks, journal, late
from central.store.families import numbers_of
from central.store.set_aside import Piece, SetAside, pieces_of
from central.store.squeezed import squeezed
from central.store.unsealed import Unsealed
from central.store.unseen import Extent, Gathered, Refused, Unseen
from protocols.owner_thread import OwnerThread

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


class Sealed(NamedTuple):
    """What a seal did: how many readings; by (family, day) what chunks it wrote."""

    readings: int
    keys: dict[tuple[int, int], list[Extent]]


@dataclass(slots=True)
class Sealing:
    """Seals what `unsealed` holds; one seal at a time."""

    db: Database
    unsealed: Unsealed
    unseen: Unseen
    pages: Pages
    """Return the pages of heads to be kept with the watermark; called on the event loop."""
    worker: OwnerThread
    aside: SetAside
    before: list[Callable[[], None]] = field(default_factory=list)
    """Called in the worker's thread before the last step: what makes `pages` quick."""
    on_seal: list[OnSeal] = field(default_factory=list)
    """Called in the transaction that moves the watermark: whoever relies on the journal's rows."""
    figures: Figures = field(default_factory=Figures)

    async def seal(self) -> Sealed:
        """Seal everything that is in the journal; one that failed leaves nothing behind."""
        blocks = self.unsealed.blocks()
        if not blocks:
            return Sealed(0, {})
        watermark = blocks[-1].id
        gathered = await self.unseen.write(blocks, watermark)
        for work in self.before:
            await self.worker.run(work)
        pages = self.pages()
        await self.db.write(
            lambda tables: self._finish(tables, watermark, gathered, pages),
            partial(self._finished, watermark),
            urgency=Urgency.PATIENT,
        )
        self.unseen.settled()
        self.figures.seals += 1
        self.figures.readings += (sealed := sum(map(len, blocks)))
        self.figures.strays += sum(len(cells) for *_, cells in gathered.strays)
        self.figures.chunks += gathered.chunks
        await self._clear(watermark)
        return Sealed(sealed, gathered.keys)

    async def recover(self) -> None:
        """Delete what a killed process left: chunks nobody saw, journal rows that are sealed."""
        await self.unseen.delete()
        await self._clear(await self.db.read(chunks.watermark))

    def _finished(
        self, watermark: int, set_aside: tuple[list[Piece], list[CollectorEvent]]
    ) -> None:
        self.unsealed.drop(watermark)
        self.aside.note(set_aside)

    def _finish(  # what the last step writes
        self,
        tables: Tables,
        watermark: int,
        gathered: Gathered,
        pages: dict[tuple[str, int], bytes],
    ) -> tuple[list[Piece], list[CollectorEvent]]:
        conn = tables.conn
        for hook in self.on_seal:
            hook(conn)
        refused = gathered.refused
        for family, day, cells in gathered.strays:
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


def put_pages(conn: sqlite3.Connection, pages: dict[tuple[str, int], bytes]) -> None:
    """Write pages of heads by (kind, page) inside the caller's transaction."""
    conn.executemany(
        "INSERT OR REPLACE INTO head(kind, page, body) VALUES (?, ?, ?)",
        [(kind, page, squeezed(body)) for (kind, page), body in pages.items()],
    )


def _delete_rows(tables: Tables, watermark: int) -> int:
    done = tables.conn.execute(
        "DELETE FROM journal WHERE id IN (SELECT id FROM journal WHERE id <= ? "  # noqa: S608
        f"AND id NOT IN ({journal.SET_ASIDE}) LIMIT ?)",
        (watermark, ROWS),
    )
    return done.rowcount
