"""The truth every stored reading is held against: value = f(point, time).

A value names its point and the moment it was measured: `tick * POINTS + point`, where a tick is
twenty milliseconds. Swapped, repeated or invented values cannot fit.
"""

from typing import Any, Final

POINTS: Final = 8192
TICK: Final = 20_000
TICKS: Final = 500_000
"""Ticks before the value starts again (2.7 hours): fits an unsigned 32-bit register pair."""
TOLERANCE: Final = 500
"""Ticks between the device's moment and the stored time. A boot whose clock is not synchronised is
placed to within the round trip of its first contact, and that may be a link that trickles; which
value it must be is held exactly, against what the plant served."""


def value_at(point: int, now: int) -> int:
    """Return what `point` (0 .. POINTS-1) measures at `now` (microseconds UTC)."""
    return (now // TICK) % TICKS * POINTS + point


def tick_of(time: Any, value: Any) -> Any:
    """Return the full tick that `value` was measured at, the nearest to `time`; arrays too."""
    away = (time // TICK - value // POINTS) % TICKS
    return time // TICK - (away + TICKS // 2) % TICKS + TICKS // 2
