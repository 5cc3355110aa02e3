"""Running time: the monotonic clock, plus an offset that makes UTC of it where that is known.

Delays run on it and never jump: where the wall clock is set, the offset follows and so do all times
that are kept. Only the season of a level needs the date.
"""

from collections.abc import Callable
from typing import Final

from edge.alarms.evaluator import At
from edge.alarms.standing import Times
from protocols.clock import SECOND, Clock, ClockState

TOLERANCE: Final = 2 * SECOND
"""A wall clock that moved by less is left to drift: only a season hangs on it."""


class RunningTime:
    """`collector` returns by how much our wall clock is ahead of the collector's, if known (µs)."""

    def __init__(self, clock: Clock, boot: str, collector: Callable[[], int | None]) -> None:
        self._clock = clock
        self._boot = boot
        self._collector = collector
        self._offset = clock.now() - clock.mono()
        self._dated = False

    @property
    def times(self) -> Times:
        """Return what times that are written now are worth."""
        return Times(self._boot, self._offset, self._dated)

    def look(self) -> int:
        """Look at the clocks; returns by how much later running time is now than it was."""
        ahead = 0 if self._clock.state is not ClockState.UNSYNCHRONISED else self._collector()
        if ahead is None:
            return 0
        moved = self._clock.now() - ahead - self._clock.mono() - self._offset
        if self._dated and abs(moved) <= TOLERANCE:
            return 0
        self._dated = True
        self._offset += moved
        return moved

    def at(self) -> At:
        """Return now."""
        right = self._clock.state is not ClockState.UNSYNCHRONISED
        now = self._clock.mono() + self._offset
        return At(now, self._offset, self._clock.now() if right else None)

    def mono(self, time: int) -> int:
        """Return a running time on the monotonic clock."""
        return time - self._offset
