"""What was received before, and whether what comes again is the same.

The canonical bytes of every batch are kept with their digest. Data against other data under the
same numbers is a matter of security: the first is kept. A skip against data is not: a skip that
comes late has no effect, and an original that arrives after its skip is recovered.
"""

import sqlite3
from collections.abc import Sequence
from enum import Enum, auto
from typing import Final

from central.database_gathered import Gathered, Statement
from central.ingest.request import Sealed
from protocols.wire.header import BatchKind

_KEEP: Final = Statement(
    "INSERT INTO evidence(stream, seq0, n, kind, received, digest, body) VALUES", 7
)
_COUNT: Final = Statement(
    "WITH more(batches, bytes) AS (VALUES) UPDATE evidence_total SET "
    "batches = batches + (SELECT sum(batches) FROM more), "
    "bytes = bytes + (SELECT sum(bytes) FROM more)",
    2,
    alone="UPDATE evidence_total SET batches = batches + ?1, bytes = bytes + ?2",
)
# The kinds stand in the text (2: skip), so that SQLite finds the skips by an index of their own.
_SKIPS: Final = (
    "SELECT seq0 + n - 1 FROM evidence WHERE stream = ? AND seq0 <= ? AND kind = 2 "
    "ORDER BY seq0 DESC LIMIT 1"
)
_ORIGINALS: Final = (
    "SELECT seq0 + n - 1 FROM evidence WHERE stream = ? AND seq0 <= ? AND kind <> 2 "
    "ORDER BY seq0 DESC LIMIT 1"
)


class Again(Enum):
    """What a batch at or below the cursor is."""

    SAME = auto()
    APART = auto()
    """Known, but not what the chain was continued with: a late skip, a recovered original."""
    DIVERGES = auto()
    RECOVERED = auto()


def keep(gathered: Gathered, stream: int, batches: Sequence[Sealed], now: int) -> None:
    """Keep the batches' canonical bytes, and count them."""
    size = 0
    for batch in batches:
        header, raw = batch.header, batch.raw
        row = (stream, header.seq0, header.n, int(header.kind), now, batch.digest, raw)
        gathered.add(_KEEP, row)
        size += len(raw)
    gathered.add(_COUNT, (len(batches), size))


def compare(conn: sqlite3.Connection, stream: int, batch: Sealed) -> Again:
    """Say what a batch is whose numbers are all taken."""
    header = batch.header
    twin = conn.execute(
        "SELECT digest FROM evidence WHERE stream = ? AND seq0 = ? AND kind = ?",
        (stream, header.seq0, int(header.kind)),
    ).fetchone()
    is_skip = header.kind == BatchKind.SKIP
    if is_skip:
        return Again.SAME if twin is not None and twin[0] == batch.digest else Again.APART
    if twin is not None and twin[0] != batch.digest:
        return Again.DIVERGES
    skipped = _reaches(conn, _SKIPS, stream, batch.header.seq0) >= header.last
    if twin is not None:
        return Again.APART if skipped else Again.SAME
    # Beyond the evidence's retention nothing can be said. A number has one content for ever, so
    # an original with other edges than one that is here already is no original.
    if _reaches(conn, _ORIGINALS, stream, header.last) >= header.seq0:
        return Again.DIVERGES
    if skipped:
        return Again.RECOVERED
    reached = _reaches(conn, _SKIPS, stream, header.last) >= header.seq0
    return Again.DIVERGES if reached else Again.SAME


def gave_up(found: Sequence[Again], old: Sequence[Sealed]) -> bool:
    """Whether one of `old`, of which `found` was found, is a skip where the data did arrive.

    A gateway that did not hear so seals one, and its chain goes over that: nobody forged anything.
    """
    pairs = zip(found, old, strict=False)
    return any(w is Again.APART and b.header.kind == BatchKind.SKIP for w, b in pairs)


def went_apart(conn: sqlite3.Connection, stream: int, old: Sequence[Sealed]) -> bool:
    """Whether one of `old` is not what the chain was continued with, for an honest reason."""
    return any(compare(conn, stream, each) in (Again.APART, Again.RECOVERED) for each in old)


def _reaches(conn: sqlite3.Connection, sought: str, stream: int, seq: int) -> int:
    """Return the last number of the batch that begins at or next before `seq` (0: none)."""
    row = conn.execute(sought, (stream, seq)).fetchone()
    return 0 if row is None else int(row[0])
