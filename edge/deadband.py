"""Report by exception: which readings are worth sending (pure; time is an argument).

A reading is reported when it is the point's first, when its quality or the type of its value
changed, when a number moved by at least the deadband since the last *reported* value (deadband 0:
any change), or when the heartbeat has passed since the last report. What is not reported is exactly
what the reported value already says.
"""

from collections.abc import Collection, Container, Iterable, Sequence
from typing import Final, NamedTuple

from protocols.clock import SECOND
from protocols.profile import ProfilePoint
from protocols.words import Reading, Value


class Due(NamedTuple):
    """Points whose reading is sent whatever it says, because an alarm hangs on it; `beside`: those
    whose newest that was held back goes before it, because the alarm hangs on both.
    """

    points: Collection[int]
    beside: Collection[int] = ()


NOTHING_DUE: Final = Due(frozenset())


class Deadband:
    """Remembers what was last reported of every point, by the point's index."""

    def __init__(self, sheets: Sequence[ProfilePoint]) -> None:
        self._bands = [sheet.deadband for sheet in sheets]
        self._heartbeats = [int(sheet.heartbeat * SECOND) for sheet in sheets]
        self._reported: list[tuple[Value, int, int] | None] = [None] * len(self._bands)

    def forget(self, points: Iterable[int]) -> None:
        """Take the next reading of these points as their first: a report did not survive."""
        for point in points:
            self._reported[point] = None

    def select(
        self, readings: Iterable[Reading], now: int, also: Container[int] = ()
    ) -> list[Reading]:
        """Return the readings worth reporting and remember them; `now` is monotonic µs.

        Those of points in `also` are, whatever they say: an alarm hangs on them.
        """
        reported, bands, heartbeats = self._reported, self._bands, self._heartbeats
        chosen = []
        for reading in readings:
            index = reading.point
            last = reported[index]
            if (
                last is None
                or last[1] != reading.quality
                or moved(last[0], reading.value, bands[index])
                or now - last[2] >= heartbeats[index]
                or index in also
            ):
                reported[index] = (reading.value, reading.quality, now)
                chosen.append(reading)
        return chosen


def moved(last: Value, value: Value, band: float) -> bool:
    """Return whether going from `last` to `value` is worth reporting."""
    if type(last) is not type(value):
        return True
    if isinstance(value, (int, float)) and not isinstance(value, bool) and band > 0:
        assert isinstance(last, (int, float))  # noqa: S101  # same type, seen above
        return abs(value - last) >= band
    return last != value
