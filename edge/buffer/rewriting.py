"""Thins one data segment: writes the file anew beside the old one, then puts it in its place.

Everything happens in small steps, so that the buffer's thread takes new readings and alarms in
between, and each piece written is flushed by itself: no long flush waits at the end. The old file
stays whole until the new one is complete and durable; a kill at any moment leaves one of the two,
and the leftover of a half-written one is deleted at the next start.

What the collector may have is never rewritten: neither what it committed (that is forgotten, in the
order of the policy) nor what is in a request under way. If delivery comes further than that
meanwhile, the new file is thrown away and nothing has happened.
"""

import logging
import os
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from edge.buffer.file import BufferFile, Row, StreamRecord, key, unlink, wal
from edge.buffer.format import THINNED
from edge.buffer.holdings import Holdings
from edge.buffer.housekeeping import Housekeeping
from edge.buffer.streams import Part, Stream
from edge.buffer.thinning import Thinner
from protocols.clock import real_monotonic
from protocols.errors import BufferDamaged, BufferFault

logger = logging.getLogger(__name__)

STEP: Final = 0.02
"""Real seconds a step may take before it lets others go first."""
PIECE: Final = 128 * 1024
"""Bytes written and flushed by one step: about 15 ms on a slow card."""
ROWS: Final = 64
READ: Final = 64 * 1024
NEW: Final = ".new"


@dataclass(slots=True, kw_only=True)
class Stretch:
    """One stream's part of the segment: up to `forget` it goes, the rest is the thinner's."""

    stream: Stream
    part: Part
    forget: int
    head: bytes | None
    """The chain head after `forget`, where it is known."""
    thinner: Thinner
    rows: int = 0

    @property
    def kept(self) -> bool:
        """Whether the new file has anything of it."""
        return self.forget < self.part.last

    def take(self, row: Row) -> list[Row]:
        """Return what is to be written because `row` is the next one."""
        at = self.stream.skip_over(row.seq0)
        if at is None:
            return list(self.thinner.take(row))
        # It is sent instead of the rows below it, which nobody needs any more.
        self.thinner.next = max(row.seq0, at.last) + 1
        return list(self.thinner.end())

    @property
    def overtaken(self) -> bool:
        """Whether what is to go was asked for again, may have been sent, or is gone otherwise."""
        gone = self.thinner.first_gone
        return (
            self.stream.committed < self.forget
            or (gone is not None and reached(self.stream) >= gone)
            or not any(part is self.part for part in self.stream.parts)
        )


@dataclass(slots=True)
class Rewriting:
    """The thinning of segment `file`. Call `step` until it is False, then `finish`.

    `void` is set by whoever removes the segment meanwhile.
    """

    holdings: Holdings
    housekeeping: Housekeeping
    file: str
    void: bool = False
    done: bool = False
    """Whether the segment was replaced."""
    _todo: list[Stretch] = field(default_factory=list)
    _all: list[Stretch] = field(default_factory=list)
    _new: BufferFile | None = None

    def __post_init__(self) -> None:
        self._all = [
            stretch_of(stream, part)
            for stream in self.holdings.streams.values()
            for part in stream.parts
            if part.file == self.file
        ]
        self._todo = [stretch for stretch in self._all if stretch.kept]

    @property
    def _path(self) -> Path:
        return self.holdings.folder.path / (self.file + NEW)

    def step(self) -> bool:
        """Write a little more; False when all is. Raises BufferFault, and then it is over."""
        if self.void or not self._todo or any(each.overtaken for each in self._all):
            return False
        try:
            file = self._new or self._make()
            self._write(file, self._pick())
        except (BufferFault, OSError) as exc:
            self.drop()
            if isinstance(exc, BufferDamaged) and str(exc.params.get("file")) == str(self._path):
                raise BufferFault("BUFFER_IO", file=str(self._path), reason=exc.code) from exc
            raise
        return bool(self._todo)

    def _make(self) -> BufferFile:
        unlink(self._path)
        file = self._new = BufferFile(self._path)
        file.scratch()
        for stretch in self._todo:
            stream, first = stretch.stream, stretch.thinner.next
            record = StreamRecord(
                number=stream.number,
                id=stream.id,
                kind=stream.kind,
                opening=stream.opening,
                manifest=stream.manifest,
                base=first - 1,
                base_head=head_before(stretch, first),
            )
            file.write(record, self.holdings.manifest(stream.manifest) or b"", 0, [])
        return file

    def _pick(self) -> list[tuple[Stretch, Row]]:
        """Return what the next batches come to, for at most a step's time."""
        until, size, found = real_monotonic() + STEP, 0, list[tuple[Stretch, Row]]()
        while self._todo and size < PIECE and real_monotonic() < until:
            stretch = self._todo[0]
            rows = self._read(stretch)
            for row in rows:
                out = stretch.take(row)
                found += [(stretch, each) for each in out]
                size += sum(len(each.bytes) for each in out)
                if size >= PIECE or real_monotonic() >= until:
                    break
            if not rows:
                found += [(stretch, each) for each in stretch.thinner.end()]
                self._todo.pop(0)
        return found

    def _read(self, stretch: Stretch) -> list[Row]:
        file = self.holdings.folder.get(self.file)
        number, first = stretch.stream.number, stretch.thinner.next
        return file.rows(number, first, stretch.part.last, ROWS, READ)

    def _write(self, file: BufferFile, rows: list[tuple[Stretch, Row]]) -> None:
        if not rows:
            return
        values = []
        for stretch, row in rows:
            stretch.rows += 1
            # What was damaged before must not look sound now.
            crc = zlib.crc32(row.bytes) ^ (not row.intact)
            values.append(
                (key(stretch.stream.number, row.seq0), stretch.rows, row.n, crc, row.bytes)
            )
        file.insert(values)
        flush(self._path)

    def finish(self) -> None:
        """Put the new file in the old one's place, unless delivery went on into what goes."""
        new, self._new = self._new, None
        try:
            if new is not None and not self._todo and not any(s.overtaken for s in self._all):
                self._replace(new)
        finally:
            if new is not None:
                new.close()
            unlink(self._path)

    def _replace(self, new: BufferFile) -> None:
        new.set_meta(THINNED, 1)
        new.close()
        flush(self._path)
        folder, path = self.holdings.folder, self.holdings.folder.path / self.file
        for stretch in self._all:
            stream = stretch.stream
            stream.skipped = stream.skipped or stretch.thinner.thinned > 0
            self.housekeeping.forget(stream, stretch.part, stretch.forget, stretch.head)
        self.housekeeping.save()
        folder.let_go(self.file)
        if wal(path).exists():  # it would be played into the new file
            raise BufferFault("BUFFER_IO", file=str(path), reason="journal")
        self._path.replace(path)
        folder.measure(self.file)
        self._account()
        self.done = True
        flush(path.parent)

    def _account(self) -> None:
        file = self.holdings.folder.get(self.file)
        for stretch in self._all:
            stream = stretch.stream
            extent = file.extent(stream.number)
            place = stream.parts.index(stretch.part)
            stream.parts[place : place + 1] = (
                [Part(file=self.file, first=extent[0], last=extent[1], batches=stretch.rows)]
                if extent
                else []
            )
            if stretch.forget > (safe := max(stream.safe, stretch.part.first - 1)):
                self.holdings.drops["not_yet_backed_up"] += stretch.forget - safe
        total = sum(stretch.thinner.thinned for stretch in self._all)
        self.holdings.drops["thinned"] += total
        logger.warning("segment %s thinned: %d readings given up", self.file, total)

    def drop(self) -> None:
        """Throw away what was written so far."""
        new, self._new = self._new, None
        if new is not None:
            new.close()
        unlink(self._path)


def stretch_of(stream: Stream, part: Part) -> Stretch:
    """Return what is to become of one stream's part."""
    first = max(part.first, stream.committed + 1)
    return Stretch(
        stream=stream,
        part=part,
        forget=min(part.last, stream.committed),
        head=stream.head if stream.committed <= part.last else part.head,
        thinner=Thinner(guard=reached(stream), next=first),
    )


def head_before(stretch: Stretch, first: int) -> bytes | None:
    """Return the chain head before the first number the new file holds, if it is at hand."""
    if first == stretch.forget + 1:
        return stretch.head
    return stretch.stream.anchor_head if first == stretch.stream.anchor + 1 else None


def reached(stream: Stream) -> int:
    """Return the last number the collector has or may have been sent."""
    return max(stream.committed, max(stream.sent, default=0))


def flush(path: Path) -> None:
    """Have what was written to a file or folder on the medium. Raises OSError."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
