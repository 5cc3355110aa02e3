"""The way in for the API and for programs: ids and times in, columns out, within limits.

Every method answers from one snapshot in a reader's thread; `shape` is called there too, so that
what is large is made into its final form without holding up the event loop. Times are µs UTC,
spans start <= time < end. Points nobody knows are missing from the answer.
"""

from collections.abc import Callable, Container, Sequence
from itertools import chain
from typing import Final, TypeVar

import numpy as np

from central.calendar.exemptions import Exempt, exempt
from central.calendar.periods import TooManyPeriods, periods
from central.near import TooMuch
from central.registry_records import PointRecord
from central.store.columns import Integers
from central.store.points import EMPTY
from central.store.queries.aggregate import Aggregates, aggregate
from central.store.queries.behind import Behind as Behind
from central.store.queries.counts import MOST_SLOTS, Asked, count
from central.store.queries.excluding import Exclude, Excluding, days_out
from central.store.queries.many import Counted, State, counted, state
from central.store.queries.questions import Delivered as Delivered
from central.store.queries.questions import Owed as Owed
from central.store.queries.questions import Reckoned as Reckoned
from central.store.queries.questions import Reckoning as Reckoning
from central.store.queries.ranges import NearSource, RawPage, Span, near_page, page, parse_cursor
from central.store.queries.source import Deadline, PointSource, Source
from central.store.queries.trend import Trend, equal, near_trend, spans, trend, trend_of
from protocols.clock import HOUR, SECOND
from protocols.errors import FengsuiError

T = TypeVar("T")
MOST_ROWS: Final = 50_000
MOST_BUCKETS: Final = 5_000
MOST_POINTS: Final = 5_000
"""Points one question about the newest readings may name."""
MOST_RECKONED: Final = 500
"""Points one question about periods or counts may name."""
NEAR: Final = 49 * HOUR
"""µs: a longer question is for a thread, whatever there is."""
NEAR_EDGES: Final = 1_001
MOST_CELLS: Final = 100_000
"""Points times periods."""
LEAST_WITHIN: Final = 60 * SECOND
REPORTS: Final = 3
"""A point is on line while its newest reading is younger than so many of its reporting periods."""


class TooManyPoints(FengsuiError):
    """More points than one question may name."""

    code = "QUERY_POINTS"


def _as_it_is(found: T) -> T:
    return found


class Queries:
    """Answers about readings; see the module's promises."""

    def __init__(self, behind: Behind) -> None:
        self._behind = behind
        self._ask = behind.ask
        self.holidays = behind.holidays

    async def readings(  # a span, a page of it, its form
        self,
        point: str,
        start: int,
        end: int,
        limit: int = 1000,
        cursor: str | None = None,
        shape: Callable[[RawPage], T] = _as_it_is,  # type: ignore[assignment]
    ) -> T:
        """Return one page of raw readings. ValueError: the cursor is not ours."""
        after = None if cursor is None else parse_cursor(cursor)
        known = self._behind.registry.point(point)
        if known is None:
            return shape(RawPage([], None))
        span = Span(start=start, end=end, limit=max(1, min(limit, MOST_ROWS)), after=after)
        number = known.number
        return await self._ask_one(
            lambda source: shape(page(source, number, span, Deadline())),
            lambda source: shape(near_page(source, number, span, Deadline())),
            end - start,
        )

    async def buckets(
        self,
        point: str,
        start: int,
        end: int,
        count: int,
        shape: Callable[[Aggregates], T] = _as_it_is,  # type: ignore[assignment]
    ) -> T:
        """Return at most `count` equal spans between start and end. ValueError: end <= start."""
        edges = equal(start, end, min(count, MOST_BUCKETS))
        known = self._behind.registry.point(point)
        if known is None:
            return shape(aggregate([], edges, Exclude().intervals, Deadline()))
        number = known.number
        return await self._ask(lambda source: shape(spans(source, number, edges)))

    async def trend(
        self,
        point: str,
        start: int,
        end: int,
        count: int,
        shape: Callable[[Trend], T] = _as_it_is,  # type: ignore[assignment]
    ) -> T:
        """Return those of the same spans in which there is a reading."""
        edges = equal(start, end, min(count, MOST_BUCKETS))
        known = self._behind.registry.point(point)
        if known is None:
            return shape(trend(EMPTY, edges))
        number = known.number
        return await self._ask_one(
            lambda source: shape(trend_of(spans(source, number, edges))),
            lambda source: shape(near_trend(source, number, edges)),
            end - start if len(edges) <= NEAR_EDGES else NEAR + 1,
        )

    async def periods(
        self,
        points: Sequence[str],
        asked: Reckoning,
        shape: Callable[[Reckoned], T] = _as_it_is,  # type: ignore[assignment]
    ) -> T:
        """Return aggregates of whole periods: the first is the one `start` lies in.

        Raises TooManyPoints, TooManyPeriods, ZoneUnknown, ZoneNotBeijing, HolidaysUnknown.
        """
        points = self._few(points, MOST_RECKONED)
        edges = periods(asked.kind, asked.start, asked.end, asked.zone)
        if (len(edges) - 1) * len(points) > MOST_CELLS:
            raise TooManyPeriods(limit=MOST_CELLS)
        return await self._aggregates(
            points, edges, asked.exclude, lambda found: shape(Reckoned(edges, found))
        )

    async def counts(
        self,
        points: Sequence[str],
        start: int,
        end: int,
        owed: Owed | None = None,
        exclude: Exclude | None = None,
        shape: Callable[[Delivered], T] = _as_it_is,  # type: ignore[assignment]
    ) -> T:
        """Return what each point delivered until now; what lies ahead is not owed yet.

        Raises TooManyPoints, TooManyPeriods (more slots than can be looked at), HolidaysUnknown.
        """
        owed, exclude = owed or Owed(), exclude or Exclude()
        known = self._known(self._few(points, MOST_RECKONED))
        now = self._behind.clock.now()
        end = max(start, min(end, now))
        if owed.every is not None and (end - start) // owed.every > MOST_SLOTS:
            raise TooManyPeriods(limit=MOST_SLOTS)
        out = await self._excluding(exclude, start, end)

        def asked(point: PointRecord) -> Asked:
            return Asked(
                number=point.number,
                start=start,
                end=end,
                now=now,
                gap=round(point.stale * SECOND) if owed.gap is None else owed.gap,
                every=owed.every,
                within=max(REPORTS * (owed.every or 0), LEAST_WITHIN),
                listed=owed.listed,
                excluded=out.of(point),
            )

        def work(source: Source) -> T:
            deadline = Deadline()
            held = _together(source, known, deadline)
            counts = _each(known, lambda point: count(held, asked(point), deadline))
            return shape(Delivered(start, end, counts))

        return await self._ask(work)

    async def state(
        self,
        points: Sequence[str],
        at: int,
        *,
        arrived: bool = False,
        shape: Callable[[State], T] = _as_it_is,  # type: ignore[assignment]
    ) -> T:
        """Return each point's newest reading (one row, or none) with source time <= at.

        `arrived`: of those received at or before `at` instead, as the collector knew it then.
        Raises TooManyPoints.
        """
        known = self._known(self._few(points, MOST_POINTS))

        def work(source: Source) -> T:
            return shape(state(source, known, at, Deadline().check, arrived=arrived))

        return await self._ask(work)

    async def count_each(
        self,
        sites: Container[str] | None,
        start: int,
        end: int,
        shape: Callable[[Counted], T] = _as_it_is,  # type: ignore[assignment]
    ) -> T:
        """Return how many raw readings every point of `sites` (None: of all) has in a span."""
        points = self._behind.registry.points()

        def work(source: Source) -> T:
            own = [point for point in points if sites is None or point.site in sites]
            return shape(counted(source, own, start, end, Deadline().check))

        return await self._ask(work)

    async def _ask_one(
        self, work: Callable[[Source], T], little: Callable[[NearSource], T], span: int
    ) -> T:
        """Answer on the event loop what is little, else in a reader's thread."""
        if span <= NEAR:
            try:
                return self._behind.near(little)
            except TooMuch:
                pass
        return await self._ask(work)

    async def _aggregates(
        self,
        points: Sequence[str],
        edges: Integers,
        exclude: Exclude,
        then: Callable[[dict[str, Aggregates]], T],
    ) -> T:
        known = self._known(points)
        start, end = int(edges[0]), int(edges[-1])
        out = await self._excluding(exclude, start, end)

        def work(source: Source) -> T:
            deadline = Deadline()
            held = _together(source, known, deadline)

            def one(point: PointRecord) -> Aggregates:
                span = (point.number, start, end)
                pieces = chain(held.pieces(*span), held.rolled(*span))
                return aggregate(pieces, edges, out.of(point), deadline)

            return then(_each(known, one))

        return await self._ask(work)

    async def _excluding(self, exclude: Exclude, start: int, end: int) -> Excluding:
        shared = days_out(exclude, self.holidays, start, end)
        kinds = exclude.kinds
        if not kinds:
            return Excluding(shared, Exempt())
        found = await self._behind.db.read(lambda conn: exempt(conn, kinds, start, end))
        return Excluding(shared, found)

    def _known(self, points: Sequence[str]) -> list[PointRecord]:
        found = map(self._behind.registry.point, dict.fromkeys(points))
        return [point for point in found if point is not None]

    def _few(self, points: Sequence[str], limit: int) -> Sequence[str]:
        if len(points) > limit:
            raise TooManyPoints(count=len(points), limit=limit)
        return points


def _together(source: Source, points: Sequence[PointRecord], deadline: Deadline) -> PointSource:
    if len(points) < 2:
        return source
    numbers = np.array([point.number for point in points], np.int64)
    return source.together(numbers, deadline.check)


def _each(points: Sequence[PointRecord], one: Callable[[PointRecord], T]) -> dict[str, T]:
    """Return what is found of each; neighbours are asked one after the other, as they are kept."""
    found = {point.id: one(point) for point in sorted(points, key=lambda point: point.number)}
    return {point.id: found[point.id] for point in points}
