"""What batches hold, written where it belongs: readings, events, losses, and what is put aside.

Runs in the writer thread, inside the transaction that moves the cursor.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from sqlite_utils import Database as Tables

from central import events
from central.alarms.engine import Engine, Evaluation
from central.alarms.quiet import Good
from central.alarms.records import EpisodeRow
from central.effects import CollectorEvent
from central.ingest import evidence, placing
from central.ingest.anchors import Anchors
from central.ingest.placement import Placement
from central.ingest.request import Prepared, Sealed
from central.ingest.streams import Stream, manifest_numbers
from central.store.columns import Columns, Integers
from central.store.interface import Store
from central.store.unsealed import Block
from central.wire.columns import BatchColumns
from protocols.errors import IngestError, WireError
from protocols.wire.batch import EventsBatch, SkipBatch
from protocols.words import Purpose

MAPPED: Final = 1_000_000
"""Points of manifests whose numbers are remembered; beyond it they are read again."""


@dataclass(slots=True, kw_only=True)
class Committed:
    """What a request led to; `committed` is the stream's cursor after it.

    `safe` is what a verified backup covers of it.
    """

    committed: int = 0
    safe: int = 0
    purpose: str | None = None
    received: int = 0
    readings: int = 0
    quarantined: int = 0
    lost: int = 0
    duplicates: int = 0
    blocks: list[Block] = field(default_factory=list)
    """What is new in the store, in order of arrival."""
    due: int | None = None
    good: list[Good] = field(default_factory=list)
    episodes: list[EpisodeRow] = field(default_factory=list)
    events: list[CollectorEvent] = field(default_factory=list)
    error: IngestError | None = None
    fresh: bool = False
    """Whether it brought what was not here: nobody plays that back."""
    left: Prepared | None = None
    """What of a large request the next transaction has to take."""


class Contents:
    """Writes batches; remembers nothing that the tables do not hold."""

    def __init__(self, store: Store, engine: Engine, anchors: Anchors) -> None:
        self._anchors = anchors
        self._store = store
        self._engine = engine
        self._maps: dict[str, Integers] = {}
        self._mapped = 0

    def forget(self) -> None:
        """Drop what was remembered of tables whose transaction was undone."""
        self._maps.clear()
        self._mapped = 0

    def write(self, tables: Tables, stream: Stream, batches: list[Sealed], done: Committed) -> None:
        """Write `batches`, each where its content belongs."""
        parts: list[Columns] = []
        evidence.keep(tables, stream.number, batches, done.received)
        known = self._anchors.placement(tables, stream.gateway, stream.boot)
        later = known or _later(batches)
        lost: Counter[str] = Counter()
        for batch in batches:
            match batch.content:
                case BatchColumns() as content:
                    at = known or placing.header_placement(content.header) or later
                    parts.append(self._place(tables, stream, content, (at, done)))
                case EventsBatch() as content:
                    at = known or placing.header_placement(content.header) or later
                    _take_events(tables, stream, content, (at, done))
                case SkipBatch() as content:
                    self._enter_loss(tables, stream, content, done)
                    lost[content.reason.name.lower()] += content.header.n
                case WireError() as reason:
                    _put_aside_whole(tables, stream, batch, reason, done)
            if batch.header.last <= stream.cursor:
                _enter_recovery(tables, stream, batch, done.received)
        _tell_losses(tables, stream, lost, done)
        rows = Columns.joined(parts) if parts else None
        if rows:
            # Judged first: an engine that has to read its state again must not find these rows.
            self._judge(tables, stream, rows, done)
            block = self._store.append(tables.conn, stream.number, done.received, rows, stream.line)
            done.blocks += [] if block is None else [block]

    def _judge(self, tables: Tables, stream: Stream, rows: Columns, done: Committed) -> None:
        done.readings += len(rows)
        judged = self._engine.evaluate(
            tables,
            Evaluation(
                stream=stream.line or stream.number,
                purpose=Purpose[stream.purpose.upper()],
                arrival=done.received,
                rows=rows,
            ),
        )
        done.episodes += judged.episodes
        done.good += judged.good

    def _place(
        self,
        tables: Tables,
        stream: Stream,
        content: BatchColumns,
        to: tuple[Placement | None, Committed],
    ) -> Columns:
        at, done = to
        numbers = self._numbers(tables, stream.manifest)
        placed = placing.place(content, numbers, at, done.received)
        if placed.aside:
            tables.conn.executemany(
                "INSERT INTO quarantine(received, stream, seq, n, reason, detail) "
                "VALUES (?, ?, ?, 1, ?, ?)",
                [
                    (done.received, stream.number, item.seq, item.reason, _detail(item))
                    for item in placed.aside
                ],
            )
            done.quarantined += len(placed.aside)
            for reason, count in Counter(item.reason for item in placed.aside).items():
                done.events += events.record_once(
                    tables,
                    done.received,
                    events.QUARANTINE,
                    reason,
                    stream.gateway,
                    {"count": count},
                )
        return placed.rows

    def _enter_loss(
        self, tables: Tables, stream: Stream, content: SkipBatch, done: Committed
    ) -> None:
        numbers = self._numbers(tables, stream.manifest)
        known = len(numbers)
        tables.conn.executemany(
            "INSERT INTO loss(received, stream, seq0, reason, point, time_from, time_to, count) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    done.received,
                    stream.number,
                    content.header.seq0,
                    content.reason.name.lower(),
                    int(numbers[line.point])
                    if line.point is not None and line.point < known
                    else None,
                    line.start,
                    line.end,
                    line.count,
                )
                for line in content.ledger
            ],
        )
        done.lost += content.header.n

    def _numbers(self, tables: Tables, digest: str) -> Integers:
        known = self._maps.get(digest)
        if known is None:
            known = manifest_numbers(tables, digest)
            if self._mapped + len(known) > MAPPED:
                self.forget()
            self._maps[digest] = known
            self._mapped += len(known)
        return known


def _later(batches: list[Sealed]) -> Placement | None:
    """Return what the first of a boot's batches says whose clock had been set; None: none had."""
    headers = (batch.header for batch in batches)
    return next(filter(None, map(placing.header_placement, headers)), None)


def _tell_losses(tables: Tables, stream: Stream, lost: Counter[str], done: Committed) -> None:
    """Tell losses by reason, once for all skips that came together: thinning leaves hundreds."""
    for reason, count in sorted(lost.items()):
        done.events.append(
            events.record(
                tables,
                (done.received, done.received),
                events.LOSS,
                "DATA_LOST",
                stream.gateway,
                {"count": count, "reason": reason},
            )
        )


def _put_aside_whole(
    tables: Tables, stream: Stream, batch: Sealed, reason: WireError, done: Committed
) -> None:
    header = batch.header
    tables.conn.execute(
        "INSERT INTO quarantine(received, stream, seq, n, reason, detail, body) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            done.received,
            stream.number,
            header.seq0,
            header.n,
            placing.UNDECODABLE,
            str(reason),
            batch.raw,
        ),
    )
    done.quarantined += header.n
    done.events += events.record_once(
        tables,
        done.received,
        events.QUARANTINE,
        placing.UNDECODABLE,
        stream.gateway,
        {"count": header.n, "seq": header.seq0, "reason": reason.code},
    )


def _take_events(
    tables: Tables, stream: Stream, content: EventsBatch, to: tuple[Placement | None, Committed]
) -> None:
    at, done = to
    for event in content.events:
        time = done.received if at is None else at.place(event.time)
        time = max(0, min(time, done.received))
        done.events.append(
            events.record(
                tables,
                (time, done.received),
                events.FAULT,
                event.code,
                f"{stream.gateway}/{event.subject}" if event.subject else stream.gateway,
                dict(event.params),
            )
        )


def _enter_recovery(tables: Tables, stream: Stream, batch: Sealed, now: int) -> None:
    """What the ledger had given up is here: a line of its own takes it back."""
    header = batch.header
    tables.conn.execute(
        "INSERT INTO loss(received, stream, seq0, reason, count) VALUES (?, ?, ?, 'recovered', ?)",
        (now, stream.number, header.seq0, -header.n),
    )


def _detail(item: placing.Aside) -> str:
    return json.dumps(
        {"point": item.point, "time": item.time, "value": item.value, "quality": item.quality},
        ensure_ascii=False,
    )
