"""Many alarms at once: whether it floods, and the open list by site then."""

from dataclasses import replace
from typing import Annotated, Final

from fastapi import APIRouter, Query

from central.alarms.journal.episode import EpisodeFilter
from central.api import alarm_shape, crowd_shape, models
from central.api.access import principal
from central.api.models import many as told
from central.api.models.alarms import GroupedAlarms
from central.api.rooms import House
from central.identity.principal import Principal
from central.identity.roles import Permission

router: Final = APIRouter(prefix="/api/v1/alarms", tags=["alarms"])
Who = Annotated[Principal, principal(Permission.READ)]
SINGLE: Final = frozenset({"orange", "red"})
"""Colours that are never put into a group."""


@router.get("/flood")
async def flood(who: Who, house: House) -> told.Flood:
    """Return whether alarms are more than those on duty can take in.

    Of the whole room; of the alarms in scope, and for one operator, where that is not everything.
    """
    collector = house.collector
    found = await collector.crowd.flood(collector.clock.now(), who.scope)
    return crowd_shape.flood(found, collector.config.alarms.operators, who.scope)


@router.get("/grouped")
async def grouped(  # noqa: PLR0913  # filters of one list
    who: Who,
    house: House,
    site: Annotated[str | None, Query(description="one or more sites, comma separated")] = None,
    domain: Annotated[str | None, Query(max_length=300)] = None,
    purpose: models.PurposeName | None = None,
    always: Annotated[bool, Query(description="by site, also where it does not flood")] = False,  # noqa: FBT002
    limit: Annotated[int, Query(ge=1, le=1000, description="of the single ones")] = 100,
) -> GroupedAlarms:
    """Return the open list: in a flood blue and yellow by site, orange and red by themselves.

    The alarms of a group are the ordinary list by site and level; the single ones go on there too,
    with their `next`.
    """
    collector, sites = house.collector, who.narrow(site.split(",") if site else None)
    now = collector.clock.now()
    within = sites
    if domain is not None:
        there = {each.name for each in collector.registry.sites() if each.domain == domain}
        within = frozenset(there if sites is None else there & sites)
    flooding = (await collector.crowd.flood(now, who.scope)).flood.on
    rows = await collector.crowd.by_site(within, purpose) if flooding or always else []
    wanted = EpisodeFilter(sites=sites, domain=domain, purpose=purpose, limit=limit)
    if flooding or always:
        wanted = replace(wanted, levels=SINGLE)
    page = await collector.alarms.episodes(wanted)
    items = await alarm_shape.episodes(page.items, who.scope, now)
    return GroupedAlarms(
        flooding=flooding,
        groups=[crowd_shape.group(row, collector.registry.site(row.site)) for row in rows],
        single=models.Episodes(items=items, total=page.total, next=page.next, more=page.more),
    )
