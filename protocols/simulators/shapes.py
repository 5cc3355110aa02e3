"""Shapes a simulated signal is made of: pure functions of seconds, the same at every call.

A signal has no state and no randomness, so every process, test and replay sees the same value at
the same story time.
"""

import math
import zlib
from bisect import bisect_right
from collections.abc import Callable, Sequence

from protocols.words import Value

Signal = Callable[[float], Value]
"""Seconds since the story's start (22:00) to an engineering value; None is a failed sensor."""


def polyline(knots: Sequence[tuple[float, float]]) -> Callable[[float], float]:
    """Join `(second, value)` knots by straight lines; flat before the first and after the last."""
    seconds = [second for second, _ in knots]

    def at(second: float) -> float:
        place = bisect_right(seconds, second)
        if place == 0:
            return knots[0][1]
        if place == len(knots):
            return knots[-1][1]
        (t0, v0), (t1, v1) = knots[place - 1], knots[place]
        return v0 + (v1 - v0) * (second - t0) / (t1 - t0)

    return at


def wobble(name: str, amplitude: float) -> Callable[[float], float]:
    """A small natural-looking movement around zero, different for every name."""
    seed = zlib.crc32(name.encode())
    first, second, third = (((seed >> shift) % 997) / 997 for shift in (0, 8, 16))

    def at(t: float) -> float:
        slow = math.sin(t / (240 + 120 * first) * math.tau + first * 7)
        middle = math.sin(t / (47 + 30 * second) * math.tau + second * 7)
        fast = math.sin(t / (7.3 + 5 * third) * math.tau + third * 7)
        return amplitude * (0.6 * slow + 0.3 * middle + 0.1 * fast)

    return at


def around(name: str, level: float, amplitude: float) -> Signal:
    """A value that rests at `level`."""
    move = wobble(name, amplitude)
    return lambda t: level + move(t)


def repeating(
    period: float, past: Callable[[float], Value], cycle: Callable[[float], Value]
) -> Signal:
    """`past` before second 0; from then on `cycle` of the second within each period."""
    return lambda t: past(t) if t < 0 else cycle(t % period)


def during(*spans: tuple[float, float]) -> Callable[[float], bool]:
    """True inside any of the `(from, to)` spans, `to` excluded."""
    return lambda t: any(start <= t < end for start, end in spans)


def clock(text: str) -> float:
    """Return seconds from 22:00 to `HH:MM[:SS]` of the same evening (earlier is negative)."""
    parts = [int(part) for part in text.split(":")] + [0]
    return float((parts[0] - 22) * 3600 + parts[1] * 60 + parts[2])
