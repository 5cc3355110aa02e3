"""What is kept of a gateway's streams, read in pieces: no long snapshot holds up the collector.

Rows are handed out as they stand, damaged or not: judging them is the verifier's.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from central.evidence.heads import clock_field
from central.evidence.packs import Packs, moment
from protocols.clock import ClockState
from protocols.signing.keys import KeyUnusable, PublicKey
from protocols.verify.model import EDGE, OPENING, Kept, KeptHead, Keys, SignedBy, Start
from protocols.wire.chain import chain_start

PIECE: Final = 64
"""Batches read at once, of at most 1 MiB each."""
HEADS: Final = 500


@dataclass(frozen=True, slots=True)
class StreamRow:
    """A stream as the tables have it, and where its evidence begins."""

    number: int
    id: str
    gateway: str
    boot: str
    purpose: str
    manifest: str
    opening: bytes
    cursor: int
    head: bytes
    start: Start


def streams_of(conn: sqlite3.Connection, gateway: str, since: int) -> Iterator[StreamRow]:
    """Yield the gateway's streams of which something came at `since` (µs UTC) or later."""
    numbers = conn.execute(
        "SELECT number FROM stream WHERE gateway = ? AND cursor > 0 ORDER BY number", (gateway,)
    ).fetchall()
    for (number,) in numbers:
        newest = conn.execute(
            "SELECT received FROM evidence WHERE stream = ? ORDER BY seq0 DESC LIMIT 1", (number,)
        ).fetchone()
        if newest is not None and newest[0] >= since:
            yield stream_row(conn, number)


def stream_row(conn: sqlite3.Connection, number: int) -> StreamRow:
    """Return the stream and its edge, both of one moment."""
    row = conn.execute(
        "SELECT number, id, gateway, boot, purpose, manifest, opening, cursor, s.head, e.seq, "
        "e.head FROM stream s LEFT JOIN evidence_edge e ON e.stream = s.number WHERE number = ?",
        (number,),
    ).fetchone()
    edge, head = row[9:]
    start = Start(OPENING, 0, chain_start(row[6])) if edge is None else Start(EDGE, edge, head)
    number, name, gateway, boot, purpose, manifest, opening, cursor, last = row[:9]
    return StreamRow(number, name, gateway, boot, purpose, manifest, opening, cursor, last, start)


def batches(conn: sqlite3.Connection, stream: int, until: int, first: int = 1) -> Iterator[Kept]:
    """Yield the stream's batches that begin from `first` to `until`, a skip first."""
    at, packs = (first - 1, 1), Packs(conn)
    while True:
        with moment(conn):
            rows = conn.execute(
                "SELECT seq0, n, kind, received, digest, body, pack, place FROM evidence "
                "WHERE stream = ?1 AND seq0 >= ?2 AND seq0 <= ?4 "
                "AND (seq0 > ?2 OR (kind <> 2) > ?3) ORDER BY seq0, kind <> 2 LIMIT ?5",
                (stream, *at, until, PIECE),
            ).fetchall()
            found = [_kept(packs, *row) for row in rows]
        yield from found
        if len(rows) < PIECE:
            return
        at = (found[-1].seq0, int(found[-1].kind != 2))


def _kept(  # a row
    packs: Packs,
    seq0: int,
    n: int,
    kind: int,
    received: int,
    digest: bytes,
    *body: Any,
) -> Kept:
    raw = packs.raw(*body)
    return Kept(seq0=seq0, n=n, kind=kind, received=received, digest=digest, raw=raw)


def body_before(conn: sqlite3.Connection, stream: int, seq: int) -> bytes | None:
    """Return the batch of readings that begins at or next before a number."""
    with moment(conn):
        row = conn.execute(
            "SELECT body, pack, place FROM evidence WHERE stream = ? AND seq0 <= ? AND kind = 1 "
            "ORDER BY seq0 DESC LIMIT 1",
            (stream, seq),
        ).fetchone()
        return None if row is None else Packs(conn).raw(*row)


def heads(
    conn: sqlite3.Connection, stream: int, until: int, *, apart: bool, after: int = -1
) -> Iterator[KeptHead]:
    """Yield the stream's heads after number `after` up to `until`."""
    while True:
        rows = conn.execute(
            "SELECT seq, head, received, keyid, alg, nonce, signature, content_digest, bound, "
            "clock "
            "FROM evidence_head WHERE stream = ? AND apart = ? AND seq > ? AND seq <= ? "
            "ORDER BY seq LIMIT ?",
            (stream, int(apart), after, until, HEADS),
        ).fetchall()
        for seq, head, received, keyid, alg, nonce, signature, content, bound, clock in rows:
            signed = None
            if any(part is not None for part in (keyid, alg, nonce, signature, content)):
                signed = SignedBy(
                    keyid=keyid or "",
                    alg=alg or "",
                    nonce=nonce or b"",
                    signature=signature or b"",
                    content_digest=content or b"",
                    bound=bound or "",
                    clock=clock_field(clock),
                )
            yield KeptHead(seq=seq, head=head, received=received, signed=signed, apart=apart)
        if len(rows) < HEADS:
            return
        after = rows[-1][0]


def told_by_story(conn: sqlite3.Connection, stream: int) -> bool:
    """Whether a stream's times are those of a demonstration, and keys' are not."""
    row = conn.execute(
        "SELECT body, pack, place FROM evidence WHERE stream = ? ORDER BY seq0 LIMIT 1", (stream,)
    ).fetchone()
    return row is not None and Packs(conn).raw(*row)[1:2] == bytes([ClockState.STORY])


def keys_of(conn: sqlite3.Connection, gateway: str, *, timed: bool = True) -> Keys:
    """Return who may have signed for the gateway at which time (not `timed`: at any)."""
    known: dict[str, PublicKey | str] = {}
    times: dict[str, tuple[int, int | None]] = {}
    for keyid, owner, alg, public, created, ended in conn.execute(
        "SELECT keyid, gateway, alg, public, created, ended FROM gateway_key"
    ):
        times[keyid] = (created, ended)
        if owner != gateway:
            known[keyid] = "other_gateway"
            continue
        try:
            key = PublicKey(alg, public)
        except KeyUnusable:
            known[keyid] = "unusable"
            continue
        known[keyid] = key if key.keyid == keyid else "unusable"

    def find(keyid: str, alg: str, received: int) -> PublicKey | str:
        key = known.get(keyid, "unknown")
        if isinstance(key, str):
            return key
        created, ended = times[keyid]
        if timed and received < created:
            return "not_yet"
        return "ended" if timed and ended is not None and received > ended else key

    return find
