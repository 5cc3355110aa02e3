"""The input itself as what a rule is about: silent, of bad quality, or not moving.

Levels are held against seconds, so that one rule may say 300 s yellow and an hour orange. These
are faults, not process alarms: what the input says of the plant is another rule's.
"""

import math
from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple

from protocols.alarms.kinds.kind import Reading, Taken
from protocols.alarms.rule import Level
from protocols.clock import SECOND

GOOD: Final = -1.0
"""Seconds of bad quality while it is good: less than none, which is the first of them."""


class Since(NamedTuple):
    """From when seconds count (None: they do not), and when that was last looked at (µs UTC)."""

    time: int | None = None
    looked: int = 0


class Still(NamedTuple):
    """The value that did not move since `time`, and when it was last seen; `lost`: not since."""

    value: float = 0.0
    time: int | None = None
    seen: int = 0
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Stale:
    """Seconds since the newest good reading that came in time, by the clock.

    What is delivered late says nothing of now: it neither raises nor ends silence.
    """

    always: ClassVar[bool] = True

    @property
    def lateness(self) -> float:
        """Return 0."""
        return 0.0

    def begin(self) -> Since:
        """Return that nothing was heard, nor is yet expected."""
        return Since()

    def listen(self, memory: Since, time: int) -> Since:
        """Let silence count from now on where nothing was ever heard."""
        return Since(time, time) if memory.time is None else memory

    def take(self, memory: Since, reading: Reading, levels: tuple[Level, ...]) -> Taken:
        """Take a good reading: it is not silent."""
        if not reading.live:
            return Taken(memory, (None,) * len(levels))
        return Taken(Since(reading.time, reading.time), (0.0,) * len(levels))

    def lose(self, memory: Since, name: str, time: int) -> Since:
        """Return the same: what is bad is nothing heard."""
        return memory

    def due(self, memory: Since, levels: tuple[Level, ...]) -> int | None:
        """Return when the next level is reached."""
        return _next(memory, levels)

    def look(self, memory: Since, time: int, levels: tuple[Level, ...]) -> Taken:
        """Return how long it has been silent."""
        return _counted(memory, time, levels)

    def again(self, before: "Stale", held: Taken, levels: tuple[Level, ...], time: int) -> Taken:
        """Look at once."""
        return _counted(held.memory, time, levels)


@dataclass(frozen=True, slots=True)
class Bad:
    """Seconds of bad quality; a value outside the instrument's range is of bad quality too."""

    always: ClassVar[bool] = False

    @property
    def lateness(self) -> float:
        """Return 0."""
        return 0.0

    def begin(self) -> Since:
        """Return that nothing is bad."""
        return Since()

    def listen(self, memory: Since, time: int) -> Since:
        """Return the same: what was never heard is silent, not bad."""
        return memory

    def take(self, memory: Since, reading: Reading, levels: tuple[Level, ...]) -> Taken:
        """Take a good reading: it is not bad."""
        return Taken(Since(None, reading.time), (GOOD,) * len(levels))

    def lose(self, memory: Since, name: str, time: int) -> Since:
        """Count from the first reading that is bad."""
        return memory if memory.time is not None else Since(time, time - 1)

    def due(self, memory: Since, levels: tuple[Level, ...]) -> int | None:
        """Return when the next level is reached."""
        return _next(memory, levels)

    def look(self, memory: Since, time: int, levels: tuple[Level, ...]) -> Taken:
        """Return how long it has been bad."""
        return _counted(memory, time, levels)

    def again(self, before: "Bad", held: Taken, levels: tuple[Level, ...], time: int) -> Taken:
        """Look at once."""
        return _counted(held.memory, time, levels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """Seconds in which the value, though it came, did not move by more than `tolerance`.

    It is looked at when a reading comes: what does not come is silent, not frozen. Time of bad
    quality does not count.
    """

    tolerance: float = 0.0

    @property
    def lateness(self) -> float:
        """Return 0."""
        return 0.0

    def begin(self) -> Still:
        """Return that nothing was seen."""
        return Still()

    def take(self, memory: Still, reading: Reading, levels: tuple[Level, ...]) -> Taken:
        """Take a good reading."""
        time, value = reading.time, reading.value
        since = memory.time
        if since is None or abs(value - memory.value) > self.tolerance:
            return Taken(Still(value, time, time), (0.0,) * len(levels))
        if memory.lost:
            since += time - memory.seen
        lasted = (time - since) / SECOND
        return Taken(Still(memory.value, since, time), (lasted,) * len(levels))

    def again(self, before: "Frozen", held: Taken, levels: tuple[Level, ...], time: int) -> Taken:
        """Hold every level against how long it had lasted."""
        return Taken(held.memory, held.values[:1] * len(levels))

    def lose(self, memory: Still, name: str, time: int) -> Still:
        """Let the time until the next good reading not count."""
        return memory if memory.lost else memory._replace(lost=True)


def _next(memory: Since, levels: tuple[Level, ...]) -> int | None:
    if memory.time is None:
        return None
    found = [memory.time + _reached(level) for level in levels]
    return min((time for time in found if time > memory.looked), default=None)


def _reached(level: Level) -> int:
    at = max(0, math.ceil(level.limit * SECOND))
    return at + 1 if level.op == ">" else at


def _counted(memory: Since, time: int, levels: tuple[Level, ...]) -> Taken:
    if memory.time is None:
        return Taken(memory, (None,) * len(levels))
    seconds = (time - memory.time) / SECOND
    return Taken(Since(memory.time, max(time, memory.looked)), (seconds,) * len(levels))
