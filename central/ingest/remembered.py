"""Streams and starts that are kept out, as the tables have them: asked once, not for each request.

What somebody else wrote meanwhile, on this connection or another, makes it ask again. Belongs to
whoever holds the writing connection.
"""

import sqlite3
from typing import Final

from central.database_gathered import Gathered, Statement
from central.enrolment import clones
from central.ingest.streams import Stream, read_stream

MOST: Final = 10_000
"""Streams remembered; beyond it they are read again."""
_MOVE: Final = Statement(
    "WITH moved(number, cursor, head) AS (VALUES) UPDATE stream SET cursor = m.cursor, "
    "head = m.head FROM (SELECT number, max(cursor) AS cursor, head FROM moved GROUP BY number) m "
    "WHERE stream.number = m.number",
    3,
    alone="UPDATE stream SET cursor = ?2, head = ?3 WHERE number = ?1",
)
"""Of several cursors of one stream the last stands, with its head: they only rise."""
_CURSOR: Final = Stream._fields.index("cursor")
"""Behind it the head. Each request moves both: `_replace` costs several times as much."""


class Remembered:
    """Asked between `begin` and `end` of a piece of work."""

    def __init__(self, gathered: Gathered) -> None:
        self._gathered = gathered
        self._streams: dict[str, Stream] = {}
        self._out: dict[tuple[str, str], bool] = {}
        self._turn = -1
        self._version = -1
        self._changes = -1

    def begin(self, conn: sqlite3.Connection) -> None:
        """Forget what may have changed."""
        if self._turn != self._gathered.turn:  # another transaction, it may be
            self._turn = self._gathered.turn
            version = conn.execute("PRAGMA data_version").fetchone()[0]
            if version != self._version:
                self._version = version
                self.forget()
        if self._others(conn) != self._changes:
            self._gathered.write_out(conn)
            self._turn = self._gathered.turn
            self.forget()

    def end(self, conn: sqlite3.Connection) -> None:
        """What was written since `begin` is known here."""
        self._changes = self._others(conn)

    def forget(self) -> None:
        """Drop everything."""
        self._streams.clear()
        self._out.clear()

    def stream(self, conn: sqlite3.Connection, id_: str) -> Stream | None:
        """Return the stream with that id."""
        known = self._streams.get(id_)
        if known is None:
            known = read_stream(conn, id_)
            if known is not None:
                if len(self._streams) >= MOST:
                    self._streams.clear()
                self._streams[id_] = known
        return known

    def put(self, stream: Stream) -> None:
        """Remember a stream whose row is gathered, until `drop`."""
        self._streams[stream.id] = stream

    def drop(self, id_: str) -> None:
        """Forget a stream to which nothing more will come."""
        self._streams.pop(id_, None)

    def move(self, stream: Stream, cursor: int, head: bytes) -> None:
        """Move the stream's cursor, with the head of its chain."""
        self._gathered.add(_MOVE, (stream.number, cursor, head))
        moved = (*stream[:_CURSOR], cursor, head, *stream[_CURSOR + 2 :])
        self._streams[stream.id] = Stream._make(moved)

    def stays_out(self, conn: sqlite3.Connection, gateway: str, boot: str) -> bool:
        """Whether what this start sends has to wait for a person."""
        known = self._out.get((gateway, boot))
        if known is None:
            if len(self._out) >= MOST:
                self._out.clear()
            known = self._out[gateway, boot] = clones.stays_out(conn, gateway, boot)
        return known

    def _others(self, conn: sqlite3.Connection) -> int:
        return conn.total_changes - self._gathered.changes
