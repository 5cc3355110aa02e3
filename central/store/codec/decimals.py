"""Floats as whole numbers from which they come back bit for bit.

Most instruments round: 23.41 is 2341 with two decimal places. A column of which not every float
comes back that way is taken by its bits, without the zeros that all of it ends with (a float32
leaves 29).
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from central.store.columns import Integers
from central.store.values import Floats

PLACES: Final = 9
"""Most decimal places."""
BITS: Final = 16
"""A scale of BITS + z: the bits of the float, shifted by the z zeros they end with."""
POWERS: Final[Floats] = np.array([float(10**place) for place in range(PLACES + 1)])
_SAMPLES: Final = 4


def scaled(numbers: Floats, starts: Integers, counts: Integers) -> tuple[Integers, Integers]:
    """Return each column's scale and all whole numbers; no NaN. Columns lie one after the other.

    A scale is the least number of decimal places, or BITS and more.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        return _scaled(numbers, starts, counts)


def unscaled(whole: Integers, scale: int) -> Floats:
    """Return the floats of one column. ValueError: no such scale."""
    if 0 <= scale <= PLACES:
        numbers: Floats = whole / POWERS[scale]
        return numbers
    if not BITS <= scale < BITS + 64:
        raise ValueError(scale)
    return (whole << (scale - BITS)).view(np.float64)


def _scaled(numbers: Floats, starts: Integers, counts: Integers) -> tuple[Integers, Integers]:
    scales = _likely(numbers, starts, counts)
    whole = np.zeros(len(numbers), np.int64)
    open_ = np.ones(len(starts), np.bool_)
    while (open_ & (scales <= PLACES)).any():
        columns = np.flatnonzero(open_ & (scales <= PLACES))
        alone = len(columns) == len(starts)
        where = slice(None) if alone else np.repeat(open_ & (scales <= PLACES), counts)
        part = numbers[where]
        powers = POWERS[scales[columns]]
        powers = powers[:1] if (powers == powers[0]).all() else np.repeat(powers, counts[columns])
        tried, good = _tried(part, powers)
        if alone and good.all():
            return scales, tried
        whole[where] = tried
        edges = starts if alone else np.cumsum(counts[columns]) - counts[columns]
        fits = np.logical_and.reduceat(good, edges)
        open_[columns[fits]] = False
        scales[columns[~fits]] += 1
    if open_.any():
        _bits(numbers, counts, open_, scales, whole)
    return scales, whole


def _likely(numbers: Floats, starts: Integers, counts: Integers) -> Integers:
    """Return for each column the least scale that some of its numbers allow."""
    steps = np.arange(_SAMPLES)[:, None] * np.maximum(counts - 1, 0) // (_SAMPLES - 1)
    some = numbers[starts + steps]
    tried = _tried(some[:, :, None], POWERS)[1]
    good = np.logical_and.reduce(tried, axis=0)
    likely: Integers = np.where(good.any(axis=1), good.argmax(axis=1), PLACES + 1)
    return likely


def _tried(numbers: Floats, powers: Floats) -> tuple[Integers, NDArray[np.bool_]]:
    product = numbers * powers
    whole = np.rint(product, out=product).astype(np.int64)
    # As it will be read: what is too large for an int64 does not come back either.
    good = np.divide(whole, powers, out=product).view(np.int64) == numbers.view(np.int64)
    return whole, good


def _bits(
    numbers: Floats, counts: Integers, open_: NDArray[np.bool_], scales: Integers, whole: Integers
) -> None:
    """Fill in the columns that are taken by their bits."""
    where = np.repeat(open_, counts)
    bits = numbers[where].view(np.int64)
    own = counts[open_]
    joined = np.bitwise_or.reduceat(bits, np.cumsum(own) - own).tolist()
    zeros = np.array([(each & -each).bit_length() - 1 if each else 0 for each in joined])
    scales[open_] = BITS + zeros
    whole[where] = bits >> np.repeat(zeros, own)
