"""Lines: which requests continue each other for the alarms.

Every request is a stream of its own, but a source that sends each second is one source. Requests
whose readings follow each other in time, none of their points silent for longer than it may be,
are one line, and the alarm engine takes a line for one stream. What was missed and comes later
continues the line it was missing from, and is judged as backfill: a gap has ended that line.
Runs where the writing connection is held, inside the request's transaction.
"""

import sqlite3
from dataclasses import dataclass
from typing import Final

from central.database_gathered import Gathered, Statement

KEPT: Final = 8
"""Lines a virtual gateway can still continue, per purpose: as many pasts as a rule remembers."""
REMEMBERED: Final = 2_000
"""Virtual gateways' lines in memory; beyond it they are read again."""
_PUT: Final = Statement(
    "INSERT INTO door_line(stream, gateway, purpose, newest) VALUES "
    "ON CONFLICT (stream) DO UPDATE SET newest = excluded.newest",
    4,
)
_DROP: Final = Statement("DELETE FROM door_line WHERE stream IN (VALUES)", 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A request's readings in time (µs UTC), and the silence that ends a line."""

    gateway: str
    purpose: str
    first: int
    last: int
    gap: int


class Lines:
    """Remembers what the tables hold of lines: by stream, when it was continued last."""

    def __init__(self, gathered: Gathered) -> None:
        self._gathered = gathered
        self._newest: dict[tuple[str, str], dict[int, int]] = {}

    def forget(self) -> None:
        """Drop what was remembered of tables whose transaction was undone."""
        self._newest.clear()

    def continued(self, conn: sqlite3.Connection, span: Span) -> int | None:
        """Return the stream whose line a request continues, None where it begins one."""
        held = self._held(conn, span)
        least = span.first - span.gap
        found = [(newest, line) for line, newest in held.items() if least <= newest <= span.first]
        return max(found)[1] if found else None

    def move(self, conn: sqlite3.Connection, number: int, span: Span) -> None:
        """Note that the line of the stream `number` is continued, or begun, by a request."""
        held = self._held(conn, span)
        self._gathered.add(_PUT, (number, span.gateway, span.purpose, span.last))
        held[number] = span.last
        while len(held) > KEPT:
            oldest = min(held, key=held.__getitem__)
            del held[oldest]
            self._gathered.add(_DROP, (oldest,))

    def _held(self, conn: sqlite3.Connection, span: Span) -> dict[int, int]:
        key = (span.gateway, span.purpose)
        held = self._newest.get(key)
        if held is None:
            if len(self._newest) >= REMEMBERED:
                self._newest.clear()
            self._gathered.write_out(conn)
            rows = conn.execute(
                "SELECT stream, newest FROM door_line WHERE gateway = ? AND purpose = ? "
                "ORDER BY newest DESC LIMIT ?",
                (*key, KEPT),
            )
            held = self._newest[key] = dict(rows.fetchall())
        return held
