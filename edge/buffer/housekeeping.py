"""Persists the cursors, frees space, keeps to the quota, and says how full the buffer is."""

from collections.abc import Callable
from contextlib import suppress

from edge.buffer.alarm_file import Progress
from edge.buffer.backlog import Backlogs
from edge.buffer.delivery import Delivery
from edge.buffer.folder import ALARM
from edge.buffer.holdings import Holdings
from edge.buffer.model import Room, Stats, StreamStats
from edge.buffer.streams import Part, Stream
from protocols.errors import BufferDamaged, BufferFault
from protocols.words import StreamKind


class Housekeeping:
    """Everything that is neither writing nor sending."""

    def __init__(self, holdings: Holdings, delivery: Delivery, quota_bytes: int) -> None:
        self._holdings = holdings
        self._delivery = delivery
        self.quota_bytes = quota_bytes
        self._backlogs = Backlogs(holdings)
        self.room: Callable[[], Room] = Room

    def persist(self) -> None:
        """Make the cursors durable; then unlink what the collector holds safely. Idempotent."""
        held = self._holdings
        free = self._free_segments()
        for name in (ALARM, *free):
            self.anchor_past(name)
        with suppress(BufferFault):
            held.account()
        with suppress(BufferFault):
            held.note_reach()
        untold = [stream for stream, _ in held.lost]
        done = [s for s in held.streams.values() if s.done and s not in untold]
        progress: list[Progress] = [s.progress() for s in held.streams.values() if s.changed]
        safe = {s.number: s.safe for s in held.streams.values() if s.kind is StreamKind.ALARM}
        skips = {s.number: s.safe for s in held.streams.values() if s.skips}
        try:
            held.folder.alarm.save(progress, [s.number for s in done], safe, skips)
        except BufferDamaged as exc:
            held.damage(ALARM, exc)
            return
        held.crash.reach("edge.persisting")
        for stream in done:
            del held.streams[stream.number]
        for stream in held.streams.values():
            stream.changed = False
            self._trim(stream)
        for name in free:
            self.unlink(name)

    def _trim(self, stream: Stream) -> None:
        stream.skips = {f: skip for f, skip in stream.skips.items() if skip.last > stream.safe}
        for part in list(stream.parts):
            if part.file != ALARM or part.first > stream.safe:
                continue
            if part.last <= stream.safe:
                stream.parts.remove(part)
            else:
                ordinal = self._holdings.folder.alarm.ordinal
                newest = ordinal(stream.number, part.last) or 0
                part.first = stream.safe + 1
                part.batches = newest - (ordinal(stream.number, stream.safe) or newest - 1)

    def _free_segments(self) -> list[str]:
        folder, streams = self._holdings.folder, self._holdings.streams.values()
        # Once through all parts: there may be thousands of streams and of segments.
        needed = {part.file for s in streams for part in s.parts if part.last > s.safe}
        needed |= {part.file for s in streams for part in s.recovered} | folder.in_use
        return [name for name in folder.segments() if name not in needed]

    def anchor_past(self, name: str) -> None:
        """Remember the chain head at the end of what is about to go from a file."""
        for stream in self._holdings.streams.values():
            for part in stream.parts:
                if part.file == name:
                    end = min(part.last, stream.safe if name == ALARM else stream.committed)
                    self._anchor(stream, end, part.head if end == part.last else None)

    def _anchor(self, stream: Stream, end: int, head: bytes | None) -> None:
        if end > stream.anchor:
            # A whole segment would be read to find its last head again.
            stream.anchor_head = self._delivery.head_at(stream, end) if head is None else head
            stream.anchor = end
            stream.changed = True

    def forget(self, stream: Stream, part: Part, upto: int, head: bytes | None) -> None:
        """Get ready to forget a part's batches up to `upto`, with the chain head after it."""
        if part.first <= upto and upto > stream.anchor:
            known = self._delivery.head_at(stream, upto) if head is None else head
            stream.anchor, stream.anchor_head = upto, known
        stream.changed = True

    def save(self) -> None:
        """Make the progress of every stream that changed durable."""
        changed = [s.progress() for s in self._holdings.streams.values() if s.changed]
        self._holdings.folder.alarm.save(changed)

    def free(self, name: str) -> None:
        """Unlink a segment now, whatever it holds: the caller has accounted for it."""
        self._remember_without(name)
        self.anchor_past(name)
        self.save()
        self.unlink(name)

    def _remember_without(self, name: str) -> None:
        """Keep the opening of what no backup covers: a restored collector may ask for it again."""
        for stream in self._holdings.streams.values():
            here = [part.file == name for part in stream.parts]
            if here and all(here) and stream.safe < stream.committed:
                self._holdings.note(stream)

    def unlink(self, name: str) -> None:
        """Remove a segment whose streams are anchored past it."""
        held = self._holdings
        for stream in held.streams.values():
            rest = [part for part in stream.parts if part.file != name]
            stream.recovered = [part for part in stream.recovered if part.file != name]
            if len(rest) == len(stream.parts):
                continue
            stream.parts = rest
            known = rest and rest[0].first == stream.anchor + 1
            if known and stream.anchor_head is not None:
                self._set_base(rest[0].file, stream.number, stream.anchor_head)
        held.folder.remove(name)

    def _set_base(self, name: str, number: int, head: bytes) -> None:
        try:
            self._holdings.folder.get(name).set_base(number, head)
        except BufferDamaged as exc:
            self._holdings.damage(name, exc)

    def stats(self) -> Stats:
        """Return the state of the buffer; reads a few rows, never a backlog."""
        held = self._holdings
        streams = sorted(held.streams.values(), key=lambda s: s.number)
        self._backlogs.forget_others()
        return Stats(
            alarm=self._backlogs.count(s for s in streams if s.kind is StreamKind.ALARM),
            data=self._backlogs.count(s for s in streams if s.kind is StreamKind.DATA),
            bytes=held.folder.total(),
            quota_bytes=self.quota_bytes,
            written=held.written,
            room=self.room(),
            drops=dict(held.drops),
            streams=tuple(_stream_stats(stream) for stream in streams),
            kept=held.folder.kept(),
        )


def _stream_stats(stream: Stream) -> StreamStats:
    return StreamStats(
        stream=stream.id,
        number=stream.number,
        kind=stream.kind,
        live=stream.live,
        first=stream.first,
        last=stream.last,
        committed=stream.committed,
        safe=stream.safe,
    )
