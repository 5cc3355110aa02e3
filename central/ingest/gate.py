"""The gate for gateways: what was admitted is opened, committed, and answered once it is durable.

`gateway` is always the name its token proved; nothing in a body or header is believed about it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from central.alarms.engine import Engine
from central.database import Database, Urgency
from central.ingest import request as requests
from central.ingest.admission import Admission, lane_of
from central.ingest.commit import Committer
from central.ingest.contents import Committed
from central.ingest.figures import Counting, Figures
from central.ingest.manifests import (
    Change,
    Changes,
    Described,
    Manifests,
    Opened,
    keep,
    take_portion,
)
from central.ingest.request import SENT, IngestRequest, Prepared, Sent, prepare, refused
from central.ingest.streams import Record, make_first, manifest_body, open_stream, read_cursors
from protocols.clock import Clock, real_monotonic
from protocols.errors import IngestError, WireError
from protocols.owner_thread import OwnerThread
from protocols.wire.answer import Answer
from protocols.wire.bounds import MANIFEST_BYTES, REQUEST_BYTES
from protocols.wire.cursors import Cursors, decode_question
from protocols.wire.manifest import Manifest, manifest_digest
from protocols.wire.opening import decode_opening
from protocols.wire.request import inflate, parse_clock, parse_nonce
from protocols.words import Lane

OPENING: Final = 1_200
"""Requests being opened at once: every one that was admitted."""
LIGHT: Final = 8_000
"""Readings of a request that are stored on the event loop itself: some milliseconds."""
URGENCY: Final = {
    Lane.ALARM: Urgency.URGENT,
    Lane.LIVE: Urgency.USUAL,
    Lane.BACKFILL: Urgency.PATIENT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class After:
    """What the collector does on the loop; `masked`: rules others take the place of."""

    committed: Callable[[str, Committed], None]
    opened: Callable[[Opened], None]
    seen: Callable[[str], Awaitable[None]]
    health: Callable[[str, bytes], Awaitable[None]]
    masked: Callable[[Manifest], frozenset[str]]
    settle: Callable[[], Awaitable[None]]


class Ingest:
    """Manifests, openings and batches of every gateway."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        engine: Engine,
        committer: Committer,
        after: After,
        *,
        backed_up: bool = False,
    ) -> None:
        """`backed_up`: only what a verified backup covers is called safe."""
        self._db = db
        self._clock = clock
        self._engine = engine
        self._committer = committer
        self._after = after
        self._backed_up = backed_up
        self._opener = OwnerThread("ingest", capacity=OPENING)
        # No alarm waits behind a backlog that is being inflated.
        self._alarm_opener = OwnerThread("ingest-alarm", capacity=OPENING)
        self.figures = Figures()
        self._counting = Counting(self.figures.refused)
        self.admission = Admission(self.figures)
        self._manifests = Manifests()
        self._changes = Changes()

    async def put_manifest(  # who, what, how it is packed and sent
        self, gateway: str, digest: str, body: bytes, encoding: str, sent: Sent = SENT
    ) -> None:
        """Take a manifest. Raises IngestError TOO_LARGE, DIGEST, WIRE, FORBIDDEN."""
        lane = lane_of(sent.lane)
        with self._counted():
            await self._seen(gateway, sent.signed or not sent.heard)
            if len(body) > REQUEST_BYTES:
                raise IngestError("TOO_LARGE", 413, size=len(body), limit=REQUEST_BYTES)
            run = self._opener_of(lane).run
            try:
                data = await run(inflate, body, encoding, MANIFEST_BYTES)
                if manifest_digest(data) != digest:
                    raise IngestError("DIGEST", 400)
                described = await run(self._manifests.describe, digest, data)
            except WireError as exc:
                raise refused(exc) from exc
            if described.manifest.gateway != gateway:
                raise IngestError("FORBIDDEN", 403, gateway=described.manifest.gateway)
            now, change = self._clock.now(), self._changes.of(gateway, URGENCY[lane])
            async with change:
                first = partial(keep, described=described, now=now)
                kept = await self._db.write(first, urgency=change.urgency)
                if kept.news is not None:
                    described = await self._take_rules(described, change)
                    await self._db.write(
                        lambda tables: make_first(tables, self._engine, described, now),
                        self._after.opened,
                        urgency=change.urgency,
                    )
                    self._manifests.forget(digest)
                    await self._after.settle()

    async def put_stream(self, gateway: str, stream: str, body: bytes, sent: Sent = SENT) -> None:
        """Take an opening record; the same again is welcome.

        Raises IngestError WIRE, FORBIDDEN, MANIFEST_UNKNOWN (428), STREAM_DIVERGES (409).
        """
        with self._counted():
            await self._seen(gateway, (signed := sent.signed) or not sent.heard)
            try:
                opening = decode_opening(body)
                report = parse_clock(sent.clock) if sent.clock else None
            except WireError as exc:
                raise refused(exc) from exc
            if opening.stream != stream:
                raise IngestError("WIRE", 400, reason="STREAM", stream=opening.stream)
            if opening.gateway != gateway:
                raise IngestError("FORBIDDEN", 403, gateway=opening.gateway)
            # What a gateway sealed before it had a key is signed from now on all the same.
            if opening.sig_alg not in ("none", "" if signed is None else signed.claimed.alg):
                raise IngestError("WIRE", 400, reason="SIG_ALG", value=opening.sig_alg)
            arrived = self._clock.now() if sent.arrived is None else sent.arrived
            record = Record(opening, body, signed, self._committer.met(report, arrived))
            opened = await self._open(record, URGENCY[lane_of(sent.lane)])
            if opened.error is not None:
                raise opened.error

    async def _open(self, record: Record, urgency: Urgency) -> Opened:
        opened = await self._opened(record, None, urgency)
        if opened.news is None:
            return opened
        change = self._changes.of(record.opening.gateway, urgency)
        async with change:
            # Another opening may have been first, and be newer.
            described: Described | None = None
            while True:
                opened = await self._opened(record, described, change.urgency)
                if opened.news is None:
                    self._manifests.forget(record.opening.manifest)
                    await self._after.settle()
                    return opened
                described = await self._take_rules(await self._described(opened.news), change)

    async def _opened(
        self, record: Record, described: Described | None, urgency: Urgency
    ) -> Opened:
        now = self._clock.now()
        return await self._db.write(
            lambda tables: open_stream(tables, self._engine, record, described, now),
            self._after.opened,
            urgency=urgency,
        )

    async def _described(self, digest: str) -> Described:
        """Return a manifest that is kept, decoded here rather than where alarms are written."""
        known = self._manifests.get(digest)
        if known is not None:
            return known
        body = await self._db.glance(lambda conn: manifest_body(conn, digest))
        return await self._alarm_opener.run(self._manifests.describe, digest, body)

    async def _take_rules(self, described: Described, change: Change) -> Described:
        described = described.without(self._after.masked(described.manifest))
        for portion in described.portions():
            take = partial(
                take_portion,
                engine=self._engine,
                described=described,
                portion=portion,
                now=self._clock.now(),
            )
            await self._db.write(take, self._after.opened, urgency=change.urgency)
        return described

    async def post_batches(self, gateway: str, stream: str, request: IngestRequest) -> Answer:
        """Commit the batches and return what may be forgotten. Raises IngestError (`expected`)."""
        began = real_monotonic()
        self.figures.requests += 1
        with self._counting:
            if request.signed is None:  # else it may be played back
                await self._after.seen(gateway)
            prepared = await self._prepared(request)
            if len(prepared.batches) > 1:  # one may always come: it cannot be sent in parts
                self._hold_to_credit(gateway, prepared, len(request.body))
            crash = self._db.crash
            crash.reach("central.received")
            now = self._clock.now()

            def after(done: Committed) -> None:
                self.figures.committed(done, began)
                self._after.committed(gateway, done)

            left: Prepared | None = prepared
            fresh = False
            while left is not None:
                work = partial(self._committer.commit, gateway, stream, left, now)
                light = partial(work, light=True) if _is_light(left) else None
                urgency = URGENCY[prepared.lane]
                done = await self._db.write(work, after, urgency=urgency, light=light)
                left, fresh = done.left, fresh or done.fresh
            if fresh and request.signed is not None:
                await self._after.seen(gateway)
            if done.error is not None:
                done.error.safe = self._safe(done)
                raise done.error
        crash.reach("central.answering")
        return self._answer(gateway, stream, request.nonce, done)

    async def cursors(self, gateway: str, body: bytes, nonce: str) -> Cursors:
        """Return how far the streams asked for are here. Raises IngestError WIRE."""
        with self._counted():
            await self._after.seen(gateway)
            try:
                asked, nonce = decode_question(body), parse_nonce(nonce)
            except WireError as exc:
                raise refused(exc) from exc
            backed_up = self._backed_up
            held = await self._db.glance(
                lambda conn: read_cursors(conn, gateway, asked, backed_up=backed_up)
            )
        return Cursors(incarnation=self._db.incarnation, nonce=nonce, streams=held)

    async def post_health(self, gateway: str, body: bytes) -> None:
        """Take what the gateway says of itself. Raises IngestError WIRE, TOO_LARGE."""
        with self._counted():
            await self._after.seen(gateway)
            try:
                await self._after.health(gateway, body)
            except WireError as exc:
                raise refused(exc) from exc

    async def close(self) -> None:
        """Let go of the threads."""
        await self._opener.close()
        await self._alarm_opener.close()

    async def _seen(self, gateway: str, doubt: object) -> None:
        """Note a contact, unless it may be played back: signed, by no number that is good once."""
        if not doubt:
            await self._after.seen(gateway)

    async def _prepared(self, request: IngestRequest) -> Prepared:
        lane = lane_of(request.lane)
        await self._committer.room(lane)
        small = requests.prepare_small(request)
        return await self._opener_of(lane).run(prepare, request) if small is None else small

    def _opener_of(self, lane: Lane) -> OwnerThread:
        return self._alarm_opener if lane is Lane.ALARM else self._opener

    def _safe(self, done: Committed) -> int:
        return min(done.safe, done.committed) if self._backed_up else done.committed

    def _hold_to_credit(self, gateway: str, prepared: Prepared, size: int) -> None:
        allowed = self.admission.allowed(gateway)
        if prepared.lane is not Lane.ALARM and size > allowed:
            raise IngestError("CREDIT", 429, size=size, limit=allowed)

    def _answer(self, gateway: str, stream: str, nonce: str, done: Committed) -> Answer:
        return Answer(
            stream=stream,
            committed=done.committed,
            safe=self._safe(done),
            incarnation=self._db.incarnation,
            credit=self.admission.credit(gateway),
            retry_after_ms=0,
            now=self._clock.now(),
            nonce=nonce,
        )

    def _counted(self) -> Counting:
        """Count requests and refusals; a database that cannot be written is one (it says why)."""
        self.figures.requests += 1
        return self._counting


def _is_light(prepared: Prepared) -> bool:
    return prepared.last - prepared.first < LIGHT  # they follow each other
