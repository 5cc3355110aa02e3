"""The lifeboat: a second set of files, in memory, for as long as the medium stores nothing.

It has streams of its own, under numbers above all the medium's, so that what happens now never
waits for what lies on a card that cannot be read. Beside them it carries what the medium may or
may not have taken when it failed (`board`): the end of a stream of the medium, under the numbers it
was sealed with. Its beginning, up to the stream's *floor*, is not here and is never spoken for.

Everything runs in the lifeboat's own thread, which a hanging card does not hold up.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from edge.buffer import overflow
from edge.buffer.alarm_file import Progress, Skip
from edge.buffer.delivery import Delivery
from edge.buffer.file import Row, StreamRecord
from edge.buffer.folder import ALARM
from edge.buffer.heads import CHUNK
from edge.buffer.holdings import Holdings
from edge.buffer.housekeeping import Housekeeping
from edge.buffer.memory import MemoryFolder
from edge.buffer.model import Budget, Group, Origin, Pending, Stats, WentBack
from edge.buffer.streams import Stream
from edge.buffer.writer import Unsure, Writer, Written
from edge.sabotage import Sabotage
from protocols.clock import Clock
from protocols.words import Lane, StreamKind

SEGMENTS: Final = 8
"""Giving up a segment is at most this share of the room."""
SMALLEST: Final = 16 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Cargo:
    """A stream on its way back to the medium: `record.base` is what lies before its first batch."""

    record: StreamRecord
    manifest: bytes
    floor: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """Where a stream stands when the medium takes it over."""

    progress: Progress
    skips: tuple[Skip, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """What an answer changed: the stream is with the collector up to `upto` (None: not here)."""

    upto: int | None
    went_back: WentBack | None = None


class Lifeboat:
    """Streams in at most about `limit` bytes of memory; `highest` is the last number given."""

    def __init__(
        self, limit: int, origin: Origin, clock: Clock, highest: int, sabotage: Sabotage
    ) -> None:
        self.limit = limit
        self.holdings = Holdings(
            folder=MemoryFolder(), streams={}, origin=origin, clock=clock, highest=highest
        )
        self.delivery = Delivery(self.holdings)
        self.housekeeping = Housekeeping(self.holdings, self.delivery, limit)
        segment = max(SMALLEST, limit // SEGMENTS)
        self.writer = Writer(self.holdings, segment, None, sabotage)
        self._floors: dict[str, int] = {}
        self._stranded: set[str] = set()

    def write(self, kind: StreamKind, groups: Sequence[Group]) -> Written:
        """Seal and keep."""
        return self.writer.write(kind, groups)

    def board(self, unsure: Unsure, head: bytes | None) -> Written:
        """Keep what the medium may not have; `head` is the chain head before it, where known."""
        known, held = unsure.stream, self.holdings
        stream = Stream(
            id=known.id,
            number=known.number,
            kind=known.kind,
            opening=known.opening,
            manifest=known.manifest,
            committed=unsure.base,
            head=head,
            safe=unsure.base,
            anchor=unsure.base,
            anchor_head=head,
        )
        alarm = known.kind is StreamKind.ALARM
        file = held.folder.alarm if alarm else held.folder.active()
        file.write(held.record(stream), held.origin.manifest, 1, unsure.rows)
        stream.extend(file.path.name, unsure.base + 1, unsure.last, len(unsure.rows))
        held.streams[stream.number] = stream
        self._floors[stream.id] = unsure.base
        return Written(stream.id, unsure.base + 1, unsure.last)

    def rotate(self, kinds: Collection[StreamKind]) -> None:
        """End the live streams of `kinds`."""
        for kind in kinds:
            self.writer.rotate(kind)

    def pending(self, lane: Lane, budget: Budget, without: Collection[str]) -> Pending | None:
        """Return what a lane has to send from here."""
        return self.delivery.pending(lane, budget, without)

    def committed(self, stream: str, seq: int, safe: int) -> Told:
        """Take in an answer, as far as it concerns what is here."""
        floor = self._floors.get(stream, 0)
        back = self.delivery.committed(stream, max(seq, floor), max(safe, floor))
        return Told(self._upto(stream), back)

    def rewind(self, stream: str, expected: int, head: bytes | None) -> Told:
        """Go to `expected`, but never before what is here of a stream of the medium."""
        floor = self._floors.get(stream, 0)
        known = head if expected > floor else None
        back = self.delivery.rewind(stream, max(expected, floor + 1), known)
        return Told(self._upto(stream), back)

    def _upto(self, stream: str) -> int | None:
        found = self.holdings.find(stream)
        return None if found is None else found.committed

    def keep_to_limit(self) -> list[overflow.Given]:
        """Forget what is safe, then give up the oldest, until the bound is kept."""
        if self.holdings.folder.total() <= self.limit:
            return []
        self.housekeeping.persist()
        return overflow.relieve(self.holdings, self.housekeeping, self.limit)

    def stats(self) -> Stats:
        """Return what is here; what was given up is told as `memory`."""
        return self.housekeeping.stats()

    # --- going ashore ------------------------------------------------------------------------

    def aboard(self) -> dict[str, int]:
        """Return the id and the floor of every stream here."""
        return {s.id: self._floors.get(s.id, 0) for s in self.holdings.streams.values()}

    def strand(self, taken: Mapping[int, str]) -> None:
        """Note whose numbers another stream of the medium has: they can only be sent from here."""
        for stream in self.holdings.streams.values():
            if taken.get(stream.number, stream.id) != stream.id:
                self._stranded.add(stream.id)

    @property
    def empty(self) -> bool:
        """Whether nothing is left to go ashore or to be sent."""
        return not self.holdings.streams

    def cargo(self) -> Cargo | None:
        """Return the stream that goes ashore next, alarms first; what is safe needs no shore."""
        held = self.holdings
        for stream in list(held.streams.values()):
            if stream.done:
                self.release(stream.id)
        waiting = [s for s in held.streams.values() if not s.live and s.id not in self._stranded]
        if not waiting:
            return None
        stream = min(waiting, key=lambda s: (s.kind is not StreamKind.ALARM, s.number))
        base = max(stream.first - 1, self._floors.get(stream.id, 0))
        return Cargo(
            record=StreamRecord(
                number=stream.number,
                id=stream.id,
                kind=stream.kind,
                opening=stream.opening,
                manifest=stream.manifest,
                base=base,
                base_head=self.delivery.head_at(stream, base),
            ),
            manifest=held.manifest(stream.manifest) or b"",
            floor=self._floors.get(stream.id, 0),
            last=stream.last,
        )

    def rows(self, stream_id: str, seq: int) -> list[Row]:
        """Return the next batches of a stream from `seq` on, skips left out; none at its end."""
        stream = self.holdings.find(stream_id)
        while stream is not None and seq <= stream.last:
            skip, part = stream.skip_over(seq), stream.part_over(seq)
            if skip is not None or part is None:
                seq = skip.last + 1 if skip else seq + 1
                continue
            end = min(part.last, stream.run_end(seq))
            file = self.holdings.folder.get(part.file)
            return file.rows(stream.number, seq, end, CHUNK.batches, CHUNK.bytes // 4)
        return []

    def landing(self, stream_id: str) -> Landing | None:
        """Return how far a stream is with the collector."""
        stream = self.holdings.find(stream_id)
        if stream is None:
            return None
        return Landing(progress=stream.progress(), skips=tuple(stream.skips.values()))

    def release(self, stream_id: str) -> None:
        """Forget a stream: the medium has it, or nobody needs it."""
        stream = self.holdings.find(stream_id)
        if stream is None:
            return
        del self.holdings.streams[stream.number]
        self._floors.pop(stream_id, None)
        held = {part.file for s in self.holdings.streams.values() for part in s.parts}
        for name in {part.file for part in stream.parts} - held - {ALARM}:
            self.housekeeping.unlink(name)

    def close(self) -> None:
        """Let go of everything."""
        self.holdings.folder.close()
