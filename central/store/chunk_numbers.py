"""The values of a chunk: kinds, numbers as differences within each member, and what is no number.

A cell without a number repeats the one before it, which costs nothing; so a member's numbers lie
where its cells do.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from central.store.columns import Integers
from central.store.decimals import scaled, unscaled
from central.store.planes import (
    ChunkDamaged,
    Reader,
    put_above,
    put_planes,
    put_runs,
    unzigzag,
    zigzag,
)
from central.store.values import BOOLEAN, EXACT, FLOAT, NONE, OTHER, Floats, Values
from protocols.wire.varint import put_uvar
from protocols.words import Value

TEXT: Final = 0
LARGE: Final = 1
_MOST_FLOAT: Final = float(np.finfo(np.float64).max)
_LIMITS: Final = np.array([1 << 8 * width for width in range(8)], np.uint64)
"""The least number that needs more than `width` bytes."""


class Span(NamedTuple):
    """The cells of one member (`row`: which of them) from `start` to `end`."""

    row: int
    start: int
    end: int


def put_values(out: bytearray, values: Values, counts: Integers) -> None:
    """Append the values of members that have so many cells each."""
    starts = np.cumsum(counts) - counts
    kinds = values.kinds.astype(np.int64)
    put_runs(out, kinds)
    numbers = values.numbers
    if kinds.min() < BOOLEAN or kinds.max() > FLOAT:
        numbers = _filled(values, starts, counts)
    scales, whole = scaled(numbers, starts, counts)
    steps = np.empty(len(whole), np.int64)
    steps[1:] = whole[1:] - whole[:-1]
    steps[starts] = 0
    cells = zigzag(steps)
    widths = np.searchsorted(_LIMITS, np.maximum.reduceat(cells, starts), "right")
    out += scales.astype(np.uint8).tobytes()
    out += widths.astype(np.uint8).tobytes()
    put_above(out, whole[starts])
    present = set(widths.tolist())
    for width in sorted(present):
        own = cells if len(present) == 1 else cells[np.repeat(widths == width, counts)]
        put_planes(out, own, width)
    if kinds.max() == OTHER:
        _put_others(out, values)


def read_values(reader: Reader, counts: Integers) -> Values:
    """Return the values of all members. Raises ChunkDamaged."""
    total, ends = int(counts.sum()), np.cumsum(counts).tolist()
    kinds = _kinds(reader, total)
    scales, widths, firsts = _heads(reader, len(counts))
    steps = np.empty(total, np.uint64)
    for width in sorted(set(widths)):
        own = np.array(list(widths)) == width
        steps[np.repeat(own, counts)] = reader.planes(width, int(counts[own].sum()))
    whole = unzigzag(steps)
    numbers = np.empty(total, np.float64)
    for row, end in enumerate(ends):
        part = slice(end - int(counts[row]), end)
        numbers[part] = _numbers(whole[part], firsts[row], scales[row])
    return _values(reader, kinds, numbers, 0)


def read_own(reader: Reader, counts: Integers, span: Span) -> Values:
    """Return the values of one member. Raises ChunkDamaged."""
    total, size = int(counts.sum()), span.end - span.start
    kinds = _kinds(reader, total)
    scales, widths, firsts = _heads(reader, len(counts))
    cells = np.zeros(size, np.uint64)
    sizes = counts.tolist()
    for width in sorted(set(widths)):
        rows = [row for row, each in enumerate(widths) if each == width]
        start = sum(sizes[row] for row in rows if row < span.row)
        own = (start, start + size) if span.row in rows else (0, 0)
        found = reader.planes(width, sum(sizes[row] for row in rows), *own)
        if span.row in rows:
            cells = found
    numbers = _numbers(unzigzag(cells), firsts[span.row], scales[span.row])
    return _values(reader, kinds, numbers, span.start)


def _filled(values: Values, starts: Integers, counts: Integers) -> Floats:
    """Return numbers in which every cell without one repeats its member's last (or 0)."""
    given = (values.kinds >= BOOLEAN) & (values.kinds <= FLOAT)
    last = np.where(given, np.arange(len(values)), -1)
    np.maximum.accumulate(last, out=last)
    numbers: Floats = np.where(last >= np.repeat(starts, counts), values.numbers[last], 0.0)
    return numbers


def _kinds(reader: Reader, total: int) -> Integers:
    kinds = reader.runs(total)
    if kinds.min() < NONE or kinds.max() > OTHER:
        raise ChunkDamaged("kinds")
    return kinds


def _heads(reader: Reader, members: int) -> tuple[bytes, bytes, Integers]:
    """Return each member's scale, width and first whole number."""
    scales, widths = reader.take(members), reader.take(members)
    return scales, widths, reader.above(members)


def _numbers(steps: Integers, first: np.int64, scale: int) -> Floats:
    steps[0] = first
    try:
        return unscaled(np.cumsum(steps), scale)
    except ValueError as exc:
        raise ChunkDamaged("scale") from exc


def _values(reader: Reader, kinds: Integers, numbers: Floats, start: int) -> Values:
    """Return the values from `start` on; `kinds` are those of all cells."""
    own = kinds[start : start + len(numbers)]
    if (own == FLOAT).all():
        if not np.isfinite(numbers).all():
            raise ChunkDamaged("not a number")
        return Values.floats(numbers)
    limits = np.where(own == FLOAT, _MOST_FLOAT, EXACT)
    given = (own >= BOOLEAN) & (own <= FLOAT)
    if not (np.abs(numbers[given]) <= limits[given]).all():
        raise ChunkDamaged("not a number")
    numbers[~given] = np.nan
    others: dict[int, Value] = {}
    if (own == OTHER).any():
        others = _read_others(reader, kinds == OTHER, start, start + len(numbers))
    return Values(own.astype(np.uint8), numbers, others)


def _put_others(out: bytearray, values: Values) -> None:
    """Append a table of the texts and large integers, and the place in it of each cell."""
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
    put_above(out, np.array(places))


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
