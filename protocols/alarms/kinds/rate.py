"""How fast a value goes, between consecutive good readings however far apart they lie."""

from dataclasses import dataclass
from typing import NamedTuple

from protocols.alarms.kinds.kind import Reading, Taken
from protocols.alarms.rule import FALLING, Level
from protocols.clock import SECOND


class Going(NamedTuple):
    """The last good reading, and the last rates (a second, signed), the newest last."""

    time: int | None = None
    value: float = 0.0
    rates: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Change in units of the quantity per `per` seconds.

    `absolute`: a fall counts as a rise does. `max_gap`: after so many seconds without a good
    reading the next one only begins anew. `consecutive`: so many rates in a row have to meet a
    level to raise it, and one that does not ends it.
    """

    per: float = 60.0
    absolute: bool = False
    max_gap: float | None = None
    consecutive: int = 1

    @property
    def lateness(self) -> float:
        """Return 0: a rate between readings that lie the wrong way round is none."""
        return 0.0

    def begin(self) -> Going:
        """Return that nothing was seen."""
        return Going()

    def take(self, memory: Going, reading: Reading, levels: tuple[Level, ...]) -> Taken:
        """Hold every level against the least extreme of the last rates, where there are enough."""
        if memory.time is None or self._too_far(reading.time - memory.time):
            return Taken(Going(reading.time, reading.value), (None,) * len(levels))
        seconds = (reading.time - memory.time) / SECOND
        rate = (reading.value - memory.value) / seconds
        rates = (*memory.rates, rate)[-self.consecutive :]
        return self._held(Going(reading.time, reading.value, rates), levels)

    def again(self, before: "Rate", held: Taken, levels: tuple[Level, ...], time: int) -> Taken:
        """Hold every level against the last rates, as they count now."""
        return self._held(held.memory, levels)

    def lose(self, memory: Going, name: str, time: int) -> Going:
        """Return the same: what is bad is neither an end nor a beginning."""
        return memory

    def _held(self, memory: Going, levels: tuple[Level, ...]) -> Taken:
        rates = [rate * self.per for rate in memory.rates[-self.consecutive :]]
        if len(rates) < self.consecutive:
            return Taken(memory, (None,) * len(levels))
        if self.absolute:
            rates = [abs(rate) for rate in rates]
        mildest = [max(rates) if level.op in FALLING else min(rates) for level in levels]
        return Taken(memory, tuple(mildest))

    def _too_far(self, gap: int) -> bool:
        return gap <= 0 or (self.max_gap is not None and gap > self.max_gap * SECOND)
