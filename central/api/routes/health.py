"""Whether the collector takes requests (open, minimal), and its metrics."""

from typing import Annotated, Final

from fastapi import APIRouter, Response

from central.api import models
from central.api.access import principal
from central.api.errors import ApiError
from central.api.rooms import House
from central.identity import sessions
from central.identity.principal import Principal
from central.identity.roles import Permission

router: Final = APIRouter(tags=["health"])
Who = Annotated[Principal, principal(Permission.METRICS)]


@router.get("/healthz")
async def health(house: House) -> models.Health:
    """Return ok when the database answers; 503 otherwise. Says nothing else, as it is open."""
    now = house.desk.clock.now()
    await house.collector.db.glance(lambda conn: sessions.count(conn, now))
    if not house.collector.db.writable:
        raise ApiError(503, "STORE_UNAVAILABLE", seconds=5)
    return models.Health(status="ok")


@router.get("/metrics", response_class=Response)
async def metrics(who: Who, house: House) -> Response:
    """Return Prometheus text; figures are of all sites, so only for who sees all of them."""
    if not who.sees_all:
        raise ApiError(403, "FORBIDDEN", permission=Permission.METRICS.value)
    content = await house.metrics.exposition()
    return Response(content, media_type="text/plain; version=0.0.4; charset=utf-8")
