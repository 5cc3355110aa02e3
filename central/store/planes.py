"""Columns of integers as bytes: byte planes, runs, and a reader that is total.

Equal bytes lie side by side (plane 0: the low byte of each number), which is what a compressor
wants. Numbers are int64 throughout; differences wrap. Format: docs/decisions/025-the-store.md.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from central.store.columns import Integers
from protocols.errors import FengsuiError
from protocols.wire.varint import put_svar, put_uvar
from protocols.wire.varint import unzigzag as signed

Unsigned = NDArray[np.uint64]

MOST: Final = 2**63 - 1
_WIDTHS: Final = (1, 1, 2, 4, 4, 8, 8, 8, 8)
"""Bytes of the machine's type that holds so many planes."""
_TYPES: Final[dict[int, np.dtype[Any]]] = {
    1: np.dtype("<u1"),
    2: np.dtype("<u2"),
    4: np.dtype("<u4"),
    8: np.dtype("<u8"),
}


class ChunkDamaged(FengsuiError):
    """The bytes of a chunk are not what was written. `why` is for the log."""

    code = "CHUNK_DAMAGED"

    def __init__(self, why: str) -> None:
        super().__init__(why=why)


def zigzag(numbers: Integers) -> Unsigned:
    """Return small unsigned numbers for numbers close to zero."""
    return ((numbers << 1) ^ (numbers >> 63)).view(np.uint64)


def unzigzag(numbers: Unsigned) -> Integers:
    """Return what `zigzag` was given."""
    return (numbers >> np.uint64(1)).view(np.int64) ^ -(numbers & np.uint64(1)).view(np.int64)


def width_of(most: int) -> int:
    """Return how many bytes `most` needs; 0 for 0."""
    return most.bit_length() + 7 >> 3


def put_planes(out: bytearray, numbers: Unsigned, width: int) -> None:
    """Append the low `width` bytes of every number, plane by plane."""
    if not width:
        return
    size = _WIDTHS[width]
    cells = numbers.astype(_TYPES[size])
    if width == 1:
        out += cells.tobytes()
    else:
        planes = cells.view(np.uint8).reshape(-1, size)[:, :width]
        out += np.ascontiguousarray(planes.T).tobytes()


def put_near_zero(out: bytearray, numbers: Integers) -> None:
    """Append at least one number, most of them close to zero."""
    cells = zigzag(numbers)
    width = width_of(int(cells.max()))
    out.append(width)
    put_planes(out, cells, width)


def put_above(out: bytearray, numbers: Integers) -> None:
    """Append at least one number as the least of them and what is above it."""
    low = int(numbers.min())
    put_svar(out, low)
    cells = (numbers - np.int64(low)).view(np.uint64)
    width = width_of(int(cells.max()))
    out.append(width)
    put_planes(out, cells, width)


def put_runs(out: bytearray, numbers: Integers) -> None:
    """Append at least one number as runs of equal ones; a table says what the runs are of."""
    changes = np.flatnonzero(numbers[1:] != numbers[:-1]) + 1
    if not len(changes):
        put_uvar(out, 1)
        put_svar(out, int(numbers[0]))
        return
    starts = np.concatenate((_START, changes))
    table, places = np.unique(numbers[starts], return_inverse=True)
    put_uvar(out, len(starts))
    put_uvar(out, len(table))
    put_above(out, table)
    put_above(out, places)
    put_above(out, np.diff(starts))


class Reader:
    """Reads what the functions above wrote. Raises ChunkDamaged, never anything else."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes."""
        start, self.at = self.at, self.at + size
        if self.at > len(self._data):
            raise ChunkDamaged("too short")
        return self._data[start : self.at]

    def u8(self) -> int:
        """Return the next byte."""
        return self.take(1)[0]

    def uvar(self, most: int = MOST) -> int:
        """Return a number from 0 to `most`."""
        number = shift = 0
        data, at = self._data, self.at
        while at < len(data) and shift < 70:
            byte = data[at]
            at += 1
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        else:
            raise ChunkDamaged("no number")
        self.at = at
        if number > most:
            raise ChunkDamaged("number too large")
        return number

    def svar(self) -> int:
        """Return an int64."""
        return signed(self.uvar(2**64 - 1))

    def planes(self, width: int, count: int, start: int = 0, end: int | None = None) -> Unsigned:
        """Return the numbers from `start` to `end` of `count`; all of them count as read."""
        if width > 8:
            raise ChunkDamaged("width")
        first, self.at = self.at, self.at + width * count
        if self.at > len(self._data):
            raise ChunkDamaged("too short")
        end = count if end is None else end
        if not width:
            return np.zeros(end - start, np.uint64)
        if width == 1:
            return np.frombuffer(self._data, np.uint8, end - start, first + start).astype(np.uint64)
        raw = np.frombuffer(self._data, np.uint8, width * count, first).reshape(width, count)
        cells = np.zeros((end - start, _WIDTHS[width]), np.uint8)
        cells[:, :width] = raw[:, start:end].T
        joined: Unsigned = cells.view(_TYPES[_WIDTHS[width]]).reshape(-1).astype(np.uint64)
        return joined

    def near_zero(self, count: int, start: int = 0, end: int | None = None) -> Integers:
        """Return the numbers from `start` to `end` of `count`."""
        return unzigzag(self.planes(self.u8(), count, start, end))

    def above(self, count: int, start: int = 0, end: int | None = None) -> Integers:
        """Return the numbers from `start` to `end` of `count`."""
        low = self.svar()
        return self.planes(self.u8(), count, start, end).view(np.int64) + np.int64(low)

    def runs(self, count: int, start: int = 0, end: int | None = None) -> Integers:
        """Return the numbers from `start` to `end` of `count`."""
        end = count if end is None else end
        runs = self.uvar(count)
        if runs == 1:
            return np.full(end - start, self.svar())
        table = self.above(self.uvar(count))
        places, sizes = self.above(runs), self.above(runs - 1) if runs else _START
        if not runs or not len(table) or not _inside(places, 0, len(table) - 1):
            raise ChunkDamaged("runs")
        if not _inside(sizes, 1, count) or (last := count - int(sizes.sum())) < 1:
            raise ChunkDamaged("runs")
        sizes = np.append(sizes, last)
        if end - start == count:
            return np.repeat(table[places], sizes)
        ends = np.cumsum(sizes)
        first, final = np.searchsorted(ends, [start, end - 1], "right").tolist()
        edges = np.clip(ends[first : final + 1], start, end)
        return np.repeat(table[places[first : final + 1]], np.diff(edges, prepend=start))

    def ended(self) -> None:
        """Raise ChunkDamaged if there is more."""
        if self.at != len(self._data):
            raise ChunkDamaged("too long")


_START: Final = np.zeros(1, np.int64)


def _inside(numbers: Integers, least: int, most: int) -> bool:
    return bool(numbers.min() >= least and numbers.max() <= most)
