"""Why a reading is put aside while its neighbours go in; each is a key of the text catalogue."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import numpy as np

from central.store.columns import Integers


class Reason(StrEnum):
    """Told in the answer, in the quarantine and in the figures."""

    BAD_ROW = "BAD_ROW"
    """Not an object with exactly point, time (or time_us), value and perhaps quality."""
    UNKNOWN_POINT = "UNKNOWN_POINT"
    BAD_TIME = "BAD_TIME"
    CLOCK_AHEAD = "CLOCK_AHEAD"
    CLOCK_BEHIND = "CLOCK_BEHIND"
    BAD_QUALITY = "BAD_QUALITY"
    BAD_VALUE = "BAD_VALUE"


NO_ROW: Final = -(1 << 63)
"""In a column of times: the reading has another shape (BAD_ROW)."""
NO_TIME: Final = NO_ROW + 1
"""In a column of times: BAD_TIME."""
NO_QUALITY: Final = -1
"""In a column of qualities: BAD_QUALITY."""
_CODES: Final = {
    Reason.BAD_ROW: NO_ROW,
    Reason.BAD_TIME: NO_TIME,
    Reason.BAD_QUALITY: NO_QUALITY,
}


def code(said: int | Reason) -> int:
    """Return a time or a quality, or why there is none, as its column holds it."""
    return _CODES[said] if isinstance(said, Reason) else said


def column(said: Sequence[int | Reason]) -> Integers:
    """Return times or qualities as a column."""
    return np.array(list(map(code, said)), np.int64)
