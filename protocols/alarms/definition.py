"""A rule as the machine needs it: its ladder, its kind, its watch on the input, its clocks."""

from dataclasses import dataclass, field
from typing import Final

from protocols.alarms.kinds.kind import Kind, Timed, is_timed
from protocols.alarms.kinds.limit import Limit
from protocols.alarms.rule import Rule
from protocols.alarms.rungs import Rung, rungs
from protocols.words import Label


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What is watched of the input itself, in seconds; None: it is not.

    `stale_after` without a good reading, `bad_after` of bad quality, `frozen_after` without a
    change. A value outside [`low`, `high`], the instrument's range, is of bad quality.
    """

    stale_after: float | None = None
    bad_after: float | None = None
    frozen_after: float | None = None
    low: float | None = None
    high: float | None = None

    def within(self, value: float) -> bool:
        """Return whether the instrument can have measured it."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """What an alarm's own clocks do, in seconds.

    `realarm_after` its acknowledgement, while it stands, it is unseen again, `realarm_repeats`
    times at most. `escalate`: so long after it was announced, unless somebody acknowledged it.
    `chatter`: so many beginnings within so many seconds are said. `longest_shelf`: the cap.
    """

    realarm_after: float | None = None
    realarm_repeats: int | None = None
    escalate: tuple[float, ...] = ()
    chatter: tuple[int, float] | None = None
    longest_shelf: float | None = None


UNWATCHED: Final = Watch()
NO_CLOCKS: Final = Clocks()
LIMIT: Final = Limit()


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One rule on its subject, whole.

    `requests`: what people are asked to do, by the names of the levels that say so.
    """

    rule: Rule
    kind: Kind = LIMIT
    watch: Watch = UNWATCHED
    clocks: Clocks = NO_CLOCKS
    requests: tuple[tuple[str, Label], ...] = ()
    suppressed_by: tuple[str, ...] = ()
    """Rules by their ids: while one of them stands this one rests (逻辑抑制)."""
    timed: Timed | None = field(init=False, repr=False, compare=False)
    """The kind, where its verdict also changes by itself."""
    rungs: tuple[Rung, ...] | None = field(init=False, repr=False, compare=False)
    """The levels, where no season counts."""
    instant: bool = field(init=False, repr=False, compare=False)
    """Whether none of them has a delay."""

    def __post_init__(self) -> None:
        kind = self.kind
        object.__setattr__(self, "timed", kind if is_timed(kind) else None)
        # What is as usual is told by what it is, not by what is in it.
        if self.watch == UNWATCHED:
            object.__setattr__(self, "watch", UNWATCHED)
        if self.clocks == NO_CLOCKS:
            object.__setattr__(self, "clocks", NO_CLOCKS)
        found = rungs(self.rule) if type(kind) is Limit else None
        object.__setattr__(self, "rungs", found)
        instant = not any(waits for rung in found or () for waits in rung[3:])
        object.__setattr__(self, "instant", instant)

    def request_of(self, level: str) -> Label | None:
        """Return what people are asked to do at a level, where the rule says so."""
        return next((request for name, request in self.requests if name == level), None)
