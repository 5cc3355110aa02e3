"""Reads the columns values and texts of a batch into typed columns; common forms only."""

from typing import Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from central.store.columns import Integers
from central.store.values import BOOLEAN, EXACT, FLOAT, INTEGER, NONE, OTHER, Bytes, Floats, Values
from central.wire.classing import is_float32, scaled
from central.wire.reading import Bounded, ColumnReader, Unusual, join_planes
from protocols.wire import classes
from protocols.wire.bounds import DECIMAL_INTEGER, DECIMALS, TEXT_BYTES
from protocols.wire.classes import DECIMAL, SCALES
from protocols.words import Value

_FAR: Final = 1 << 62
"""A sum whose parts reach no further together did not turn over."""
T = TypeVar("T", bound=np.generic)


class _Cells(NamedTuple):
    """The values of some rows in point order; `others` by place among them, `kinds` without."""

    kinds: Bytes
    numbers: Floats
    others: dict[int, Value]


def read_values(
    reader: ColumnReader, texts: ColumnReader, points: Integers, order: Integers | None
) -> Values:
    """Return the values of the rows of `points`, which go up, in the order of the batch.

    `order`: the row of the batch that each place is (None: they are the same).
    """
    n = len(points)
    start = reader.at
    cls = reader.u8()
    if reader.uvar() == n:
        kinds, numbers, others = _read_class(reader, texts, cls, points)
    else:
        reader.at = start
        kinds, numbers, others = _read_classes(reader, texts, points)
        kinds = _in_rows(kinds, order)
    if order is not None and others:
        others = {int(order[place]): value for place, value in others.items()}
    if others:
        kinds[list(others)] = OTHER
    return Values(kinds, _in_rows(numbers, order), others)


def _in_rows(cells: NDArray[T], order: Integers | None) -> NDArray[T]:
    if order is None:
        return cells
    rows = np.empty_like(cells)
    rows[order] = cells
    return rows


def _read_classes(reader: ColumnReader, texts: ColumnReader, points: Integers) -> _Cells:
    n = len(points)
    runs, counts = reader.runs(n)
    if runs.max() > DECIMAL + DECIMALS:
        raise Unusual
    of_row = np.repeat(runs, counts)
    kinds, numbers = np.empty(n, np.uint8), np.empty(n, np.float64)
    others: dict[int, Value] = {}
    for cls in np.flatnonzero(np.bincount(runs)).tolist():
        at = np.flatnonzero(of_row == cls)
        cells = _read_class(reader, texts, cls, points[at])
        kinds[at], numbers[at] = cells.kinds, cells.numbers
        others |= {int(at[place]): value for place, value in cells.others.items()}
    _check_decimals(points, of_row, numbers)
    return _Cells(kinds, numbers, others)


def _check_decimals(points: Integers, of_row: Integers, numbers: Floats) -> None:
    """Raise Unusual where a point has two decimal classes, or a decimal another class than its own.

    Rows of one point lie side by side.
    """
    decimal = np.flatnonzero(of_row >= DECIMAL)
    if not len(decimal):
        return
    held, own = points[decimal], of_row[decimal]
    if ((held[1:] == held[:-1]) & (own[1:] != own[:-1])).any():
        raise Unusual
    floats = np.flatnonzero((of_row == classes.FLOAT32) | (of_row == classes.FLOAT64))
    if not len(floats):
        return
    places = np.full(int(points[-1]) + 1, -1, np.int64)
    places[held] = own - DECIMAL
    floats = floats[places[points[floats]] >= 0]
    if len(floats) and scaled(numbers[floats], places[points[floats]]).fits.any():
        raise Unusual


def _read_class(reader: ColumnReader, texts: ColumnReader, cls: int, points: Integers) -> _Cells:
    count = len(points)
    if DECIMAL <= cls <= DECIMAL + DECIMALS:
        return _cells(FLOAT, _read_decimals(reader, points, SCALES[cls - DECIMAL]))
    if cls in (classes.FLOAT32, classes.FLOAT64):
        return _cells(FLOAT, _read_floats(reader, cls, count))
    if cls == classes.SIGNED:
        return _read_signed(reader, points)
    if cls == classes.BOOLEAN:
        return _cells(BOOLEAN, _read_bits(reader, count))
    nothing = np.full(count, np.nan)
    if cls == classes.NONE:
        return _cells(NONE, nothing)
    if cls == classes.TEXT:
        others: dict[int, Value] = dict(enumerate(_read_texts(reader, texts, count)))
        return _Cells(np.full(count, OTHER, np.uint8), nothing, others)
    raise Unusual


def _cells(kind: int, numbers: Floats) -> _Cells:
    return _Cells(np.full(len(numbers), kind, np.uint8), numbers, {})


def _read_decimals(reader: ColumnReader, points: Integers, scale: float) -> Floats:
    numbers, reach = _sum_up(reader, points)
    if reach > _FAR:
        raise Unusual
    if reach >= DECIMAL_INTEGER and np.abs(numbers).max() >= DECIMAL_INTEGER:
        raise Unusual
    return numbers / scale


def _read_signed(reader: ColumnReader, points: Integers) -> _Cells:
    # Steps are modulo 2**64, and so are sums of int64.
    numbers, reach = _sum_up(reader, points)
    cells = _cells(INTEGER, numbers.astype(np.float64))
    if reach > EXACT:
        for place in np.flatnonzero((numbers > EXACT) | (numbers < -EXACT)).tolist():
            cells.others[place] = int(numbers[place])
            cells.numbers[place] = np.nan
    return cells


def _sum_up(reader: ColumnReader, points: Integers) -> Bounded:
    """Return the numbers of rows: the first of each point as it is, the others from steps."""
    count = len(points)
    first = np.ones(count, np.bool_)
    np.not_equal(points[1:], points[:-1], out=first[1:])
    starts = np.flatnonzero(first)
    firsts = reader.integers(len(starts))
    if len(starts) == count:
        return firsts
    steps = reader.integers(count - len(starts))
    sums = np.zeros(count, np.int64)
    sums[~first] = steps.numbers
    np.cumsum(sums, out=sums)
    lengths = np.diff(starts, append=count)
    sums += np.repeat(firsts.numbers - sums[starts], lengths)
    return Bounded(sums, firsts.reach + steps.reach * count)


def _read_bits(reader: ColumnReader, count: int) -> Floats:
    packed = reader.planes(1, count + 7 >> 3)[0]
    if count & 7 and packed[-1] >> (count & 7):
        raise Unusual
    return np.unpackbits(packed, count=count, bitorder="little").astype(np.float64)


def _read_floats(reader: ColumnReader, cls: int, count: int) -> Floats:
    width, code = (8, "<f8") if cls == classes.FLOAT64 else (4, "<f4")
    floats = join_planes(reader.planes(width, count)).view(code)
    if not np.isfinite(floats).all():
        raise Unusual
    values: Floats = floats.astype(np.float64)
    if width == 8 and is_float32(values).any():
        raise Unusual
    return values


def _read_texts(reader: ColumnReader, texts: ColumnReader, count: int) -> list[str]:
    sizes = [reader.uvar(0, TEXT_BYTES) for _ in range(count)]
    try:
        return [texts.take(size).decode() for size in sizes]
    except UnicodeDecodeError as exc:
        raise Unusual from exc
