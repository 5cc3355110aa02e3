"""Reads every chunk again and again, slowly, so that damage is known before somebody asks for it.

What is damaged is counted, told once as a fault, and looked at again after every round: a chunk
that was put back, or whose time is over, is no longer counted.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from typing import Final

from sqlite_utils import Database as Tables

from central import events
from central.database import Database
from central.effects import CollectorEvent, Effects
from central.store.codec.chunk import ChunkDamaged, decode, summaries
from central.store.damage import Damage, Spoilt, spoilt
from protocols.clock import Clock

logger = logging.getLogger(__name__)

STEP: Final = 4
"""Chunks looked at in one go ..."""
PAUSE: Final = 1.0
"""... and real seconds between two: some thousandths of a core, 30,000 readings a second."""
REST: Final = 3_600.0
"""Real seconds between two rounds."""
CODE: Final = "STORE_DAMAGED"


class Scrub:
    """`damage` is shared with the store, whose questions meet damage too."""

    def __init__(
        self, db: Database, clock: Clock, damage: Damage, tell: Callable[[Effects], None]
    ) -> None:
        self._db = db
        self._clock = clock
        self._damage = damage
        self._tell = tell
        self._after = 0
        self.looked = 0
        """Chunks looked at since the start."""
        self.rounds = 0

    async def run(self) -> None:
        """Look at all chunks, rest, and begin again, until cancelled."""
        while True:
            more = await self.step()
            await self.report()
            await asyncio.sleep(PAUSE if more else REST)

    async def round(self) -> None:
        """Look at what is left of this round at once."""
        while await self.step():
            pass
        await self.report()

    async def step(self) -> bool:
        """Look at a few chunks; False at the end of a round."""
        after = self._after
        ids = await self._db.read(lambda conn: _next(conn, after))
        for id_ in ids:
            await self._look(id_)
            self._after = id_
        if ids:
            return True
        self._after = 0
        self.rounds += 1
        for id_ in list(self._damage.chunks):
            await self._look(id_)
        return False

    async def report(self) -> None:
        """Make known what nobody was told of yet."""
        found, now = self._damage.untold(), self._clock.now()
        if not found:
            return
        for each in found:
            logger.error("chunk %d (%s) cannot be read: %s", each.chunk, each.what, each.why)
        told = await self._db.write(lambda tables: _record(tables, now, found))
        self._damage.told(found)
        self._tell(Effects(events=told))

    async def _look(self, id_: int) -> None:
        found = await self._db.read(lambda conn: look_at(conn, id_))
        self.looked += 1
        if found is None:
            self._damage.mended(id_)
        else:
            self._damage.note(found)


def look_at(conn: sqlite3.Connection, id_: int) -> Spoilt | None:
    """Return what is wrong with a chunk; None: it can be read, or is gone."""
    try:
        row = conn.execute("SELECT body, summary FROM chunk WHERE id = ?", (id_,)).fetchone()
        if row is not None:
            decode(row[0])
            summaries(row[1])
    except ChunkDamaged as exc:
        return spoilt(conn, id_, str(exc.params["why"]))
    except sqlite3.DatabaseError as exc:
        if isinstance(exc, sqlite3.OperationalError):
            raise  # busy, interrupted: nothing is known of the chunk
        return Spoilt(id_, 0, 0, f"#{id_}", str(exc))
    return None


def _next(conn: sqlite3.Connection, after: int) -> list[int]:
    rows = conn.execute("SELECT id FROM chunk WHERE id > ? ORDER BY id LIMIT ?", (after, STEP))
    return [row[0] for row in rows]


def _record(tables: Tables, now: int, found: list[Spoilt]) -> list[CollectorEvent]:
    return [
        events.record(
            tables,
            (now, now),
            events.FAULT,
            CODE,
            each.device,
            {"what": each.what, "reason": each.why},
        )
        for each in found
    ]
