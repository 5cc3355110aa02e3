"""Puts back what a damaged file still held, in the buffer's thread, a little at a time.

Batches of a damaged segment go into a new segment of the same name, so that the order of segments
stays the order of age; what the alarm file held goes into the new alarm file. Whatever is put twice
is there once: a restoration that was interrupted begins anew and doubles nothing.

A number whose skip stands already keeps its skip: the chain at the collector may have been
continued with it. Its original is sent once more behind the cursor (`resend`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from edge.buffer.alarm_file import INCARNATION, NEXT_NUMBER, REACH, Progress, Skip
from edge.buffer.file import BufferFile, StreamRecord
from edge.buffer.folder import ALARM
from edge.buffer.format import THINNED
from edge.buffer.holdings import Holdings
from edge.buffer.load import RECOVERED, new_stream, stand
from edge.buffer.quarantine import Wreckage
from edge.buffer.salvage import Batch, Found
from edge.buffer.streams import Part, Stream
from protocols.wire.header import BatchKind
from protocols.words import StreamKind

MANIFESTS: Final = 16
"""Kept in memory at most while a file is restored; a gateway has one, rarely two."""
ROWS: Final = 2000
"""Rows looked at in one step when what is still missing is counted."""


@dataclass(slots=True, kw_only=True)
class Restoring:
    """The restoration of one file. Call `learn` with all but batches, `learned`, then `put`."""

    holdings: Holdings
    wreckage: Wreckage
    found: int = 0
    """Readings and events put back by this process."""
    _records: dict[int, StreamRecord] = field(default_factory=dict)
    _manifests: dict[str, bytes] = field(default_factory=dict)
    _progress: dict[int, Progress] = field(default_factory=dict)
    _skips: list[Skip] = field(default_factory=list)
    _reaches: dict[int, int] = field(default_factory=dict)
    _touched: set[int] = field(default_factory=set)
    _apart: str | None = None
    _thinned: bool = False

    @property
    def target(self) -> str:
        """The file that takes what is found."""
        return self.wreckage.name

    def learn(self, found: Found) -> None:
        """Take in what a few pages say beside batches; what comes later is newer."""
        self._records |= {record.number: record for record in found.streams}
        for digest, data in found.manifests:
            if len(self._manifests) < MANIFESTS:
                self._manifests[digest] = data
        if self.target != ALARM:
            self._thinned = self._thinned or any(name == THINNED for name, _ in found.meta)
            return
        self._progress |= {progress.number: progress for progress in found.progress}
        self._skips += found.skips
        for name, value in found.meta:
            self._note(name, value)

    def _note(self, name: str, value: int | str) -> None:
        held = self.holdings
        if name == NEXT_NUMBER and isinstance(value, int):
            held.highest = max(held.highest, min(value - 1, held.highest + (1 << 20)))
        elif name == INCARNATION and held.folder.alarm.incarnation() is None:
            held.folder.alarm.set_incarnation(str(value))
        elif name.startswith(REACH) and isinstance(value, int):
            number = int(name.removeprefix(REACH))
            self._reaches[number] = max(value, self._reaches.get(number, 0))

    def learned(self) -> None:
        """Apply what was learnt: where streams are, which of their numbers are skipped."""
        for number, progress in self._progress.items():
            stream = self.holdings.streams.get(number)
            if stream is not None and not self._is_strange(stream) and stream.guessed:
                stream.resume(cautious(progress))
                stream.changed = True
        for number, reach in self._reaches.items():
            stream = self._stream(number) if self._lacks(number, reach) else None
            if stream is not None:
                stream.reach, stream.changed = max(stream.reach, reach), True
        for skip in self._skips:
            self._put_skip(skip)

    def _lacks(self, number: int, reach: int) -> bool:
        progress = self._progress.get(number)
        return reach > (0 if progress is None else progress.safe)

    def _put_skip(self, skip: Skip) -> None:
        stream = self._stream(skip.number)
        if stream is None:
            return
        stream.skipped = True
        overlaps = any(s.first <= skip.last and s.last >= skip.first for s in stream.skips.values())
        if skip.last <= stream.safe or overlaps:
            return
        record = self.holdings.record(stream)
        self.holdings.folder.alarm.put_skip(skip, record, self._manifest(stream))
        stream.skips[skip.first] = skip

    def put(self, batches: Iterable[Batch]) -> None:
        """Store what is not there yet, durable on return."""
        by_stream: dict[int, list[Batch]] = {}
        for batch in batches:
            by_stream.setdefault(batch.number, []).append(batch)
        for number, held in by_stream.items():
            stream = self._stream(number)
            if stream is None:
                continue  # nobody knows any more which stream that was: it stays in quarantine
            self._begin_at(stream, min(batch.row.seq0 for batch in held))
            self._touched.add(number)
            held = [batch for batch in held if self._is_wanted(stream, batch)]
            apart = [batch for batch in held if is_late(stream, batch)]
            late = {batch.row.seq0 for batch in apart}
            self._store(stream, [batch for batch in held if batch.row.seq0 not in late])
            self._store_apart(stream, apart)

    def _is_wanted(self, stream: Stream, batch: Batch) -> bool:
        """Whether no other file has it, and it may still be asked for."""
        part = stream.part_over(batch.row.seq0)
        elsewhere = part is not None and part.file != self.target
        return not elsewhere and (batch.row.last > stream.safe or is_late(stream, batch))

    def _stream(self, number: int) -> Stream | None:
        """Return a stream of that number, from what the file says of it when it is not known."""
        stream = self.holdings.streams.get(number)
        if stream is not None and self._is_strange(stream):
            return None
        if stream is None and number in self._records:
            record = self._records[number]
            stream = self.holdings.streams[number] = new_stream(record)
            stream.changed = True
            progress = self._progress.get(number)
            if progress is not None:
                stream.resume(cautious(progress))
            self.holdings.highest = max(self.holdings.highest, number)
        return stream

    def _is_strange(self, stream: Stream) -> bool:
        """Whether the file's stream of that number is another one: of another card or gateway."""
        record = self._records.get(stream.number)
        return record is not None and record.id != stream.id

    def _begin_at(self, stream: Stream, seq: int) -> None:
        """Let a stream of which no progress is known begin where the first of its batches does."""
        record = self._records.get(stream.number)
        if not stream.guessed or (stream.committed < seq and stream.parts):
            return
        if record is not None and (record.base > 0 or stream.kind is StreamKind.DATA):
            if record.base < seq:
                stand(stream, record)
        elif seq - 1 < stream.committed or not stream.parts:
            # Of the alarm file only what the collector held safely is ever deleted in front.
            stream.committed = stream.safe = stream.anchor = seq - 1
            if seq > 1:
                stream.head = stream.anchor_head = None

    def _store(self, stream: Stream, batches: list[Batch]) -> None:
        if not batches:
            return
        held, alarm = self.holdings, self.target == ALARM
        file = held.folder.alarm if alarm else held.folder.restore(self.target)
        if not alarm and (self._thinned or any(map(stands_for, batches))):
            self._thinned = True
            if file.meta(THINNED) is None:
                file.set_meta(THINNED, 1)
        self._insert(file, stream, batches)
        first = min(batch.row.seq0 for batch in batches)
        last = max(batch.row.last for batch in batches)
        stream.insert(self.target, first, last, len(batches))
        stream.ordinal = max(stream.ordinal, max(batch.ordinal for batch in batches))

    def _store_apart(self, stream: Stream, batches: list[Batch]) -> None:
        """Keep originals whose numbers were skipped where a restart knows what they are."""
        if not batches:
            return
        folder = self.holdings.folder
        if self.target == ALARM and self._apart is None:
            self._apart = folder.next_name()
        name = self._apart or self.target
        file = folder.restore(name)
        if file.meta(RECOVERED) is None:
            file.set_meta(RECOVERED, 1)
        self._insert(file, stream, batches)
        first = min(batch.row.seq0 for batch in batches)
        last = max(batch.row.last for batch in batches)
        known = next((part for part in stream.recovered if part.file == name), None)
        if known is None:
            stream.recovered.append(Part(file=name, first=first, last=last, batches=len(batches)))
        else:
            known.first, known.last = min(first, known.first), max(last, known.last)

    def _insert(self, file: BufferFile, stream: Stream, batches: list[Batch]) -> None:
        record = self._records.get(stream.number)
        if record is None:
            known = self.holdings.record(stream)
            record = replace(known, base=batches[0].row.seq0 - 1, base_head=None)
        rows = [batch.row for batch in batches]
        ordinals = [batch.ordinal for batch in batches]
        self.found += file.put_back(record, self._manifest(stream), ordinals, rows)

    def _manifest(self, stream: Stream) -> bytes:
        known = self._manifests.get(stream.manifest)
        return known or self.holdings.manifest(stream.manifest) or b""

    def missing(self) -> Iterator[int]:
        """Yield, in small steps, how many numbers of the streams in question nobody has."""
        last = len(self.holdings.folder.wrecks()) == 1
        for number, stream in sorted(self.holdings.streams.items()):
            if not stream.live and (last or number in self._touched):
                yield from gaps(self.holdings, stream, self.target)

    def finish(self, lost: int) -> None:
        """Let go of the file; what is missing of its streams is given up from now on."""
        folder = self.holdings.folder
        folder.restored()
        touched = [s for s in self.holdings.streams.values() if s.changed and not s.guessed]
        folder.alarm.save([stream.progress() for stream in touched])
        self.holdings.note_reach()
        folder.aside.settle(self.wreckage, self.found, lost)
        self.holdings.look_for_wrecks()


def cautious(progress: Progress) -> Progress:
    """Return what a damaged file's progress is trusted for: a place the collector surely reached.

    No checksum covers it. Of its two places the lower one is taken; the collector's word about the
    chain counts more than ours from here on (`skipped`).
    """
    if progress.anchor_head is None and progress.anchor > 0:
        return progress
    return Progress(
        number=progress.number,
        committed=progress.anchor,
        head=progress.anchor_head,
        safe=min(progress.safe, progress.anchor),
        anchor=progress.anchor,
        anchor_head=progress.anchor_head,
        skipped=True,
        told=progress.told,
    )


def stands_for(batch: Batch) -> bool:
    """Whether a batch is a skip: among data only thinning puts one."""
    return batch.row.bytes[0] == BatchKind.SKIP


def is_late(stream: Stream, batch: Batch) -> bool:
    """Whether a skip has taken its numbers, or may have taken them at the collector."""
    first, last = batch.row.seq0, batch.row.last
    skipped = any(s.first <= last and s.last >= first for s in stream.skips.values())
    return skipped or (stream.skipped and first <= stream.committed)


def gaps(holdings: Holdings, stream: Stream, name: str) -> Iterator[int]:
    """Yield how many numbers above the cursor neither a batch nor a skip has, step by step.

    Only in the file `name` may there be some missing between its first and its last.
    """
    seq = stream.committed + 1
    while seq <= stream.last:
        skip = stream.skip_over(seq)
        hole = stream.missing(seq)
        part = stream.part_over(seq)
        if skip is not None:
            seq = skip.last + 1
        elif hole is not None or part is None:
            end = stream.last if hole is None else hole[1]
            yield end - seq + 1
            seq = end + 1
        elif part.file != name:
            seq = min(part.last, stream.run_end(seq)) + 1
        else:
            end = min(part.last, stream.run_end(seq))
            spans = holdings.folder.get(part.file).spans(stream.number, seq, end, ROWS)
            lost = 0
            for first, n in spans:
                lost += max(0, first - seq)
                seq = max(seq, first + n)
            if len(spans) < ROWS:
                lost += max(0, end + 1 - seq)
                seq = max(seq, end + 1)
            yield lost
