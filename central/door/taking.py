"""What a request brings, written: one transaction holds its stream, rows, alarms, quarantine, key.

So a request is there whole or not at all, and the answer to its key with it: whoever heard no
answer asks again and is told what was done. Runs where the writing connection is held.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from sqlite_utils import Database as Tables

from central import events
from central.database_gathered import Gathered
from central.database_queue import Heavy
from central.door import bounds, requests
from central.door.entering import Entering
from central.door.judging import Accepted, Judged, Points
from central.door.known import Known
from central.door.lines import Lines, Span
from central.door.minting import Mint, prepared
from central.door.requests import Answer
from central.effects import CollectorEvent
from central.ingest.commit import Committer
from central.ingest.contents import Committed
from central.ingest.gate import LIGHT
from central.ingest.request import Prepared
from central.ingest.streams import Record, Stream, manifest_numbers
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
    """Remembers nothing that the tables do not hold, or what is gathered for them."""

    def __init__(self, committer: Committer, stored: ChunkStore, gathered: Gathered) -> None:
        self._committer = committer
        self._gathered = gathered
        self._known = Known(stored)
        self._lines = Lines(gathered)
        self._entering = Entering(gathered)
        self._maps: dict[str, Integers] = {}

    def forget(self) -> None:
        """Drop what was remembered of tables whose transaction was undone."""
        self._known.forget()
        self._lines.forget()
        self._entering.forget()
        self._maps.clear()

    def is_light(self, request: Request) -> bool:
        """Whether memory tells that little has to be asked for it; asked on the event loop."""
        numbers, readings = self._maps.get(request.points.digest), request.judged.accepted
        if numbers is None or request.judged.aside or len(readings) > LIGHT:
            return False
        return self._known.newer(numbers[readings.points], readings)

    def take(self, request: Request, tables: Tables, *, light: bool = False) -> Taken:
        """Write a request. Raises IngestError KEY_REUSED, KEY_TOO_OLD.

        `light`: raises Heavy, with no alarm's state changed, where it would take long.
        """
        conn, mint = tables.conn, request.mint
        known = self._entering.find(conn, request.stream)
        if known is not None:
            return Taken(requests.again(known, request.digest))
        if self._entering.newest(conn, mint.gateway).manifest != request.points.digest:
            return Taken(stale=True)
        readings = request.judged.accepted
        numbers = self._numbers(tables, request.points.digest)
        points = numbers[readings.points]
        newer = self._known.newer(points, readings)
        if light and not newer:
            raise Heavy
        fresh = readings if newer else self._known.fresh(conn, points, readings)
        span = _span(request, fresh) if len(fresh) else None
        line = None if span is None else self._lines.continued(conn, span)
        turn, length = self._gathered.turn, len(self._gathered)
        stream = self._entering.enter(conn, request.opened, mint.now, line)
        taken = Taken(events=_put_aside(tables, stream.number, request, self._gathered))
        try:
            if span is not None:
                self._store(tables, stream, request, fresh, taken, light=light)
        except Heavy as exc:
            if self._gathered.turn == turn:
                self._gathered.cut(length)
            else:  # the stream is in the tables
                exc.harmless = False
            raise
        if span is not None:
            self._known.note(points if newer else numbers[fresh.points], fresh)
            self._lines.move(conn, stream.number if line is None else line, span)
        taken.answer = _answer(request, len(fresh))
        self._entering.answer(stream, requests.Known(request.digest, taken.answer))
        return taken

    def _store(  # whose they are, what goes in, and what came of it
        self,
        tables: Tables,
        stream: Stream,
        request: Request,
        fresh: Accepted,
        taken: Taken,
        *,
        light: bool,
    ) -> None:
        batches, mint = request.batches, request.mint
        if batches is None or len(fresh) < len(request.judged.accepted):
            batches = prepared(request.opened.body, fresh, request.points, mint)
        taken.committed = self._committer.commit_whole(
            stream, batches, mint.now, tables, light=light
        )
        if taken.committed.error is not None:
            raise taken.committed.error

    def _numbers(self, tables: Tables, digest: str) -> Integers:
        """Return the registry's number of every point of a manifest, by index."""
        known = self._maps.get(digest)
        if known is None:
            known = manifest_numbers(tables, digest)
            if sum(map(len, self._maps.values())) + len(known) > REMEMBERED:
                self._maps.clear()
            self._maps[digest] = known
        return known


def _span(request: Request, fresh: Accepted) -> Span:
    return Span(
        gateway=request.mint.gateway,
        purpose=request.mint.purpose.name.lower(),
        first=int(np.minimum.reduce(fresh.times)),
        last=int(np.maximum.reduce(fresh.times)),
        gap=request.points.gap,
    )


def _put_aside(  # whose, of which request
    tables: Tables, number: int, request: Request, gathered: Gathered
) -> list[CollectorEvent]:
    """Enter what is put aside: it has no number in the stream (0), only a place in the request."""
    now, aside = request.mint.now, request.judged.aside
    if not aside:
        return []
    gathered.write_out(tables.conn)  # the stream among it
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
