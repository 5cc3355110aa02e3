"""When the next threshold is reached at the present rate: least squares over the last minutes."""

from collections import deque
from collections.abc import Sequence
from typing import Final

from central.alarms.episode import NextThreshold
from protocols.alarms.rule import Level

WINDOW: Final = 600_000_000
"""Microseconds looked back."""
SPACING: Final = 5_000_000
"""Samples closer together than this are thinned: 120 points are enough for a line."""
LEAST_SPAN: Final = 30_000_000
"""Less than this says nothing about a rate."""
HORIZON: Final = 86_400
"""Seconds ahead beyond which a straight line says nothing."""


class Trends:
    """The last minutes of every point that carries a rule; in memory, on the event loop."""

    def __init__(self) -> None:
        self._samples: dict[int, deque[tuple[int, float]]] = {}

    def add(self, point: int, time: int, value: float) -> None:
        """Take a good sample; one older than the newest is left out."""
        samples = self._samples.setdefault(point, deque())
        if samples and time - samples[-1][0] < SPACING:
            return
        samples.append((time, value))
        while samples[0][0] < time - WINDOW:
            samples.popleft()

    def next_threshold(
        self, point: int, levels: Sequence[Level], current: Level
    ) -> NextThreshold | None:
        """Return the nearest more severe level the line reaches, or None."""
        fitted = _line(self._samples.get(point, ()))
        if fitted is None:
            return None
        value, slope = fitted
        names = [level.name for level in levels]
        beyond = levels[names.index(current.name) + 1 :] if current.name in names else ()
        for level in beyond:
            ahead = (level.limit - value) if level.op[0] == ">" else (value - level.limit)
            rate = slope if level.op[0] == ">" else -slope
            if level.op[0] in "<>" and rate > 0 and 0 < ahead <= rate * HORIZON:
                return NextThreshold(
                    level=level.name, limit=level.limit, seconds=round(ahead / rate)
                )
        return None


def _line(
    samples: Sequence[tuple[int, float]] | deque[tuple[int, float]],
) -> tuple[float, float] | None:
    """Return the fitted value at the newest sample and the slope per second."""
    if len(samples) < 3 or samples[-1][0] - samples[0][0] < LEAST_SPAN:
        return None
    newest = samples[-1][0]
    times = [(time - newest) / 1_000_000 for time, _ in samples]
    values = [value for _, value in samples]
    count = len(samples)
    mean_time, mean = sum(times) / count, sum(values) / count
    spread = sum((time - mean_time) ** 2 for time in times)
    slope = (
        sum((time - mean_time) * (value - mean) for time, value in zip(times, values, strict=True))
        / spread
    )
    return mean - slope * mean_time, slope
