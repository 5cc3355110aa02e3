"""The readings door: a request of another system, read, judged, written once, and answered.

Bodies are untrusted: they are read in a thread of the door's own, by total functions with bounds.
What a request may do is counted before its body is received (`enter`) and before it is written.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

from central.contacts import Contacts
from central.database import Database, Urgency
from central.door import describing, minting, requests, virtual
from central.door.figures import DoorFigures
from central.door.forgetting import Forgetting
from central.door.judging import Points, points_of
from central.door.limits import UNDER_WAY, Account, Limits
from central.door.minting import Mint
from central.door.names import KnownNames
from central.door.preparing import Key, Posted, prepare, prepare_light, read_light, read_points
from central.door.requests import Answer
from central.door.table import Table
from central.door.taking import Request, Taken, Taking
from central.effects import Effects
from central.identity import tokens
from central.ingest.contents import Committed
from central.ingest.gate import Ingest
from central.ingest.request import Sent
from central.ingest.streams import manifest_body
from central.registry import Entry, Registry
from protocols.alarms.condition import LIVE_DELAY
from protocols.clock import Clock, real_monotonic
from protocols.errors import IngestError
from protocols.owner_thread import OwnerThread
from protocols.wire.manifest import manifest_digest
from protocols.wire.opening import new_stream_id
from protocols.wire.request import compress
from protocols.words import Lane, Purpose

LIVE: Final = Sent("live", heard=False)
REMEMBERED: Final = 200_000
"""Points of virtual gateways kept ready; the rest is read again from their manifests."""
TRIES: Final = 3
"""Times a request is held against points that change meanwhile."""
SEALED_MS: Final = 5_000
"""Milliseconds after which a seal that is behind may have made room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """What lies behind the door: the rooms it writes to, and who is told of a commit."""

    ingest: Ingest
    taking: Taking
    contacts: Contacts
    registry: Registry
    committed: Callable[[str, Committed], None]
    tell: Callable[[Effects], None]
    crowded: Callable[[], bool]
    """Whether memory holds as many readings as it should: a seal is behind."""


class ReadingsDoor:
    """Kept on the event loop."""

    def __init__(self, db: Database, clock: Clock, behind: Behind) -> None:
        self._db = db
        self._clock = clock
        self._behind = behind
        self._reader = OwnerThread("door", capacity=UNDER_WAY)
        self._names = KnownNames()
        self._points: dict[str, Points] = {}
        self._ordinals: dict[str, int] = {}
        self.limits = Limits()
        self.figures = DoorFigures()
        self.began = clock.now()
        self.forgetting = Forgetting(db, clock)

    async def load(self) -> None:
        """Take note of how long each virtual gateway may be silent."""
        for one in await self._db.read(virtual.listed):
            self._behind.contacts.expect(one.name, one.offline_after * 1_000_000)

    async def create(self, wanted: virtual.VirtualGateway) -> None:
        """Make a virtual gateway. Raises NameRefused, LimitRefused, GatewayExists."""
        made = virtual.checked(wanted)

        def known(entry: Entry) -> None:
            self._behind.registry.put(entry)
            self._behind.contacts.expect(made.name, made.offline_after * 1_000_000)

        await self._db.write(lambda tables: virtual.create(tables, made), known)

    @asynccontextmanager
    async def enter(self, credential: str) -> AsyncIterator[Account]:
        """Let a token's request in until the context ends, and count it, refused or not.

        Raises IngestError FORBIDDEN, DOOR_RATE (429), BUSY, STORE_FULL (503).
        """
        with self.figures.counting():
            refusal = self._behind.ingest.admission.lacks_room(Lane.BACKFILL)
            if refusal is not None:
                raise refusal
            account = self.limits.account(credential)
            if account is None:
                found = await self._db.glance(lambda conn: tokens.allowance(conn, credential))
                if found is None:
                    raise IngestError("FORBIDDEN", 403)
                account = self.limits.open(credential, *found)
            self.limits.begin(account)
            try:
                yield account
            finally:
                self.limits.end(account)

    async def post(self, gateway: str, account: Account, posted: Posted) -> Answer:
        """Take readings and return what became of them, once that is durable.

        What has to be kept by a store that is behind is refused (BUSY): a gateway's waits, but
        another system's body would be held here meanwhile, and it knows how to come again.
        Raises IngestError DOOR_BODY, DOOR_TOO_MANY, DOOR_NO_MANIFEST, DOOR_MANIFEST, DOOR_RATE,
        KEY_REUSED, KEY_TOO_OLD, BUSY (503).
        """
        began, key = real_monotonic(), posted.keyed(account.token)
        await self._behind.contacts.seen(gateway)
        known, current = await self._db.glance(lambda conn: requests.look(conn, key[0], gateway))
        if known is not None:
            return self._answered(gateway, requests.again(known, key[1]))
        if self._behind.crowded():
            raise IngestError("BUSY", 503, lane="store", retry_after_ms=SEALED_MS)
        table: Table | None = None
        for _ in range(TRIES):
            points = None if current is None else await self._points_of(gateway, current)
            mint = Mint(
                gateway=gateway,
                number=await self._next(gateway),
                purpose=posted.purpose,
                now=self._clock.now(),
            )
            read, request = await self._prepared(posted, key, table, points, mint)
            if table is None:
                self.limits.charge(account, len(read.points))
            if request is None:
                raise IngestError("DOOR_NO_MANIFEST", 409, gateway=gateway)
            table = read
            self._db.crash.reach("central.received")
            taken = await self._take(gateway, request, began)
            if not taken.stale:
                self._db.crash.reach("central.answering")
                return self._answered(gateway, taken.answer)
            current = await self._db.glance(lambda conn: requests.current_manifest(conn, gateway))
        raise IngestError("BUSY", 503, lane="door", retry_after_ms=1_000)

    async def describe(self, gateway: str, body: bytes, by: str | None = None) -> Answer:
        """Take a description of sites, devices and points; it holds from the next reading on.

        `by`: a person's doing, for the audit; what no person does is the system's own contact.
        Raises IngestError DOOR_BODY, WIRE (with the place), SITE_FORBIDDEN, TOO_LARGE.
        """
        entry = self._behind.registry.entry(gateway)
        allowed = await self._db.glance(lambda conn: virtual.find(conn, gateway))
        if entry is None or allowed is None:
            raise IngestError("FORBIDDEN", 403)
        data, manifest = await self._reader.run(
            describing.manifest_of, gateway, entry.label, body, frozenset(allowed.sites)
        )
        digest = manifest_digest(data)
        self._points[gateway] = await self._reader.run(points_of, digest, manifest)
        if by is None:
            await self._behind.contacts.seen(gateway)
        current = await self._db.glance(lambda conn: requests.current_manifest(conn, gateway))
        if current != digest:
            await self._change(gateway, digest, data)
        if by is not None:
            now, count = self._clock.now(), len(manifest.points)
            await self._db.write(
                lambda tables: virtual.note_described(tables, gateway, (by, now), count)
            )
        return {
            "manifest": digest,
            "changed": current != digest,
            "sites": len(manifest.sites),
            "devices": len(manifest.devices),
            "points": len(manifest.points),
        }

    async def close(self) -> None:
        """Let go of the thread."""
        await self._reader.close()

    async def _change(self, gateway: str, digest: str, data: bytes) -> None:
        """Keep a manifest and make it current, as a gateway does: by a stream that names it."""
        ingest = self._behind.ingest
        packed, encoding = await self._reader.run(compress, data)
        await ingest.put_manifest(gateway, digest, packed, encoding, LIVE)
        mint = Mint(
            gateway=gateway,
            number=await self._next(gateway),
            purpose=Purpose.PRODUCTION,
            now=self._clock.now(),
        )
        opened = minting.opening(new_stream_id(), digest, mint)
        await ingest.put_stream(gateway, opened.opening.stream, opened.body, LIVE)

    async def _prepared(  # as `prepare`
        self,
        posted: Posted,
        key: Key,
        table: Table | None,
        points: Points | None,
        mint: Mint,
    ) -> tuple[Table, Request | None]:
        """Read and judge, on the event loop what is little."""
        if table is None and points is not None:
            table = read_light(posted, self._names)
            request = None if table is None else prepare_light(key, table, points, mint)
            if table is not None and request is not None:
                return table, request
        return await self._reader.run(prepare, posted, key, self._names, table, points, mint)

    async def _take(self, gateway: str, request: Request, began: float) -> Taken:
        def after(taken: Taken) -> None:
            if taken.committed is not None:
                self._count(taken.committed, began)
                self._behind.committed(gateway, taken.committed)
            if taken.events:
                self._behind.tell(Effects(events=taken.events))

        taking = self._behind.taking
        work = partial(taking.take, request)
        light = partial(work, light=True) if taking.is_light(request) else None
        return await self._db.write(work, after, urgency=_urgency(request), light=light)

    def _count(self, done: Committed, began: float) -> None:
        """What comes through the door is ingest like any other."""
        at, figures = real_monotonic(), self._behind.ingest.figures
        figures.readings += done.readings
        figures.took(at - began, at, done.readings)

    def _answered(self, gateway: str, answer: Answer) -> Answer:
        self.figures.answered(gateway, answer)
        return answer

    async def _points_of(self, gateway: str, digest: str) -> Points:
        known = self._points.pop(gateway, None)
        if known is None or known.digest != digest:
            body = await self._db.glance(lambda conn: manifest_body(conn, digest))
            known = await self._reader.run(read_points, digest, body)
        self._points[gateway] = known
        while len(self._points) > 1 and sum(map(len, self._points.values())) > REMEMBERED:
            del self._points[next(iter(self._points))]
        return known

    async def _next(self, gateway: str) -> int:
        """Return the next number of a stream; each is handed out once while we run."""
        if gateway not in self._ordinals:
            last = await self._db.glance(lambda conn: requests.last_ordinal(conn, gateway))
            self._ordinals.setdefault(gateway, last)
        self._ordinals[gateway] += 1
        return self._ordinals[gateway]


def _urgency(request: Request) -> Urgency:
    """What is live and of the alarm lane waits for nobody; what is late lets others go first."""
    accepted = request.judged.accepted
    if len(accepted) and accepted.times[-1] < request.mint.now - LIVE_DELAY:
        return Urgency.PATIENT
    hurries = request.points.urgent[accepted.points].any()
    return Urgency.URGENT if hurries else Urgency.USUAL
