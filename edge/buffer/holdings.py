"""What the parts of the buffer share, all inside its one thread: files, streams, counts."""

import logging
from collections import Counter
from dataclasses import dataclass, field

from edge.buffer.alarm_file import Skip
from edge.buffer.file import StreamRecord
from edge.buffer.folder import ALARM, Folder
from edge.buffer.model import Origin
from edge.buffer.streams import Part, Stream
from protocols.clock import Clock
from protocols.crash_points import CrashPoints
from protocols.errors import BufferDamaged, WireError
from protocols.wire.batch import LedgerLine, SkipReason, Stamp, encode_skip

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

        `counted` of these were given up, and counted, before.
        """
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
        overlap = [f for f, old in stream.skips.items() if f <= last and old.last >= first]
        for old in overlap:
            del stream.skips[old]
        stream.skips[first] = skip
        self.drops[reason.name.lower()] += count - counted
        logger.warning("%d readings of stream %s given up: %s", count, stream.id, reason.name)

    def damage(self, name: str, error: BufferDamaged) -> None:
        """Quarantine a file and account for everything only it had."""
        self.folder.quarantine(name, str(error.params.get("reason", error.code)))
        for stream in self.streams.values():
            mine = [part for part in stream.parts if part.file == name]
            self.lost += [(stream, part) for part in mine]
            stream.parts = [part for part in stream.parts if part.file != name]
            stream.live = stream.live and not mine
            stream.changed = True
        if name == ALARM:
            self._restore_alarm_file()
        self.account()

    def account(self) -> None:
        """Put skips for what damaged files had; what cannot be told now stays in `lost`."""
        while self.lost:
            stream, part = self.lost[0]
            first = max(part.first, stream.committed + 1)
            if first <= part.last:
                self.put_skip(stream, first, part.last, SkipReason.CORRUPT)
            del self.lost[0]

    def _restore_alarm_file(self) -> None:
        alarm = self.folder.alarm
        alarm.next_number(self.highest)
        alarm.save([s.progress() for s in self.streams.values()])
        for stream in self.streams.values():
            for skip in stream.skips.values():
                alarm.put_skip(skip, self.record(stream), self.manifest(stream.manifest) or b"")
