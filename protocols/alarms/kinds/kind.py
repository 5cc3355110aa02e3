"""What a kind of rule is: pure steps over a memory of its own."""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from protocols.alarms.rule import Level

Values = tuple[float | None, ...]
"""What each level is held against; None: no verdict, and its step stays as it is."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A good reading of one input. `time` µs UTC; `input` names it where a rule has several.

    `at`: when it is judged: `time`, or the clock's where it came behind a newer one.
    """

    time: int
    value: float
    at: int
    input: str = ""


class Taken(NamedTuple):
    """The memory after a reading, and what the levels are held against now."""

    memory: Any
    values: Values


class Kind(Protocol):
    """One kind; its memory is a value of its own that is compared and kept, never changed."""

    @property
    def lateness(self) -> float:
        """How many seconds behind the newest a reading may come and still count; 0: not at all."""

    def begin(self) -> Any:
        """Return the memory that has seen nothing."""

    def take(self, memory: Any, reading: Reading, levels: tuple[Level, ...]) -> Taken:
        """Take a good reading."""

    def lose(self, memory: Any, name: str, time: int) -> Any:
        """Take that an input is not known from `time` on (bad quality)."""
