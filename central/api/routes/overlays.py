"""What lies over alarms: every rule that is not free, acts on rules, second persons."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from central.alarms.acts import shelving
from central.alarms.acts.asked import Deed
from central.api import alarm_shape
from central.api.access import principal
from central.api.errors import ApiError, not_found
from central.api.models import alarm_acts as asks
from central.api.models.words import OverlayName
from central.api.rooms import House, Rooms
from central.api.routes.alarm_acts import Key, Shelver, permitted, wish
from central.identity.principal import Principal
from central.identity.roles import Permission

router: Final = APIRouter(prefix="/api/v1/alarms", tags=["alarms"])
Who = Annotated[Principal, principal(Permission.READ)]
_SHELVING: Final = frozenset({Deed.SHELVE, Deed.UNSHELVE})
_LISTED: Final = 200


@router.get("/overlays")
async def overlays(
    who: Who,
    house: House,
    name: OverlayName | None = None,
    site: Annotated[str | None, Query(max_length=100)] = None,
) -> asks.RuleOverlays:
    """Return every rule in scope that is shelved, suppressed or out of service, and why."""
    items = [
        alarm_shape.overlaid(laid, house.collector.registry.by_number(laid.point))
        for laid in house.collector.alarms.overlays()
        if who.sees(laid.site)
        and site in (None, laid.site)
        and (name is None or any(layer.name == name for layer in laid.layers))
    ]
    return asks.RuleOverlays(items=items)


@router.post("/overlays")
async def lay(
    who: Shelver, house: House, asked: asks.OverlayAsked, key: Key, answer: Response
) -> asks.OverlayDone:
    """Do an act on a rule's alarm, whether it stands or not. 202: a second person confirms it."""
    deed = Deed(asked.act)
    if deed not in _SHELVING and not who.may(Permission.SUPPRESS):
        raise ApiError(403, "FORBIDDEN", permission=Permission.SUPPRESS.value)
    place = await house.collector.alarms.place(rule=asked.rule)
    if place is None or not who.sees(place[0]):
        raise not_found("rule", asked.rule)
    if deed is Deed.SHELVE and asked.seconds is None:
        raise ApiError(422, "SHELF_SECONDS_NEEDED")
    reference = ""
    if deed is Deed.OUT_OF_SERVICE:
        reference = await permitted(house, who, asked.permit, asked.filing, rule=asked.rule)
    wanted = wish(
        house,
        who,
        key,
        deed,
        rule=asked.rule,
        text=asked.reason,
        seconds=asked.seconds or 0.0,
        one_shot=asked.one_shot,
        reference=reference,
    )
    done = alarm_shape.overlay_done(await house.collector.alarms.do(wanted), house, who.scope)
    if done.request is not None:
        answer.status_code = 202
    return done


@router.get("/shelf-requests")
async def shelf_requests(who: Who, house: House) -> asks.ShelfRequests:
    """Return the newest requests for shelves that need a second person, within the scope."""
    now, sites = house.collector.clock.now(), who.narrow(None)
    found = await house.collector.db.read(lambda conn: shelving.listed(conn, now, _LISTED, sites))
    return asks.ShelfRequests(items=[alarm_shape.shelf_request(each) for each in found])


@router.post("/shelf-requests/{number}/confirm")
async def confirm(who: Shelver, house: House, number: int, key: Key) -> asks.OverlayDone:
    """Confirm another person's shelf: it begins now."""
    return await _decide(house, who, key, Deed.CONFIRM_SHELF, number)


@router.post("/shelf-requests/{number}/refuse")
async def refuse(who: Shelver, house: House, number: int, key: Key) -> asks.OverlayDone:
    """Refuse a shelf, or take one's own request back."""
    return await _decide(house, who, key, Deed.REFUSE_SHELF, number)


async def _decide(
    house: Rooms, who: Principal, key: str, deed: Deed, number: int
) -> asks.OverlayDone:
    now = house.collector.clock.now()
    if not 0 < number < 2**62:
        raise shelving.ShelfRequestUnknown(request=number)
    found = await house.collector.db.read(lambda conn: shelving.find(conn, number, now))
    if not who.sees(found.site):
        raise shelving.ShelfRequestUnknown(request=number)
    wanted = wish(house, who, key, deed, request=number, rule=found.rule)
    return alarm_shape.overlay_done(await house.collector.alarms.do(wanted), house, who.scope)
