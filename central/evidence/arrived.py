"""What evidence holds of a piece the store set aside: its batches, placed as at their arrival.

By the time they came, where the piece still tells it; else whatever came lately.
"""

import sqlite3
from typing import Final

import numpy as np

from central.evidence.known import Known
from central.evidence.packs import Packs
from central.evidence.source import StreamRow, stream_row
from central.ingest import placing
from central.store import journal
from central.store.chunks import DAY
from central.store.packing import Part
from central.store.points import RECEIVED_UNIT
from central.store.set_aside import SEAL
from central.store.settling import Aside
from central.store.tiers.tiers import went
from central.store.views.many import WideView
from central.wire.decoding import decode_columns
from protocols.clock import HOUR
from protocols.errors import WireError
from protocols.verify.model import Findings
from protocols.wire.batch import read_header
from protocols.wire.chain import digest
from protocols.wire.header import BatchKind

RECENT: Final = 2 * HOUR
"""What is not sealed is younger, while a collector runs: where a damaged row lies is looked for."""
PORTION: Final = 16
"""Batches looked at in one go, of at most 1 MiB each."""


def _span(piece: Aside, exact: bool) -> tuple[int, int]:  # noqa: FBT001  # as it is asked for
    """Return when the batches of a piece came: [from, to) µs."""
    if exact:
        return piece.received, piece.received + RECEIVED_UNIT
    return piece.found - RECENT, piece.found + 1


def rows_of(piece: Aside, exact: bool, conn: sqlite3.Connection) -> tuple[int, int]:  # noqa: FBT001
    """Return the first and the last row of evidence that came then; numbers rise with time."""
    start, end = _span(piece, exact)
    return _first(conn, start), _first(conn, end) - 1


def _first(conn: sqlite3.Connection, received: int) -> int:
    low, high = conn.execute("SELECT min(id), max(id) + 1 FROM evidence").fetchone()
    if low is None:
        return 0
    while low < high:
        middle = (low + high) // 2
        id_, at = conn.execute(
            "SELECT id, received FROM evidence WHERE id >= ? ORDER BY id LIMIT 1", (middle,)
        ).fetchone()
        low, high = (int(id_) + 1, high) if at < received else (low, middle)
    return int(low)


def portion(
    piece: Aside,
    ids: tuple[int, int],
    exact: bool,  # noqa: FBT001
    conn: sqlite3.Connection,
) -> tuple[list[Part], int]:
    """Return the readings of some batches, and the number of the row to go on from."""
    first, last = ids
    start, end = _span(piece, exact)
    anyone = not exact  # whose it was is not known for sure
    rows = conn.execute(
        "SELECT id, stream, received, digest, body, pack, place FROM evidence WHERE id >= ? "
        "AND id <= ? AND kind = ? AND received >= ? AND received < ? AND (? OR stream = ?) "
        "ORDER BY id LIMIT ?",
        (first, last, BatchKind.READINGS, start, end, anyone, piece.stream, PORTION),
    ).fetchall()
    packs, known = Packs(conn), Known(conn, Findings())
    streams: dict[int, StreamRow] = {}
    kept = own(piece, conn)
    parts: list[Part] = []
    for _, number, received, said, *where in rows:
        stream = streams.get(number) or streams.setdefault(number, stream_row(conn, number))
        part = _placed(known, stream, received, (said, packs.raw(*where)))
        if part is not None and kept is not None:
            here = np.flatnonzero(np.isin(part.rows.seqs, kept.rows.seqs))
            part = part._replace(rows=part.rows.take(here))
        if part is not None and len(part.rows):
            parts.append(part)
    return parts, rows[-1][0] + 1 if len(rows) == PORTION else last + 1


def own(piece: Aside, conn: sqlite3.Connection) -> Part | None:
    """Return the readings that a piece of a seal still has itself; None: it is no such piece."""
    if piece.origin != SEAL:
        return None
    (body,) = conn.execute("SELECT body FROM set_aside WHERE id = ?", (piece.id,)).fetchone()
    return Part(journal.unpack(body), piece.stream, piece.received)


def _placed(
    known: Known, stream: StreamRow, received: int, kept: tuple[bytes, bytes]
) -> Part | None:
    """Return a batch's readings as they were placed; None where its bytes have changed."""
    said, raw = kept
    numbers = known.numbers(stream)
    if numbers is None or digest(raw) != said:
        return None
    try:
        header, content = read_header(raw)
        batch = decode_columns(raw, header, content)
    except WireError:
        return None
    at = known.placement_of(stream, received, header)
    return Part(placing.place(batch, numbers, at, received).rows, stream.number, received)


def missing(parts: list[Part], view: WideView) -> tuple[list[Part], int]:
    """Return the readings the store does not hold, and how many of them are past their time."""
    if not parts:
        return [], 0
    points = np.unique(np.concatenate([part.rows.points for part in parts]))
    start = min(int(part.rows.times.min()) for part in parts)
    end = max(int(part.rows.times.max()) for part in parts) + 1
    together = view.together(points, lambda: None)
    lacking: dict[int, list[int]] = {}
    past = 0
    for point in points.tolist():
        held = together.read(point, start, end)
        columns = (held.streams, held.times, held.seqs)
        known = set(zip(*(column.tolist() for column in columns), strict=True))
        for number, part in enumerate(parts):
            own = np.flatnonzero(part.rows.points == point)
            keys = zip(part.rows.times[own].tolist(), part.rows.seqs[own].tolist(), strict=True)
            for place, (time, seq) in zip(own.tolist(), keys, strict=True):
                if (part.stream, time, seq) in known:
                    continue
                if went(view.conn, point, time // DAY):
                    past += 1
                else:
                    lacking.setdefault(number, []).append(place)
    found = [
        parts[number]._replace(rows=parts[number].rows.take(np.array(sorted(places))))
        for number, places in lacking.items()
    ]
    return found, past
