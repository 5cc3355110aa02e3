"""What a request brings, written: one transaction holds its stream, rows, alarms, quarantine, key.

So a request is there whole or not at all, and the answer to its key with it: whoever heard no
answer asks again and is told what was done. Runs in the writer thread.
"""

import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from sqlite_utils import Database as Tables

from central import events
from central.alarms.engine import Engine
from central.door import bounds, requests
from central.door.judging import Accepted, Judged, Points
from central.door.known import Known
from central.door.lines import Span, continued
from central.door.minting import Mint, prepared
from central.door.requests import Answer
from central.effects import CollectorEvent
from central.ingest.commit import Committer
from central.ingest.contents import Committed
from central.ingest.request import Prepared
from central.ingest.streams import Record, manifest_numbers, open_stream
from central.store.columns import Integers
from central.store.store import ChunkStore

REMEMBERED: Final = 1_000_000
"""Points of manifests whose numbers are remembered; beyond it they are read again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request ready to be written; `aside` are the details of what is put aside, in order."""

    stream: str
    digest: bytes
    mint: Mint
    opened: Record
    points: Points
    judged: Judged
    aside: list[str]
    batches: Prepared | None


@dataclass(slots=True)
class Taken:
    """What came of it; `stale`: the points have changed meanwhile, and nothing was done."""

    answer: Answer = field(default_factory=dict)
    stale: bool = False
    committed: Committed | None = None
    events: list[CollectorEvent] = field(default_factory=list)


class Taking:
    """Remembers nothing that the tables do not hold."""

    def __init__(self, engine: Engine, committer: Committer, stored: ChunkStore) -> None:
        self._engine = engine
        self._committer = committer
        self._known = Known(stored)
        self._maps: dict[str, Integers] = {}

    def forget(self) -> None:
        """Drop what was remembered of tables whose transaction was undone."""
        self._known.forget()
        self._maps.clear()

    def take(self, request: Request, tables: Tables) -> Taken:
        """Write a request. Raises IngestError KEY_REUSED, KEY_TOO_OLD."""
        conn, mint = tables.conn, request.mint
        known = requests.find(conn, request.stream)
        if known is not None:
            return Taken(requests.again(known, request.digest))
        if requests.current_manifest(conn, mint.gateway) != request.points.digest:
            return Taken(stale=True)
        readings = request.judged.accepted
        numbers = self._numbers(tables, request.points.digest)
        fresh = self._known.fresh(conn, numbers[readings.points], readings)
        number = self._open(tables, request)
        taken = Taken(events=_put_aside(tables, number, request))
        if len(fresh):
            _continue(conn, number, request, fresh)
            batches = request.batches
            if batches is None or len(fresh) < len(readings):
                batches = prepared(request.opened.body, fresh, request.points, mint)
            taken.committed = self._committer.commit(
                mint.gateway, request.stream, batches, mint.now, tables
            )
            if taken.committed.error is not None:
                raise taken.committed.error
        taken.answer = _answer(request, len(fresh))
        requests.keep(conn, number, request.digest, taken.answer)
        return taken

    def _numbers(self, tables: Tables, digest: str) -> Integers:
        """Return the registry's number of every point of a manifest, by index."""
        known = self._maps.get(digest)
        if known is None:
            known = manifest_numbers(tables, digest)
            if sum(map(len, self._maps.values())) + len(known) > REMEMBERED:
                self._maps.clear()
            self._maps[digest] = known
        return known

    def _open(self, tables: Tables, request: Request) -> int:
        """Enter the stream and return its number."""
        opened = open_stream(tables, self._engine, request.opened, None, request.mint.now)
        if opened.error is not None:
            raise opened.error
        row = tables.conn.execute(
            "SELECT number FROM stream WHERE id = ?", (request.stream,)
        ).fetchone()
        return int(row[0])


def _continue(conn: sqlite3.Connection, number: int, request: Request, fresh: Accepted) -> None:
    span = Span(
        gateway=request.mint.gateway,
        purpose=request.mint.purpose.name.lower(),
        first=int(fresh.times[0]),
        last=int(fresh.times[-1]),
        gap=request.points.gap,
    )
    line = continued(conn, number, span)
    if line != number:
        conn.execute("UPDATE stream SET line = ? WHERE number = ?", (line, number))


def _put_aside(tables: Tables, number: int, request: Request) -> list[CollectorEvent]:
    """Enter what is put aside: it has no number in the stream (0), only a place in the request."""
    now, aside = request.mint.now, request.judged.aside
    tables.conn.executemany(
        "INSERT INTO quarantine(received, stream, seq, n, reason, detail) "
        "VALUES (?, ?, 0, 1, ?, ?)",
        [
            (now, number, item.reason.value, detail)
            for item, detail in zip(aside, request.aside, strict=True)
        ],
    )
    told: list[CollectorEvent] = []
    for reason, count in Counter(item.reason.value for item in aside).items():
        told += events.record_once(
            tables, now, events.QUARANTINE, reason, request.mint.gateway, {"count": count}
        )
    return told


def _answer(request: Request, stored: int) -> Answer:
    judged = request.judged
    listed = judged.aside[: bounds.LISTED]
    return {
        "stream": request.stream,
        "received": request.mint.now,
        "duplicate": False,
        "accepted": stored,
        "known": len(judged.accepted) - stored + judged.repeated,
        "quarantined": len(judged.aside),
        "reasons": dict(sorted(Counter(item.reason.value for item in judged.aside).items())),
        "items": [{"index": item.place, "reason": item.reason.value} for item in listed],
    }
