"""What the next step of deletion takes of a stream: whole batches of the chain, all of them due.

Originals that came back after their skip go together with it, and hold it until they are due too.
"""

import sqlite3
from dataclasses import dataclass
from typing import Final

from central.evidence.packs import Packs
from central.evidence.source import stream_row
from protocols.errors import WireError
from protocols.wire.chain import chain_next
from protocols.wire.header import BatchKind
from protocols.wire.opening import decode_opening

BATCHES: Final = 200
BYTES: Final = 2 << 20
"""About as much as one transaction deletes."""


@dataclass(slots=True)
class Step:
    """Rows `ids` go, the edge moves from `before` to `seq`, where the chain's head is `head`.

    `received`: when the newest of them had come.
    """

    stream: int
    before: int
    seq: int
    head: bytes
    ids: tuple[int, ...] = ()
    bytes: int = 0
    received: int = 0


def next_step(conn: sqlite3.Connection, stream: int, cutoff: int) -> Step | None:
    """Return what came before `cutoff` (µs UTC) from the edge on; None when nothing is due."""
    row = stream_row(conn, stream)
    try:
        algorithm = decode_opening(row.opening).digest_alg
    except WireError:
        return None  # damaged: nothing is deleted, so that it stays to be looked at
    edge = row.start
    due: Step | None = None  # up to the last batch after which the next of the chain begins
    seq, head, skipped = edge.seq, edge.head, edge.seq
    ids: list[int] = []
    size = newest = 0
    rows = conn.execute(
        "SELECT id, seq0, n, kind, received, body, pack, place FROM evidence WHERE stream = ? "
        "ORDER BY seq0, kind <> 2",
        (stream,),
    )
    packs = Packs(conn)
    for number, seq0, n, kind, received, *kept in rows:
        body = packs.raw(*kept)
        if seq0 == seq + 1:  # the next of the chain: all before it is complete
            if ids:
                due = Step(stream, edge.seq, seq, head, tuple(ids), size, newest)
                if len(ids) >= BATCHES or size >= BYTES:
                    return due
            seq, head = seq + n, chain_next(head, body, algorithm)
            skipped = seq if kind == BatchKind.SKIP else edge.seq
        elif seq0 + n - 1 > max(skipped, edge.seq):
            return due  # a hole or a stranger: damaged, it stays to be looked at
        if received >= cutoff or not body:  # one whose pack cannot be read stays too
            return due
        ids.append(number)
        size += len(body)
        newest = max(newest, received)
    return Step(stream, edge.seq, seq, head, tuple(ids), size, newest) if ids else None
