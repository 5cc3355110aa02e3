"""Streams that the collector refuses, set aside for a while so that the others go on (pure)."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

FIRST: Final = 0.5
LAST: Final = 60.0
"""Seconds a stream is set aside; doubled each time until it gets through."""
MOST: Final = 256
"""Streams known as refused. When there are more, the one refused longest ago is tried again."""
FULL: Final = 1.0
"""Seconds a lane pauses after a refusal when so many are known."""


@dataclass(slots=True)
class Refused:
    """Why, how often in a row, and when (real seconds) it is tried again."""

    why: str
    times: int
    until: float


class Aside:
    """Bounded; `shown` is told of what is in it, by stream, for health."""

    def __init__(self, shown: dict[str, str]) -> None:
        self._refused: OrderedDict[str, Refused] = OrderedDict()
        self._shown = shown

    def __len__(self) -> int:
        return len(self._refused)

    def put(self, stream: str, why: str, now: float) -> None:
        """Set a stream aside."""
        known = self._refused.pop(stream, None)
        times = known.times if known else 0
        until = now + min(LAST, FIRST * 2.0 ** min(times, 30))
        self._refused[stream] = Refused(why, times + 1, until)
        self._shown[stream] = why
        if len(self._refused) > MOST:
            oldest, _ = self._refused.popitem(last=False)
            self._shown.pop(oldest, None)

    def knows(self, stream: str) -> bool:
        """Return whether it was refused and has not got through since."""
        return stream in self._refused

    def through(self, stream: str) -> None:
        """It got through."""
        if self._refused.pop(stream, None):
            self._shown.pop(stream, None)

    def names(self, now: float) -> tuple[str, ...]:
        """Return the streams not to be sent yet."""
        return tuple(name for name, each in self._refused.items() if each.until > now)

    def back(self, now: float) -> float | None:
        """Return how many seconds until the next one is tried again; None when there is none."""
        waits = [each.until - now for each in self._refused.values() if each.until > now]
        return min(waits, default=None)
