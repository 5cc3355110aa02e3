"""What of the store cannot be read or sealed: kept as it was, counted, told, and in nobody's way.

A journal row whose bytes are not what was written, and a family's day no chunk can be made of, must
not end the collector nor keep it from starting. Their bytes go to a table of their own in the
transaction that lets go of them; what lies beside them is read and sealed as ever.
"""

import logging
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from sqlite_utils import Database as Tables

from central import events
from central.database import Database
from central.effects import CollectorEvent, Effects
from central.store import journal
from central.store.codec.cells import Cells
from central.store.columns import Columns
from central.store.damage import day_text
from central.store.families import numbers_of
from central.store.settling import Aside
from protocols.clock import SystemClock

logger = logging.getLogger(__name__)

CODE: Final = "STORE_SET_ASIDE"
JOURNAL: Final = "journal"
SEAL: Final = "seal"
HEAD: Final = "head"
MOST: Final = 1_000_000
"""Readings a damaged row is believed to have had."""
PORTION: Final = 64
"""Journal rows of one transaction."""


class Piece(NamedTuple):
    """A row of the table; `row` is the journal's, `what` a gateway, or a device and a day."""

    origin: str
    row: int | None
    what: str
    stream: int
    received: int
    n: int
    reason: str
    body: bytes


class SetAside:
    """Kept on the event loop; `put` is for the writer's thread."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.pieces = 0
        self.readings = 0
        """In those pieces, as far as that is known."""
        self.now: Callable[[], int] = SystemClock().now
        self.tell: Callable[[Effects], None] = lambda effects: None

    async def load(self) -> None:
        """Count what earlier runs put there."""
        self.pieces, self.readings = await self._db.read(_counted)

    async def take(self, rows: Sequence[journal.Unreadable]) -> None:
        """Take rows out of the journal; what SQLite cannot read stays there, and is passed over."""
        for at in range(0, len(rows), PORTION):
            await self._db.write(partial(self._move, rows[at : at + PORTION]), self.note)

    async def take_page(self, kind: str, page: int, body: bytes, reason: str) -> None:
        """Take a page of newest values away that cannot be read; what it told is found anew."""
        piece = Piece(HEAD, None, f"head/{kind}/{page}", 0, 0, 0, reason, body)

        def move(tables: Tables) -> tuple[Sequence[Piece], list[CollectorEvent]]:
            tables.conn.execute("DELETE FROM head WHERE kind = ? AND page = ?", (kind, page))
            return [piece], self.put(tables, [piece])

        await self._db.write(move, self.note)

    def put(self, tables: Tables, pieces: Sequence[Piece]) -> list[CollectorEvent]:
        """Write pieces and the events of them inside the caller's transaction; then `note`."""
        now = self.now()
        tables.conn.executemany(
            "INSERT INTO set_aside(found, origin, journal, what, stream, received, n, reason, "
            "body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(now, *piece) for piece in pieces],
        )
        counts: Counter[tuple[str, str]] = Counter()
        for piece in pieces:
            counts[piece.what, piece.reason] += piece.n
        return [
            events.record(
                tables,
                (now, now),
                events.FAULT,
                CODE,
                what.split(" ")[0],
                {"what": what, "count": count, "reason": reason},
            )
            for (what, reason), count in counts.items()
        ]

    def note(self, done: tuple[Sequence[Piece], list[CollectorEvent]]) -> None:
        """Count what was put there, after its commit, and make it known."""
        pieces, told = done
        self.pieces += len(pieces)
        self.readings += sum(piece.n for piece in pieces)
        for event in told:
            logger.error("set aside as damaged: %s", event.params)
        if told:
            self.tell(Effects(events=told))

    def settled(self, piece: Aside) -> None:
        """Count a piece no more, after the commit in which somebody settled it."""
        self.pieces -= 1
        self.readings -= piece.n

    def _move(
        self, rows: Sequence[journal.Unreadable], tables: Tables
    ) -> tuple[Sequence[Piece], list[CollectorEvent]]:
        pieces = [_piece(tables.conn, row) for row in rows]
        tables.conn.executemany(
            "DELETE FROM journal WHERE id = ?", [(row.id,) for row in rows if row.body is not None]
        )
        return pieces, self.put(tables, pieces)


def pieces_of(
    conn: sqlite3.Connection, key: tuple[int, int], cells: Cells, reason: str
) -> list[Piece]:
    """Return the cells of a (family, day) as they would lie in journal rows."""
    family, day = key
    numbers = numbers_of(conn, family)
    found = conn.execute("SELECT device FROM family WHERE number = ?", (family,)).fetchone()
    what = f"{found[0] if found else f'#{family}'} {day_text(day)}"
    points = np.array([numbers[member] for member in cells.members.tolist()], np.int64)
    order = np.lexsort((cells.seqs, cells.received, cells.streams))
    streams, received = cells.streams[order], cells.received[order]
    changes = (streams[1:] != streams[:-1]) | (received[1:] != received[:-1])
    edges = [0, *(np.flatnonzero(changes) + 1).tolist(), len(order)]
    pieces = []
    for first, last in pairwise(edges):
        own = order[first:last]
        rows = Columns(
            points[own],
            cells.times[own],
            cells.seqs[own],
            cells.values.take(own),
            cells.qualities[own],
            cells.flags[own],
        )
        of = int(streams[first]), int(received[first])
        pieces.append(Piece(SEAL, None, what, *of, len(own), reason, journal.pack(rows)))
    return pieces


def listed(conn: sqlite3.Connection) -> list[tuple[int, str, int, str]]:
    """Return (when it was found, what it is of, readings, why) of all that nobody settled."""
    return conn.execute(
        "SELECT found, what, n, reason FROM set_aside WHERE settled IS NULL ORDER BY id"
    ).fetchall()


def _piece(conn: sqlite3.Connection, row: journal.Unreadable) -> Piece:
    found = conn.execute("SELECT gateway FROM stream WHERE number = ?", (row.stream,)).fetchone()
    what = f"#{row.stream}" if found is None else found[0]
    body = row.body or b""
    n = min(row.n, MOST)
    return Piece(JOURNAL, row.id, what, row.stream, row.received, n, row.reason, body)


def _counted(conn: sqlite3.Connection) -> tuple[int, int]:
    pieces, readings = conn.execute(
        "SELECT count(*), coalesce(sum(n), 0) FROM set_aside WHERE settled IS NULL"
    ).fetchone()
    return int(pieces), int(readings)
