"""How good the alarms are: counted from the journal when asked."""

from dataclasses import asdict
from typing import Annotated, Final

from fastapi import APIRouter, Query

from central.alarms.figures.kpis import Period
from central.alarms.settings import MOST_OPERATORS
from central.api.access import principal
from central.api.errors import ApiError
from central.api.models import kpis as told
from central.api.rooms import House
from central.api.routes.queries import span
from central.api.shapes import label
from central.api.times import AskedTime
from central.identity.principal import Principal
from central.identity.roles import Permission
from protocols.alarms.condition import DAY
from protocols.words import Label

router: Final = APIRouter(prefix="/api/v1/alarms", tags=["alarms"])
LONGEST: Final = 400 * DAY
Who = Annotated[Principal, principal(Permission.READ)]


@router.get("/kpis")
async def kpis(  # a period, its sites, its people
    who: Who,
    house: House,
    start: Annotated[AskedTime, Query(alias="from")],
    to: AskedTime,
    site: Annotated[str | None, Query(description="one or more sites, comma separated")] = None,
    operators: Annotated[
        int | None, Query(ge=1, le=MOST_OPERATORS, description="on duty at a time; as configured")
    ] = None,
) -> told.Kpis:
    """Return the figures of a period of at most 400 days, by event time, within the scope."""
    first, last = span(start, to)
    if last - first > LONGEST:
        raise ApiError(422, "KPI_SPAN", days=LONGEST // DAY)
    people = operators or house.collector.config.alarms.operators
    flood = house.collector.config.alarms.flood
    period = Period(start=first, end=last, operators=people, flood=flood)
    sites = who.narrow(site.split(",") if site else None)
    found = await house.collector.alarms.kpis(period, sites)
    names = house.collector.registry
    top = []
    for number, count in found.top:
        point = names.by_number(number)
        name = point.id if point else str(number)
        shown = label(point.label if point else Label(name))
        top.append(told.TopPoint(point=name, label=shown, count=count))
    return told.Kpis(
        from_=first,
        to=last,
        operators=people,
        figures=[told.Kpi.model_validate(asdict(figure)) for figure in found.figures],
        top=top,
        chattering=[told.ChatteringRule(rule=rule, count=n) for rule, n in found.chattering],
    )
