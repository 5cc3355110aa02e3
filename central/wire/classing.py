"""Which float belongs to which class (docs/wire.md section 4.1), for whole arrays.

The same arithmetic as `protocols.wire.classes`, step by step: float64 multiplied, rounded, divided.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from central.store.columns import Integers
from central.store.values import Floats
from protocols.wire.bounds import DECIMAL_INTEGER
from protocols.wire.classes import SCALES

_MOST: Final = DECIMAL_INTEGER - 1
_SCALES: Final = np.array(SCALES)
# A float plus 1.5 * 2**52 is rounded to an integer, which then lies in the float's low bits.
_LIFT: Final = 1.5 * 2.0**52
_LIFT_BITS: Final = int(np.array(_LIFT).view(np.int64))


class Scaled(NamedTuple):
    """Which floats are decimals, and the integers they are (of the others anything)."""

    fits: NDArray[np.bool_]
    numbers: Integers


def scaled(values: Floats, places: Integers | int) -> Scaled:
    """Say which of `values`, of points with `places` decimals (0 to 9), are decimals."""
    scales = _SCALES[places]
    with np.errstate(over="ignore", invalid="ignore"):
        lifted = values * scales
        lifted += _LIFT
        fits = (lifted - _LIFT) / scales == values
    numbers = lifted.view(np.int64) - _LIFT_BITS
    fits &= (numbers + _MOST).view(np.uint64) <= 2 * _MOST
    if np.count_nonzero(numbers) < len(numbers):
        fits &= ~((numbers == 0) & np.signbit(values))
    return Scaled(fits, numbers)


def is_float32(values: Floats) -> NDArray[np.bool_]:
    """Say which of `values` a float32 holds exactly."""
    with np.errstate(over="ignore"):
        same: NDArray[np.bool_] = values.astype(np.float32).astype(np.float64) == values
    return same
