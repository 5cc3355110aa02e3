"""Finds what is still whole in a damaged buffer file, page by page, without opening it.

The file need not be a database any more: a missing header, torn pages, a journal alone will do. A
batch counts when its bytes have their CRC-32 and its own header says what its key says; everything
else when it decodes and agrees with itself. Nothing is raised and nothing is written here.
"""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, Self, TypeGuard

from edge.buffer.alarm_file import INCARNATION, NEXT_NUMBER, REACH, Progress, Skip
from edge.buffer.cells import Cell, Record, columns, records
from edge.buffer.format import THINNED
from edge.buffer.pages import HEADER, Journal, page_size, read_journal
from edge.buffer.rows import NUMBER_MOST, SEQ_BITS, SEQ_MOST, Row, StreamRecord, stream_record
from protocols.errors import WireError
from protocols.wire.batch import SkipBatch, decode_batch
from protocols.wire.header import read_header
from protocols.wire.manifest import manifest_digest
from protocols.words import StreamKind

STEP: Final = 64
"""Pages looked at before whoever reads may do something else: about a millisecond."""
BATCH_COLUMNS: Final = 5


class Batch(NamedTuple):
    """A sealed batch that is whole: its stream's number, its ordinal there, its row."""

    number: int
    ordinal: int
    row: Row


@dataclass(slots=True)
class Found:
    """What a few pages held."""

    batches: list[Batch] = field(default_factory=list)
    streams: list[StreamRecord] = field(default_factory=list)
    manifests: list[tuple[str, bytes]] = field(default_factory=list)
    skips: list[Skip] = field(default_factory=list)
    progress: list[Progress] = field(default_factory=list)
    meta: list[tuple[str, int | str]] = field(default_factory=list)

    @property
    def says_something(self) -> bool:
        """Whether there is anything beside batches."""
        return any((self.streams, self.manifests, self.skips, self.progress, self.meta))


class Wreck:
    """A damaged file and its journal, open for reading; either may be missing. Close it."""

    def __init__(self, path: Path, journal: Path) -> None:
        self._files: list[BinaryIO] = []
        self._db, self._db_size = self._open(path)
        self._wal, wal_size = self._open(journal)
        self._log = Journal(0)
        if self._wal is not None:
            with suppress(OSError):
                self._log = read_journal(self._wal, wal_size)
        header = self._read(self._db, 0, HEADER)
        lone = not self._db_size and self._log.page_size
        self._page = self._log.page_size if lone else page_size(header)
        self._frames = self._log.frames if self._log.page_size == self._page else ()
        stale = {frame.page: frame.offset for frame in self._frames if not frame.current}
        newest = {frame.page: frame.offset for frame in self._frames if frame.current}
        # Where overflow pages are looked for, one way after the other until a batch is whole.
        views = (newest, {}, stale | newest) if self._frames else ({},)
        self._chains = [partial(self._chain, view) for view in views]

    def _open(self, path: Path) -> tuple[BinaryIO | None, int]:
        try:
            file = path.open("rb")
        except OSError:
            return None, 0
        self._files.append(file)
        return file, file.seek(0, 2)

    def _read(self, file: BinaryIO | None, offset: int, size: int) -> bytes:
        if file is None:
            return b""
        try:
            file.seek(offset)
            return file.read(size)
        except OSError:  # a dying card: this page is gone, the next one may be there
            return b""

    def small(self) -> Iterator[Found]:
        """Yield everything but batches, a few pages at a time; what is newer comes later."""
        for pages in self._steps():
            found = Found()
            for page in pages:
                if columns(page) not in (0, BATCH_COLUMNS):
                    for record in records(page, self._chains[0]):
                        enter(found, record)
            yield found

    def batches(self) -> Iterator[Found]:
        """Yield the batches, a few pages at a time; one may come twice."""
        for pages in self._steps():
            found = Found()
            for page in pages:
                if columns(page) == BATCH_COLUMNS:
                    found.batches += self._on_page(page)
            yield found

    def _on_page(self, page: bytes) -> Iterator[Batch]:
        for chain in self._chains:
            missed = 0
            for batch in map(whole, records(page, chain)):
                if batch is None:
                    missed += 1
                else:
                    yield batch
            if not missed:
                return

    def _steps(self) -> Iterator[list[bytes]]:
        """Yield pages: what the journal kept of earlier rounds, the file, the present journal."""
        stale = [frame.offset for frame in self._frames if not frame.current]
        current = [frame.offset for frame in self._frames if frame.current]
        for start in range(0, len(stale), STEP):
            yield [self._read(self._wal, at, self._page) for at in stale[start : start + STEP]]
        for start in range(0, self._db_size, STEP * self._page):
            yield self._stretch(start)
        for start in range(0, len(current), STEP):
            yield [self._read(self._wal, at, self._page) for at in current[start : start + STEP]]

    def _stretch(self, start: int) -> list[bytes]:
        data = self._read(self._db, start, STEP * self._page)
        if not data:  # one bad sector must not cost its neighbours
            return [
                self._read(self._db, at, self._page)
                for at in range(start, start + STEP * self._page, self._page)
            ]
        end = len(data) - len(data) % self._page
        return [data[at : at + self._page] for at in range(0, end, self._page)]

    def _chain(self, view: Mapping[int, int], page: int, size: int) -> bytes | None:
        """Return `size` bytes of overflow pages from `page` on, None where the chain breaks."""
        out, missing = bytearray(), size
        while missing > 0:
            at = view.get(page)
            file, at = (self._db, (page - 1) * self._page) if at is None else (self._wal, at)
            data = self._read(file, at, self._page) if page > 0 else b""
            if len(data) < self._page:
                return None
            part = data[4 : 4 + missing]
            out += part
            missing -= len(part)
            page = int.from_bytes(data[:4], "big")
        return bytes(out)

    def close(self) -> None:
        """Let go of the files."""
        for file in self._files:
            file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def whole(record: Record) -> Batch | None:
    """Return the batch in a row, if every byte of it is as it was sealed."""
    if record.rowid is None or len(record.values) != BATCH_COLUMNS:
        return None
    _, ordinal, n, crc, data = record.values
    if not isinstance(data, bytes) or not isinstance(ordinal, int) or zlib.crc32(data) != crc:
        return None
    try:
        header, _ = read_header(data)
    except WireError:
        return None
    number, seq0 = record.rowid >> SEQ_BITS, record.rowid & SEQ_MOST
    if (header.number, header.seq0, header.n) != (number, seq0, n):
        return None
    return Batch(number, ordinal, Row(seq0, header.n, data))


def enter(found: Found, record: Record) -> None:
    """Add what a row says, if it is one of ours and sound."""
    match record:
        case Record(rowid=int(number), values=(_, *rest)) if len(rest) == 6:
            _stream_or_progress(found, number, rest)
        case Record(rowid=int(), values=(str(digest), bytes(data))):
            if manifest_digest(data) == digest:
                found.manifests.append((digest, data))
        case Record(rowid=None, values=(int(number), int(first), int(last), bytes(data))):
            _skip(found, Skip(number=number, first=first, last=last, bytes=data))
        case Record(rowid=None, values=(str(name), int() | str() as value)):
            if _is_note(name, value):
                found.meta.append((name, value))


def _is_note(name: str, value: int | str) -> bool:
    if name == INCARNATION:
        return isinstance(value, str)
    if name == THINNED:
        return value == 1
    number = name.removeprefix(REACH)
    counted = name == NEXT_NUMBER or (
        name.startswith(REACH) and number.isdecimal() and len(number) <= len(str(NUMBER_MOST))
    )
    return counted and isinstance(value, int) and 0 < value <= SEQ_MOST


def _stream_or_progress(found: Found, number: int, rest: Sequence[Cell]) -> None:
    with suppress(ValueError, TypeError, WireError, OverflowError):
        if isinstance(rest[0], str):
            record = stream_record((number, *rest))
            StreamKind(record.kind)
            if record.base >= 0 and _is_head(record.base_head):
                found.streams.append(record)
            return
        committed, head, safe, anchor, anchor_head, skipped = rest
        if not (isinstance(committed, int) and isinstance(safe, int) and isinstance(anchor, int)):
            return
        sound = 0 <= safe <= committed <= SEQ_MOST and 0 <= anchor <= committed
        sound = sound and 0 < number <= NUMBER_MOST
        if sound and _is_head(head) and _is_head(anchor_head):
            found.progress.append(
                Progress(
                    number=number,
                    committed=committed,
                    head=head,
                    safe=safe,
                    anchor=anchor,
                    anchor_head=anchor_head,
                    skipped=bool(skipped),
                )
            )


def _is_head(value: Cell) -> TypeGuard[bytes | None]:
    return value is None or (isinstance(value, bytes) and len(value) == 32)


def _skip(found: Found, skip: Skip) -> None:
    with suppress(WireError):
        batch = decode_batch(skip.bytes)
        header = batch.header
        said = (header.number, header.seq0, header.last)
        if isinstance(batch, SkipBatch) and said == (skip.number, skip.first, skip.last):
            found.skips.append(skip)
