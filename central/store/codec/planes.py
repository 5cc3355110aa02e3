"""Columns of integers as bytes: byte planes and runs, prepared for many chunks at a time.

Equal bytes lie side by side (plane 0: the low byte of each number), which is what a compressor
wants. Numbers are int64 throughout; differences wrap. What is prepared at once for all chunks is
one array after the other; `edges` say where each chunk's part begins, and where the last ends.
Format: docs/decisions/025-the-store.md.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from central.store.columns import Integers
from protocols.wire.varint import put_svar, put_uvar

Octets = NDArray[np.uint8]
Unsigned = NDArray[np.uint64]

SIZES: Final = (1, 1, 2, 4, 4, 8, 8, 8, 8)
"""Bytes of the machine's type that holds so many planes."""
TYPES: Final[dict[int, np.dtype[Any]]] = {size: np.dtype(f"<u{size}") for size in (1, 2, 4, 8)}
_LIMITS: Final = np.array([1 << 8 * width for width in range(8)], np.uint64)
"""The least number that needs more than `width` bytes."""


def zigzag(numbers: Integers) -> Unsigned:
    """Return small unsigned numbers for numbers close to zero."""
    return zigzagged(numbers).view(np.uint64)


def zigzagged(numbers: NDArray[Any]) -> NDArray[Any]:
    """Return the same of signed numbers of any size: unsigned ones of that size."""
    bits = 8 * numbers.itemsize
    signs = numbers >> (bits - 1)
    signs ^= numbers << 1
    return signs.view(f"u{numbers.itemsize}")


def widths_of(most: NDArray[Any]) -> Integers:
    """Return how many bytes each number needs; 0 for 0."""
    return np.searchsorted(_LIMITS, most, "right")


def put_planes(out: bytearray, numbers: NDArray[Any], width: int) -> None:
    """Append the low `width` (1 to 8) bytes of every number, plane by plane."""
    size = SIZES[width]
    planes = numbers.astype(TYPES[size]).view(np.uint8).reshape(-1, size)[:, :width]
    out += np.ascontiguousarray(planes.T).tobytes()


def stacked(edges: Integers, times: int) -> Integers:
    """Return the edges of so many columns one after the other, each with these edges."""
    each = np.arange(times)[:, None] * edges[-1] + edges[:-1]
    return np.append(each.ravel(), times * edges[-1])


class Planes:
    """Unsigned numbers; each chunk's in as many planes as its largest needs."""

    def __init__(self, cells: Unsigned, edges: Integers) -> None:
        self._cells = cells
        self._edges: list[int] = edges.tolist()
        self._widths: list[int] = widths_of(np.maximum.reduceat(cells, edges[:-1])).tolist()
        self._low = cells.astype(np.uint8).tobytes() if 1 in self._widths else b""

    def put(self, out: bytearray, chunk: int) -> None:
        """Append the width and the planes of one chunk."""
        width = self._widths[chunk]
        out.append(width)
        if not width:
            return
        start, end = self._edges[chunk], self._edges[chunk + 1]
        if width == 1:
            out += self._low[start:end]
        else:
            put_planes(out, self._cells[start:end], width)

    def above_low(self, chunk: int) -> int:
        """Return how many bytes the planes of one chunk but the low one of several take."""
        width, size = self._widths[chunk], self._edges[chunk + 1] - self._edges[chunk]
        return (width - 1 if width > 1 else width) * size


class NearZero(Planes):
    """Numbers most of which are close to zero."""

    def __init__(self, numbers: Integers, edges: Integers) -> None:
        super().__init__(zigzag(numbers), edges)


class Above(Planes):
    """Numbers as the least of their chunk and what is above it."""

    def __init__(self, numbers: Integers, edges: Integers) -> None:
        lows = np.minimum.reduceat(numbers, edges[:-1])
        self._lows: list[int] = lows.tolist()
        super().__init__((numbers - np.repeat(lows, edges[1:] - edges[:-1])).view(np.uint64), edges)

    def put(self, out: bytearray, chunk: int) -> None:
        """Append the least, the width and the planes of one chunk."""
        low = self._lows[chunk]
        if low:
            put_svar(out, low)
        else:
            out.append(0)
        if self._widths[chunk]:
            super().put(out, chunk)
        else:
            out.append(0)


class Runs:
    """Numbers as runs of equal ones."""

    def __init__(self, numbers: Integers | Octets, edges: Integers) -> None:
        self._counts = [1] * (len(edges) - 1)
        self._parts: tuple[Above, ...] = ()
        begins = np.empty(len(numbers), np.bool_)
        np.not_equal(numbers[1:], numbers[:-1], out=begins[1:])
        begins[0] = False
        own = edges[:-1]
        if begins.any():
            begins[own] = True
            starts = np.flatnonzero(begins)
            rows = np.searchsorted(starts, edges)
            self._counts = (rows[1:] - rows[:-1]).tolist()
            if len(starts) >= len(edges):
                values = numbers[starts].astype(np.int64)
                lengths = np.diff(starts, append=len(numbers))
                self._parts = Above(values, rows), Above(lengths, rows)
        self._first: list[int] = numbers[own].tolist()

    def put(self, out: bytearray, chunk: int) -> None:
        """Append the runs of one chunk."""
        count = self._counts[chunk]
        put_uvar(out, count)
        if count == 1:
            put_svar(out, self._first[chunk])
            return
        for part in self._parts:
            part.put(out, chunk)
