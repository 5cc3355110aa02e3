"""Reads numbers of a batch as arrays, in the common forms only.

Whatever is not plainly the one form it leaves to the decoder of `protocols.wire`, which knows all
forms and every word of refusal: `Unusual` says "not here", never "this is wrong".
"""

from itertools import accumulate
from operator import eq, mul
from typing import Final, NamedTuple

import numpy as np

from central.store.columns import Integers
from central.store.values import Bytes
from protocols.wire.reader import Reader

INT64: Final = 1 << 63
_SPANS: Final = tuple((1 << 8 * width) - 1 for width in range(8))
"""The furthest a member may be from the least, by the number of planes."""
_WINDOW: Final = 256
"""Bytes looked at first where nobody says how many a list takes."""
_FEW_BYTES: Final = 128
"""Bytes of runs below which arrays cost more than objects."""
_LONGEST: Final = 3
"""Bytes of a varint: 2^21 is beyond every count and index a batch may have."""
_MOST_BYTES: Final = 9
"""Of a single varint: what takes ten is beyond every int64 but the least."""
_NONE: Final = np.zeros(0, np.int64)
WORD: Final = np.dtype("<i8")


class Unusual(Exception):
    """This is not for the fast way."""


class Bounded(NamedTuple):
    """Numbers of which none is further from 0 than `reach`."""

    numbers: Integers
    reach: int


def long_uvar(data: bytes, at: int, first: int) -> tuple[int, int]:
    """Return the varint whose `first` byte, above 127, lies before `at`, and where it ends."""
    byte = data[at]
    if 0 < byte < 128:
        return first & 127 | byte << 7, at + 1
    last = data[at + 1]
    if byte > 127 and 0 < last < 128:
        return first & 127 | (byte & 127) << 7 | last << 14, at + 2
    number, shift = first & 127, 7
    for byte in data[at : at + _MOST_BYTES - 1]:
        number |= (byte & 127) << shift
        if byte < 128:
            if not byte:
                break
            return number, at + shift // 7
        shift += 7
    raise Unusual


def read_integers(data: bytes, at: int, end: int, count: int) -> tuple[Integers, int, int]:
    """Return the `count` int64 (at least one) that begin at `at`.

    Then how far from 0 the furthest may be, and where they end. The array is the caller's to
    change. Raises Unusual; IndexError where `data` ends.
    """
    joined, low, high, at = read_offsets(data, at, end, count)
    numbers = np.frombuffer(joined, WORD)
    # No other low would do.
    if numbers[numbers.argmin()]:
        raise Unusual
    if low:
        numbers += low
    return numbers, high if high > -low else -low, at


def read_offsets(data: bytes, at: int, end: int, count: int) -> tuple[bytearray, int, int, int]:
    """Return `count` members (at least one) as their distance from the least, eight bytes each.

    Then the least, above what none of them is, and where they end. Whether one of the distances is
    0 is for the caller to see. Raises as `read_integers`.
    """
    low = data[at]
    at += 1
    if low > 127:
        low, at = long_uvar(data, at, low)
    low = low >> 1 ^ -(low & 1)
    width = data[at]
    at += 1
    high = low + _SPANS[width]  # more than seven planes: IndexError
    if high >= INT64 or at + width * count > end:
        raise Unusual
    joined, plane = bytearray(8 * count), b"\1"
    for place in range(width):
        plane = data[at : at + count]
        joined[place::8] = plane
        at += count
    # No other width would do.
    if not plane.strip(b"\0"):
        raise Unusual
    return joined, low, high, at


class ColumnReader(Reader):
    """A reader of one column. Raises Unusual, and what a Reader raises."""

    __slots__ = ("_cells",)

    def __init__(self, data: bytes, where: str, at: int, end: int) -> None:
        super().__init__(data, where, at, end)
        self._cells: Bytes | None = None

    @property
    def cells(self) -> Bytes:
        """The bytes of the whole batch."""
        if self._cells is None:
            self._cells = np.frombuffer(self.data, np.uint8)
        return self._cells

    def planes(self, width: int, count: int) -> Bytes:
        """Return `width` byte planes of `count` members, one row each."""
        at, size = self.at, width * count
        if size > self.end - at:
            raise Unusual
        self.at = at + size
        return self.cells[at : self.at].reshape(width, count)

    def integers(self, count: int) -> Bounded:
        """Return `count` int64. Raises IndexError where `data` ends."""
        if not count:
            return Bounded(_NONE, 0)
        numbers, reach, self.at = read_integers(self.data, self.at, self.end, count)
        return Bounded(numbers, reach)

    def uvars_left(self, most: int) -> Integers:
        """Return the varints up to the end of this column, no more than `most`."""
        if self.end - self.at > _LONGEST * most:
            raise Unusual
        numbers, ends = read_uvars(self.cells[self.at : self.end])
        if not len(ends) or ends[-1] != self.end - self.at - 1:
            raise Unusual
        self.at = self.end
        return numbers

    def some_uvars(self, count: int) -> Integers:
        """Return `count` varints."""
        longest = self.at + _LONGEST * count
        numbers, ends = read_uvars(self.cells[self.at : min(self.end, longest)])
        if len(numbers) < count:
            raise Unusual
        self.at += int(ends[count - 1]) + 1
        return numbers[:count]

    def runs(self, n: int) -> tuple[Integers, Integers]:
        """Return `(cell, count)` whose counts add up to `n`.

        A cell that takes more than a byte is read as 128 or more.
        """
        return self._pairs(n, weighed=False)

    def repeated(self, n: int) -> tuple[Integers, Integers]:
        """Return `(size, times repeated)` whose products add up to `n`."""
        return self._pairs(n, weighed=True)

    def _few_pairs(self, n: int, *, weighed: bool) -> tuple[Integers, Integers] | None:
        """Return the pairs if they are few and each takes two bytes."""
        window = self.data[self.at : min(self.end, self.at + _FEW_BYTES)]
        firsts, counts = window[0::2], window[1::2]
        sums = list(accumulate(map(mul, firsts, counts) if weighed else counts))
        if n not in sums:
            return None
        count = sums.index(n) + 1
        window = window[: 2 * count]
        firsts, counts = firsts[:count], counts[:count]
        # What is not so may still be a form, or it is none: the other way knows.
        if not window.isascii() or 0 in counts or (weighed and 0 in firsts):
            return None
        if any(map(eq, firsts, firsts[1:])):
            raise Unusual
        self.at += 2 * count
        both = np.frombuffer(window, np.uint8).astype(np.int64)
        return both[0::2], both[1::2]

    def _pairs(self, n: int, *, weighed: bool) -> tuple[Integers, Integers]:
        few = self._few_pairs(n, weighed=weighed)
        if few is not None:
            return few
        size, end = _WINDOW, min(self.end, self.at + 2 * _LONGEST * n)
        while True:
            window = self.cells[self.at : min(end, self.at + size)]
            numbers, ends = read_uvars(window)
            half = len(numbers) // 2
            firsts, counts = numbers[0 : 2 * half : 2], numbers[1 : 2 * half : 2]
            sums = (firsts * counts if weighed else counts).cumsum()
            if half and sums[-1] >= n:
                break
            if self.at + size >= end:
                raise Unusual
            size *= 4
        last = int(sums.searchsorted(n))
        firsts, counts = firsts[: last + 1], counts[: last + 1]
        if sums[last] != n or np.count_nonzero(counts) <= last:
            raise Unusual
        if np.count_nonzero(firsts[1:] == firsts[:-1]):
            raise Unusual
        if weighed and np.count_nonzero(firsts) <= last:
            raise Unusual
        self.at += int(ends[2 * last + 1]) + 1
        return firsts, counts


def join_planes(planes: Bytes) -> Integers:
    """Return the unsigned members of four or eight byte planes in words of their size."""
    size, count = planes.shape
    joined = np.empty((count, size), np.uint8)
    joined[:] = planes.T
    members: Integers = joined.view(f"<u{size}")[:, 0]
    return members


def read_uvars(cells: Bytes) -> tuple[Integers, Integers]:
    """Return the varints that `cells` begin with, and at which byte each ends.

    It stops before one that is longer than three bytes, cut, or not in its shortest form.
    """
    ends = (cells < 128).nonzero()[0]
    count = len(ends)
    if count == len(cells):
        return cells.astype(np.int64), ends
    numbers = cells[ends].astype(np.int64)
    before = np.empty(count, np.int64)  # of each: how many bytes come before its last
    before[:1] = ends[:1]
    np.subtract(ends[1:], ends[:-1], out=before[1:])
    before[1:] -= 1
    longer = before.nonzero()[0]
    more = before[longer]
    odd = ((more >= _LONGEST) | (numbers[longer] == 0)).nonzero()[0]
    if len(odd):
        first = longer[odd[0]]
        numbers, ends = numbers[:first], ends[:first]
        longer, more = longer[: odd[0]], more[: odd[0]]
    numbers[longer] <<= 7 * more
    for back in range(1, _LONGEST):
        here = more >= back
        low = cells[ends[longer[here]] - back] & 127
        numbers[longer[here]] |= low.astype(np.int64) << 7 * (more[here] - back)
    return numbers, ends
