"""The pages of a SQLite database and of its journal, read without SQLite (sqlite.org/fileformat2).

For a file that SQLite must not touch (a later format) or cannot open (damage). Nothing here trusts
a byte: what does not fit is left out, never raised.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Literal, NamedTuple

from edge.buffer.format import PAGE

HEADER: Final = 100
"""Bytes of the database header, at the start of page 1."""
MAGIC: Final = b"SQLite format 3\0"
USER_VERSION: Final = slice(60, 64)
WAL_HEADER: Final = 32
FRAME_HEADER: Final = 24
WAL_MAGIC: Final = (0x377F0682, 0x377F0683)
SIZES: Final = frozenset(1 << bit for bit in range(9, 17))
"""The page sizes there are: 512 bytes to 64 KiB."""


class Frame(NamedTuple):
    """One page in a journal: its number, and where its bytes begin in the file.

    `current`: of the journal's present round and within a transaction that was committed.
    """

    page: int
    offset: int
    current: bool


@dataclass(frozen=True, slots=True)
class Journal:
    """What can be told of a write-ahead log without reading its pages."""

    page_size: int
    frames: tuple[Frame, ...] = ()

    def newest(self, page: int) -> Frame | None:
        """Return the frame a reader would see for `page`."""
        return next((f for f in reversed(self.frames) if f.current and f.page == page), None)


def page_size(header: bytes) -> int:
    """Return the page size a database header states; ours when it is no sound header."""
    if header[: len(MAGIC)] != MAGIC:
        return PAGE
    size = int.from_bytes(header[16:18], "big")
    size = 1 << 16 if size == 1 else size
    return size if size in SIZES else PAGE


def read_journal(file: BinaryIO, length: int) -> Journal:
    """Return the frames of a journal of `length` bytes; ours by default where its header is gone.

    Checksums are not looked at: who uses a page decides by what is in it.
    """
    file.seek(0)
    header = file.read(WAL_HEADER)
    sound = int.from_bytes(header[0:4], "big") in WAL_MAGIC
    size = int.from_bytes(header[8:12], "big") if sound else PAGE
    if size not in SIZES:
        size = PAGE
    salts = header[16:24]
    return Journal(size, tuple(_frames(file, length, size, salts)))


def is_broken(file: BinaryIO, length: int) -> bool:
    """Whether a journal holds committed pages that SQLite would leave out without a word.

    Its frames carry a running checksum: after the first that is wrong SQLite reads no further. A
    tear in the last transaction is what a power cut leaves of one that was never synced, its pages
    in any order; only what was written behind its end proves that it had been.
    """
    if length < WAL_HEADER + FRAME_HEADER + min(SIZES):
        return False
    file.seek(0)
    header = file.read(WAL_HEADER)
    magic, size = int.from_bytes(header[0:4], "big"), int.from_bytes(header[8:12], "big")
    order: Literal["<", ">"] = ">" if magic & 1 else "<"
    if magic not in WAL_MAGIC or size not in SIZES:
        return True
    sums = _checksum(order, (0, 0), header[:24])
    if sums != struct.unpack(">2I", header[24:32]):
        return True
    whole, ended = True, False
    for offset in range(WAL_HEADER, length - FRAME_HEADER - size + 1, FRAME_HEADER + size):
        file.seek(offset)
        frame = file.read(FRAME_HEADER + size if whole else FRAME_HEADER)
        ours = frame[8:16] == header[16:24]
        if whole:
            sums = _checksum(order, sums, frame[:8] + frame[FRAME_HEADER:])
            whole = ours and sums == struct.unpack(">2I", frame[16:24])
        if not whole and ours:
            if ended:
                return True
            ended = frame[4:8] != bytes(4)
    return False


def _checksum(order: Literal["<", ">"], sums: tuple[int, int], data: bytes) -> tuple[int, int]:
    first, second = sums
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for one, other in zip(words[::2], words[1::2], strict=True):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + other + first) & 0xFFFFFFFF
    return first, second


def _frames(file: BinaryIO, length: int, size: int, salts: bytes) -> Iterator[Frame]:
    found: list[tuple[int, int]] = []
    present, committed = True, 0
    for offset in range(WAL_HEADER, length - FRAME_HEADER - size + 1, FRAME_HEADER + size):
        file.seek(offset)
        header = file.read(FRAME_HEADER)
        present = present and header[8:16] == salts
        found.append((int.from_bytes(header[0:4], "big"), offset + FRAME_HEADER))
        if present and header[4:8] != bytes(4):
            committed = len(found)
    for index, (page, offset) in enumerate(found):
        yield Frame(page, offset, index < committed)


def stored_format(path: Path, journal: Path) -> int | None:
    """Return the `user_version` a reader would see; None when that cannot be told.

    Raises OSError when the medium refuses.
    """
    try:
        with journal.open("rb") as file:
            frames = read_journal(file, journal.stat().st_size)
            first = frames.newest(1)
            if first is not None:
                file.seek(first.offset)
                return _version(file.read(HEADER))
    except FileNotFoundError:
        pass
    try:
        with path.open("rb") as file:
            return _version(file.read(HEADER))
    except FileNotFoundError:
        return None


def _version(header: bytes) -> int | None:
    if len(header) < HEADER or header[: len(MAGIC)] != MAGIC:
        return None
    return int.from_bytes(header[USER_VERSION], "big", signed=True)
