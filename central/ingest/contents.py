"""What batches hold, written where it belongs: readings, events, losses, and what is put aside.

Runs in the writer thread, inside the transaction that moves the cursor.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlite_utils import Database as Tables

from central.alarms.engine import Engine, Evaluation
from central.alarms.gateways.joining import Heard, Joining
from central.backfills.noting import Came, Noting
from central.database_gathered import Gathered
from central.database_queue import Heavy
from central.ingest import besides, evidence, placing
from central.ingest.anchors import Anchors
from central.ingest.committed import Committed as Committed
from central.ingest.placement import Placement
from central.ingest.point_map import PointMap
from central.ingest.request import Sealed
from central.ingest.streams import Stream, manifest_numbers
from central.store import as_sent
from central.store.columns import Columns
from central.store.interface import Store
from central.wire.columns import BatchColumns
from protocols.errors import WireError
from protocols.wire.batch import EventsBatch, SkipBatch
from protocols.words import Purpose

MAPPED: Final = 1_000_000
"""Points of manifests whose numbers are remembered; beyond it they are read again."""
LIGHT: Final = 64
"""Readings the alarm machine looks at one by one in a few milliseconds."""
_PURPOSES: Final = {purpose.name.lower(): purpose for purpose in Purpose}


class Sent(NamedTuple):
    """A batch, and where its gateway's times lie (None: nobody knows)."""

    batch: Sealed
    placement: Placement | None


class Contents:
    """Writes batches; remembers nothing that the tables do not hold."""

    def __init__(self, store: Store, engine: Engine, anchors: Anchors, gathered: Gathered) -> None:
        self._anchors = anchors
        self._store = store
        self._engine = engine
        self.joining = Joining(engine)
        self.backfills = Noting()
        self._gathered = gathered
        self._maps: dict[str, PointMap] = {}
        self._mapped = 0

    def forget(self) -> None:
        """Drop what was remembered of tables whose transaction was undone."""
        self.joining.forget()
        self.backfills.forget()
        self._maps.clear()
        self._mapped = 0

    def write(  # whose they are, what they led to
        self,
        tables: Tables,
        stream: Stream,
        batches: list[Sealed],
        done: Committed,
        *,
        light: bool = False,
    ) -> None:
        """Write `batches`, each where its content belongs.

        `light`: raises Heavy, with no alarm's state changed, where the machine has much to do.
        """
        before, changes = len(self._gathered), tables.conn.total_changes
        lost = done.lost
        evidence.keep(self._gathered, stream.number, batches, done.received)
        known = self._anchors.placement(tables, stream.gateway, stream.boot)
        every = [Sent(batch, known) for batch in batches] if known else _by_headers(batches)
        sent = [each for each in every if isinstance(each.batch.content, BatchColumns)]
        heard: list[Heard] = []
        if len(sent) < len(every):
            heard = self._write_others(tables, stream, every, done)
        if batches[0].header.last <= stream.cursor:
            besides.enter_recoveries(tables, stream, batches, done.received)
        rows = self._placed(tables, stream, sent, known, done) if sent else None
        if rows is not None and len(rows):
            # Judged first: an engine that has to read its state again must not find these rows.
            try:
                self._judge(tables, stream, rows, done, LIGHT if light else None)
            except Heavy as exc:
                self._gathered.cut(before)
                # What was learnt of the sender stays true; what happened would be told twice.
                exc.harmless = tables.conn.total_changes == changes and not done.events
                raise
            self._append(tables, stream, rows, sent, done)
        if heard:
            self._join(tables, stream, heard, done)
        opened = _opened(every[0]), _opened(every[-1])
        if opened[0] is not None and opened[1] is not None:
            came = Came((opened[0], opened[1]), rows, done.lost - lost)
            self.backfills.note(tables.conn, stream, came, done.episodes, done.received)

    def _join(self, tables: Tables, stream: Stream, heard: list[Heard], done: Committed) -> None:
        """Let alarms a gateway found itself be one with what its readings lead to."""
        purpose = _PURPOSES[stream.purpose]
        joined = self.joining.take(tables, heard, purpose, done.received)
        done.episodes += joined.episodes
        done.laid += joined.laid
        besides.tell_strangers(tables, joined.strangers, done)

    def _write_others(
        self, tables: Tables, stream: Stream, sent: list[Sent], done: Committed
    ) -> list[Heard]:
        """Write what is no reading; returns what was said of alarms."""
        lost: Counter[str] = Counter()
        heard: list[Heard] = []
        for batch, at in sent:
            match batch.content:
                case EventsBatch() as content:
                    heard += besides.take_events(tables, stream, content, (at, done))
                case SkipBatch() as content:
                    numbers = self._map(tables, stream.manifest).numbers
                    besides.enter_loss(tables, stream, content, numbers, done)
                    lost[content.reason.name.lower()] += content.header.n
                case WireError() as reason:
                    besides.put_aside_whole(tables, stream, batch, reason, done)
        besides.tell_losses(tables, stream, lost, done)
        return heard

    def _append(  # whose rows, how they came, what they led to
        self,
        tables: Tables,
        stream: Stream,
        rows: Columns,
        sent: list[Sent],
        done: Committed,
    ) -> None:
        known = self._map(tables, stream.manifest)
        body = None
        if known.stretches is not None:
            came = [as_sent.Sent(each.batch.raw, each.placement) for each in sent]
            body = as_sent.pack(came, len(known), known.stretches, done.received)
        number, received = stream.number, done.received
        block = self._store.append(tables.conn, number, received, rows, stream.line, body)
        done.blocks += [] if block is None else [block]

    def _judge(  # whose rows, what they led to, and how much may be asked of the machine
        self, tables: Tables, stream: Stream, rows: Columns, done: Committed, most: int | None
    ) -> None:
        judged = self._engine.evaluate(
            tables,
            Evaluation(
                stream=stream.line or stream.number,
                purpose=_PURPOSES[stream.purpose],
                arrival=done.received,
                rows=rows,
                most=most,
            ),
        )
        done.readings += len(rows)
        done.episodes += judged.episodes
        done.laid += judged.laid
        done.good += judged.good

    def _placed(  # whose, what, where all of it lies in time if that is known, what it leads to
        self,
        tables: Tables,
        stream: Stream,
        sent: list[Sent],
        known: Placement | None,
        done: Committed,
    ) -> Columns:
        points = self._map(tables, stream.manifest)
        contents = [(b.content, at) for b, at in sent if isinstance(b.content, BatchColumns)]
        if known is not None and len(contents) > 1:
            rows = _at_once([content for content, _ in contents], points, known, done.received)
            if rows is not None:
                return rows
        parts = []
        for content, at in contents:
            column = points.column(content.points)
            placed = placing.place(content, points.numbers, at, done.received, column)
            if placed.aside:
                besides.put_aside(tables, stream, placed.aside, done)
            parts.append(placed.rows)
        return Columns.joined(parts)

    def _map(self, tables: Tables, digest: str) -> PointMap:
        known = self._maps.get(digest)
        if known is None:
            known = PointMap(manifest_numbers(tables, digest))
            if self._mapped + len(known) > MAPPED:
                self.forget()
            self._maps[digest] = known
            self._mapped += len(known)
        return known


def _at_once(
    contents: Sequence[BatchColumns], points: PointMap, known: Placement, received: int
) -> Columns | None:
    """Return the rows of batches, placed in one; None: one by one, something is to be told."""
    whole = placing.together(contents)
    if whole is None:
        return None
    named = contents[0].points
    column = points.column(named) if all(each.points is named for each in contents) else None
    if column is not None:
        column = column.repeated(len(contents))
    placed = placing.place(whole, points.numbers, known, received, column)
    return None if placed.aside else placed.rows


def _opened(sent: Sent) -> int | None:
    """Return when a batch was opened (µs UTC); None: nobody knows."""
    at = sent.placement
    if at is None:
        return None
    mono = sent.batch.header.mono0
    return at.place(mono) if at.simple is None else mono + at.simple


def _by_headers(batches: list[Sealed]) -> list[Sent]:
    """Place batches by what they say themselves: of one whose clock was not set yet, the next."""
    places = [placing.header_placement(batch.header) for batch in batches]
    later = next(filter(None, places), None)
    return [Sent(batch, at or later) for batch, at in zip(batches, places, strict=True)]
