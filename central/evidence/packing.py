"""Puts the bodies of batches together in packs, behind ingest, a gateway's in the order they came.

What a request brings is stored as it came: that is what its answer waits for. Later, in small
transactions that yield to everything else, a pack takes the place of the bodies of some batches. A
process killed in between finds the one or the other, never both.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, NamedTuple

from sqlite_utils import Database as Tables

from central.database import Database, Urgency
from central.evidence.packs import packed
from protocols.clock import HOUR, SECOND, Clock

LOOK: Final = 2 * SECOND
"""Of the clock: between two looks at what has come."""
PAUSE: Final = 0.02
"""Real seconds between two packs."""
BATCHES: Final = 64
BYTES: Final = 256 << 10
"""As many, or as much, make a pack."""
LONGEST: Final = HOUR
"""After which fewer make one too."""
PAGE: Final = 2_000

_NEW: Final = (
    "SELECT e.id, s.gateway, length(e.body), e.received FROM evidence e "
    "JOIN stream s ON s.number = e.stream WHERE e.id > ? AND e.pack IS NULL ORDER BY e.id LIMIT ?"
)
_ROWS: Final = (
    "SELECT id, stream, seq0, n, kind, received, digest, body FROM evidence "
    "WHERE id IN ({}) AND pack IS NULL ORDER BY stream, seq0, kind"
)


@dataclass(slots=True)
class _Waiting:
    """Batches of a gateway: their ids in order, how large they are, when the first came."""

    since: int
    ids: list[int] = field(default_factory=list)
    size: int = 0


class _Pack(NamedTuple):
    """`rows`: what stays of the batches, in the order of their bodies."""

    rows: list[tuple[Any, ...]]
    raw: int
    body: bytes


class Packing:
    """`batches`, `raw` and `bytes`: how many were packed since the start, and what that saved."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self.may: Callable[[], bool] = lambda: True
        """Whether the disk has room for it."""
        self.batches = 0
        self.raw = 0
        self.bytes = 0
        self._seen: int | None = None
        self._waiting: dict[str, _Waiting] = {}

    async def run(self) -> None:
        """Pack what has come, again and again until cancelled."""
        self._forget()
        while True:
            if self.may():
                await self.round()
            await self._clock.sleep(LOOK)

    async def round(self, *, everything: bool = False) -> None:
        """Look at what has come and pack what is enough, or all of it."""
        while await self._look():
            await self._pack(everything=False)
        await self._pack(everything=everything)

    async def _look(self) -> bool:
        """Note what has come since the last look; return whether there may be more."""
        found = await self._db.read(partial(_new, after=self._seen))
        if found is None:
            self._forget()
            return True
        through, rows = found
        for self._seen, gateway, size, received in rows:
            held = self._waiting.setdefault(gateway, _Waiting(received))
            held.ids.append(self._seen)
            held.size += size
            enough = len(held.ids) >= BATCHES or held.size >= BYTES
            if enough and not await self._put(gateway):
                return False
        self._seen = through
        return len(rows) == PAGE

    async def _pack(self, *, everything: bool) -> None:
        old = self._clock.now() - LONGEST
        due = [name for name, held in self._waiting.items() if everything or held.since <= old]
        for gateway in due:
            if gateway in self._waiting and not await self._put(gateway):
                return

    async def _put(self, gateway: str) -> bool:
        """Pack what waits of a gateway; False: some of it went meanwhile, all begins anew."""
        ids = self._waiting.pop(gateway).ids
        made = await self._db.read(partial(_made, ids=ids))
        first = min((held.ids[0] for held in self._waiting.values()), default=None)
        through = (self._seen or 0) if first is None else first - 1
        done = await self._db.write(partial(_store, made, through), urgency=Urgency.PATIENT)
        if not done:
            self._forget()
            return False
        self.batches += len(made.rows)
        self.raw += made.raw
        self.bytes += len(made.body)
        await asyncio.sleep(PAUSE)
        return True

    def _forget(self) -> None:
        self._seen = None
        self._waiting.clear()


def _new(
    conn: sqlite3.Connection, after: int | None
) -> tuple[int, list[tuple[int, str, int, int]]] | None:
    """Return up to where was looked, and what is there in no pack; None: look from the start.

    Ids begin anew when all evidence has gone.
    """
    last = conn.execute("SELECT coalesce(max(id), 0) FROM evidence").fetchone()[0]
    if after is None:
        through: int = conn.execute("SELECT through FROM evidence_packed").fetchone()[0]
        after = through if through <= last else 0
    elif after > last:
        return None
    rows = conn.execute(_NEW, (after, PAGE)).fetchall()
    return (rows[-1][0] if len(rows) == PAGE else last), rows


def _made(conn: sqlite3.Connection, ids: list[int]) -> _Pack:
    rows = _rows(conn, ids)
    bodies = [row[-1] for row in rows]
    kept = [(*row[:-1], b"", place) for place, row in enumerate(rows)]
    return _Pack(kept, sum(map(len, bodies)), packed(bodies))


def _rows(conn: sqlite3.Connection, ids: list[int]) -> list[tuple[Any, ...]]:
    return conn.execute(_ROWS.format(", ".join("?" * len(ids))), ids).fetchall()


def _store(made: _Pack, through: int, tables: Tables) -> bool:
    """Put the pack in the place of the bodies; False: they are not all there any more."""
    conn = tables.conn
    ids = [row[0] for row in made.rows]
    marks = ", ".join("?" * len(ids))
    held = dict(
        conn.execute(
            f"SELECT id, digest FROM evidence WHERE id IN ({marks}) AND pack IS NULL",  # noqa: S608
            ids,
        )
    )
    if not ids or held != {row[0]: row[6] for row in made.rows}:
        return False
    cursor = conn.execute(
        "INSERT INTO evidence_pack(remaining, body) VALUES (?, ?)", (len(ids), made.body)
    )
    # An update would leave the page as full of nothing as it was full of the body.
    conn.execute(f"DELETE FROM evidence WHERE id IN ({marks})", ids)  # noqa: S608
    conn.executemany(
        "INSERT INTO evidence(id, stream, seq0, n, kind, received, digest, body, pack, place) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(*row[:-1], cursor.lastrowid, row[-1]) for row in made.rows],
    )
    conn.execute("UPDATE evidence_total SET bytes = bytes + ?", (len(made.body) - made.raw,))
    conn.execute("UPDATE evidence_packed SET through = ?", (through,))
    return True
