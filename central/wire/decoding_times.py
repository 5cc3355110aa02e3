"""Reads the column times of a batch; common forms only."""

from array import array
from itertools import accumulate, count
from operator import add
from typing import Final

import numpy as np

from central.store.columns import Integers
from central.wire.columns import Flags
from central.wire.reading import WORD, ColumnReader, Unusual, long_uvar, read_offsets
from protocols.wire.bounds import TIME
from protocols.wire.header import Header

_POWERS: Final = tuple(10**power for power in range(7))
_LAST_POWER: Final = len(_POWERS) - 1
_FEW: Final = 16
"""Groups below which arrays cost more than objects."""
_TIME: Final = np.dtype(np.int64)
Span = tuple[int, int]
"""The least and the greatest."""


def read_times(
    data: bytes, span: tuple[int, int], header: Header, all_rows: bytes
) -> tuple[Integers, Flags | None, Span | None]:
    """Return the times, which are the source's own (None: none), and their span (None: not known).

    `span` says where the column lies, `all_rows` is their number as a varint.

    Raises Unusual, WireError; IndexError where `data` ends.
    """
    at, end = span
    n, mark = header.n, data[at]
    if mark > 1 or not data.startswith(all_rows, at + 1):
        return *_read_mixed(ColumnReader(data, "times", at, end), header), None
    at += 1 + len(all_rows)
    times, at, span = _read_times(data, at, end, n, header.wall0 if mark else header.mono0)
    if at != end:
        raise Unusual
    return times, np.ones(n, np.bool_) if mark else None, span


def _read_mixed(reader: ColumnReader, header: Header) -> tuple[Integers, Flags]:
    n, data = header.n, reader.data
    marks, counts = reader.runs(n)
    if np.maximum.reduce(marks) > 1:
        raise Unusual
    source = marks.astype(np.bool_).repeat(counts)
    others = len(source.nonzero()[0])
    if not 0 < others < n:
        raise Unusual
    times = np.empty(n, np.int64)
    times[~source], at, _ = _read_times(data, reader.at, reader.end, n - others, header.mono0)
    times[source], at, _ = _read_times(data, at, reader.end, others, header.wall0)
    if at != reader.end:
        raise Unusual
    return times, source


def _read_times(data: bytes, at: int, end: int, n: int, origin: int) -> tuple[Integers, int, Span]:
    """Return the times of the `n` rows of one mark, where they end, and their span."""
    base, at = _uvar(data, at)
    base = origin + (base >> 1 ^ -(base & 1))
    size, groups = data[at], data[at + 1]
    start = at
    at += 2
    if size > 127 or groups > 127:
        size, at = _uvar(data, start)
        groups, at = _uvar(data, at)
    counts: Integers | int = size
    if size * groups != n:
        reader = ColumnReader(data, "times", start, end)
        sizes, repeated = reader.repeated(n)
        counts = sizes.repeat(repeated)
        groups, at = len(counts), reader.at
    if groups == 1:
        if not -TIME <= base <= TIME:
            raise Unusual
        times: Integers = np.empty(n, _TIME)
        times.fill(base)
        return times, at, (base, base)
    moments, at = _read_moments(data, at, end, (base, groups))
    span = int(np.minimum.reduce(moments)), int(np.maximum.reduce(moments))
    return moments if groups == n else moments.repeat(counts), at, span


def _read_moments(data: bytes, at: int, end: int, of: tuple[int, int]) -> tuple[Integers, int]:
    """Return the times of the groups `of` a first time and a number, and where their steps end."""
    base, groups = of
    power = data[at]
    if power >= len(_POWERS):
        raise Unusual
    joined, low, high, at = read_offsets(data, at + 1, end, groups - 1)
    unit = _POWERS[power]
    # How far apart two moments are at most.
    reach = (high if high > -low else -low) * unit * (groups - 1)
    if not -TIME <= base - reach <= base + reach <= TIME:
        raise Unusual
    if groups > _FEW:
        return _sum_many(np.frombuffer(joined, WORD), low, power, base), at
    offsets = memoryview(joined).cast("q").tolist()
    # The least is `low`; no step is 0; not all of them end with another zero.
    if 0 not in offsets or -low in offsets:
        raise Unusual
    shorter = power == _LAST_POWER or (low + offsets[0]) % 10
    if not shorter and not any((low + offset) % 10 for offset in offsets):
        raise Unusual
    if power:
        offsets = [unit * offset for offset in offsets]
    moments = map(add, accumulate(offsets, initial=base), count(0, unit * low))
    return np.frombuffer(array("q", moments), WORD), at


def _sum_many(offsets: Integers, low: int, power: int, base: int) -> Integers:
    """Do the same for many groups; `offsets` are those of the steps from `low`."""
    if offsets[offsets.argmin()]:
        raise Unusual
    moments = np.empty(len(offsets) + 1, np.int64)
    moments[0] = base
    steps = moments[1:]
    np.add(offsets, low, out=steps)
    if len(steps.nonzero()[0]) < len(steps):
        raise Unusual
    if not (power == _LAST_POWER or steps.item(0) % 10 or len((steps % 10).nonzero()[0])):
        raise Unusual
    if power:
        steps *= _POWERS[power]
    moments.cumsum(out=moments)
    return moments


def _uvar(data: bytes, at: int) -> tuple[int, int]:
    number = data[at]
    return (number, at + 1) if number < 128 else long_uvar(data, at + 1, number)
