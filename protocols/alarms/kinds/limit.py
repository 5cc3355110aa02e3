"""The value itself against each level; a digital input is the same with `=`."""

from dataclasses import dataclass

from protocols.alarms.kinds.kind import Reading, Taken
from protocols.alarms.rule import Level


@dataclass(frozen=True, slots=True)
class Limit:
    """Remembers nothing."""

    lateness: float = 0.0

    def begin(self) -> None:
        """Return None."""

    def take(self, memory: None, reading: Reading, levels: tuple[Level, ...]) -> Taken:
        """Hold every level against the value."""
        return Taken(None, (reading.value,) * len(levels))

    def again(self, before: "Limit", held: Taken, levels: tuple[Level, ...], time: int) -> Taken:
        """Hold every level against the last value."""
        return Taken(None, held.values[:1] * len(levels))

    def lose(self, memory: None, name: str, time: int) -> None:
        """Return None."""
