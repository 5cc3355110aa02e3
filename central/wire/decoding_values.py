"""Reads the columns values and texts of a batch into typed columns; common forms only."""

from typing import Final, NamedTuple

import numpy as np

from central.store.columns import Integers
from central.store.point_column import constant
from central.store.values import BOOLEAN, EXACT, FLOAT, INTEGER, NONE, OTHER, Bytes, Floats, Values
from central.wire.classing import is_float32, scaled
from central.wire.layout import Layout
from central.wire.reading import (
    Bounded,
    ColumnReader,
    Unusual,
    join_planes,
    read_integers,
)
from protocols.wire import classes
from protocols.wire.bounds import DECIMAL_INTEGER, DECIMALS, TEXT_BYTES
from protocols.wire.classes import DECIMAL, SCALES
from protocols.words import Value

_FAR: Final = 1 << 62
"""A sum whose parts reach no further together did not turn over."""
_FEW: Final = 24
"""Rows below which arrays for each class cost more than objects."""
_FEW_SCANS: Final = 8
"""Scans that are added one to the next; more are summed along each point."""
_FLOAT: Final = np.dtype(np.float64)
_DECIMALS_END: Final = DECIMAL + DECIMALS
_KIND: Final = np.dtype(np.uint8)


class Rows(NamedTuple):
    """The points of rows, which go up; `distinct`: each has one row."""

    points: Integers
    distinct: bool


class _Cells(NamedTuple):
    """The values of some rows in point order; `others` by place among them, `kinds` without."""

    kinds: Bytes
    numbers: Floats
    others: dict[int, Value]


def read_values(
    data: bytes, span: tuple[int, int], texts: tuple[int, int], layout: Layout
) -> Values:
    """Return the values of the rows; `span` and `texts` say where their columns lie.

    Raises Unusual, WireError; IndexError where `data` ends.
    """
    at, end = span
    cls = data[at]
    if DECIMAL <= cls <= _DECIMALS_END and layout.scans and data.startswith(layout.count, at + 1):
        # Nearly every batch: one class, whole scans.
        n = len(layout.points)
        numbers, at = _read_scans(data, at + 1 + len(layout.count), end, layout.scans, n)
        if at != end or texts[0] != texts[1]:
            raise Unusual
        numbers /= SCALES[cls - DECIMAL]
        return Values(constant(FLOAT, n, _KIND), numbers, {})
    reader = ColumnReader(data, "values", at, end)
    letters = ColumnReader(data, "texts", *texts)
    values = _read_others(reader, letters, layout)
    if reader.at != end or letters.at != letters.end:
        raise Unusual
    return values


def _read_scans(data: bytes, at: int, end: int, scans: int, n: int) -> tuple[Floats, int]:
    """Return the integers that decimals are, in row order, where all rows are whole scans."""
    if scans == 1:
        whole, reach, at = read_integers(data, at, end, n)
    else:
        width = n // scans
        firsts, reach, at = read_integers(data, at, end, width)
        steps, step_reach, at = read_integers(data, at, end, n - width)
        reach += step_reach * scans
        if reach > _FAR:
            raise Unusual
        whole = np.empty((scans, width), np.int64)
        whole[0] = firsts
        whole[1:] = steps.reshape(width, scans - 1).T
        if scans > _FEW_SCANS:
            whole.cumsum(axis=0, out=whole)
        else:
            for scan in range(1, scans):
                np.add(whole[scan - 1], whole[scan], whole[scan])
        whole = whole.reshape(n)
    if reach >= DECIMAL_INTEGER and int(np.abs(whole).max()) >= DECIMAL_INTEGER:
        raise Unusual
    return whole.astype(_FLOAT), at


def _read_others(reader: ColumnReader, texts: ColumnReader, layout: Layout) -> Values:
    rows = Rows(layout.ordered, layout.distinct)
    n = len(rows.points)
    start = reader.at
    cls = reader.u8()
    if reader.uvar() == n:
        one = True
        kinds, numbers, others = _read_class(reader, texts, cls, rows)
    else:
        if n < _FEW:
            raise Unusual
        reader.at = start
        one = False
        kinds, numbers, others = _read_classes(reader, texts, rows)
    order = layout.order
    if order is None:
        return Values(kinds, numbers, others)
    if others or not one:
        kinds = layout.in_rows(kinds)
    return Values(kinds, layout.in_rows(numbers), _moved(others, order))


def _moved(others: dict[int, Value], to: Integers) -> dict[int, Value]:
    """Return the same values at the places that `to` gives for theirs."""
    return dict(zip(to[list(others)].tolist(), others.values(), strict=True)) if others else others


def _read_classes(reader: ColumnReader, texts: ColumnReader, rows: Rows) -> _Cells:
    points = rows.points
    n = len(points)
    runs, counts = reader.runs(n)
    if np.maximum.reduce(runs) > DECIMAL + DECIMALS:
        raise Unusual
    of_row = runs.repeat(counts)
    kinds, numbers = np.empty(n, np.uint8), np.empty(n, np.float64)
    others: dict[int, Value] = {}
    for cls in np.bincount(runs).nonzero()[0].tolist():
        at = (of_row == cls).nonzero()[0]
        cells = _read_class(reader, texts, cls, Rows(points[at], rows.distinct))
        kinds[at], numbers[at] = cells.kinds, cells.numbers
        others |= _moved(cells.others, at)
    _check_decimals(points, of_row, numbers)
    return _Cells(kinds, numbers, others)


def _check_decimals(points: Integers, of_row: Integers, numbers: Floats) -> None:
    """Raise Unusual where a point has two decimal classes, or a decimal another class than its own.

    Rows of one point lie side by side.
    """
    decimal = (of_row >= DECIMAL).nonzero()[0]
    if not len(decimal):
        return
    held, own = points[decimal], of_row[decimal]
    if np.count_nonzero((held[1:] == held[:-1]) & (own[1:] != own[:-1])):
        raise Unusual
    floats = ((of_row == classes.FLOAT32) | (of_row == classes.FLOAT64)).nonzero()[0]
    if not len(floats):
        return
    places = np.full(int(points[-1]) + 1, -1, np.int64)
    places[held] = own - DECIMAL
    floats = floats[places[points[floats]] >= 0]
    if len(floats) and scaled(numbers[floats], places[points[floats]]).fits.any():
        raise Unusual


def _read_class(reader: ColumnReader, texts: ColumnReader, cls: int, rows: Rows) -> _Cells:
    count = len(rows.points)
    if DECIMAL <= cls <= DECIMAL + DECIMALS:
        return _cells(FLOAT, _read_decimals(reader, rows, SCALES[cls - DECIMAL]))
    if cls in (classes.FLOAT32, classes.FLOAT64):
        return _cells(FLOAT, _read_floats(reader, cls, count))
    if cls == classes.SIGNED:
        return _read_signed(reader, rows)
    if cls == classes.BOOLEAN:
        return _cells(BOOLEAN, _read_bits(reader, count))
    cells = _cells(NONE, np.full(count, np.nan))
    if cls == classes.TEXT:
        cells.kinds[:] = OTHER
        cells.others.update(enumerate(_read_texts(reader, texts, count)))
    elif cls != classes.NONE:
        raise Unusual
    return cells


def _cells(kind: int, numbers: Floats) -> _Cells:
    return _Cells(np.full(len(numbers), kind, np.uint8), numbers, {})


def _read_decimals(reader: ColumnReader, rows: Rows, scale: float) -> Floats:
    numbers, reach = _sum_up(reader, rows)
    if reach > _FAR:
        raise Unusual
    if reach >= DECIMAL_INTEGER and np.abs(numbers).max() >= DECIMAL_INTEGER:
        raise Unusual
    return numbers / scale


def _read_signed(reader: ColumnReader, rows: Rows) -> _Cells:
    # Steps are modulo 2**64, and so are sums of int64.
    numbers, reach = _sum_up(reader, rows)
    cells = _cells(INTEGER, numbers.astype(np.float64))
    if reach > EXACT:
        for place in ((numbers > EXACT) | (numbers < -EXACT)).nonzero()[0].tolist():
            cells.others[place] = int(numbers[place])
            cells.kinds[place], cells.numbers[place] = OTHER, np.nan
    return cells


def _sum_up(reader: ColumnReader, rows: Rows) -> Bounded:
    """Return the numbers of rows: the first of each point as it is, the others from steps."""
    points = rows.points
    count = len(points)
    if rows.distinct:
        return reader.integers(count)
    first = np.empty(count, np.bool_)
    first[0] = True
    np.not_equal(points[1:], points[:-1], out=first[1:])
    starts = first.nonzero()[0]
    firsts = reader.integers(len(starts))
    if len(starts) == count:
        return firsts
    steps = reader.integers(count - len(starts))
    sums = np.zeros(count, np.int64)
    sums[~first] = steps.numbers
    sums.cumsum(out=sums)
    lengths = np.empty(len(starts), np.int64)
    np.subtract(starts[1:], starts[:-1], out=lengths[:-1])
    lengths[-1] = count - starts[-1]
    sums += (firsts.numbers - sums[starts]).repeat(lengths)
    return Bounded(sums, firsts.reach + steps.reach * count)


def _read_bits(reader: ColumnReader, count: int) -> Floats:
    packed = reader.planes(1, count + 7 >> 3)[0]
    if count & 7 and packed[-1] >> (count & 7):
        raise Unusual
    return np.unpackbits(packed, count=count, bitorder="little").astype(np.float64)


def _read_floats(reader: ColumnReader, cls: int, count: int) -> Floats:
    width, code = (8, "<f8") if cls == classes.FLOAT64 else (4, "<f4")
    floats = join_planes(reader.planes(width, count)).view(code)
    if np.count_nonzero(np.isfinite(floats)) < count:
        raise Unusual
    values: Floats = floats.astype(np.float64)
    if width == 8 and np.count_nonzero(is_float32(values)):
        raise Unusual
    return values


def _read_texts(reader: ColumnReader, texts: ColumnReader, count: int) -> list[str]:
    sizes = reader.some_uvars(count)
    if np.maximum.reduce(sizes) > TEXT_BYTES:
        raise Unusual
    ends = sizes.cumsum().tolist()
    joined = texts.take(ends[-1])
    starts = [0, *ends[:-1]]
    if joined.isascii():
        letters = joined.decode()
        return [letters[start:end] for start, end in zip(starts, ends, strict=True)]
    try:
        return [joined[start:end].decode() for start, end in zip(starts, ends, strict=True)]
    except UnicodeDecodeError as exc:
        raise Unusual from exc
