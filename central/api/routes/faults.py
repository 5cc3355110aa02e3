"""What is silent: gateways, buses, devices (离线, 通信中断), one item each, whatever lies below.

An item is acted on as an alarm is, under /api/v1/alarms/{id}.
"""

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query

from central.alarms.journal.episode import EpisodeFilter
from central.api import alarm_shape, crowd_shape, models
from central.api.access import principal
from central.api.errors import not_found
from central.api.models import many as told
from central.api.rooms import House, Rooms
from central.faults import standing
from central.identity.principal import Principal
from central.identity.roles import Permission

router: Final = APIRouter(prefix="/api/v1/faults", tags=["faults"])
Who = Annotated[Principal, principal(Permission.READ)]


@router.get("")
async def faults(
    who: Who,
    house: House,
    state: Literal["open", "unacknowledged", "history", "all", "shelved"] = "open",
    site: Annotated[str | None, Query(description="one or more sites, comma separated")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str | None, Query(max_length=256)] = None,
) -> models.Episodes:
    """Return what is silent in scope, or was: open ones most urgent first, others newest first."""
    wanted = EpisodeFilter(
        state=state,
        sites=who.narrow(site.split(",") if site else None),
        limit=limit,
        cursor=cursor,
        faults="only",
    )
    page = await house.collector.alarms.episodes(wanted)
    now = house.collector.clock.now()
    items = await alarm_shape.episodes(page.items, who.scope, now)
    return models.Episodes(items=items, total=page.total, next=page.next, more=page.more)


@router.get("/{fault}/places")
async def places(
    who: Who,
    house: House,
    fault: str,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    cursor: Annotated[str | None, Query(pattern=r"^[0-9]{1,9}$")] = None,
) -> told.FaultPlaces:
    """Return what lies below a silent place, as it was when that was told."""
    collector = house.collector
    detail = await collector.alarms.episode(fault)
    numbers = await collector.db.read(lambda conn: standing.below(conn, fault))
    if detail is None or numbers is None or not who.sees(detail.episode.site):
        raise not_found("fault", fault)
    if not who.sees_all:  # how many there are of other sites is not told either
        numbers = tuple(number for number in numbers if _sees(house, who, number))
    begin = int(cursor or 0)
    found = [collector.registry.by_number(each) for each in numbers[begin : begin + limit]]
    points = [point for point in found if point is not None]
    end = begin + limit
    return crowd_shape.places(points, len(numbers), str(end) if end < len(numbers) else None)


def _sees(house: Rooms, who: Principal, number: int) -> bool:
    point = house.collector.registry.by_number(number)
    return point is not None and who.sees(point.site)
