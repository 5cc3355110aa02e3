"""The commit rule (docs/wire.md section 7): rows and cursor in one transaction, or nothing.

A large request is proved whole and then committed in parts that end at batch edges, each a
transaction in which the cursor moves with its rows: no alarm waits behind all of it.

Invariant: cursor = c exactly when the numbers 1..c of the stream are stored, put aside or entered
in the loss ledger. A number is written only in the transaction that moves the cursor past it, and
the cursor never moves back. Refusals are returned, not raised, so that what they make known (a
matter of security) is kept. Evidence, heads, cursors and journal entries of a group's requests are
gathered and written right before its COMMIT: the invariant holds there, and in what is remembered
meanwhile. Runs where the writing connection is held: in the thread, or on the event loop.
"""

from dataclasses import replace
from itertools import accumulate
from typing import Final

from sqlite_utils import Database as Tables

from central import events
from central.alarms.engine import Engine, Judged
from central.database_gathered import Gathered
from central.evidence import heads
from central.ingest import evidence
from central.ingest.anchors import Anchors
from central.ingest.contents import Committed, Contents
from central.ingest.evidence import Again
from central.ingest.heard import Heard
from central.ingest.opened import Met
from central.ingest.remembered import Remembered
from central.ingest.request import Prepared, Proof, Sealed
from central.ingest.streams import Stream, digest_algorithm
from central.ingest.suspicion import Suspicion
from central.store.interface import Store
from protocols.errors import IngestError
from protocols.wire.bounds import BATCH_ITEMS
from protocols.wire.chain import chain_next
from protocols.wire.headers import ClockReport
from protocols.words import Lane, Value

PART: Final = 16_000
"""Readings of a request that one transaction takes (at least one batch)."""

WENT_BACK: Final = "COLLECTOR_WENT_BACK"
"""A gateway's own event: the collector confirmed more to it once than it holds now."""


class Committer:
    """Applies the commit rule to requests."""

    def __init__(  # what it writes to, and what it asks
        self, store: Store, engine: Engine, anchors: Anchors, gathered: Gathered, since: int = 0
    ) -> None:
        """`since`: when this process began to serve (µs UTC)."""
        self._anchors = anchors
        self._engine = engine
        self._suspicion = Suspicion(since)
        self._gathered = gathered
        self._remembered = Remembered(gathered)
        self._contents = Contents(store, engine, anchors, gathered)
        self.joining = self._contents.joining
        self.backfills = self._contents.backfills
        self._store = store
        self.heard = Heard()

    def forget(self) -> None:
        """Drop what was remembered of tables whose transaction was undone."""
        self._remembered.forget()
        self._contents.forget()
        self._anchors.forget()
        self._suspicion.forget()
        self.heard.forget()

    def tick(self, tables: Tables, now: int) -> Judged:
        """Do what the clock leads to."""
        judged = self.joining.tick(tables, now)
        self.backfills.told(tables.conn, judged.episodes)
        return judged

    async def room(self, lane: Lane) -> None:
        """Wait while the store holds more unsealed than memory should; alarms never do."""
        if lane is not Lane.ALARM and self._store.crowded:
            await self._store.room()

    def met(self, report: ClockReport | None, arrived: int) -> Met | None:
        """Return what a request shows of its boot that was here at `arrived` (µs UTC)."""
        return None if report is None else Met(report, self._anchors.measured(report, arrived))

    def commit_whole(  # what the transaction is given last, as below
        self, stream: Stream, request: Prepared, now: int, tables: Tables, *, light: bool = False
    ) -> Committed:
        """Apply all that will ever come to a stream whose row is gathered or written already."""
        self._remembered.begin(tables.conn)
        self._remembered.put(stream)
        try:
            return self.commit(stream.gateway, stream.id, request, now, tables, light=light)
        finally:
            self._remembered.drop(stream.id)

    def commit(  # what the transaction is given last, so that the rest can be bound
        self,
        gateway: str,
        stream_id: str,
        request: Prepared,
        now: int,
        tables: Tables,
        *,
        light: bool = False,
    ) -> Committed:
        """Apply `request` or its first part; the result says what to answer or what is `left`.

        `light`: raises Heavy, with no alarm's state changed, where judging it would take long.
        """
        conn, remembered = tables.conn, self._remembered
        done = Committed(received=now)
        remembered.begin(conn)
        stream = remembered.stream(conn, stream_id)
        done.error = _refusal(stream, gateway, request)
        if stream is None or done.error is not None:
            return done
        done.committed, done.safe = stream.cursor, stream.safe
        if remembered.stays_out(conn, gateway, request.clock.boot):
            done.error = IngestError("START_HELD", 403, gateway=gateway)
            return done
        self._apply(tables, stream, request, done, light=light)
        if done.events:  # a start may have been held
            remembered.forget()
            self._gathered.write_out(conn)
        remembered.end(conn)
        return done

    def _apply(  # to which stream, what, and what it leads to
        self, tables: Tables, stream: Stream, request: Prepared, done: Committed, *, light: bool
    ) -> None:
        part = _first_part(request.batches)
        old: list[Sealed] = []
        recovered: list[Sealed] = []
        if request.first <= stream.cursor:
            self._gathered.write_out(tables.conn)  # what comes again is held against it
            old = [batch for batch in request.batches if batch.header.last <= stream.cursor]
            recovered = self._compare(tables, stream, old[: len(part)], request, done)
        new = request.batches[len(old) :] if old else request.batches
        proof = self._prove(tables, stream, new, request, done) if new else None
        done.fresh = proof is not None or bool(recovered)
        lives = done.fresh or request.signed is None
        speaks = lives and self._met(tables, stream.gateway, request, done)
        if proof is not None and (taken := part[len(old) :]):
            self._contents.write(tables, stream, taken, done, light=light)
            done.committed = taken[-1].header.last
            self._remembered.move(stream, done.committed, proof.heads[len(taken) - 1])
        if recovered:
            self._contents.write(tables, stream, recovered, done)
        if len(part) < len(request.batches) and done.error is None:
            done.left = replace(
                request,
                batches=request.batches[len(part) :],
                proved=_rest(proof, max(0, len(part) - len(old))),
            )
        self._keep_head(stream, request, done, apart=bool(recovered))
        if done.events:
            self._look_back(tables, stream, done)
        done.due = self._engine.due()
        if lives and done.error is None:
            last = done.received, stream.purpose, request.clock.boot if speaks else None
            self.heard.note(tables.conn, stream.gateway, last, kept=bool(done.blocks))
            done.purpose = stream.purpose

    def _met(self, tables: Tables, gateway: str, request: Prepared, done: Committed) -> bool:
        """Learn where the sender's boot lies and who speaks, of a request nobody plays back.

        Returns whether it is of the boot that speaks, none of an earlier one still on its way.
        What is signed and brings nothing new may be played back: it would be late by days, or of
        another boot.
        """
        now = done.received
        arrived = now if request.arrived is None else request.arrived
        new = self._anchors.learn(tables, gateway, request.clock, arrived, now)
        found = self._suspicion.spoke(tables, gateway, request.clock.boot, now, new=new)
        if found is None:
            return False
        self._anchors.saw(gateway, request.clock.boot, now)
        done.events += found
        return True

    def _compare(
        self, tables: Tables, stream: Stream, old: list[Sealed], request: Prepared, done: Committed
    ) -> list[Sealed]:
        """Look at what comes again; return what was thought lost and is here after all."""
        found = [evidence.compare(tables.conn, stream.number, batch) for batch in old]
        recovered = [
            batch for batch, what in zip(old, found, strict=True) if what is Again.RECOVERED
        ]
        done.duplicates = len(old) - len(recovered)
        # Zeros: the gateway does not know its own head any more, and states none.
        stated = request.last == stream.cursor and any(request.head)
        other_head = stated and request.head != stream.head
        if Again.DIVERGES in found or (other_head and set(found) == {Again.SAME}):
            self._alert(tables, stream, "STREAM_DIVERGES", request.first, done)
        only = not recovered and len(old) == len(request.batches)
        if only and other_head and evidence.gave_up(found, old):
            done.error = IngestError("CHAIN", 400, **_here(stream))
        return recovered

    def _prove(
        self, tables: Tables, stream: Stream, new: list[Sealed], request: Prepared, done: Committed
    ) -> Proof | None:
        """Return the chain's heads after each of `new`, or None with `done.error` set."""
        expected, first = stream.cursor + 1, new[0].header.seq0
        if first > expected:
            done.events += self._suspicion.gap(tables, stream, first, done.received)
            done.error = IngestError("GAP", 409, **_here(stream))
            return None
        if first < expected:
            done.error = IngestError("NOT_AN_EDGE", 409, **_here(stream))
            return None
        known = request.proved
        if known is not None and known.before == stream.head and len(known.heads) == len(new):
            return known
        algorithm, at = digest_algorithm(stream), stream.head
        heads = [at := chain_next(at, batch.raw, algorithm) for batch in new]
        if at != request.head:
            done.error = IngestError("CHAIN", 400, **_here(stream))
            # Zeros: the gateway says that it lost its own, and asks for ours.
            old = request.batches[: -len(new)]
            if any(request.head) and not evidence.went_apart(tables.conn, stream.number, old):
                self._alert(tables, stream, "CHAIN_BROKEN", first, done)
            return None
        return Proof(stream.head, heads)

    def _look_back(self, tables: Tables, stream: Stream, done: Committed) -> None:
        """A gateway may have noticed by other means that we hold less than we had confirmed."""
        for event in list(done.events):
            if event.code == WENT_BACK and event.kind == events.FAULT:
                numbers = (event.params.get("told"), event.params.get("now"))
                done.events += self._suspicion.behind(
                    tables, stream.gateway, numbers, done.received
                )

    def _keep_head(
        self, stream: Stream, request: Prepared, done: Committed, *, apart: bool
    ) -> None:
        """Keep the head of a request whose last part is in, or that brought back a skip's."""
        last = request.last
        apart = apart and request.signed is not None and last <= stream.cursor
        if apart or (last > stream.cursor and done.committed == last):
            at = (stream.number, last)
            row = heads.head_row(at, request.head, request.signed, done.received, apart=apart)
            self._gathered.add(heads.KEEP, row)

    def _alert(self, tables: Tables, stream: Stream, code: str, seq: int, done: Committed) -> None:
        subject = f"{stream.gateway}/{stream.id}"
        done.events += events.record_once(
            tables, done.received, events.SECURITY, code, subject, {"seq": seq}
        )


def _refusal(stream: Stream | None, gateway: str, request: Prepared) -> IngestError | None:
    """Return why this gateway may not add to this stream in this way."""
    if stream is None:
        return IngestError("STREAM_UNKNOWN", 404, expected=1)
    if stream.gateway != gateway:
        return IngestError("FORBIDDEN", 403)
    if stream.signed and request.signed is None:
        return IngestError("WIRE", 400, reason="SIG_ALG")
    return None


def _here(stream: Stream) -> dict[str, Value]:
    """Return where the stream is: the gateway may not know what its own head was made of."""
    return {"expected": stream.cursor + 1, "head": stream.head.hex()}


def _first_part(batches: list[Sealed]) -> list[Sealed]:
    """Return the batches one transaction takes; a skip holds few rows, whatever it counts."""
    if len(batches) == 1:
        return batches
    weights = accumulate(min(batch.header.n, BATCH_ITEMS) for batch in batches)
    within = sum(1 for weight in weights if weight <= PART)
    return batches[: max(1, within)]


def _rest(proof: Proof | None, taken: int) -> Proof | None:
    if proof is None or not taken:
        return proof
    return Proof(proof.heads[taken - 1], proof.heads[taken:])
