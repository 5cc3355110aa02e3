"""What a kind of rule is: pure steps over a memory of its own."""

from typing import Any, NamedTuple, Protocol, TypeGuard

from protocols.alarms.rule import Level

Values = tuple[float | None, ...]
"""What each level is held against; None: no verdict, and its step stays as it is."""


class Reading(NamedTuple):
    """A good reading of one input. `time` µs UTC; `input` names it where a rule has several.

    `at`: when it is judged: `time`, or the clock's where it came behind a newer one. `live`: it
    came in time.
    """

    time: int
    value: float
    at: int
    input: str = ""
    live: bool = True


class Taken(NamedTuple):
    """The memory after a reading, and what the levels are held against now.

    `said`: why that cannot be computed from now on, "" that it can again, None as before.
    """

    memory: Any
    values: Values
    said: str | None = None


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

    def again(self, before: Any, held: Taken, levels: tuple[Level, ...], time: int) -> Taken:
        """Judge at `time` what is known anew: this kind stands in the place of `before`.

        `before` is of the same type; `held` is what it knew, and held its levels against.
        """


class Timed(Kind, Protocol):
    """A kind whose verdict also changes by itself, because time passes."""

    @property
    def always(self) -> bool:
        """Whether by the clock also while the readings lag behind it."""

    def due(self, memory: Any, levels: tuple[Level, ...]) -> int | None:
        """Return when to look next; later than the last look."""

    def look(self, memory: Any, time: int, levels: tuple[Level, ...]) -> Taken:
        """Return what holds at `time`, though nothing came."""

    def listen(self, memory: Any, time: int) -> Any:
        """Take that readings are expected from `time` on."""


def is_timed(kind: Kind) -> TypeGuard[Timed]:
    """Return whether it is such a kind."""
    return hasattr(kind, "look")
