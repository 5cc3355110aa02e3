"""Alarms: what stands, what was, and the acknowledgement (确认).

The acknowledgement, its journal line and its line in the audit are one transaction.
"""

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Header, Query

from central.alarms.episode import EpisodeDetail, EpisodeFilter
from central.api import models, shapes
from central.api.access import principal
from central.api.errors import ApiError, not_found
from central.api.rooms import House, Rooms
from central.api.times import shown
from central.identity import audit
from central.identity.principal import Principal
from central.identity.roles import Permission
from protocols.errors import IllegalTransition

router: Final = APIRouter(prefix="/api/v1/alarms", tags=["alarms"])
Who = Annotated[Principal, principal(Permission.READ)]
Operator = Annotated[Principal, principal(Permission.ACKNOWLEDGE)]
State = Literal["open", "unacknowledged", "history", "all"]
Key = Annotated[str, Header(alias="Idempotency-Key", min_length=8, max_length=128)]


@router.get("")
async def alarms(  # noqa: PLR0913  # filters of one list
    who: Who,
    house: House,
    state: State = "open",
    level: models.ColourName | None = None,
    site: Annotated[str | None, Query(description="one or more sites, comma separated")] = None,
    q: Annotated[str, Query(max_length=100)] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str | None, Query(max_length=128)] = None,
) -> models.Episodes:
    """Return alarms in scope: open ones most urgent first, history newest first."""
    sites = who.narrow(site.split(",") if site else None)
    wanted = EpisodeFilter(state=state, level=level, sites=sites, q=q, limit=limit, cursor=cursor)
    try:
        page = await house.collector.alarms.episodes(wanted)
    except (ValueError, OverflowError) as exc:
        raise ApiError(422, "CURSOR_UNKNOWN") from exc
    items = [shapes.episode(item) for item in page.items]
    return models.Episodes(items=items, total=page.total, next=page.next)


@router.get("/{alarm}")
async def alarm(who: Who, house: House, alarm: str) -> models.EpisodeDetail:
    """Return one alarm with its journal and its ladder."""
    return shapes.episode_detail(await _known(house, who, alarm))


@router.post("/{alarm}/acknowledge")
async def acknowledge(
    who: Operator, house: House, alarm: str, asked: models.Acknowledgement, key: Key
) -> models.Episode:
    """Acknowledge (确认收到). The same key again is 200; after another person it is 409."""
    await _known(house, who, alarm)
    now = house.collector.clock.now()
    act = audit.Act(
        time=house.desk.clock.now(),
        actor=who.name,
        action="ALARM_ACKNOWLEDGED",
        subject=f"alarm/{alarm}",
        detail={"comment": asked.comment, "key": key},
    )
    try:
        found = await house.collector.alarms.acknowledge(
            alarm, who.name, asked.comment, key, now, lambda db: audit.append(db, act)
        )
    except IllegalTransition as exc:
        raise ApiError(409, exc.code, **shown(exc.params)) from exc
    return shapes.episode(found)


async def _known(house: Rooms, who: Principal, alarm: str) -> EpisodeDetail:
    detail = await house.collector.alarms.episode(alarm)
    if detail is None or not who.sees(detail.episode.site):
        raise not_found("alarm", alarm)
    return detail
