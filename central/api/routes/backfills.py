"""What gateways delivered late (补传): one item for each gateway and delivery, none sounds."""

from typing import Annotated, Final

from fastapi import APIRouter, Query

from central.alarms.shown import cursor as cursors
from central.api import backfill_shape, models
from central.api.access import principal
from central.api.models import backfills as told
from central.api.rooms import House
from central.api.scoped import sees_gateway
from central.identity.principal import Principal
from central.identity.roles import Permission

router: Final = APIRouter(prefix="/api/v1/backfills", tags=["alarms"])
Who = Annotated[Principal, principal(Permission.READ)]


@router.get("")
async def backfills(
    who: Who,
    house: House,
    gateway: Annotated[models.Name | None, Query(description="of one gateway")] = None,
    site: Annotated[models.Name | None, Query(description="of gateways that serve a site")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str | None, Query(max_length=256)] = None,
) -> told.Backfills:
    """Return deliveries of the past that are over, of gateways in scope, newest first."""
    collector, registry = house.collector, house.collector.registry
    question = ["backfills", gateway, site]
    before = None if cursor is None else cursors.read(question, cursor, 1)[0]
    names = None
    if not who.sees_all or gateway is not None or site is not None:
        names = frozenset(
            each.name
            for each in registry.gateways()
            if sees_gateway(who, each)
            and gateway in (None, each.name)
            and (site is None or site in each.sites)
        )
    page = await collector.backfills.page(names, limit, before)
    now = collector.clock.now()
    return told.Backfills(
        items=[backfill_shape.backfill(each, registry, who.sees, now) for each in page.items],
        next=None if page.next is None else cursors.write(question, [page.next]),
    )
