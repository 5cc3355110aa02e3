"""Reads the column qualities of a batch; common forms only.

A run takes five bytes, or six where it covers more than 127 rows: as arrays the short ones are all
alike, and the few long ones are made so.
"""

import re
from typing import Final

import numpy as np

from central.store.columns import Integers
from central.wire.layout import Layout
from central.wire.reading import Unusual
from central.wire.recurring import Recurring

_RUN: Final = np.dtype([("count", "u1"), ("code", "<u4")])
_RUN_BYTES: Final = 5
_CODE: Final = np.dtype(np.int64)
_LONG: Final = re.compile(rb"[\x80-\xff]")
_KEPT: Final = 256
_KEPT_BYTES: Final = 1 << 20


def read_qualities(data: bytes, at: int, end: int, layout: Layout) -> Integers:
    """Return the qualities of the rows. Raises Unusual; IndexError where `data` ends."""
    n = len(layout.points)
    key = (n, data[at:end])
    cells = _KNOWN.find(key)
    if cells is None:
        cells = _read(data, at, end, n)
        cells.setflags(write=False)
        _KNOWN.offer(key, cells, cells.nbytes + end - at)
    one = layout.order is None or end - at <= _RUN_BYTES + 1
    return cells if one else layout.in_rows(cells)


def _read(data: bytes, at: int, end: int, n: int) -> Integers:
    """Return the qualities in point order."""
    if end - at > (_RUN_BYTES + 1) * n:
        raise Unusual
    runs, long = _even(data, at, end, n)
    firsts = runs[::_RUN_BYTES]
    if 0 in firsts or sum(firsts) + sum(count - low for _, count, low in long) != n:
        raise Unusual
    if len(firsts) == 1:
        cells: Integers = np.empty(n, _CODE)
        cells.fill(int.from_bytes(runs[1:], "little"))
        return cells
    table = np.frombuffer(runs, _RUN)
    counts, codes = table["count"], table["code"].astype(_CODE)
    if b"\x01" in (codes[1:] == codes[:-1]).tobytes():
        raise Unusual
    if long:
        counts = counts.astype(_CODE)
        for place, count, _ in long:
            counts[place] = count
    return codes.repeat(counts)


def _even(data: bytes, at: int, end: int, n: int) -> tuple[bytes, list[tuple[int, int, int]]]:
    """Return runs of five bytes; of each that took six its place, count, and what stands for it."""
    parts: list[bytes] = []
    long: list[tuple[int, int, int]] = []
    place = 0
    while found := _LONG.search(data[at:end:_RUN_BYTES]):
        skipped = found.start()
        place += skipped
        low = at + _RUN_BYTES * skipped
        first, second = data[low], data[low + 1]
        if not 0 < second < 128 or len(long) > n >> 7:
            raise Unusual
        parts += data[at : low + 1], data[low + 2 : low + 6]
        long.append((place, first & 127 | second << 7, first))
        at = low + 6
        place += 1
    parts.append(data[at:end])
    runs = b"".join(parts)
    if at > end or not runs or len(runs) % _RUN_BYTES:
        raise Unusual
    return runs, long


_KNOWN: Final = Recurring[Integers](_KEPT, _KEPT_BYTES)
"""A pure function's results, as those of `functools.cache`, but bounded in bytes."""
