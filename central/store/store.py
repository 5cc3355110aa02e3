"""The store: journal and chunks in SQLite, heads in memory; implements `interface.Store`.

The writer's thread appends, the event loop keeps heads and what is not sealed yet, readers ask in
threads of their own, one more thread packs. What is sealed, merged or dropped is one transaction
each, so that any view holds every reading exactly once.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Final, TypeVar

import numpy as np

from central.database import Database
from central.registry import Registry
from central.store.appending import Appending
from central.store.arrivals import Arrivals, arrivals
from central.store.columns import Columns, Integers
from central.store.damage import ChunkUnreadable, Damage
from central.store.families import Families
from central.store.filling import SOME, Filling
from central.store.heads.good_numbers import GoodNumber
from central.store.heads.head_pages import PAGE
from central.store.heads.heads import Heads
from central.store.heads.point_memory import PointMemory
from central.store.interface import Latest, Row
from central.store.measured import Measured, measured
from central.store.merging import Merging
from central.store.replaying import newest_of_page, replayed
from central.store.sealer.process import Sealer
from central.store.sealing import OnSeal, Sealing
from central.store.set_aside import SetAside
from central.store.unsealed import Block, Unsealed
from central.store.unseen import Unseen
from central.store.views import many
from central.store.views.many import WideView
from central.store.views.moments import at_moments
from central.store.views.near import NearView, Remembered, look_near
from protocols.clock import real_monotonic
from protocols.owner_thread import OwnerThread
from protocols.words import Value

T = TypeVar("T")
BLOCKS: Final = 15_000
"""Commits of streams after which fewer are sealed too: each takes memory, and time at a start."""
AGE: Final = 3_600.0
"""Real seconds after which fewer are sealed too."""
MOST_UNSEALED: Final = 8_000_000
"""Readings in memory beyond which live and backfill wait for a seal."""
RARE: Final = 60.0
"""Real seconds between seals from which the process that packs is not kept for the next, unless
much came meanwhile."""
LOOK: Final = 0.5
"""Real seconds between two looks."""


class ChunkStore:
    """Made with the database; `load` before anything else, `run` for as long as it serves."""

    def __init__(self, db: Database, registry: Registry) -> None:
        self._db = db
        self._registry = registry
        self.unsealed = Unsealed()
        self.families = Families()
        self._appending = Appending(db.gathered)
        self._kept = PointMemory(registry)
        self._worker = OwnerThread("store")
        self.set_aside = SetAside(db)
        self.sealer = Sealer(db.path)
        self.unseen = Unseen(db, self.families, self._worker, self.sealer)
        self.sealing = Sealing(
            db, self.unsealed, self.unseen, self._kept.pages, self._worker, self.set_aside
        )
        self.sealing.before.append(self._kept.fold)
        self.merging = Merging(db, self._worker, self.sealer)
        self.damage = Damage()
        self._remembered = Remembered()
        self._sealed_at = real_monotonic()
        self.filling = Filling(self._sealed_at)
        self._rested = True
        self.may_seal: Callable[[], bool] = lambda: True
        self.may_merge: Callable[[], bool] = lambda: True
        """Whether the disk has room for it."""
        self._busy = asyncio.Lock()
        self._sealed = asyncio.Condition()
        db.on_rollback.append(self._appending.forget)

    @property
    def heads(self) -> Heads:
        """The newest reading of every point; the event loop's."""
        return self._kept.heads

    @property
    def on_seal(self) -> list[OnSeal]:
        """Called in the transaction that lets go of journal rows, by the writer's thread."""
        return self.sealing.on_seal

    async def load(self) -> None:
        """Rebuild what lives in memory from the tables and the journal."""
        await self.sealing.recover()
        await self._db.write(lambda tables: self._appending.load(tables.conn))
        await self._db.read(self.families.load, deadline=600)
        await self.set_aside.load()
        spoilt = await self._kept.load(self._db)
        blocks, unreadable = await self._db.read(replayed, deadline=600)
        await self.set_aside.take(unreadable)
        for block in blocks:
            self.unsealed.add(block)
            self._kept.take(block)
        for page in spoilt:
            await self.set_aside.take_page(*page)
        for first in {page.page * PAGE for page in spoilt}:
            for number, newest in await self.ask(partial(newest_of_page, first)):
                self._kept.begin(number, newest)

    async def run(self) -> None:
        """Seal when there is enough or it is time, then merge; rest where no more comes.

        Until cancelled.
        """
        while True:
            await asyncio.sleep(LOOK)
            now = real_monotonic()
            self.filling.look(self.unsealed.readings, now)
            waited = now - self._sealed_at
            full = self.filling.enough(self.families.count) or self.unsealed.many >= BLOCKS
            if (full or waited >= AGE) and self.may_seal():
                await self.seal()
                if self.may_merge():
                    await self.merging.run_once()
                if waited >= RARE and self.unsealed.readings < SOME:
                    await self._worker.run(self.sealer.rest)
            elif self.filling.is_still() and not self._rested and self.may_merge():
                self._rested = True
                await self.merging.rest()

    async def seal(self) -> int:
        """Seal what the journal holds now; return how many readings that were."""
        async with self._busy:
            self._sealed_at = real_monotonic()
            sealed = await self.sealing.seal()
            self._kept.kept()
            self.merging.note(sealed.keys)
            self._rested = False
        async with self._sealed:
            self._sealed.notify_all()
        return sealed.readings

    @property
    def crowded(self) -> bool:
        """Whether more is unsealed than memory should hold: a seal is behind."""
        return self.unsealed.readings >= MOST_UNSEALED

    async def room(self) -> None:
        """Wait while more is unsealed than memory should hold: what comes can wait at its gate."""
        if not self.crowded:
            return
        async with self._sealed:
            await self._sealed.wait_for(lambda: not self.crowded)

    async def close(self) -> None:
        """Let go of the thread and of the process that packs."""
        self.sealer.end()
        await self._worker.close()
        self.sealer.rest()

    # The writer's thread

    def append(  # whose they are, when they came
        self,
        conn: sqlite3.Connection,
        stream: int,
        received: int,
        rows: Sequence[Row],
        line: int | None = None,
        body: bytes | None = None,
    ) -> Block | None:
        """Write `rows` inside the caller's transaction; nothing is remembered before its commit.

        `line`: the stream the alarms know them by, where it is another. `body`: what the journal
        keeps of them (`as_sent`); None: they are packed.
        """
        columns = rows if isinstance(rows, Columns) else Columns.of(rows)
        return self._appending.append(stream, received, columns, line, body)

    def newest_good_all(
        self, conn: sqlite3.Connection, numbers: Iterable[int]
    ) -> dict[int, GoodNumber]:
        """Return the newest good number of each point that has one, as the transaction sees it."""
        return self._kept.newest_good_all(numbers, self._appending.pending(conn))

    def position(self, conn: sqlite3.Connection, stream: int) -> int:  # of all alike
        """Return a number that whatever is appended to the stream from now on lies above."""
        return self._appending.last

    def arrivals(
        self, conn: sqlite3.Connection, above: Mapping[int, Mapping[int, int]]
    ) -> dict[int, Arrivals]:
        """Return what lines of streams brought above these positions and no chunk has yet."""
        blocks = {block.id: block for block in self.unsealed.blocks()}
        blocks |= {block.id: block for block in self._appending.pending(conn)}
        return arrivals(blocks.values(), above)

    def readings(
        self, conn: sqlite3.Connection, numbers: Iterable[int], start: int, end: int
    ) -> list[Measured]:
        """Return what was measured of points, start <= time < end, in order of time.

        Of a point with a damaged chunk there nothing is returned.
        """
        view, pending = many.look(conn, self.unsealed, self.families), self._appending.pending(conn)
        found: list[Measured] = []
        for number in numbers:
            try:
                found += measured(view, pending, number, start, end)
            except ChunkUnreadable:  # told by the scrub, and by whoever asks for it
                continue
        return sorted(found, key=lambda each: (each.time, each.received))

    def newest_times(self, conn: sqlite3.Connection, numbers: Integers) -> Integers:
        """Return the time of each point's newest reading (below every time: none)."""
        if not len(numbers):
            return np.empty(0, np.int64)
        low, high = int(numbers.min()), int(numbers.max())
        newer = self.heads.noted()  # before what it becomes: whichever is seen, it is seen
        newer += [block.rows for block in self._appending.pending(conn)]
        found = self.heads.times_taken(numbers)
        for rows in newer:
            if rows.column.high < low or rows.column.low > high:
                continue
            for place in np.flatnonzero(np.isin(numbers, rows.points)).tolist():
                own = rows.times[rows.points == numbers[place]]
                found[place] = max(int(found[place]), int(own.max()))
        return found

    def held(
        self, conn: sqlite3.Connection, numbers: Integers, times: Integers
    ) -> list[tuple[int, Value]]:
        """Return what is here of these points at these times: (place in the columns, value)."""
        wide = many.look(conn, self.unsealed, self.families)
        view = wide.together(np.unique(numbers), _unhurried)
        return at_moments(view, self._appending.pending(conn), numbers, times)

    # The event loop

    def committed(self, blocks: Sequence[Block]) -> None:
        """Take what a commit appended, after it."""
        for block in blocks:
            self.unsealed.add(block)
            self._kept.take(block)

    def head(self, number: int) -> Latest | None:
        """Return the newest reading of the point with that number."""
        return self.heads.head(number)

    def latest(self, points: Sequence[str] | None = None, site: str | None = None) -> list[Latest]:
        """Return the heads of `points`, of a site, or of everything; from memory."""
        return self.heads.latest(points, site)

    def near(self, work: Callable[[NearView], T]) -> T:
        """Run `work` on the event loop itself, on a view of what is little.

        Raises TooMuch, and ChunkUnreadable as `ask` does.
        """
        try:
            return self._db.near(lambda conn: work(self._look_near(conn)))
        except ChunkUnreadable as exc:
            self.damage.note(exc.spoilt)
            raise

    def _look_near(self, conn: sqlite3.Connection) -> NearView:
        return look_near(conn, self.unsealed, self.families, self._remembered, self._db.changes)

    async def ask(self, work: Callable[[WideView], T]) -> T:
        """Run `work` in a reader's thread on a view of the store.

        Raises QueryTooLong, and ChunkUnreadable for what needs a damaged chunk.
        """
        try:
            return await self._db.read(
                lambda conn: work(many.look(conn, self.unsealed, self.families))
            )
        except ChunkUnreadable as exc:
            self.damage.note(exc.spoilt)
            raise


def _unhurried() -> None:
    """What a transaction looks up is bounded by its request: nothing ends it."""
