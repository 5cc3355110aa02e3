"""Whose turn it is on a polled bus (pure; time is an argument, microseconds of the clock).

Each device has a period. A tick that could not be kept is skipped and counted, never made up for: a
slow line stretches the period. A device that does not answer becomes a *suspect*: it is asked again
at growing intervals, and only when no healthy device is due, or when it has waited too long.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from protocols.clock import MILLISECOND, SECOND

FIRST_PROBE: Final = 1 * SECOND
"""Most silences are a lost frame or a restart: ask again soon."""
LAST_PROBE: Final = 8 * SECOND
"""With the patience below, a device that returned is heard within ten seconds."""
PATIENCE: Final = 1500 * MILLISECOND
"""A suspect this long overdue goes before healthy devices: a full line must not hide a return."""
JITTER: Final = 0.2
"""Share by which probes are spread, so that many suspects do not come in one burst."""


@dataclass(slots=True)
class Turn:
    """One device's place in the schedule."""

    period: int
    due: int
    failures: int = 0
    missed: int = 0


class Schedule:
    """Decides among the devices of one bus, by their place in `periods` (microseconds).

    `jitter()` returns a number in 0..1.
    """

    def __init__(self, periods: Sequence[int], now: int, jitter: Callable[[], float]) -> None:
        # Starts are spread over the first period: devices of equal period do not bunch.
        count = max(1, len(periods))
        self._turns = [Turn(p, now + p * i // count) for i, p in enumerate(periods)]
        self._jitter = jitter

    def next(self, now: int) -> int | None:
        """Return the device to ask now, or None: wait until `wake`."""
        healthy = [i for i, t in enumerate(self._turns) if not t.failures and t.due <= now]
        suspects = [i for i, t in enumerate(self._turns) if t.failures and t.due <= now]
        overdue = [i for i in suspects if now - self._turns[i].due >= PATIENCE]
        ready = overdue or healthy or suspects
        return min(ready, key=lambda i: self._turns[i].due) if ready else None

    def wake(self) -> int:
        """Return when the next device is due."""
        return min(turn.due for turn in self._turns)

    def answered(self, device: int, now: int) -> bool:
        """Set the next tick; return whether the device had been a suspect."""
        turn = self._turns[device]
        returned, turn.failures = turn.failures > 0, 0
        if returned:
            turn.due = now + turn.period
            return True
        late = max(0, now - turn.due) // turn.period
        turn.missed += late
        turn.due += (late + 1) * turn.period
        return False

    def failed(self, device: int, now: int) -> bool:
        """Set the next probe; return whether this is the first failure in a row."""
        turn = self._turns[device]
        wait = min(LAST_PROBE, FIRST_PROBE << min(turn.failures, 8))
        turn.failures += 1
        turn.due = now + int(wait * (1 - JITTER * self._jitter()))
        return turn.failures == 1

    def alone(self, device: int) -> bool:
        """Return whether no healthy device shares the line."""
        return all(turn.failures for i, turn in enumerate(self._turns) if i != device)

    @property
    def missed(self) -> int:
        """Ticks skipped so far."""
        return sum(turn.missed for turn in self._turns)
