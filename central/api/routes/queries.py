"""Questions about readings: newest of many, raw, trends, periods, what was delivered, the state.

What is out of scope is answered as what does not exist. Large answers are made in the thread that
asked the store.
"""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Final, Literal

import numpy as np
from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime

from central.api import models
from central.api.access import principal
from central.api.errors import ApiError, not_found
from central.api.models.queries import MOST_INTERVALS
from central.api.newest import latest_values
from central.api.raw import (
    encode_counted,
    encode_counts,
    encode_page,
    encode_periods,
    encode_state,
    encode_trend,
)
from central.api.rooms import House, Rooms
from central.api.times import AskedTime, microseconds
from central.calendar.intervals import Intervals
from central.calendar.periods import Kind
from central.identity.principal import Principal
from central.identity.roles import Permission
from central.store.heads.heads import NEVER
from central.store.queries.counts import MOST_GAPS
from central.store.queries.excluding import Exclude
from central.store.queries.queries import (
    MOST_POINTS,
    MOST_RECKONED,
    Owed,
    Reckoning,
    TooManyPoints,
)
from protocols.clock import HOUR, SECOND

router: Final = APIRouter(prefix="/api/v1", tags=["queries"])
Who = Annotated[Principal, principal(Permission.READ)]
LONGEST: Final = 3660 * 24 * HOUR
"""Ten years: more than that in one question is a mistake."""
From = Annotated[AskedTime, Query(alias="from")]
Cursor = Annotated[str | None, Query(max_length=128)]
By = Literal["source_time", "received_time"]


@router.get("/points/{site}/{gateway}/{device}/{point}/readings", response_model=models.Readings)
async def readings(  # noqa: PLR0913  # a path of four names and a span
    who: Who,
    house: House,
    site: str,
    gateway: str,
    device: str,
    point: str,
    start: From,
    to: AskedTime,
    limit: Annotated[int, Query(ge=1, le=50_000)] = 1000,
    cursor: Cursor = None,
) -> Response:
    """Return the raw readings with from <= time < to, oldest first."""
    name = _known(house, who, f"{site}/{gateway}/{device}/{point}")
    first, last = span(start, to)
    ask = house.collector.queries.readings
    try:
        return _json(await ask(name, first, last, limit, cursor, encode_page))
    except (ValueError, OverflowError) as exc:
        raise ApiError(422, "CURSOR_UNKNOWN") from exc


@router.get("/points/{site}/{gateway}/{device}/{point}/buckets", response_model=models.Buckets)
async def buckets(  # noqa: PLR0913  # a path of four names and a span
    who: Who,
    house: House,
    site: str,
    gateway: str,
    device: str,
    point: str,
    start: From,
    to: AskedTime,
    count: Annotated[int, Query(ge=1, le=5000)] = 300,
) -> Response:
    """Return a trend in at most `count` equal spans; empty spans are left out."""
    name = _known(house, who, f"{site}/{gateway}/{device}/{point}")
    first, last = span(start, to)
    ask = house.collector.queries.trend
    return _json(await ask(name, first, last, count, encode_trend))


@router.post("/latest", response_model=models.LatestOf)
async def latest_of(who: Who, house: House, asked: models.NamedPoints) -> Response:
    """Return the newest reading of each of up to 5000 points."""
    seen, unknown = _visible(house, who, asked.points, MOST_POINTS)
    registry, heads = house.collector.registry, house.collector.store.heads
    points = [point for point in map(registry.point, seen) if point is not None]
    numbers = np.array([point.number for point in points], np.int64)
    held = heads.times_of(numbers) != NEVER
    names = [point.id for point, known in zip(points, held.tolist(), strict=True) if known]
    told = await latest_values(heads, names, numbers[held])
    rest = models.LatestOf(
        items=[],
        without=[point.id for point, known in zip(points, held.tolist(), strict=True) if not known],
        unknown=unknown,
    ).model_dump_json(exclude={"items"})
    return Response(told[:-1] + b"," + rest[1:].encode(), media_type="application/json")


@router.post("/periods", response_model=models.Periods)
async def periods(who: Who, house: House, asked: models.PeriodsAsked) -> Response:
    """Return aggregates of hours, hydrological days, days or months of up to 500 points."""
    first, last = span(asked.from_, asked.to)
    seen, unknown = _visible(house, who, asked.points, MOST_RECKONED)
    reckoning = Reckoning(
        start=first,
        end=last,
        kind=Kind(asked.kind),
        zone=asked.zone,
        exclude=_exclude(asked.exclude),
    )
    shape = partial(encode_periods, unknown=unknown)
    return _json(await house.collector.queries.periods(seen, reckoning, shape))


@router.post("/deliveries", response_model=models.Deliveries)
async def deliveries(who: Who, house: House, asked: models.DeliveriesAsked) -> Response:
    """Return counts, gaps, completeness and time on line of up to 500 points, until now."""
    first, last = span(asked.from_, asked.to)
    seen, unknown = _visible(house, who, asked.points, MOST_RECKONED)
    owed = Owed(
        every=_microseconds(asked.every_s),
        gap=_microseconds(asked.gap_s),
        listed=max(10, MOST_GAPS // len(asked.points)),
    )
    shape = partial(encode_counts, unknown=unknown)
    exclude = _exclude(asked.exclude)
    return _json(await house.collector.queries.counts(seen, first, last, owed, exclude, shape))


@router.get("/state", response_model=models.State)
async def state(
    who: Who, house: House, site: str, at: AskedTime, by: By = "source_time"
) -> Response:
    """Return what every point of a site was at `at`, or what had arrived of it by then."""
    points = house.collector.registry.points(site) if who.sees(site) else []
    if not points:
        raise not_found("site", site)
    return await _state(house, [point.id for point in points], at, by, ())


@router.post("/state", response_model=models.State)
async def state_of(who: Who, house: House, asked: models.StateAsked) -> Response:
    """Return what up to 5000 points were at `at`, or what had arrived of them by then."""
    seen, unknown = _visible(house, who, asked.points, MOST_POINTS)
    return await _state(house, seen, asked.at, asked.by, unknown)


@router.get("/counts", response_model=models.Counts)
async def counts(
    who: Who, house: House, start: From, to: AskedTime, site: str | None = None
) -> Response:
    """Return how many raw readings of every point (of a site) there are with from <= time < to."""
    first, last = span(start, to)
    sites = who.scope if site is None else frozenset({site})
    if site is not None and not (who.sees(site) and house.collector.registry.points(site)):
        raise not_found("site", site)
    ask = house.collector.queries.count_each
    return _json(await ask(sites, first, last, encode_counted))


async def _state(  # what was asked, and what nobody knows
    house: Rooms, points: Sequence[str], at: AwareDatetime, by: By, unknown: Sequence[str]
) -> Response:
    shape = partial(encode_state, unknown=unknown)
    arrived = by == "received_time"
    ask = house.collector.queries.state
    return _json(await ask(points, microseconds(at), arrived=arrived, shape=shape))


def span(start: AwareDatetime, to: AwareDatetime) -> tuple[int, int]:
    """Return a span in µs UTC. Raises SPAN_INVALID."""
    first, last = microseconds(start), microseconds(to)
    if not first < last <= first + LONGEST:
        raise ApiError(422, "SPAN_INVALID")
    return first, last


def _known(house: Rooms, who: Principal, name: str) -> str:
    found = house.collector.registry.point(name)
    if found is None or not who.sees(found.site):
        raise not_found("point", name)
    return name


def _visible(
    house: Rooms, who: Principal, names: Sequence[str], limit: int
) -> tuple[list[str], list[str]]:
    """Return the points in scope and, once each, what is none. Raises TooManyPoints."""
    if len(names) > limit:
        raise TooManyPoints(count=len(names), limit=limit)
    seen: list[str] = []
    unknown: list[str] = []
    for name in dict.fromkeys(names):
        point = house.collector.registry.point(name)
        (unknown if point is None or not who.sees(point.site) else seen).append(name)
    return seen, unknown


def _exclude(asked: models.Exclusion) -> Exclude:
    if len(asked.intervals) > MOST_INTERVALS:
        count, limit = len(asked.intervals), MOST_INTERVALS
        raise ApiError(422, "QUERY_INTERVALS", count=count, limit=limit)
    return Exclude(
        holidays="holidays" in asked.named,
        rest_days="rest_days" in asked.named,
        filings="filings" in asked.named,
        platform_faults="platform_faults" in asked.named,
        intervals=Intervals.of(span(each.from_, each.to) for each in asked.intervals),
    )


def _microseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * SECOND)


def _json(content: bytes) -> Response:
    return Response(content, media_type="application/json")
