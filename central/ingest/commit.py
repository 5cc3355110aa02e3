"""The commit rule (docs/wire.md section 7): everything of a request in one transaction, or nothing.

Invariant: cursor = c exactly when the numbers 1..c of the stream are stored, put aside or entered
in the loss ledger. A number is written only in the transaction that moves the cursor past it, and
the cursor never moves back. Refusals are returned, not raised, so that what they make known (a
matter of security) is kept. Runs in the writer thread.
"""

from sqlite_utils import Database as Tables

from central import events
from central.alarms.engine import Engine
from central.ingest import evidence, placing
from central.ingest.contents import Committed, Contents
from central.ingest.evidence import Again
from central.ingest.request import Prepared, Sealed
from central.ingest.streams import Stream, digest_algorithm, read_stream
from central.store.interface import Store
from protocols.errors import IngestError
from protocols.wire.chain import chain_next
from protocols.wire.headers import ClockReport
from protocols.words import Value


class Committer:
    """Applies the commit rule to requests."""

    def __init__(self, store: Store, engine: Engine) -> None:
        self._engine = engine
        self._contents = Contents(store, engine)

    def forget(self) -> None:
        """Drop what was remembered of tables whose transaction was undone."""
        self._contents.forget()

    def commit(
        self, tables: Tables, gateway: str, stream_id: str, request: Prepared, now: int
    ) -> Committed:
        """Apply `request`; the result says what to answer."""
        done = Committed(received=now)
        stream = read_stream(tables.conn, stream_id)
        if stream is None:
            done.error = IngestError("STREAM_UNKNOWN", 404, expected=1)
            return done
        if stream.gateway != gateway:
            done.error = IngestError("FORBIDDEN", 403)
            return done
        done.committed, done.safe = stream.cursor, stream.safe
        _learn_boot(tables, gateway, request.clock, now)
        old = [batch for batch in request.batches if batch.header.last <= stream.cursor]
        new = request.batches[len(old) :]
        recovered = self._compare(tables, stream, old, request, done)
        if new and (head := self._prove(tables, stream, new, request, done)) is not None:
            self._contents.write(tables, stream, new, done)
            done.committed = request.last
            tables.conn.execute(
                "UPDATE stream SET cursor = ?, head = ? WHERE number = ?",
                (request.last, head, stream.number),
            )
        if recovered:
            self._contents.write(tables, stream, recovered, done)
        done.due = self._engine.due()
        if done.error is None:
            _note_contact(tables, stream, now)
            done.purpose = stream.purpose
        return done

    def _compare(
        self, tables: Tables, stream: Stream, old: list[Sealed], request: Prepared, done: Committed
    ) -> list[Sealed]:
        """Look at what comes again; return what was thought lost and is here after all."""
        found = [evidence.compare(tables.conn, stream.number, batch) for batch in old]
        recovered = [
            batch for batch, what in zip(old, found, strict=True) if what is Again.RECOVERED
        ]
        done.duplicates = len(old) - len(recovered)
        other_head = request.last == stream.cursor and request.head != stream.head
        if Again.DIVERGES in found or (other_head and set(found) == {Again.SAME}):
            self._alert(tables, stream, "STREAM_DIVERGES", request.first, done)
        return recovered

    def _prove(
        self, tables: Tables, stream: Stream, new: list[Sealed], request: Prepared, done: Committed
    ) -> bytes | None:
        """Return the chain's head after `new`, or None with `done.error` set."""
        expected, first = stream.cursor + 1, new[0].header.seq0
        # The gateway may have lost what its own chain head was made of.
        here: dict[str, Value] = {"expected": expected, "head": stream.head.hex()}
        if first > expected:
            done.error = IngestError("GAP", 409, **here)
            return None
        if first < expected:
            done.error = IngestError("NOT_AN_EDGE", 409, **here)
            return None
        head, algorithm = stream.head, digest_algorithm(stream)
        for batch in new:
            head = chain_next(head, batch.raw, algorithm)
        if head != request.head:
            done.error = IngestError("CHAIN", 400, **here)
            self._alert(tables, stream, "CHAIN_BROKEN", first, done)
            return None
        return head

    def _alert(self, tables: Tables, stream: Stream, code: str, seq: int, done: Committed) -> None:
        subject = f"{stream.gateway}/{stream.id}"
        done.events += events.record_once(
            tables, done.received, events.SECURITY, code, subject, {"seq": seq}
        )


def _learn_boot(tables: Tables, gateway: str, report: ClockReport, now: int) -> None:
    """The first contact of a boot places everything of it, for good: rows are never rewritten."""
    tables.conn.execute(
        "INSERT OR IGNORE INTO boot(gateway, boot, clock_offset, clock_state, learned) "
        "VALUES (?, ?, ?, ?, ?)",
        (gateway, report.boot, placing.boot_offset(report, now), int(report.state), now),
    )


def _note_contact(tables: Tables, stream: Stream, now: int) -> None:
    tables.conn.execute(
        "UPDATE gateway SET last_contact = ?, purpose = ? WHERE name = ?",
        (now, stream.purpose, stream.gateway),
    )
