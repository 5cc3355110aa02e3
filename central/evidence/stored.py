"""Compares what evidence decodes to with what the tables hold of it: nothing else, nothing more.

A reading's place in time is worked out by the same function as at its arrival, with what was known
of its boot then. Of the numbers compared the tables may hold no reading that no evidence carries.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from math import copysign
from typing import Final

import numpy as np

from central.evidence.held import Held
from central.evidence.known import Known
from central.evidence.source import StreamRow, body_before
from central.ingest import placing
from central.store.chunks import DAY
from central.store.columns import Integers
from central.store.interface import Row
from central.store.points import RECEIVED_UNIT, PointReadings
from central.store.tiers.tiers import went
from central.wire.columns import BatchColumns
from protocols.clock import HOUR
from protocols.errors import WireError
from protocols.verify.model import Findings, Kept
from protocols.wire.batch import EventsBatch, ReadingsBatch, SkipBatch, decode_batch
from protocols.words import Value

SPAN: Final = HOUR
_Held = tuple[Value, tuple[int, int, int]]
"""A stored value, and its quality, flags and received time."""


class StoredCheck:
    """The readings, events, losses and things put aside of one gateway's streams."""

    def __init__(self, conn: sqlite3.Connection, findings: Findings) -> None:
        self._conn = conn
        self._store = Held(conn, findings)
        self._findings = findings
        self.known = Known(conn, findings)
        self._found: Counter[tuple[int, int]] = Counter()
        """Readings that are as they were, by stream and point."""
        self._spans: dict[int, list[int]] = {}
        """By stream: the first and last number compared, the first and last time of a reading."""
        self.readings = 0
        self.gone = 0
        """Readings past their time that are not in the store any more, as the ledger says."""
        self._gone: dict[tuple[int, int], bool] = {}
        self.unread = 0
        """Readings that were not compared, as a chunk of the store cannot be read."""

    def batch(self, stream: StreamRow, kept: Kept) -> None:
        """Compare one batch whose bytes are what they were."""
        try:
            content = decode_batch(kept.raw)
        except WireError:
            self._put_aside_whole(stream, kept)
            return
        if isinstance(content, ReadingsBatch):
            self._readings(stream, kept, content)
        elif isinstance(content, EventsBatch):
            self._events(stream, kept, content)
        else:
            self._losses(stream, kept, content)

    def finish(self, streams: dict[int, str]) -> None:
        """Look for readings in the tables that no evidence carries. `streams`: number to id."""
        points = {point for _, point in self._found}
        spans = self._spans
        if not spans:
            return
        start = min(span[2] for span in spans.values())
        end = max(span[3] for span in spans.values())
        for point in sorted(points):
            held = self._count(point, start, end)
            for stream, count in held.items():
                if count > self._found[stream, point]:
                    self._name_extra(stream, streams[stream], point, (start, end))

    def _count(self, point: int, start: int, end: int) -> Counter[int]:
        """Return how many readings of a point there are by stream, of the numbers compared."""
        held: Counter[int] = Counter()
        for day in range(start // DAY, end // DAY + 1):
            first, last = max(start, day * DAY), min(end + 1, (day + 1) * DAY)
            found = self._store.read(point, first, last)
            for stream, seq in zip(found.streams.tolist(), found.seqs.tolist(), strict=True):
                if (
                    stream in self._spans
                    and self._spans[stream][0] <= seq <= self._spans[stream][1]
                ):
                    held[stream] += 1
        return held

    def _readings(self, stream: StreamRow, kept: Kept, content: ReadingsBatch) -> None:
        numbers = self.known.numbers(stream)
        if numbers is None:
            return
        at = self.known.placement_of(stream, kept.received, content.header)
        placed = placing.place(BatchColumns.of(content), numbers, at, kept.received)
        self._span(stream.number, content, placed.rows.times)
        rows = placed.rows.rows()
        self._store.at = (stream.id, kept.seq0)
        held, unread = self._held(stream.number, rows)
        for row in rows:
            one = held.get((row.point, row.time, row.seq))
            if one is None and row.point in unread:
                self.unread += 1
            else:
                self._reading(stream, kept.received, row, one)
        for aside in placed.aside:
            found = self._conn.execute(
                "SELECT 1 FROM quarantine WHERE received = ? AND n = 1 AND stream = ? AND seq = ? "
                "AND reason = ?",
                (kept.received, stream.number, aside.seq, aside.reason),
            ).fetchone()
            if found is None:
                self._say("VERIFY_ASIDE_MISSING", stream, aside.seq, reason=aside.reason)

    def _held(
        self, stream: int, rows: list[Row]
    ) -> tuple[dict[tuple[int, int, int], _Held], set[int]]:
        """Return what the tables hold of these readings, by point, time and number.

        And the points of which something cannot be read.
        """
        unread: set[int] = set()
        times: dict[int, list[int]] = {}
        for row in rows:
            times.setdefault(row.point, []).append(row.time)
        found: dict[tuple[int, int, int], _Held] = {}
        for point, at in times.items():
            # Mostly one short span; strays far apart are looked up one by one.
            low, high = min(at), max(at)
            spans = [(low, high)] if high - low <= SPAN else [(time, time) for time in set(at)]
            for low, high in spans:
                held = self._store.read(point, low, high + 1, unread)
                here = held.take(np.flatnonzero(held.streams == stream))
                found |= {(point, *key): one for key, one in _by_key(here)}
        return found, unread

    def _reading(self, stream: StreamRow, received: int, row: Row, held: _Held | None) -> None:
        if held is None and self._went(row.point, row.time // DAY):
            self.gone += 1
            return
        if held is None:
            self._say("VERIFY_READING_MISSING", stream, row.seq, point=self.known.name(row.point))
            return
        self._found[stream.number, row.point] += 1
        self.readings += 1
        value, rest = held
        wanted = (row.quality, row.flags, received // RECEIVED_UNIT * RECEIVED_UNIT)
        if rest == wanted and _same(value, row.value):
            return
        differs = [
            name
            for name, here, due in zip(("quality", "flags", "received"), rest, wanted, strict=True)
            if here != due
        ]
        if not _same(value, row.value):
            differs.insert(0, "value")
        if differs:
            what = ", ".join(differs)
            self._say(
                "VERIFY_READING_DIFFERS",
                stream,
                row.seq,
                point=self.known.name(row.point),
                what=what,
            )

    def _went(self, point: int, day: int) -> bool:
        """Whether the ledger says that the store let go of readings of the point's site and day."""
        if (point, day) not in self._gone:
            self._gone[point, day] = went(self._conn, point, day)
        return self._gone[point, day]

    def _events(self, stream: StreamRow, kept: Kept, content: EventsBatch) -> None:
        at = self.known.placement_of(stream, kept.received, content.header)
        for place, event in enumerate(content.events):
            time = kept.received if at is None else at.place(event.time)
            subject = f"{stream.gateway}/{event.subject}" if event.subject else stream.gateway
            wanted = dict(event.params)
            rows = self._conn.execute(
                "SELECT params FROM event WHERE code = ? AND subject = ? AND recorded = ? "
                "AND time = ?",
                (event.code, subject, kept.received, max(0, min(time, kept.received))),
            )
            if not any(_json(row[0]) == wanted for row in rows):
                self._say("VERIFY_EVENT", stream, kept.seq0 + place, event=event.code)

    def _losses(self, stream: StreamRow, kept: Kept, content: SkipBatch) -> None:
        numbers = self.known.numbers(stream)
        known = [] if numbers is None else numbers.tolist()
        wanted = Counter(
            (
                content.reason.name.lower(),
                known[line.point] if line.point is not None and line.point < len(known) else None,
                line.start,
                line.end,
                line.count,
            )
            for line in content.ledger
        )
        held = Counter(
            tuple(row)
            for row in self._conn.execute(
                "SELECT reason, point, time_from, time_to, count FROM loss "
                "WHERE received = ? AND stream = ? AND seq0 = ? AND reason <> 'recovered'",
                (kept.received, stream.number, kept.seq0),
            )
        )
        if wanted != held:
            self._say("VERIFY_LOSS", stream, kept.seq0)

    def _put_aside_whole(self, stream: StreamRow, kept: Kept) -> None:
        found = self._conn.execute(
            "SELECT body FROM quarantine WHERE received = ? AND n = ? AND stream = ? AND seq = ?",
            (kept.received, kept.n, stream.number, kept.seq0),
        ).fetchone()
        if found is None or found[0] != kept.raw:
            self._say("VERIFY_ASIDE_MISSING", stream, kept.seq0, reason=placing.UNDECODABLE)

    def _name_extra(self, stream: int, name: str, point: int, times: tuple[int, int]) -> None:
        """Look at each reading of a point: does the evidence of its number carry it?"""
        low, high = self._spans[stream][:2]
        self._store.at = (name, None)
        held = self._store.read(point, times[0], times[1] + 1)
        seqs = held.seqs[(held.streams == stream) & (held.seqs >= low) & (held.seqs <= high)]
        seen: int | None = None
        for seq in np.sort(seqs).tolist():
            raw = body_before(self._conn, stream, seq)
            if seq == seen or raw is None or not self._carries(raw, seq, point):
                subject = {"point": self.known.name(point)}
                self._findings.add("VERIFY_READING_EXTRA", name, seq, **subject)
            seen = seq

    def _carries(self, raw: bytes, seq: int, point: int) -> bool:
        try:
            content = decode_batch(raw)
        except WireError:
            return False
        if not isinstance(content, ReadingsBatch):
            return False
        # Whose number in its row is damaged may say to begin later than the row it was found by.
        if not content.header.seq0 <= seq <= content.header.last:
            return False
        index = content.points[seq - content.header.seq0]
        return any(
            index < len(numbers) and numbers[index] == point for numbers in self.known.seen()
        )

    def _span(self, stream: int, content: ReadingsBatch, times: Integers) -> None:
        first, last = content.header.seq0, content.header.last
        low, high = (int(times.min()), int(times.max())) if len(times) else (1 << 62, -1)
        span = self._spans.setdefault(stream, [first, last, low, high])
        self._spans[stream] = [
            min(span[0], first),
            max(span[1], last),
            min(span[2], low),
            max(span[3], high),
        ]

    def _say(self, code: str, stream: StreamRow, seq: int, **params: str) -> None:
        self._findings.add(code, stream.id, seq, **params)


def _by_key(held: PointReadings) -> Iterator[tuple[tuple[int, int], _Held]]:
    columns = (held.times, held.seqs, held.qualities, held.flags, held.received)
    cells = zip(held.values, *(column.tolist() for column in columns), strict=True)
    for value, time, seq, *rest in cells:
        yield (time, seq), (value, (rest[0], rest[1], rest[2]))


def _same(held: Value, value: Value) -> bool:
    """Whether the stored value is that of the evidence, bit by bit."""
    if type(held) is not type(value) or held != value:
        return False
    return not isinstance(held, float) or copysign(1, held) == copysign(1, float(value or 0.0))


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None
