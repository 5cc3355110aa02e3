"""What was received before, and whether what comes again is the same.

The canonical bytes of every batch are kept with their digest. Data against other data under the
same numbers is a matter of security: the first is kept. A skip against data is not: a skip that
comes late has no effect, and an original that arrives after its skip is recovered.
"""

import sqlite3
from enum import Enum, auto

from sqlite_utils import Database as Tables

from central.ingest.request import Sealed
from protocols.wire.header import BatchKind


class Again(Enum):
    """What a batch at or below the cursor is."""

    SAME = auto()
    APART = auto()
    """Known, but not what the chain was continued with: a late skip, a recovered original."""
    DIVERGES = auto()
    RECOVERED = auto()


def keep(tables: Tables, stream: int, batch: Sealed, now: int) -> None:
    """Keep the batch's canonical bytes."""
    header = batch.header
    tables.conn.execute(
        "INSERT INTO evidence(stream, seq0, n, kind, received, digest, body) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (stream, header.seq0, header.n, int(header.kind), now, batch.digest, batch.raw),
    )


def compare(conn: sqlite3.Connection, stream: int, batch: Sealed) -> Again:
    """Say what a batch is whose numbers are all taken."""
    header = batch.header
    twin = conn.execute(
        "SELECT digest FROM evidence WHERE stream = ? AND seq0 = ? AND kind = ?",
        (stream, header.seq0, int(header.kind)),
    ).fetchone()
    is_skip = header.kind == BatchKind.SKIP
    if is_skip:
        return Again.SAME if twin is not None else Again.APART
    if twin is not None and twin[0] != batch.digest:
        return Again.DIVERGES
    if _skipped(conn, stream, batch):
        return Again.RECOVERED if twin is None else Again.APART
    if twin is not None:
        return Again.SAME
    return Again.DIVERGES if _overlaps(conn, stream, batch) else Again.SAME


def _skipped(conn: sqlite3.Connection, stream: int, batch: Sealed) -> bool:
    """Whether one skip covers all its numbers."""
    row = conn.execute(
        "SELECT seq0 + n - 1 FROM evidence WHERE stream = ? AND seq0 <= ? AND kind = ? "
        "ORDER BY seq0 DESC LIMIT 1",
        (stream, batch.header.seq0, int(BatchKind.SKIP)),
    ).fetchone()
    return row is not None and row[0] >= batch.header.last


def _overlaps(conn: sqlite3.Connection, stream: int, batch: Sealed) -> bool:
    """Whether evidence still kept has other edges; beyond its retention nothing can be said."""
    row = conn.execute(
        "SELECT seq0 + n - 1 FROM evidence WHERE stream = ? AND seq0 <= ? "
        "ORDER BY seq0 DESC LIMIT 1",
        (stream, batch.header.last),
    ).fetchone()
    return row is not None and row[0] >= batch.header.seq0
