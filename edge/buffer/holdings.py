"""What the parts of the buffer share, all inside its one thread: files, streams, counts."""

import logging
from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field

from edge.buffer.alarm_file import Skip
from edge.buffer.file import StreamRecord
from edge.buffer.folder import ALARM, Folder
from edge.buffer.model import Origin
from edge.buffer.streams import Part, Stream
from protocols.clock import Clock
from protocols.crash_points import CrashPoints
from protocols.errors import BufferDamaged, BufferFault, SalvageUnderway, WireError
from protocols.wire.batch import LedgerLine, SkipReason, Stamp, encode_skip
from protocols.words import StreamKind

logger = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Holdings:
    """Files and streams; `drops` counts readings given up, by reason."""

    folder: Folder
    streams: dict[int, Stream]
    origin: Origin
    clock: Clock
    drops: Counter[str] = field(default_factory=Counter)
    lost: list[tuple[Stream, Part]] = field(default_factory=list)
    """What was in damaged files and has no skip yet, because the medium did not take one."""
    highest: int = 0
    written: int = 0
    crash: CrashPoints = field(default_factory=lambda: CrashPoints({}))
    salvaging: frozenset[StreamKind] = frozenset()
    """The kinds of stream of which a damaged file may still hold something: what is missing of
    them is not given up yet, and delivery passes them over where it is missing."""
    noted: dict[int, int] = field(default_factory=dict)
    """How far each stream was when that was last made durable in the alarm file."""

    def find(self, stream_id: str) -> Stream | None:
        """Return the stream of that id, if anything of it is still kept."""
        return next((s for s in self.streams.values() if s.id == stream_id), None)

    def record(self, stream: Stream) -> StreamRecord:
        """Return what a file says of a stream whose next part it takes."""
        return StreamRecord(
            number=stream.number,
            id=stream.id,
            kind=stream.kind,
            opening=stream.opening,
            manifest=stream.manifest,
            base=stream.last,
            base_head=stream.head if stream.committed == stream.last else None,
        )

    def manifest(self, digest: str) -> bytes | None:
        """Return a manifest some stream refers to, from whichever file has it."""
        if digest == self.origin.manifest_digest:
            return self.origin.manifest
        names = {part.file for s in self.streams.values() for part in s.parts} | {ALARM}
        for name in sorted(names):
            found = self.folder.get(name).manifest(digest)
            if found is not None:
                return found
        return None

    def put_skip(
        self,
        stream: Stream,
        first: int,
        last: int,
        reason: SkipReason,
        ledger: list[LedgerLine] | None = None,
        counted: int = 0,
    ) -> None:
        """Seal a skip over `first..last` and keep it, durable on return.

        One that began before stays: it is sent if the collector goes back to where it begins.
        `counted` of these were given up, and counted, before. Raises SalvageUnderway when what is
        missing may yet be found.
        """
        if reason is not SkipReason.QUOTA and stream.kind in self.salvaging:
            raise SalvageUnderway(stream=stream.id)
        count = last - first + 1
        lines = ledger or [LedgerLine(point=None, start=None, end=None, count=count)]
        stamp = Stamp(
            clock_state=self.clock.state,
            number=stream.number,
            seq0=first,
            mono0=self.clock.mono(),
            wall0=self.clock.now(),
        )
        try:
            data = encode_skip(stamp, reason, lines)
        except WireError:  # a ledger of very many points is too large: the sum alone is told
            unknown = LedgerLine(point=None, start=None, end=None, count=count)
            data = encode_skip(stamp, reason, [unknown])
        skip = Skip(number=stream.number, first=first, last=last, bytes=data)
        stream.skipped = True
        alarm = self.folder.alarm
        alarm.save([stream.progress()])
        alarm.put_skip(skip, self.record(stream), self.manifest(stream.manifest) or b"")
        for old in [f for f, old in stream.skips.items() if f >= first and old.last <= last]:
            del stream.skips[old]
        stream.skips[first] = skip
        self.drops[reason.name.lower()] += count - counted
        logger.warning("%d readings of stream %s given up: %s", count, stream.id, reason.name)

    def damage(self, name: str, error: BufferDamaged) -> None:
        """Quarantine a file and note what it had: what is not found in it again becomes skips."""
        self.folder.quarantine(name, str(error.params.get("reason", error.code)))
        for stream in self.streams.values():
            rest = [part for part in stream.parts if part.file != name]
            stream.recovered = [part for part in stream.recovered if part.file != name]
            if len(rest) != len(stream.parts):
                stream.reach = stream.last
                stream.parts, stream.live, stream.changed = rest, False, True
        self.look_for_wrecks()
        if name == ALARM:
            self.noted.clear()
            self._restore_alarm_file()
        try:
            self.note_reach()
        except BufferDamaged:
            raise
        except BufferFault as exc:  # known in memory; it is made durable with the next progress
            logger.warning("what a damaged file had could not be noted: %s", exc)
        with suppress(SalvageUnderway):
            self.account()

    def look_for_wrecks(self, given_up: Collection[str] = ()) -> None:
        """See which kinds of stream a damaged file, but those, may still hold something of."""
        wrecks = self.folder.wrecks()
        names = {wreckage.name for wreckage in wrecks if wreckage.path.name not in given_up}
        # The alarm file also knows what was skipped of data streams, and how far they are.
        kinds = set(StreamKind) if ALARM in names else {StreamKind.DATA} if names else set()
        self.salvaging = frozenset(kinds)

    def is_unsure_of(self, stream: Stream) -> bool:
        """Whether a damaged file may yet tell that a stream begins before where it seems to."""
        return stream.guessed and stream.committed > 0 and stream.kind in self.salvaging

    def note_reach(self) -> None:
        """Make durable how far each stream is, so that a lost end is seen to be lost."""
        for stream in self.streams.values():
            if self.noted.get(stream.number, 0) < stream.last > stream.safe:
                self.note(stream)

    def note(self, stream: Stream) -> None:
        """Keep apart from its data what a stream is and how far, durable on return."""
        progress = None if stream.guessed else stream.progress()
        self.folder.alarm.note(*self._about(stream), stream.last, progress)
        self.noted[stream.number] = stream.last

    def _about(self, stream: Stream) -> tuple[StreamRecord, bytes]:
        return self.record(stream), self.manifest(stream.manifest) or b""

    def account(self) -> None:
        """Put skips for what is known to be lost; what cannot be told now stays in `lost`."""
        while self.lost:
            stream, part = self.lost[0]
            first = max(part.first, stream.committed + 1)
            if first <= part.last:
                self.put_skip(stream, first, part.last, SkipReason.CORRUPT)
            del self.lost[0]

    def _restore_alarm_file(self) -> None:
        alarm = self.folder.alarm
        self.folder.next_number(self.highest)
        alarm.save([s.progress() for s in self.streams.values()])
        for stream in self.streams.values():
            for skip in stream.skips.values():
                alarm.put_skip(skip, self.record(stream), self.manifest(stream.manifest) or b"")
