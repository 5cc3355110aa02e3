"""From sheets to chunks: byte for byte those that their cells would become."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from central.store.codec.assembling import Parts, assembled
from central.store.codec.axis import Axis, Slotted
from central.store.codec.chunk import encoded
from central.store.codec.chunk_row import Chunk
from central.store.codec.chunk_summary import Summaries
from central.store.codec.decimals import POWERS
from central.store.codec.planes import Above, Runs, put_planes, widths_of, zigzagged
from central.store.codec.sheet import Sheets
from central.store.columns import Integers
from central.store.interface import FLAG_ESTIMATED, FLAG_LATE
from central.store.points import GOOD_BELOW, SUMMARY
from central.store.values import EXACT, FLOAT

_AT_ONCE: Final = 90_000
"""Cells encoded together."""
_INTEGERS: Final = POWERS.astype(np.int64)
_FOLDS: Final = ((np.minimum, 1), (np.maximum, -1), (np.add, 0))
"""Of least, most and sum: what counts as nothing, times the greatest number."""
_KIND: Final = bytes((1, FLOAT << 1))
"""One run of floats."""


def encoded_sheets(sheets: Sheets) -> list[Chunk]:
    """Return the chunk of each family. ValueError as `encoded`."""
    return [chunk for part in _portions(sheets) for chunk in _encoded(part)]


def _portions(sheets: Sheets) -> Iterator[Sheets]:
    edges = sheets.rows.tolist()
    most = max(1, _AT_ONCE // sheets.width)
    first = 0
    while first < len(sheets):
        last = first + 1
        while last < len(sheets) and edges[last + 1] - edges[first] <= most:
            last += 1
        if first == 0 and last == len(sheets):
            yield sheets
            return
        own = slice(edges[first], edges[last])
        yield Sheets(
            sheets.rows[first : last + 1] - edges[first],
            sheets.members[own],
            Slotted(*(column[first:last] for column in sheets.slots)),
            sheets.qualities[own],
            sheets.flags[own],
            sheets.scales[own],
            sheets.whole[own],
        )
        first = last


def _encoded(sheets: Sheets) -> list[Chunk]:
    if not _exact(sheets):
        return encoded(sheets.cells)
    whole, scales = _least(np.ascontiguousarray(sheets.whole), sheets.scales)
    rows, width = sheets.rows, sheets.width
    edges = rows * width
    return assembled(
        Parts(
            sheets.members,
            rows,
            [width] * len(sheets),
            [None] * len(sheets),
            Axis(
                Slotted(*(np.ascontiguousarray(column).ravel() for column in sheets.slots)),
                np.arange(len(sheets) + 1) * width,
            ),
            (
                _Zeros(),
                Runs(np.ascontiguousarray(sheets.qualities).ravel(), edges),
                Runs(np.ascontiguousarray(sheets.flags).ravel(), edges),
            ),
            _Numbers(whole, scales, rows),
            _summarised(sheets, whole, scales),
        )
    )


def _exact(sheets: Sheets) -> bool:
    """Whether adding floats comes to the same: their errors stay within half of the last place."""
    most = max(int(sheets.whole.max()), -int(sheets.whole.min()))
    spread = int(sheets.scales.max() - sheets.scales.min())
    return bool(4 * most * sheets.width**2 * 10**spread < EXACT)


def _least(whole: NDArray[Any], scales: Integers) -> tuple[NDArray[Any], Integers]:
    """Return the same numbers with the least scale of each row that all of it allows."""
    open_ = np.flatnonzero((scales > 0) & (whole[:, 0] % 10 == 0) & (whole[:, -1] % 10 == 0))
    while len(open_):
        open_ = open_[~(whole[open_] % 10).any(axis=1)]
        if not len(open_):
            break
        whole, scales = whole.copy(), scales.copy()
        whole[open_] //= 10
        scales[open_] -= 1
        open_ = open_[scales[open_] > 0]
    return whole, scales


class _Zeros:
    """A column of zeros: no planes."""

    def put(self, out: bytearray, chunk: int) -> None:  # all alike
        out.append(0)


class _Numbers:
    """The values of all chunks."""

    def __init__(self, whole: NDArray[Any], scales: Integers, rows: Integers) -> None:
        steps = np.zeros(whole.shape, whole.dtype)
        np.subtract(whole[:, 1:], whole[:, :-1], out=steps[:, 1:])
        self._steps = zigzagged(steps)
        widths = widths_of(self._steps.max(axis=1))
        self._widths = widths.astype(np.uint8).tobytes()
        self._low = self._steps.astype(np.uint8).tobytes() if 1 in self._widths else b""
        self._scales = scales.astype(np.uint8).tobytes()
        self._firsts = Above(whole[:, 0].astype(np.int64), rows)
        self._rows: list[int] = rows.tolist()
        self._slots = whole.shape[1]

    def put(self, out: bytearray, chunk: int) -> int:
        """Append the values of one chunk; return where their differences begin."""
        first, last = self._rows[chunk], self._rows[chunk + 1]
        out += _KIND
        out += self._scales[first:last]
        widths = self._widths[first:last]
        out += widths
        self._firsts.put(out, chunk)
        differences = len(out)
        several = len(set(widths)) > 1
        for width in sorted(set(widths) - {0}):
            if not several and width == 1:
                out += self._low[first * self._slots : last * self._slots]
                continue
            cells = self._steps[first:last]
            if several:
                cells = cells[np.frombuffer(widths, np.uint8) == width]
            put_planes(out, cells.ravel(), width)
        return differences


class _Folds(NamedTuple):
    """`measures` as the summaries write them."""

    whole: Integers
    scales: Integers
    relative: NDArray[np.bool_]


def _summarised(sheets: Sheets, whole: NDArray[Any], scales: Integers) -> Summaries:
    found = np.zeros(len(whole), SUMMARY)
    sizes = sheets.rows[1:] - sheets.rows[:-1]
    slots = sheets.slots
    found["n"] = sheets.width
    for name, column in (
        ("t0", slots.times[:, 0]),
        ("t1", slots.times[:, -1]),
        ("received0", slots.received.min(axis=1)),
        ("received1", slots.received.max(axis=1)),
    ):
        found[name] = np.repeat(column, sizes)
    found["worst"] = sheets.qualities.max(axis=1)
    for name, flag in (("late", FLAG_LATE), ("estimated", FLAG_ESTIMATED)):
        found[name] = np.count_nonzero(sheets.flags & flag, axis=1)
    bad = sheets.qualities >= GOOD_BELOW
    lacking = np.count_nonzero(bad, axis=1)
    found["good"] = good = sheets.width - lacking
    return Summaries(found, sheets.rows, _folded(whole, scales, sheets.rows, bad, good))


def _folded(
    whole: NDArray[Any], scales: Integers, rows: Integers, bad: NDArray[Any], good: Integers
) -> _Folds:
    """Return the measures of the good numbers, all of one chunk with the same scale."""
    sizes = rows[1:] - rows[:-1]
    folds = np.empty((3, len(whole)), np.int64)
    cells = whole.reshape(-1)  # a view: what is changed comes back
    places = np.flatnonzero(bad.reshape(-1))
    kept = cells[places]
    far = int(np.iinfo(whole.dtype).max)
    for fold, (function, sign) in zip(folds, _FOLDS, strict=True):
        cells[places] = sign * far
        fold[:] = function.reduce(whole, axis=1, dtype=np.int64 if not sign else None)
    cells[places] = kept
    folds[:, good == 0] = 0
    common = np.maximum.reduceat(scales, rows[:-1])
    folds *= _INTEGERS[np.repeat(common, sizes) - scales]
    # A scale is no more than the measures need.
    while len(open_ := _wide(folds, common, rows)):
        own = np.repeat(np.isin(np.arange(len(common)), open_), sizes)
        folds[:, own] //= 10
        common[open_] -= 1
    least, most, total = folds
    most -= least
    total -= least * good
    return _Folds(folds, np.broadcast_to(common, (3, len(common))), np.ones(len(common), np.bool_))


def _wide(folds: Integers, common: Integers, rows: Integers) -> Integers:
    """Return the chunks all of whose measures end with a zero."""
    held = np.flatnonzero((common > 0) & (folds[2, rows[:-1]] % 10 == 0))
    if not len(held):
        return held
    ends = np.logical_or.reduceat((folds % 10).any(axis=0), rows[:-1])
    return held[~ends[held]]
