"""A buffer in memory with the promises of the real one; the common suite holds it to them."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field

from edge.buffer import Backlog, Budget, Origin, Pending, Stats, WentBack
from edge.buffer.file import Row
from edge.buffer.model import Group
from edge.buffer.seal import Items, seal
from protocols.clock import Clock, SystemClock
from protocols.errors import BufferFault
from protocols.wire.batch import LedgerLine, SkipReason, Stamp, encode_skip, read_header
from protocols.wire.chain import chain_next, chain_start
from protocols.wire.opening import Opening, encode_opening, new_stream_id
from protocols.words import Lane, StreamKind


@dataclass
class FakeStream:
    """All rows are kept for ever; `heads` by last seq."""

    opening: Opening
    data: bytes
    live: bool = True
    committed: int = 0
    safe: int = 0
    rows: list[Row] = field(default_factory=list)

    @property
    def last(self) -> int:
        return self.rows[-1].last if self.rows else 0

    def head(self, seq: int) -> bytes:
        head = chain_start(self.data)
        for row in self.rows:
            if row.last <= seq:
                head = chain_next(head, row.bytes)
        return head


@dataclass
class Medium:
    """What survives a process."""

    streams: list[FakeStream] = field(default_factory=list)
    incarnation: str | None = None


class FakeBuffer:
    """Open one on a medium; a second one on the same medium is the next process."""

    def __init__(self, medium: Medium, origin: Origin, clock: Clock | None = None) -> None:
        self._medium = medium
        self._origin = origin
        self._clock = clock or SystemClock()
        self._offered: set[str] = set()
        self._open: dict[StreamKind, list[tuple[Items, asyncio.Future[None]]]] = {
            kind: [] for kind in StreamKind
        }
        for stream in medium.streams:
            stream.live = False

    def append(self, kind: StreamKind, items: Items) -> asyncio.Future[None]:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if not items:
            done.set_result(None)
            return done
        self._open[kind].append((items, done))
        return done

    async def seal(self, kind: StreamKind) -> None:
        taken, self._open[kind] = self._open[kind], []
        for items, done in taken:
            stream = self._stream(kind)
            group = Group(
                mono0=self._clock.mono(),
                wall0=self._clock.now(),
                clock_state=self._clock.state,
                items=items,
            )
            stream.rows += seal(
                group, stream.opening.number, stream.last + 1, self._origin.decimals
            )
            done.set_result(None)

    def give_up(self, kind: StreamKind) -> None:
        """Lose what is not sealed yet, as memory does when the medium fails for long."""
        taken, self._open[kind] = self._open[kind], []
        for _, done in taken:
            done.set_exception(BufferFault("BUFFER_OVERFLOW"))

    def _stream(self, kind: StreamKind) -> FakeStream:
        for stream in self._medium.streams:
            if stream.live and stream.opening.kind is kind:
                return stream
        opening = Opening(
            stream=new_stream_id(),
            number=len(self._medium.streams) + 1,
            gateway=self._origin.gateway,
            kind=kind,
            boot=self._origin.boot,
            purpose=self._origin.purpose,
            manifest=self._origin.manifest_digest,
            opened=self._clock.now(),
        )
        self._medium.streams.append(FakeStream(opening, encode_opening(opening)))
        return self._medium.streams[-1]

    async def rotate(self, kind: StreamKind) -> None:
        for stream in self._medium.streams:
            stream.live = stream.live and stream.opening.kind is not kind

    async def pending(
        self, lane: Lane, budget: Budget, without: Collection[str] = ()
    ) -> Pending | None:
        kind = StreamKind.ALARM if lane is Lane.ALARM else StreamKind.DATA
        for stream in sorted(self._medium.streams, key=lambda s: not s.live):
            mine = stream.opening.kind is kind and stream.opening.stream not in without
            if not mine or (lane is not Lane.ALARM and stream.live != (lane is Lane.LIVE)):
                continue
            rows = [row for row in stream.rows if row.seq0 > stream.committed][: budget.batches]
            while len(rows) > 1 and sum(len(row.bytes) for row in rows) > budget.bytes:
                rows.pop()
            if rows:
                return self._handed(stream, lane, rows)
        return None

    def _handed(self, stream: FakeStream, lane: Lane, rows: list[Row]) -> Pending:
        return Pending(
            stream=stream.opening.stream,
            number=stream.opening.number,
            lane=lane,
            kind=stream.opening.kind,
            opening=stream.data,
            manifest=stream.opening.manifest,
            first=rows[0].seq0,
            last=rows[-1].last,
            batches=tuple(row.bytes for row in rows),
            head=stream.head(rows[-1].last),
        )

    def _find(self, stream_id: str) -> FakeStream | None:
        return next((s for s in self._medium.streams if s.opening.stream == stream_id), None)

    async def committed(self, stream: str, seq: int, safe: int) -> WentBack | None:
        found = self._find(stream)
        if found is None:
            return None
        seq = min(seq, found.last)
        back = await self.rewind(stream, seq + 1) if seq < found.committed else None
        if back is None:
            self._offered.discard(stream)
        found.committed, found.safe = seq, min(safe, seq)
        return back

    async def rewind(
        self, stream: str, expected: int, head: bytes | None = None
    ) -> WentBack | None:
        del head
        found = self._find(stream)
        if found is None or expected == found.committed + 1:
            return None
        told, now = found.committed, expected - 1
        if now > told:
            found.committed = min(now, found.last)
            return None
        self._go_back(found, expected)
        if stream in self._offered:
            return None
        await self.offer_again()
        return WentBack(stream=stream, told=told, now=now)

    async def offer_again(self) -> None:
        for stream in self._medium.streams:
            stream.committed = min(stream.committed, stream.safe)
            self._offered.add(stream.opening.stream)

    def _go_back(self, found: FakeStream, expected: int) -> None:
        gone = [row for row in found.rows if row.last <= found.safe and row.last >= expected]
        found.committed = expected - 1
        if gone:
            count = gone[-1].last - expected + 1
            line = LedgerLine(point=None, start=None, end=None, count=count)
            header = read_header(gone[0].bytes)[0]
            stamp = Stamp(
                clock_state=header.clock_state,
                number=header.number,
                seq0=expected,
                mono0=header.mono0,
                wall0=header.wall0,
            )
            skip = encode_skip(stamp, SkipReason.GONE_AT_COLLECTOR, [line])
            at = found.rows.index(gone[0])
            found.rows[at : at + len(gone)] = [Row(expected, count, skip)]
            found.safe = expected - 1

    async def meet(self, incarnation: str) -> bool:
        known, self._medium.incarnation = self._medium.incarnation, incarnation
        if known in (None, incarnation):
            return False
        await self.offer_again()
        return True

    async def persist(self) -> None:
        return

    async def stats(self) -> Stats:
        return Stats(
            alarm=self._backlog(StreamKind.ALARM),
            data=self._backlog(StreamKind.DATA),
            bytes=0,
            quota_bytes=0,
            written=0,
        )

    def _backlog(self, kind: StreamKind) -> Backlog:
        rows = [
            row
            for stream in self._medium.streams
            for row in stream.rows
            if stream.opening.kind is kind and row.seq0 > stream.committed
        ]
        return Backlog(
            readings=sum(row.n for row in rows),
            batches=len(rows),
            oldest=min((read_header(row.bytes)[0].wall0 for row in rows), default=None),
        )

    async def close(self) -> None:
        for kind in StreamKind:
            await self.seal(kind)
