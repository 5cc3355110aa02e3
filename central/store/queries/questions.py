"""What is asked about many points at once, and what is answered."""

from dataclasses import dataclass, field

from central.calendar.periods import Kind
from central.store.columns import Integers
from central.store.queries.aggregate import Aggregates
from central.store.queries.counts import MOST_GAPS, Counts
from central.store.queries.excluding import Exclude


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """What a point was to deliver: `every` µs a reading; a gap is longer than `gap` µs.

    `gap` None: longer than the point's own `stale`.
    """

    every: int | None = None
    gap: int | None = None
    listed: int = MOST_GAPS
    """Longest gaps listed of a point."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What each point delivered of [start, end), which does not reach beyond now."""

    start: int
    end: int
    points: dict[str, Counts]


@dataclass(frozen=True, slots=True)
class Reckoned:
    """Aggregates by point over the same periods."""

    edges: Integers
    points: dict[str, Aggregates]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reckoning:
    """Which periods of [start, end): of `kind`, in the IANA zone, without what is excluded."""

    start: int
    end: int
    kind: Kind
    zone: str
    exclude: Exclude = field(default_factory=Exclude)
