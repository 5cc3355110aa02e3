"""Writes the columns values and texts of a batch from typed columns; common forms only."""

from typing import Final

import numpy as np

from central.store.columns import Integers
from central.store.values import FLOAT, Floats, Values
from central.wire.classing import is_float32, scaled
from central.wire.reading import Unusual
from central.wire.writing import put_integers, put_planes, put_runs, put_uvars
from protocols.wire import classes
from protocols.wire.bounds import DECIMALS, TEXT_BYTES
from protocols.wire.classes import DECIMAL

_OF_KIND: Final = np.array(
    [classes.NONE, classes.BOOLEAN, classes.SIGNED, classes.FLOAT64, classes.TEXT], np.int64
)
"""The class of a value by its kind; floats are told apart by what they are."""


def put_values(
    out: bytearray,
    texts: bytearray,
    values: Values,
    order: Integers | None,
    of: tuple[Integers, Integers],
) -> None:
    """Append the column of `values` to `out`, and its texts to `texts`.

    `order`: the row of each place in point order (None: the same); `of`: the point of each place,
    and that point's decimals. Raises Unusual.
    """
    points, decimals = of
    kinds = values.kinds if order is None else values.kinds[order]
    numbers = values.numbers if order is None else values.numbers[order]
    of_row = _OF_KIND[kinds]
    floats = (kinds == FLOAT).nonzero()[0]
    if len(floats) == len(kinds):
        of_row, whole = _float_classes(numbers, decimals)
    else:
        whole = np.zeros(len(kinds), np.int64)  # what a decimal is as an integer
        if len(floats):
            found = _float_classes(numbers[floats], decimals[floats])
            of_row[floats], whole[floats] = found
    put_runs(out, of_row)
    present = np.bincount(of_row).nonzero()[0].tolist()
    for cls in present:
        rows = slice(None) if len(present) == 1 else (of_row == cls).nonzero()[0]
        if cls >= DECIMAL:
            _put_numbers(out, points[rows], whole[rows])
        elif cls == classes.SIGNED:
            _put_numbers(out, points[rows], numbers[rows].astype(np.int64))
        elif cls == classes.TEXT:
            places = np.arange(len(kinds))[rows]
            _put_texts(out, texts, values, places if order is None else order[places])
        else:
            _put_plain(out, cls, numbers[rows])


def _float_classes(numbers: Floats, decimals: Integers) -> tuple[Integers, Integers]:
    """Return the class of each float, and the integer that it is if it is a decimal."""
    if np.count_nonzero(np.isfinite(numbers)) < len(numbers):
        raise Unusual
    least, most = int(np.minimum.reduce(decimals)), int(np.maximum.reduce(decimals))
    if most < 0 or least > DECIMALS:
        return _plain_classes(numbers), np.zeros(len(numbers), np.int64)
    has = None
    if least < 0 or most > DECIMALS:
        has = (decimals >= 0) & (decimals <= DECIMALS)
        decimals = np.where(has, decimals, 0)
    fits, whole = scaled(numbers, decimals if least != most else least)
    if has is not None:
        fits &= has
    if np.count_nonzero(fits) == len(fits):
        return DECIMAL + decimals, whole
    return np.where(fits, DECIMAL + decimals, _plain_classes(numbers)), whole


def _plain_classes(numbers: Floats) -> Integers:
    return np.where(is_float32(numbers), classes.FLOAT32, classes.FLOAT64)


def _put_numbers(out: bytearray, points: Integers, numbers: Integers) -> None:
    """Append the first number of each point, then every other as its step from the one before."""
    same = points[1:] == points[:-1]
    if not np.count_nonzero(same):
        put_integers(out, numbers)
        return
    first = np.ones(len(points), np.bool_)
    np.logical_not(same, out=first[1:])
    put_integers(out, numbers[first])
    put_integers(out, (numbers[1:] - numbers[:-1])[same])


def _put_plain(out: bytearray, cls: int, numbers: Floats) -> None:
    if cls == classes.BOOLEAN:
        out += np.packbits(numbers.astype(np.uint8), bitorder="little").tobytes()
    elif cls == classes.FLOAT64:
        put_planes(out, numbers.astype("<f8").view(np.uint8), 8, 8)
    elif cls == classes.FLOAT32:
        put_planes(out, numbers.astype("<f4").view(np.uint8), 4, 4)


def _put_texts(out: bytearray, texts: bytearray, values: Values, rows: Integers) -> None:
    sizes = []
    for row in rows.tolist():
        text = values.others[row]
        if not isinstance(text, str):
            raise Unusual
        try:
            coded = text.encode()
        except UnicodeEncodeError as exc:
            raise Unusual from exc
        if len(coded) > TEXT_BYTES:
            raise Unusual
        sizes.append(len(coded))
        texts += coded
    put_uvars(out, np.array(sizes, np.int64))
