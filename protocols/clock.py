"""The only place that asks the machine for the time.

Everything that measures, schedules or stamps takes a `Clock`. A `StoryClock` makes the demo, drills
and tests run on their own time; network timeouts and back-off stay on real time, because a socket
does not know the story.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple, Protocol

from protocols import kernel_clock
from protocols.clock_trust import Trust
from protocols.kernel_clock import Discipline

MICROSECOND = 1
MILLISECOND = 1_000
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE


class ClockState(IntEnum):
    """What the wall clock is worth (carried by every batch)."""

    UNSYNCHRONISED = 0
    SYNCHRONISED = 1
    STORY = 2


class Standing(NamedTuple):
    """What is known of the wall clock; `reason` and errors (µs) as in `Discipline`."""

    state: ClockState
    reason: str = ""
    maximum_error: int | None = None
    estimated_error: int | None = None


class Clock(Protocol):
    """Time as the process may know it; all values are int64 microseconds."""

    @property
    def state(self) -> ClockState: ...

    def now(self) -> int:
        """Return the wall time: microseconds UTC since 1970."""
        ...

    def mono(self) -> int:
        """Return microseconds since an arbitrary start that never jump.

        The machine's are since its boot and go on while it is suspended, and for every process of
        one boot they are the same: with the boot's id they name a moment.
        """
        ...

    async def sleep(self, microseconds: int) -> None:
        """Return after that much of this clock's time (never busy)."""
        ...


class SystemClock:
    """The machine's own clock; `ask` says what the kernel knows of it, once a second at most."""

    def __init__(self, ask: Callable[[], Discipline] = kernel_clock.read_discipline) -> None:
        self._ask = ask
        self._trust = Trust()
        self._looked: int | None = None
        self._said = Discipline(synchronised=False)

    @property
    def state(self) -> ClockState:
        return self.standing.state

    @property
    def standing(self) -> Standing:
        """What the wall clock is worth, and why."""
        at = self.mono()
        if self._looked is None or at - self._looked >= SECOND:
            self._looked, self._said = at, self._ask()
        found = self._trust.judge(self._said, self.now(), at)
        state = ClockState.SYNCHRONISED if found.synchronised else ClockState.UNSYNCHRONISED
        return Standing(state, *found[1:])

    def now(self) -> int:
        return time.time_ns() // 1_000

    def mono(self) -> int:
        return kernel_clock.since_boot()

    async def sleep(self, microseconds: int) -> None:
        await asyncio.sleep(max(0, microseconds) / SECOND)


@dataclass(frozen=True, slots=True)
class Pace:
    """From `real` (wall microseconds) on, story time runs `factor` times as fast."""

    real: int
    story: int
    factor: float


class StoryClock:
    """An injected clock: piecewise linear over the machine's wall clock.

    Several processes that hold the same paces agree on the time without talking to each other.
    """

    def __init__(self, paces: list[Pace]) -> None:
        if not paces:
            raise ValueError("a story clock needs at least one pace")
        self.paces = sorted(paces, key=lambda pace: pace.real)

    @property
    def state(self) -> ClockState:
        return ClockState.STORY

    @property
    def factor(self) -> float:
        return self._pace(time.time_ns() // 1_000).factor

    def _pace(self, real: int) -> Pace:
        current = self.paces[0]
        for pace in self.paces[1:]:
            if pace.real > real:
                break
            current = pace
        return current

    def at(self, real: int) -> int:
        """Return the story time at the real wall time `real` (both microseconds)."""
        pace = self._pace(real)
        return pace.story + int((real - pace.real) * pace.factor)

    def now(self) -> int:
        return self.at(time.time_ns() // 1_000)

    def mono(self) -> int:
        return self.now()

    async def sleep(self, microseconds: int) -> None:
        end = self.now() + max(0, microseconds)
        while (left := end - self.now()) > 0:  # noqa: ASYNC110  # no event tells of a new pace
            # Woken at least each quarter of a second, as the factor may change on the way.
            await asyncio.sleep(min(0.25, left / self.factor / SECOND))


def standing_of(clock: Clock) -> Standing:
    """Return what is known of a clock; of any but the machine's that is its state."""
    return clock.standing if isinstance(clock, SystemClock) else Standing(clock.state)


def real_times() -> tuple[int, int]:
    """Return real µs since boot with those the machine was suspended, and without."""
    return kernel_clock.since_boot(), kernel_clock.awake()


real_monotonic: Final[Callable[[], float]] = time.monotonic
"""Returns real seconds for network timeouts and back-off, which no story may stretch."""
