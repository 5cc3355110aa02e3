"""The values of a chunk: kinds, numbers as differences within each member, and what is no number.

A cell without a number repeats the one before it, which costs nothing; so a member's numbers lie
where its cells do.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from central.store.codec.batch import Batch
from central.store.codec.decimals import BITS, scaled, unscaled
from central.store.codec.plane_reader import ChunkDamaged, Reader
from central.store.codec.planes import Above, Runs, put_planes, widths_of, zigzag
from central.store.columns import Integers
from central.store.values import BOOLEAN, EXACT, FLOAT, INTEGER, NONE, OTHER, Floats, Values
from protocols.wire.varint import put_uvar
from protocols.words import Value

TEXT: Final = 0
LARGE: Final = 1
_FLOATS: Final = np.zeros(0, np.int64)


class Span(NamedTuple):
    """The cells of one member (`row`: which of them) from `start` to `end`."""

    row: int
    start: int
    end: int


class Numbers:
    """The values of all chunks of a batch."""

    def __init__(self, batch: Batch) -> None:
        values = batch.cells.values
        self._batch = batch
        self._kinds = Runs(values.kinds, batch.edges)
        numbers = values.numbers
        if values.kinds.min() < BOOLEAN or values.kinds.max() > FLOAT:
            numbers = _filled(values, batch.starts, batch.counts)
        self.scales, whole = scaled(numbers, batch.starts, batch.counts)
        if self.scales.max() >= BITS and not np.isfinite(numbers).all():
            raise ValueError("not a number")
        steps = np.zeros(len(whole), np.int64)
        np.subtract(whole[1:], whole[:-1], out=steps[1:])
        steps[batch.starts] = 0
        self._steps = zigzag(steps)
        widths = widths_of(np.maximum.reduceat(self._steps, batch.starts))
        self._widths = widths.astype(np.uint8).tobytes()
        self._low = self._steps.astype(np.uint8).tobytes() if 1 in self._widths else b""
        self._scales = self.scales.astype(np.uint8).tobytes()
        self._firsts = Above(whole[batch.starts], batch.rows)
        self._rows: list[int] = batch.rows.tolist()
        self._edges: list[int] = batch.edges.tolist()

    def put(self, out: bytearray, chunk: int) -> int:
        """Append the values of one chunk; return where their differences begin."""
        self._kinds.put(out, chunk)
        own = slice(self._rows[chunk], self._rows[chunk + 1])
        out += self._scales[own]
        widths = self._widths[own]
        out += widths
        self._firsts.put(out, chunk)
        differences = len(out)
        start, end = self._edges[chunk], self._edges[chunk + 1]
        several = len(set(widths)) > 1
        for width in sorted(set(widths) - {0}):
            if not several and width == 1:
                out += self._low[start:end]
                continue
            cells = self._steps[start:end]
            if several:
                held = np.frombuffer(widths, np.uint8) == width
                cells = cells[np.repeat(held, self._batch.counts[own])]
            put_planes(out, cells, width)
        _put_others(out, self._batch.chunks[chunk].values)
        return differences


def read_values(reader: Reader, counts: Integers) -> Values:
    """Return the values of all members. Raises ChunkDamaged."""
    total, ends = int(counts.sum()), np.cumsum(counts).tolist()
    kinds = _kinds(reader, total)
    scales, widths = reader.take(len(counts)), reader.take(len(counts))
    firsts = reader.above(len(counts))
    whole = np.zeros(total, np.int64)
    for width in sorted(set(widths) - {0}):
        own = np.frombuffer(widths, np.uint8) == width
        whole[np.repeat(own, counts)] = reader.steps(width, int(counts[own].sum()))
    numbers = np.empty(total, np.float64)
    for row, end in enumerate(ends):
        part = slice(end - int(counts[row]), end)
        numbers[part] = _numbers(whole[part], firsts[row], scales[row])
    return _values(reader, kinds, numbers, 0)


def read_own(reader: Reader, sizes: list[int], span: Span) -> Values:
    """Return the values of one member; `sizes` are the cells of each. Raises ChunkDamaged."""
    row, size = span.row, span.end - span.start
    kinds = _kinds(reader, sum(sizes))
    scales, widths = reader.take(len(sizes)), reader.take(len(sizes))
    firsts = reader.above(len(sizes), row, row + 1)
    steps = np.zeros(size, np.int64)
    for width in sorted(set(widths) - {0}):
        of = [each for each, own in zip(sizes, widths, strict=True) if own == width]
        if width != widths[row]:
            reader.planes(width, sum(of), 0, 0)
            continue
        start = sum(of[: widths[:row].count(width)])
        steps = reader.steps(width, sum(of), start, start + size)
    return _values(reader, kinds, _numbers(steps, firsts[0], scales[row]), span.start)


def _filled(values: Values, starts: Integers, counts: Integers) -> Floats:
    """Return numbers in which every cell without one repeats its member's last (or 0)."""
    given = (values.kinds >= BOOLEAN) & (values.kinds <= FLOAT)
    last = np.where(given, np.arange(len(values)), -1)
    np.maximum.accumulate(last, out=last)
    numbers: Floats = np.where(last >= np.repeat(starts, counts), values.numbers[last], 0.0)
    return numbers


def _kinds(reader: Reader, total: int) -> Integers | None:
    """Return the kinds of all cells; None: all are floats."""
    alike = reader.one_run()
    if alike == FLOAT:
        return None
    kinds = reader.runs(total) if alike is None else np.full(total, alike)
    if kinds.min() < NONE or kinds.max() > OTHER:
        raise ChunkDamaged("kinds")
    return kinds


def _numbers(steps: Integers, first: np.int64, scale: int) -> Floats:
    steps[0] = first
    try:
        numbers = unscaled(steps.cumsum(), scale)
    except ValueError as exc:
        raise ChunkDamaged("scale") from exc
    if scale >= BITS and not np.isfinite(numbers).all():
        raise ChunkDamaged("not a number")
    return numbers


def _values(reader: Reader, kinds: Integers | None, numbers: Floats, start: int) -> Values:
    """Return the values from `start` on; `kinds` are those of all cells."""
    own = _FLOATS if kinds is None else kinds[start : start + len(numbers)]
    if kinds is None or (own == FLOAT).all():
        return Values.floats(numbers)
    whole = (own == BOOLEAN) | (own == INTEGER)
    if (np.abs(numbers[whole]) > EXACT).any():
        raise ChunkDamaged("integer")
    numbers[~whole & (own != FLOAT)] = np.nan
    others: dict[int, Value] = {}
    if (own == OTHER).any():
        others = _read_others(reader, kinds == OTHER, start, start + len(numbers))
    return Values(own.astype(np.uint8), numbers, others)


def _put_others(out: bytearray, values: Values) -> None:
    """Append a table of the texts and large integers, and the place in it of each cell."""
    if not values.others:
        return
    table: dict[Value, int] = {}
    held = np.flatnonzero(values.kinds == OTHER).tolist()
    places = [table.setdefault(values.others[cell], len(table)) for cell in held]
    put_uvar(out, len(table))
    for value in table:
        if isinstance(value, str):
            text = value.encode()
            put_uvar(out, len(text) << 1 | TEXT)
            out += text
        else:
            number = int(value or 0)
            put_uvar(out, (number < 0) << 1 | LARGE)
            put_uvar(out, abs(number))
    Above(np.array(places), np.array([0, len(places)])).put(out, 0)


def _read_others(reader: Reader, held: NDArray[np.bool_], start: int, end: int) -> dict[int, Value]:
    """Return the values of the cells from `start` to `end` that are held in the table."""
    total = int(np.count_nonzero(held))
    table = [_read_other(reader) for _ in range(reader.uvar(total))]
    before = int(np.count_nonzero(held[:start]))
    cells = np.flatnonzero(held[start:end]).tolist()
    places = reader.above(total, before, before + len(cells))
    if places.min() < 0 or places.max() >= len(table):
        raise ChunkDamaged("table")
    return {cell: table[place] for cell, place in zip(cells, places.tolist(), strict=True)}


def _read_other(reader: Reader) -> Value:
    head = reader.uvar()
    if head & 1 == TEXT:
        try:
            return reader.take(head >> 1).decode()
        except UnicodeDecodeError as exc:
            raise ChunkDamaged("text") from exc
    number = reader.uvar(2**64)
    return -number if head >> 1 else number
