"""What people do with alarms, by hand: from 确认收到 to 核实.

Every act has an Idempotency-Key: the same key again is answered the same. Act, journal, key and the
line in the audit are one transaction. A refusal says what stands in the way and what can be done.
"""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Response

from central.alarms.acts.asked import Answer, Deed, Wish
from central.api import alarm_shape, models
from central.api.access import principal
from central.api.errors import ApiError, not_found
from central.api.models import alarm_acts as asks
from central.api.rooms import House, Rooms
from central.api.times import shown
from central.calendar import exemptions
from central.calendar.exemptions import ExemptionUnknown, Kind
from central.identity.principal import Principal
from central.identity.roles import Permission

router: Final = APIRouter(prefix="/api/v1/alarms", tags=["alarms"])
Operator = Annotated[Principal, principal(Permission.ACKNOWLEDGE)]
Shelver = Annotated[Principal, principal(Permission.SHELVE)]
Suppressor = Annotated[Principal, principal(Permission.SUPPRESS)]
Key = Annotated[str, Header(alias="Idempotency-Key", min_length=8, max_length=128)]


@router.post("/acknowledge")
async def acknowledge_many(
    who: Operator, house: House, asked: asks.AcknowledgeAsked, key: Key
) -> asks.Acknowledgements:
    """Acknowledge several alarms; each has an outcome of its own, the key is that of all."""
    ids = list(dict.fromkeys(asked.alarms))
    sites = await house.collector.alarms.sites(ids)
    inside = [id_ for id_ in ids if id_ in sites and who.sees(sites[id_])]
    given: dict[str, Any] = {"text": asked.comment, "together": tuple(ids)}
    wishes = [wish(house, who, key, Deed.ACKNOWLEDGE, alarm=id_, **given) for id_ in inside]
    answers = await house.collector.alarms.do_all(wishes)
    found = dict(zip(inside, answers, strict=True))
    return asks.Acknowledgements(items=[_one(id_, found.get(id_), who.scope) for id_ in ids])


@router.post("/{alarm}/acknowledge")
async def acknowledge(
    who: Operator, house: House, alarm: str, asked: models.Acknowledgement, key: Key
) -> models.Episode:
    """Acknowledge (确认收到). The same key again is 200; after another person it is 409."""
    given = {"text": asked.comment}
    return await _episode(house, who, alarm, key, Deed.ACKNOWLEDGE, **given)


@router.post("/{alarm}/reset")
async def reset(
    who: Operator, house: House, alarm: str, asked: asks.Comments, key: Key
) -> models.Episode:
    """Reset (复位) what latches, once it has returned and was acknowledged."""
    return await _episode(house, who, alarm, key, Deed.RESET, text=asked.comment)


@router.post("/{alarm}/verify")
async def verify(
    who: Operator, house: House, alarm: str, asked: asks.VerifyAsked, key: Key
) -> models.Episode:
    """Say what it turned out to be (核实); a later verification follows, and none is changed."""
    given = {"text": asked.note, "result": asked.result}
    return await _episode(house, who, alarm, key, Deed.VERIFY, **given)


@router.post("/{alarm}/comment")
async def comment(
    who: Operator, house: House, alarm: str, asked: asks.CommentAsked, key: Key
) -> models.Episode:
    """Say something of it; it stands beside the alarm for good."""
    return await _episode(house, who, alarm, key, Deed.COMMENT, text=asked.text)


@router.post("/{alarm}/shelve")
async def shelve(  # what, for whom, and the answer's status
    who: Shelver, house: House, alarm: str, asked: asks.ShelveAsked, key: Key, answer: Response
) -> asks.OverlayDone:
    """Let nobody be called for a time (限时静默). 202: a second person has to confirm it."""
    given = {"text": asked.reason, "seconds": asked.seconds, "one_shot": asked.one_shot}
    done = await _laid(house, who, key, Deed.SHELVE, alarm=alarm, **given)
    if done.request is not None:
        answer.status_code = 202
    return done


@router.post("/{alarm}/unshelve")
async def unshelve(
    who: Shelver, house: House, alarm: str, asked: asks.Reasoned, key: Key
) -> asks.OverlayDone:
    """End a shelf before its time: whoever does it has seen what stands."""
    return await _laid(house, who, key, Deed.UNSHELVE, alarm=alarm, text=asked.reason)


@router.post("/{alarm}/suppress")
async def suppress(
    who: Suppressor, house: House, alarm: str, asked: asks.Reasoned, key: Key
) -> asks.OverlayDone:
    """Suppress it by design (逻辑抑制): its condition is not judged until that ends."""
    return await _laid(house, who, key, Deed.SUPPRESS, alarm=alarm, text=asked.reason)


@router.post("/{alarm}/unsuppress")
async def unsuppress(
    who: Suppressor, house: House, alarm: str, asked: asks.Reasoned, key: Key
) -> asks.OverlayDone:
    """End a suppression: what is known is judged anew, delays begin now."""
    return await _laid(house, who, key, Deed.UNSUPPRESS, alarm=alarm, text=asked.reason)


@router.post("/{alarm}/out-of-service")
async def out_of_service(
    who: Suppressor, house: House, alarm: str, asked: asks.OutOfServiceAsked, key: Key
) -> asks.OverlayDone:
    """Take it out of service (报警停用) by a permit or a filing; it ends by a person only."""
    reference = await permitted(house, who, asked.permit, asked.filing, alarm=alarm)
    given = {"text": asked.reason, "reference": reference}
    return await _laid(house, who, key, Deed.OUT_OF_SERVICE, alarm=alarm, **given)


@router.post("/{alarm}/in-service")
async def in_service(
    who: Suppressor, house: House, alarm: str, asked: asks.Reasoned, key: Key
) -> asks.OverlayDone:
    """Put it back in service: what is known is judged anew."""
    return await _laid(house, who, key, Deed.IN_SERVICE, alarm=alarm, text=asked.reason)


def wish(house: Rooms, who: Principal, key: str, deed: Deed, **given: Any) -> Wish:
    """Return what somebody asks, at the collector's time and at the real one."""
    now, acted = house.collector.clock.now(), house.desk.clock.now()
    return Wish(deed=deed, person=who.name, key=key, now=now, acted=acted, **given)


async def permitted(  # by which of the two, of what
    house: Rooms,
    who: Principal,
    permit: str,
    filing: int | None,
    *,
    alarm: str | None = None,
    rule: str | None = None,
) -> str:
    """Return what an alarm is taken out of service by. Raises 422, and 409 for a filing not in
    force for its site and point."""
    if bool(permit.strip()) == (filing is not None):
        raise ApiError(422, "PERMIT_NEEDED")
    if filing is None:
        return permit.strip()
    place = await house.collector.alarms.place(alarm=alarm, rule=rule)
    now = house.collector.clock.now()
    try:
        found = await house.collector.db.read(
            lambda conn: exemptions.find(conn, Kind.FILING, filing)
        )
    except ExemptionUnknown:
        raise ApiError(409, "FILING_NOT_IN_FORCE", filing=filing) from None
    ends = found.until is not None and found.until <= now
    if found.withdrawn is not None or found.start > now or ends or place is None:
        raise ApiError(409, "FILING_NOT_IN_FORCE", filing=filing)
    if found.site != place[0] or (found.points and place[1] not in found.points):
        raise ApiError(409, "FILING_NOT_IN_FORCE", filing=filing)
    return f"filing/{filing}"


async def _episode(  # who does what to which
    house: Rooms, who: Principal, alarm: str, key: str, deed: Deed, **given: Any
) -> models.Episode:
    await _seen(house, who, alarm)
    answer = await house.collector.alarms.do(wish(house, who, key, deed, alarm=alarm, **given))
    if answer.episode is None:
        raise not_found("alarm", alarm)
    return alarm_shape.episode(answer.episode, who.scope)


async def _laid(
    house: Rooms, who: Principal, key: str, deed: Deed, *, alarm: str, **given: Any
) -> asks.OverlayDone:
    await _seen(house, who, alarm)
    asked = wish(house, who, key, deed, alarm=alarm, **given)
    return alarm_shape.overlay_done(await house.collector.alarms.do(asked), house, who.scope)


async def _seen(house: Rooms, who: Principal, alarm: str) -> None:
    sites = await house.collector.alarms.sites([alarm])
    if alarm not in sites or not who.sees(sites[alarm]):
        raise not_found("alarm", alarm)


def _one(id_: str, answer: Answer | None, scope: frozenset[str] | None) -> asks.OneOfMany:
    """What is out of scope is unknown, which is not said otherwise."""
    if answer is None:
        params = {"episode": id_}
        return asks.OneOfMany(id=id_, done=False, code="EPISODE_UNKNOWN", params=params, alarm=None)
    episode = None if answer.episode is None else alarm_shape.episode(answer.episode, scope)
    if answer.refused is None:
        return asks.OneOfMany(id=id_, done=True, code=None, params={}, alarm=episode)
    refused = answer.refused
    return asks.OneOfMany(
        id=id_, done=False, code=refused.code, params=shown(refused.params), alarm=episode
    )
