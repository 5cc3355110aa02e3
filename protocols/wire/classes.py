"""The classes of values (docs/wire.md section 4.1, column values) and which value has which.

The class of a row follows from its value and its point's decimals alone, so that two writers agree.
Everything here works on whole lists: a gateway encodes thousands of rows a second.
"""

from array import array
from collections.abc import Sequence
from itertools import repeat
from math import copysign, isfinite
from operator import eq
from typing import Final

from protocols.errors import WireError
from protocols.wire.bounds import DECIMAL_INTEGER, DECIMALS

NONE: Final = 0
BOOLEAN: Final = 1
SIGNED: Final = 2
UNSIGNED: Final = 3
FLOAT64: Final = 4
FLOAT32: Final = 5
TEXT: Final = 6
DECIMAL: Final = 16
"""16 + d: a float that is an integer of at most 15 digits divided by 10**d."""

KINDS: Final[dict[type, int]] = {
    type(None): NONE,
    bool: BOOLEAN,
    int: SIGNED,
    float: FLOAT64,
    str: TEXT,
}
_NO_CLASS: Final = -1
_FLOATS: Final[dict[int | None, int]] = {places: DECIMAL + places for places in range(DECIMALS + 1)}
INT64: Final = 1 << 63
SCALES: Final = tuple(10.0**places for places in range(DECIMALS + 1))

# A float plus 1.5 * 2**52 is rounded to an integer, which then lies in the float's low bits.
_LIFT: Final = 1.5 * 2.0**52
_LIFT_BITS: Final = array("q", array("d", [_LIFT]).tobytes())[0]


def guess_classes(
    points: Sequence[int], values: Sequence[object], decimals: Sequence[int | None]
) -> list[int]:
    """Return the class of every row by its type and its point's decimals; the refiners correct it.

    `points` go up. Raises WireError for a type that no value has and for a point that `decimals`
    does not know.
    """
    if points[-1] >= len(decimals):
        raise WireError("WIRE_VALUE", where="values", what="unknown point")
    kinds = list(map(type, values))
    classes = list(map(KINDS.get, kinds, repeat(_NO_CLASS)))
    if _NO_CLASS in classes:
        odd = kinds[classes.index(_NO_CLASS)]
        raise WireError("WIRE_VALUE", where="values", what=odd.__name__)
    if FLOAT64 not in classes:
        return classes
    floats = list(map(_FLOATS.get, map(decimals.__getitem__, points), repeat(FLOAT64)))
    if classes.count(FLOAT64) == len(classes):
        return floats
    return [
        float_class if cls == FLOAT64 else cls
        for cls, float_class in zip(classes, floats, strict=True)
    ]


def scaled(values: list[float], places: int) -> list[int] | None:
    """Return the integers that divided by 10**places give `values` back; None if one has none."""
    scale = SCALES[places]
    lifted = [value * scale + _LIFT for value in values]
    if [(lift - _LIFT) / scale for lift in lifted] != values:
        return None
    numbers = [bits - _LIFT_BITS for bits in array("q", array("d", lifted).tobytes())]
    if min(numbers) <= -DECIMAL_INTEGER or max(numbers) >= DECIMAL_INTEGER:
        return None
    if 0.0 in values and any(copysign(1.0, value) < 0 for value in values if not value):
        return None
    return numbers


def is_float32(values: Sequence[float]) -> list[bool]:
    """Return for each value whether a float32 holds it exactly."""
    return list(map(eq, array("f", values), values))


def check_finite(values: Sequence[float]) -> None:
    """Raise WireError for NaN and infinity: they are qualities, not values."""
    if not all(map(isfinite, values)):
        raise WireError("WIRE_VALUE", where="values", what="not finite")


def refine_floats(values: list[float], places: int | None) -> list[int]:
    """Return the class of each float of points with `places` decimals. Raises WireError."""
    check_finite(values)
    classes = [FLOAT32 if exact else FLOAT64 for exact in is_float32(values)]
    if places is None:
        return classes
    return [
        cls if scaled([value], places) is None else DECIMAL + places
        for cls, value in zip(classes, values, strict=True)
    ]


def refine_integers(values: list[int]) -> list[int]:
    """Return the class of each integer. Raises WireError beyond 64 bits."""
    if min(values) < -INT64 or max(values) >= 2 * INT64:
        raise WireError("WIRE_VALUE", where="values", what="integer beyond 64 bits")
    return [SIGNED if value < INT64 else UNSIGNED for value in values]
