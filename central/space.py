"""How much room the database's disk has left, and who may still write: alarms to the very end.

Below the reserve what came late anyway waits at its gateways (backfill, and others' systems), and
what only tidies up stops; below half of it what is live waits too. Alarms and what people do are
taken as long as there is a byte, and when there is none a ballast file is given up for them.
Free pages inside the database count as room: what retention deletes comes back there, the file
itself never gets smaller.
"""

import asyncio
import logging
import os
import random
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from pathlib import Path
from typing import Final

from sqlite_utils import Database as Tables

from central import events
from central.database import LOG_PAGES, Database, Urgency
from central.effects import CollectorEvent, Effects
from protocols.ballast import Ballast
from protocols.clock import Clock
from protocols.errors import IngestError
from protocols.words import Lane

logger = logging.getLogger(__name__)

LOOK: Final = 3.0
"""Real seconds between two looks."""
GIB: Final = 1 << 30
MIB: Final = 1 << 20
MOST_RESERVE: Final = 2 * GIB
SHARE: Final = 20
"""Unless it is configured the reserve is this part of the disk, at most MOST_RESERVE."""
BALLAST_SHARE: Final = 8
MOST_BALLAST: Final = 64 * MIB
BACK: Final = 1.1
"""So many times a limit has to be free before it counts as kept again: no to and fro."""
AGAIN_MS: Final = (20_000, 60_000)
"""After which what is refused comes again: a full disk is not over in a moment."""
SUBJECT: Final = "collector"
SHORT_LOG: Final = 256
"""Pages of the database's log while room is short: put where they belong, it is used again."""


class Room(IntEnum):
    """What there is room for."""

    ALL = 0
    NO_BACKFILL = 1
    """Nor for what only tidies up."""
    ALARMS = 2
    """Alarms and people only."""


CODES: Final = {
    Room.ALL: "DISK_RECOVERED",
    Room.NO_BACKFILL: "DISK_LOW",
    Room.ALARMS: "DISK_ALARMS_ONLY",
}


@dataclass(frozen=True, slots=True)
class Measured:
    """Bytes: free on the disk, free inside the database's file, of the whole disk."""

    free: int
    inside: int
    total: int


class Space:
    """Kept on the event loop, but for `give_way`, which the database's writer calls."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        reserve: int | None,
        tell: Callable[[Effects], None],
    ) -> None:
        """`reserve` in bytes; None: by the disk's size."""
        self._db = db
        self._clock = clock
        self._tell = tell
        self._folder = db.path.parent
        self._configured = reserve
        self._lock = threading.Lock()
        self._ballast = Ballast(self._folder)
        self._told = Room.ALL
        self._log_pages = LOG_PAGES
        self._went_full = False
        self.room = Room.ALL
        self.reserve = 0
        self.measured = Measured(0, 0, 0)
        self.given_way = 0
        """Times the ballast was given up since the start."""

    @property
    def ballast_bytes(self) -> int:
        """What is kept back for alarms on a disk that is full."""
        return self._ballast.bytes

    @property
    def tidying(self) -> bool:
        """Whether there is room for what needs some before it frees any: merges, exports."""
        return self.room is Room.ALL

    def lets(self, folder: Path) -> bool:
        """Whether copies may go to a folder by themselves: while room is short, not on our disk."""
        if self.tidying:
            return True
        try:
            return folder.stat().st_dev != self._folder.stat().st_dev
        except OSError:
            return True  # the attempt says what is wrong

    @property
    def sealing(self) -> bool:
        """Whether there is room to seal, which takes a tenth of what it frees inside the file."""
        return not self._went_full

    def refusal(self, lane: Lane) -> IngestError | None:
        """Return why a request of that lane waits at its gateway; None: it may come."""
        if self.room is Room.ALL or lane is Lane.ALARM:
            return None
        if lane is Lane.LIVE and self.room is Room.NO_BACKFILL:
            return None
        wait = round(random.uniform(*AGAIN_MS))  # noqa: S311  # spreads, hides nothing
        free = self.measured.free // MIB
        return IngestError(
            "STORE_FULL", 503, lane=lane.name.lower(), free=free, retry_after_ms=wait
        )

    def give_way(self) -> bool:
        """Give up the ballast for an alarm, in the writer's thread; False: there is none."""
        with self._lock:
            self._went_full = True
            if not self._ballast.release():
                return False
        self.given_way += 1
        logger.error("the disk is full: the ballast was given up for alarms")
        return True

    async def run(self) -> None:
        """Look again and again until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK)

    async def look(self) -> None:
        """Measure, decide what there is room for, and make known what has changed."""
        inside = await self._db.glance(_inside)
        self.measured = await asyncio.to_thread(measure, self._folder, inside)
        if self.measured.total:
            self.reserve = self._configured or default_reserve(self.measured.total)
            await asyncio.to_thread(self._judge)
        await self._report()
        await self._tune()

    def _judge(self) -> None:
        with self._lock:
            size = min(MOST_BALLAST, self.reserve // BALLAST_SHARE)
            left = usable(self.measured, self.reserve) + self._ballast.bytes
            self.room = judged(left, self.reserve, self.room)
            if self.room is not Room.ALARMS and self.measured.free > 2 * size:
                self._ballast.make(size)
                self._went_full = False
            if self._went_full:
                self.room = Room.ALARMS

    async def _tune(self) -> None:
        pages = LOG_PAGES if self.room is Room.ALL else SHORT_LOG
        if pages != self._log_pages:
            await self._db.write(partial(_log, pages), urgency=Urgency.URGENT)
            self._log_pages = pages

    async def _report(self) -> None:
        """Write an event for a change; what cannot be written is tried at the next look."""
        room = self.room
        if room is self._told:
            return
        free, reserve = self.measured.free // MIB, self.reserve // MIB
        params = {"free": free, "reserve": reserve}
        logger.warning("%s: %d MiB free, reserve %d MiB", CODES[room], free, reserve)
        try:
            told = await self._db.write(
                partial(_record, self._clock.now(), CODES[room], params), urgency=Urgency.URGENT
            )
        except sqlite3.Error as exc:
            logger.warning("an event waits: %s", exc)
            return
        self._told = room
        self._tell(Effects(events=[told]))


def default_reserve(total: int) -> int:
    """Return the reserve of a disk of that size."""
    return min(MOST_RESERVE, total // SHARE)


def usable(measured: Measured, reserve: int) -> int:
    """Return how many bytes can be written; what is free inside needs some outside for the log."""
    outside = measured.free >= min(reserve // BALLAST_SHARE, MOST_BALLAST)
    return measured.free + (measured.inside if outside else 0)


def judged(left: int, reserve: int, now: Room) -> Room:
    """Return what there is room for with so many bytes left; one that was lost needs more."""
    limits = ((Room.ALARMS, reserve // 2), (Room.NO_BACKFILL, reserve))
    for room, limit in limits:
        if left < (limit * BACK if now >= room else limit):
            return room
    return Room.ALL


def measure(folder: Path, inside: int) -> Measured:
    """Return what the disk has; nothing where it cannot be asked."""
    try:
        found = os.statvfs(folder)
    except OSError as exc:
        logger.warning("the disk of %s cannot be asked: %s", folder, exc)
        return Measured(0, inside, 0)
    size = found.f_frsize
    return Measured(found.f_bavail * size, inside, found.f_blocks * size)


def _inside(conn: sqlite3.Connection) -> int:
    pages, size = (
        conn.execute(f"PRAGMA {name}").fetchone()[0] for name in ("freelist_count", "page_size")
    )
    return int(pages * size)


def _log(pages: int, tables: Tables) -> None:
    tables.conn.execute(f"PRAGMA wal_autocheckpoint={pages}").fetchall()


def _record(now: int, code: str, params: dict[str, int], tables: Tables) -> CollectorEvent:
    return events.record(tables, (now, now), events.FAULT, code, SUBJECT, params)
