"""What an alarm is judged by: for whoever looks at one and asks why, or wants to shelve it."""

from typing import Annotated, Final

from fastapi import APIRouter

from central.alarms.shown.judged_by import Input, judged_by
from central.api.access import principal
from central.api.errors import not_found
from central.api.models import alarm_rule as models
from central.api.rooms import House, Rooms
from central.identity.principal import Principal
from central.identity.roles import Permission

router: Final = APIRouter(prefix="/api/v1/alarms", tags=["alarms"])
Who = Annotated[Principal, principal(Permission.READ)]


@router.get("/{alarm}/rule")
async def rule(who: Who, house: House, alarm: str) -> models.JudgedBy:
    """Return the kind of an alarm's rule, its inputs by name, and how long it may be shelved."""
    sites = await house.collector.alarms.sites([alarm])
    if alarm not in sites or not who.sees(sites[alarm]):
        raise not_found("alarm", alarm)
    found = await house.collector.db.read(lambda conn: judged_by(conn, alarm))
    if found is None:
        raise not_found("alarm", alarm)
    acting = house.collector.config.alarms
    own = found.longest_shelf
    return models.JudgedBy(
        rule=found.rule,
        version=found.version,
        kind=found.kind,
        inputs=[_input(each, house) for each in found.inputs],
        longest_shelf_s=acting.longest_shelf if own is None else min(own, acting.longest_shelf),
        second_person=acting.second_person and found.red,
    )


def _input(source: Input, house: Rooms) -> models.JudgedInput:
    point = None if source.point is None else house.collector.registry.by_number(source.point)
    return models.JudgedInput(
        name=source.name,
        point=None if point is None else point.id,
        rule=source.rule,
        op=source.op,
        limit=source.limit,
    )
