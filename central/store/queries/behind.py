"""What queries are made of: the registry, the clock, the calendar, and a way to ask the store."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from central.calendar.holidays import Holidays
from central.database import Database
from central.near import TooMuch
from central.registry_records import PointRecord
from central.store.queries.ranges import NearSource
from central.store.queries.source import Source
from protocols.clock import Clock

T = TypeVar("T")


class Points(Protocol):
    """What queries have to know of points."""

    def point(self, id: str) -> PointRecord | None:  # noqa: A002  # the registry's word
        """Return the point of that id."""
        ...

    def points(self, site: str | None = None) -> list[PointRecord]:
        """Return all points, or those of a site."""
        ...


class Asks(Protocol):
    """Runs work on a snapshot in a reader's thread. Raises QueryTooLong."""

    def __call__(self, work: Callable[[Source], T]) -> Awaitable[T]:
        """Return what the work returned."""
        ...


class Near(Protocol):
    """Runs work on a snapshot on the event loop itself. Raises TooMuch: it is for a thread."""

    def __call__(self, work: Callable[[NearSource], T], /) -> T:
        """Return what the work returned."""
        ...


def never(_: Callable[[NearSource], T], /) -> T:
    """Run nothing."""
    raise TooMuch


@dataclass(frozen=True, slots=True)
class Behind:
    """What queries are made of."""

    db: Database
    registry: Points
    clock: Clock
    holidays: Holidays
    ask: Asks
    near: Near = never
