"""What is, now and before: overview, points, newest values, readings, trends, events."""

import asyncio
from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from central.api import models, shapes
from central.api.access import principal
from central.api.errors import ApiError, not_found
from central.api.newest import latest_values
from central.api.raw import encode_page
from central.api.rooms import House, Rooms
from central.api.scoped import overview as scoped_overview
from central.api.times import AskedTime, microseconds
from central.identity.principal import Principal
from central.identity.roles import Permission
from protocols.clock import HOUR

router: Final = APIRouter(prefix="/api/v1", tags=["watch"])
Who = Annotated[Principal, principal(Permission.READ)]
LONGEST: Final = 3660 * 24 * HOUR
"""Ten years: more than that in one question is a mistake."""
From = Annotated[AskedTime, Query(alias="from")]
Cursor = Annotated[str | None, Query(max_length=128)]


@router.get("/overview")
async def overview(who: Who, house: House) -> models.Overview:
    """Return what is wrong now and what cannot be seen, within the scope."""
    return await scoped_overview(house.collector, who)


@router.get("/points")
async def points(who: Who, house: House, site: str | None = None) -> models.Points:
    """Return the points of a site, or of every site in scope."""
    found = house.collector.registry.points(site)
    return models.Points(items=[shapes.point(item) for item in found if who.sees(item.site)])


@router.get("/latest", response_model=models.LatestValues)
async def latest(who: Who, house: House, site: str | None = None) -> Response:
    """Return the newest reading of every point of a site, or of every site in scope."""
    heads, registry = house.collector.store.heads, house.collector.registry
    points = [
        point
        for point in map(registry.by_number, heads.known().tolist())
        if point is not None and who.sees(point.site) and site in (None, point.site)
    ]
    return Response(await latest_values(heads, points), media_type="application/json")


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
    first, last = _span(start, to)
    try:
        page = await house.collector.store.readings(name, first, last, limit, cursor)
    except (ValueError, OverflowError) as exc:
        raise ApiError(422, "CURSOR_UNKNOWN") from exc
    content = await asyncio.to_thread(encode_page, page)
    return Response(content, media_type="application/json")


@router.get("/points/{site}/{gateway}/{device}/{point}/buckets")
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
) -> models.Buckets:
    """Return a trend in at most `count` equal spans; empty spans are left out."""
    name = _known(house, who, f"{site}/{gateway}/{device}/{point}")
    first, last = _span(start, to)
    return shapes.buckets(await house.collector.store.buckets(name, first, last, count))


def _known(house: Rooms, who: Principal, name: str) -> str:
    found = house.collector.registry.point(name)
    if found is None or not who.sees(found.site):
        raise not_found("point", name)
    return name


def _span(start: AskedTime, to: AskedTime) -> tuple[int, int]:
    first, last = microseconds(start), microseconds(to)
    if not first < last <= first + LONGEST:
        raise ApiError(422, "SPAN_INVALID")
    return first, last
