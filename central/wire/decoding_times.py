"""Reads the column times of a batch; common forms only."""

from typing import Final

import numpy as np

from central.store.columns import Integers
from central.wire.columns import Flags
from central.wire.reading import ColumnReader, Unusual, long_uvar, read_integers
from protocols.wire.bounds import TIME
from protocols.wire.header import Header

_POWERS: Final = tuple(10**power for power in range(7))
_TIME: Final = np.dtype(np.int64)


def read_times(
    data: bytes, span: tuple[int, int], header: Header, count: bytes
) -> tuple[Integers, Flags | None]:
    """Return the times, and which are the source's own (None: none).

    `span` says where the column lies, `count` is the number of rows as a varint.

    Raises Unusual, WireError; IndexError where `data` ends.
    """
    at, end = span
    n, mark = header.n, data[at]
    if mark > 1 or not data.startswith(count, at + 1):
        return _read_mixed(ColumnReader(data, "times", at, end), header)
    at += 1 + len(count)
    times, at = _read_times(data, at, end, n, header.wall0 if mark else header.mono0)
    if at != end:
        raise Unusual
    return times, np.ones(n, np.bool_) if mark else None


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
    times[~source], at = _read_times(data, reader.at, reader.end, n - others, header.mono0)
    times[source], at = _read_times(data, at, reader.end, others, header.wall0)
    if at != reader.end:
        raise Unusual
    return times, source


def _read_times(data: bytes, at: int, end: int, n: int, origin: int) -> tuple[Integers, int]:
    """Return the times of the `n` rows of one mark, and where they end."""
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
        return times, at
    moments, reach, at = _read_moments(data, at, end, groups)
    if not -TIME <= base - reach <= base + reach <= TIME:
        raise Unusual
    moments[0] = base
    moments.cumsum(out=moments)
    return moments if groups == n else moments.repeat(counts), at


def _read_moments(data: bytes, at: int, end: int, groups: int) -> tuple[Integers, int, int]:
    """Return a place for the first moment and the steps from each to the next.

    Then how far apart two moments are at most, and where the steps end.
    """
    power = data[at]
    if power >= len(_POWERS):
        raise Unusual
    moments, reach, at = read_integers(data, at + 1, end, groups - 1, lead=1)
    reach *= _POWERS[power] * (groups - 1)
    if reach > TIME:
        raise Unusual
    steps = moments[1:]
    if len(steps.nonzero()[0]) < len(steps):
        raise Unusual
    if not (power == len(_POWERS) - 1 or steps.item(0) % 10 or len((steps % 10).nonzero()[0])):
        raise Unusual
    if power:
        steps *= _POWERS[power]
    return moments, reach, at


def _uvar(data: bytes, at: int) -> tuple[int, int]:
    number = data[at]
    return (number, at + 1) if number < 128 else long_uvar(data, at + 1, number)
