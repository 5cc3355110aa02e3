"""What is now: overview, points, newest values."""

from typing import Annotated, Final

from fastapi import APIRouter, Response

from central.api import models
from central.api.access import principal
from central.api.newest import latest_values
from central.api.point_list import listed
from central.api.rooms import House
from central.api.scoped import overview as scoped_overview
from central.identity.principal import Principal
from central.identity.roles import Permission

router: Final = APIRouter(prefix="/api/v1", tags=["watch"])
Who = Annotated[Principal, principal(Permission.READ)]


@router.get("/overview")
async def overview(who: Who, house: House) -> models.Overview:
    """Return what is wrong now and what cannot be seen, within the scope."""
    return await scoped_overview(house.collector, who)


@router.get("/points", response_model=models.Points)
async def points(who: Who, house: House, site: str | None = None) -> Response:
    """Return the points of a site, or of every site in scope."""
    found = [point for point in house.collector.registry.points(site) if who.sees(point.site)]
    return Response(await listed(found), media_type="application/json")


@router.get("/latest", response_model=models.LatestValues)
async def latest(who: Who, house: House, site: str | None = None) -> Response:
    """Return the newest reading of every point of a site, or of every site in scope."""
    heads, index = house.collector.store.heads, house.collector.registry.index
    numbers = index.within(heads.known(), lambda name: who.sees(name) and site in (None, name))
    told = await latest_values(heads, index.ids(numbers), numbers)
    return Response(told, media_type="application/json")
