"""The truth every stored reading is held against: value = f(point, time).

A value names its point and the moment it was measured: `tick * POINTS + point`, where a tick is ten
milliseconds. Swapped, repeated or invented values cannot fit.
"""

from typing import Final

POINTS: Final = 1000
TICK: Final = 10_000
TICKS: Final = 4_000_000
"""Ticks before the value starts again (eleven hours): fits an unsigned 32-bit register pair."""
TOLERANCE: Final = 75
"""Ticks between the device's moment and the gateway's stamp: one request on a busy machine."""


def value_at(point: int, now: int) -> int:
    """Return what `point` (0 .. POINTS-1) measures at `now` (microseconds UTC)."""
    return (now // TICK) % TICKS * POINTS + point


def fits(point: int, time: int, value: object) -> bool:
    """Whether `value` is what `point` measured at `time`, within the tolerance."""
    if not isinstance(value, int | float) or value != int(value):
        return False
    tick, named = divmod(int(value), POINTS)
    distance = (time // TICK - tick) % TICKS
    return named == point and min(distance, TICKS - distance) <= TOLERANCE
