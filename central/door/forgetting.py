"""Forgets the answers to requests of long ago: a key is kept for those who heard no answer.

Its stream stays, as every stream does, and with it the knowledge that the key was used: the same
again is refused (`central.door.requests`), never taken a second time. In small steps, so that
nobody waits behind them.
"""

import asyncio
import logging
import sqlite3
from functools import partial
from typing import Final

from sqlite_utils import Database as Tables

from central.database import Database, Urgency
from protocols.clock import HOUR, MINUTE, Clock

logger = logging.getLogger(__name__)

KEPT: Final = 30 * 24 * HOUR
"""How long the same request is answered the same (docs/api-readings.md)."""
LOOK: Final = 10 * MINUTE
"""Of the clock: between two looks."""
STEP: Final = 200
"""Requests one transaction forgets."""
PAUSE: Final = 0.02
"""Real seconds between two steps."""


class Forgetting:
    """`forgotten`: answers deleted since the start."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self.forgotten = 0

    async def run(self) -> None:
        """Forget what is due, again and again until cancelled."""
        while True:
            await self.round()
            await self._clock.sleep(LOOK)

    async def round(self) -> None:
        """Forget all that is due by now."""
        before = self.forgotten
        while True:
            cutoff = self._clock.now() - KEPT
            due = await self._db.read(partial(_due, cutoff=cutoff))
            if not due:
                break
            await self._db.write(partial(_forget, due), urgency=Urgency.PATIENT)
            self.forgotten += len(due)
            await asyncio.sleep(PAUSE)
        if self.forgotten > before:
            logger.info("readings door: answers to %d keys forgotten", self.forgotten - before)


def _due(conn: sqlite3.Connection, cutoff: int) -> list[int]:
    """Return the oldest requests up to the first that is not due; numbers grow with time."""
    rows = conn.execute(
        "SELECT r.stream, s.created FROM door_request r JOIN stream s ON s.number = r.stream "
        "ORDER BY r.stream LIMIT ?",
        (STEP,),
    ).fetchall()
    return [number for number, created in rows if created < cutoff]


def _forget(due: list[int], tables: Tables) -> None:
    tables.conn.executemany("DELETE FROM door_request WHERE stream = ?", [(each,) for each in due])
