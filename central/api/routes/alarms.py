"""Alarms: what stands, what was, and one with its whole history."""

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query

from central.alarms.journal.episode import EpisodeDetail, EpisodeFilter
from central.api import alarm_shape, models
from central.api.access import principal
from central.api.errors import not_found
from central.api.rooms import House, Rooms
from central.api.times import AskedTime, microseconds
from central.identity.principal import Principal
from central.identity.roles import Permission

router: Final = APIRouter(prefix="/api/v1/alarms", tags=["alarms"])
Who = Annotated[Principal, principal(Permission.READ)]
State = Literal[
    "open", "unacknowledged", "history", "all", "shelved", "suppressed", "out_of_service"
]
Verified = Literal["real", "false", "instrument", "filed", "test", "none"]
Named = Annotated[str | None, Query(max_length=300)]


@router.get("")
async def alarms(  # noqa: PLR0913  # filters of one list
    who: Who,
    house: House,
    state: State = "open",
    level: Annotated[list[models.ColourName] | None, Query(description="any of these")] = None,
    site: Annotated[str | None, Query(description="one or more sites, comma separated")] = None,
    domain: Named = None,
    rule: Named = None,
    point: Named = None,
    object: Annotated[  # noqa: A002  # as the API calls it
        str | None, Query(max_length=300, description="an object, or site/object")
    ] = None,
    verification: Annotated[
        Verified | None, Query(description="the newest result; none: nobody verified it")
    ] = None,
    late: Annotated[bool | None, Query(description="raised in the past")] = None,
    purpose: models.PurposeName | None = None,
    since: Annotated[AskedTime | None, Query(description="raised then or later")] = None,
    until: Annotated[AskedTime | None, Query(description="raised before")] = None,
    faults: Annotated[
        Literal["without", "with", "only"],
        Query(description="what is silent is no process alarm: left out, among them, alone"),
    ] = "without",
    q: Annotated[str, Query(max_length=100, description="text in point, labels or id")] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str | None, Query(max_length=256)] = None,
) -> models.Episodes:
    """Return alarms in scope: open ones most urgent first, all others newest first.

    Shelved, suppressed and out of service: the newest alarm of each such rule. A cursor is a place
    by its alarm, not a count: what comes meanwhile moves no page.
    """
    wanted = EpisodeFilter(
        state=state,
        levels=frozenset(level or ()),
        sites=who.narrow(site.split(",") if site else None),
        domain=domain,
        rule=rule,
        point=point,
        object=object,
        verification=verification,
        late=late,
        purpose=purpose,
        since=None if since is None else microseconds(since),
        until=None if until is None else microseconds(until),
        q=q,
        limit=limit,
        cursor=cursor,
        faults=faults,
    )
    page = await house.collector.alarms.episodes(wanted)
    now = house.collector.clock.now()
    items = await alarm_shape.episodes(page.items, who.scope, now)
    return models.Episodes(items=items, total=page.total, next=page.next, more=page.more)


@router.get("/{alarm}")
async def alarm(who: Who, house: House, alarm: str) -> models.EpisodeDetail:
    """Return one alarm with its whole journal, its ladder and what people said of it."""
    found = await _known(house, who, alarm)
    return alarm_shape.episode_detail(found, who.scope, house.collector.clock.now())


async def _known(house: Rooms, who: Principal, alarm: str) -> EpisodeDetail:
    """Return an alarm in scope. Raises 404."""
    detail = await house.collector.alarms.episode(alarm)
    if detail is None or not who.sees(detail.episode.site):
        raise not_found("alarm", alarm)
    return detail
