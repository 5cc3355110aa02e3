"""The classes of values (docs/wire.md section 4.1, column values) and which value has which.

The class of a row follows from its value and its point's decimals alone, so that two writers agree.
"""

from array import array
from collections.abc import Sequence
from math import copysign, isfinite
from operator import eq
from typing import Final

from protocols.errors import WireError
from protocols.wire.bounds import DECIMAL_INTEGER, DECIMALS
from protocols.words import Value

NONE: Final = 0
BOOLEAN: Final = 1
SIGNED: Final = 2
UNSIGNED: Final = 3
FLOAT64: Final = 4
FLOAT32: Final = 5
TEXT: Final = 6
DECIMAL: Final = 16
"""16 + d: a float that is an integer below 10**15 divided by 10**d."""

INT64: Final = 1 << 63
SCALES: Final = tuple(10.0**places for places in range(DECIMALS + 1))

# Adding 1.5 * 2**52 rounds a float to an integer and leaves it in the low bits of the float.
MAGIC: Final = 1.5 * 2.0**52
MAGIC_BITS: Final = array("q", array("d", [MAGIC]).tobytes())[0]


def scaled(values: Sequence[float], places: int) -> list[int] | None:
    """Return the integers that divided by 10**places give back `values`, or None if one has none."""
    scale = SCALES[places]
    lifted = [value * scale + MAGIC for value in values]
    if [(lift - MAGIC) / scale for lift in lifted] != values:
        return None
    bits = array("q", array("d", lifted).tobytes())
    low, high = min(bits) - MAGIC_BITS, max(bits) - MAGIC_BITS
    if low <= -DECIMAL_INTEGER or high >= DECIMAL_INTEGER or _negative_zero(values):
        return None
    return [bit - MAGIC_BITS for bit in bits]


def fits(value: float, places: int) -> bool:
    """Return whether `value` is a decimal with that many places."""
    return scaled([value], places) is not None


def is_float32(values: Sequence[float]) -> list[bool]:
    """Return for each value whether a float32 holds it exactly."""
    return list(map(eq, array("f", values), values))


def check_finite(values: Sequence[float], where: str) -> None:
    """Raise WireError for NaN and infinity: they are qualities, not values."""
    if not all(map(isfinite, values)):
        raise WireError("WIRE_VALUE", where=where, reason="not finite")


def class_of(value: Value, places: int | None) -> int:
    """Return the class of one value of a point with `places` decimals. Raises WireError."""
    kind = type(value)
    if kind is float and isinstance(value, float):
        return _float_class(value, places)
    if kind is int and isinstance(value, int):
        if not -INT64 <= value < 2 * INT64:
            raise WireError("WIRE_VALUE", where="values", reason="integer out of range")
        return SIGNED if value < INT64 else UNSIGNED
    return FIXED[check_kind(kind)]


def check_kind(kind: type) -> type:
    """Return `kind`. Raises WireError for a type that is no value's."""
    if kind not in FIXED and kind is not float and kind is not int:
        raise WireError("WIRE_VALUE", where="values", reason=kind.__name__)
    return kind


FIXED: Final[dict[type, int]] = {type(None): NONE, bool: BOOLEAN, str: TEXT}


def _float_class(value: float, places: int | None) -> int:
    check_finite([value], "values")
    if places is not None and 0 <= places <= DECIMALS and fits(value, places):
        return DECIMAL + places
    return FLOAT32 if is_float32([value])[0] else FLOAT64


def _negative_zero(values: Sequence[float]) -> bool:
    return 0.0 in values and any(copysign(1.0, value) < 0 for value in values if value == 0.0)
