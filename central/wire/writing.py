"""Writes arrays of numbers as a batch has them (docs/wire.md section 4.1)."""

from typing import Final

import numpy as np

from central.store.columns import Integers
from central.store.values import Bytes
from central.wire.reading import Unusual
from protocols.wire.varint import put_svar, put_uvar

_SHORT: Final = 1 << 7
_FEW: Final = 24
"""Numbers below which an array costs more than a loop."""


def put_uvars(out: bytearray, numbers: Integers) -> None:
    """Append each of `numbers` (0 or more, at least one) as a varint."""
    if len(numbers) <= _FEW:
        for number in numbers.tolist():
            put_uvar(out, number)
        return
    highest = int(np.maximum.reduce(numbers))
    if highest < _SHORT:
        out += numbers.astype(np.uint8).tobytes()
        return
    width = -(-highest.bit_length() // 7)
    shifts = 7 * np.arange(width)
    parts = numbers[:, None] >> shifts
    there = parts > 0
    there[:, 0] = True
    cells = parts & 127
    cells[:, :-1] |= there[:, 1:] * _SHORT
    out += cells.astype(np.uint8)[there].tobytes()


def put_pairs(out: bytearray, firsts: Integers, seconds: Integers) -> None:
    """Append `(uvar, uvar)` for each pair."""
    pairs = np.empty(2 * len(firsts), np.int64)
    pairs[0::2], pairs[1::2] = firsts, seconds
    put_uvars(out, pairs)


def put_runs(out: bytearray, cells: Integers) -> None:
    """Append `(u8 cell, uvar count)` for each run; cells are below 128."""
    starts = run_starts(cells)
    put_pairs(out, cells[starts], run_lengths(starts, len(cells)))


def run_starts(cells: Integers) -> Integers:
    """Return where the runs of equal cells begin."""
    changes = np.empty(len(cells), np.bool_)
    changes[0] = True
    np.not_equal(cells[1:], cells[:-1], out=changes[1:])
    return changes.nonzero()[0]


def run_lengths(starts: Integers, n: int) -> Integers:
    """Return how long the runs are that begin at `starts` in `n` cells."""
    lengths = np.empty(len(starts), np.int64)
    np.subtract(starts[1:], starts[:-1], out=lengths[:-1])
    lengths[-1] = n - starts[-1]
    return lengths


def put_integers(out: bytearray, numbers: Integers) -> None:
    """Append `numbers` as the least and byte planes. Raises Unusual: they span 56 bits or more."""
    if not len(numbers):
        return
    low, high = int(np.minimum.reduce(numbers)), int(np.maximum.reduce(numbers))
    width = (high - low).bit_length() + 7 >> 3
    if width >= 8:
        raise Unusual
    put_svar(out, low)
    out.append(width)
    if width == 1:
        out += (numbers - low).astype(np.uint8).tobytes()
    elif width:
        put_planes(out, (numbers - low).astype("<i8").view(np.uint8), 8, width)


def put_planes(out: bytearray, cells: Bytes, size: int, width: int) -> None:
    """Append the low `width` bytes of members of `size` bytes, plane by plane."""
    out += cells.reshape(-1, size)[:, :width].T.tobytes()
