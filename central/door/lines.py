"""Lines: which requests continue each other for the alarms.

Every request is a stream of its own, but a source that sends each second is one source. Requests
whose readings follow each other in time, none of their points silent for longer than it may be,
are one line, and the alarm engine takes a line for one stream. What was missed and comes later
continues the line it was missing from, and is judged as backfill: a gap has ended that line.
Runs in the writer thread inside the request's transaction.
"""

import sqlite3
from dataclasses import dataclass
from typing import Final

KEPT: Final = 8
"""Lines a virtual gateway can still continue, per purpose: as many pasts as a rule remembers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A request's readings in time (µs UTC), and the silence that ends a line."""

    gateway: str
    purpose: str
    first: int
    last: int
    gap: int


def continued(conn: sqlite3.Connection, number: int, span: Span) -> int:
    """Return the stream whose line the stream `number` continues (its own, when none)."""
    found = conn.execute(
        "SELECT stream FROM door_line WHERE gateway = ? AND purpose = ? "
        "AND newest <= ? AND newest >= ? ORDER BY newest DESC LIMIT 1",
        (span.gateway, span.purpose, span.first, span.first - span.gap),
    ).fetchone()
    if found is not None:
        conn.execute("UPDATE door_line SET newest = ? WHERE stream = ?", (span.last, found[0]))
        return int(found[0])
    conn.execute(
        "INSERT INTO door_line(stream, gateway, purpose, newest) VALUES (?, ?, ?, ?)",
        (number, span.gateway, span.purpose, span.last),
    )
    conn.execute(
        "DELETE FROM door_line WHERE gateway = ?1 AND purpose = ?2 AND stream NOT IN ("
        "SELECT stream FROM door_line WHERE gateway = ?1 AND purpose = ?2 "
        "ORDER BY newest DESC LIMIT ?3)",
        (span.gateway, span.purpose, KEPT),
    )
    return number
