"""Reads the column qualities of a batch; common forms only.

A run takes five bytes, or six where it covers more than 127 rows: as arrays the short ones are all
alike, and the few long ones are made so.
"""

import re
from array import array
from collections.abc import Sequence
from operator import eq
from struct import unpack
from typing import Final

import numpy as np
from numpy.typing import NDArray

from central.store.columns import Integers
from central.store.point_column import constant
from central.wire.layout import Layout
from central.wire.reading import WORD, Unusual
from central.wire.recurring import Recurring

_RUN_BYTES: Final = 5
_LONG: Final = re.compile(rb"[\x80-\xff]")
_RUN: Final = np.dtype([("count", "u1"), ("code", "<u4")])
_FEW: Final = 16
"""Runs below which arrays cost more than objects."""
_KEPT: Final = 256
_KEPT_BYTES: Final = 1 << 20
_CODE: Final = np.dtype("<u4")


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
    runs, long = _even(bytearray(data[at:end]), n)
    places, left = divmod(len(runs), _RUN_BYTES)
    if left:
        raise Unusual
    if places > _FEW:
        return _many(runs, long, n)
    counts = list(runs[::_RUN_BYTES])
    for place, count in long:
        counts[place] = count
    if sum(counts) != n or 0 in counts:
        raise Unusual
    codes = unpack("<" + places * "xI", runs)
    if places == 1:
        return constant(codes[0], n)
    if any(map(eq, codes, codes[1:])):
        raise Unusual
    found = np.frombuffer(array("q", codes), WORD)
    return found.repeat(np.frombuffer(array("q", counts), WORD))


def read_many(columns: Sequence[bytes], n: int) -> NDArray[np.uint32]:
    """Return a row for each of `columns`, all of `n` rows, in point order. Raises Unusual."""
    runs, counts, before = bytearray(), {}, 0
    for column in columns:
        own, long = _even(bytearray(column), n)
        runs += own
        for place, count in long:
            counts[before + place] = count
        before += len(own) // _RUN_BYTES
    if len(runs) != before * _RUN_BYTES:
        raise Unusual
    cells = np.frombuffer(runs, np.uint8).reshape(before, _RUN_BYTES)
    sizes = cells[:, 0].astype(np.int64)
    sizes[list(counts)] = list(counts.values())
    if int(sizes.sum()) != n * len(columns):
        raise Unusual
    codes = np.ascontiguousarray(cells[:, 1:]).view(_CODE)[:, 0]
    return codes.repeat(sizes).reshape(len(columns), n)


def _many(runs: bytearray, long: list[tuple[int, int]], n: int) -> Integers:
    """Return the same of many runs."""
    table = np.frombuffer(runs, _RUN)
    counts, codes = table["count"].astype(WORD), table["code"].astype(WORD)
    for place, count in long:
        counts[place] = count
    if np.add.reduce(counts) != n or not np.logical_and.reduce(counts):
        raise Unusual
    if np.logical_or.reduce(codes[1:] == codes[:-1]):
        raise Unusual
    return codes.repeat(counts)


def _even(runs: bytearray, n: int) -> tuple[bytearray, list[tuple[int, int]]]:
    """Return runs of five bytes each, and the place and count of those that took six."""
    long: list[tuple[int, int]] = []
    place = 0
    while found := _LONG.search(runs[_RUN_BYTES * place :: _RUN_BYTES]):
        place += found.start()
        first = _RUN_BYTES * place
        second = runs.pop(first + 1)
        if not 0 < second < 128 or len(long) > n >> 7:
            raise Unusual
        long.append((place, runs[first] & 127 | second << 7))
        runs[first] = 0
    return runs, long


_KNOWN: Final = Recurring[Integers](_KEPT, _KEPT_BYTES)
"""A pure function's results, as those of `functools.cache`, but bounded in bytes."""
