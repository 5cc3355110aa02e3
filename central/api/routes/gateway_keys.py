"""Codes and keys of gateways, for the people who let gateways in and put them out.

Making a code and revoking are an administrator's; whoever is on duty as an engineer approves and
refuses. By a session only: a stolen token lets no gateway in. How keys stand is for all to see.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Request

from central.api import enrolment_shape, models
from central.api.access import principal
from central.api.errors import ApiError, not_found
from central.api.rooms import House, Rooms
from central.api.scoped import sees_gateway
from central.api.times import microseconds
from central.enrolment.acts import Wanted
from central.enrolment.codes import WorkOrder
from central.identity.principal import Principal
from central.identity.roles import Permission
from protocols.words import Label

router: Final = APIRouter(prefix="/api/v1/enrolment", tags=["enrolment"])
Reader = Annotated[Principal, principal(Permission.READ)]
Approver = Annotated[Principal, principal(Permission.APPROVE)]
Administrator = Annotated[Principal, principal(Permission.GATEWAYS)]


@router.get("")
async def listed(who: Reader, house: House) -> models.Enrolment:
    """Return keys and held starts of the gateways in scope, and codes for those who approve."""
    picture = await house.enrolment.acts.picture()
    return enrolment_shape.picture(
        picture,
        lambda gateway: _sees(who, house, gateway),
        house.enrolment.clock.now(),
        approver=who.may(Permission.APPROVE),
    )


@router.post("/codes", status_code=201)
async def make_code(
    who: Administrator, house: House, asked: models.NewCode, request: Request
) -> models.CodeMade:
    """Make a one-time code; it is in this answer and nowhere else."""
    if asked.site is not None and not who.sees(asked.site):
        raise not_found("site", asked.site)
    if house.collector.registry.gateway(asked.gateway) is not None:
        _must_see(who, house, asked.gateway)
    issued = await house.enrolment.acts.code(_wanted(asked, who))
    return enrolment_shape.code_made(issued, house.enrolment, str(request.base_url))


@router.delete("/codes/{number}", status_code=204)
async def withdraw(who: Administrator, house: House, number: int) -> None:
    """End a code that nobody has used."""
    if await house.enrolment.acts.withdraw(number, who.name) is None:
        raise not_found("code", str(number))


@router.post("/gateways/{gateway}/approve")
async def approve(
    who: Approver, house: House, gateway: str, asked: models.Approval
) -> models.Enrolment:
    """Approve the key with these digits; the one before it is dead with this. Or a held start."""
    _must_see(who, house, gateway)
    await house.enrolment.acts.approve(gateway, asked.answer, who.name)
    return await listed(who, house)


@router.post("/gateways/{gateway}/refuse")
async def refuse(who: Approver, house: House, gateway: str, asked: models.Refusal) -> models.Ended:
    """Refuse the keys that wait, or keep a held start out."""
    _must_see(who, house, gateway)
    return models.Ended(ended=await house.enrolment.acts.refuse(gateway, asked.boot, who.name))


@router.post("/gateways/{gateway}/revoke")
async def revoke(who: Administrator, house: House, gateway: str) -> models.Ended:
    """End every key and token of the gateway: its next request is refused."""
    _must_see(who, house, gateway)
    return models.Ended(ended=await house.enrolment.acts.revoke(gateway, who.name))


def _wanted(asked: models.NewCode, who: Principal) -> Wanted:
    order: WorkOrder | None = None
    if asked.work_order is not None or asked.installer is not None:
        if asked.work_order is None or asked.installer is None:
            raise ApiError(422, "ENROLMENT_ORDER_INCOMPLETE")
        order = WorkOrder(number=asked.work_order, installer=asked.installer)
    return Wanted(
        gateway=asked.gateway,
        by=who.name,
        site=asked.site,
        label=Label(asked.label.zh, asked.label.en) if asked.label else None,
        order=order,
        opens=microseconds(asked.opens) if asked.opens else None,
        expires=microseconds(asked.expires) if asked.expires else None,
    )


def _sees(who: Principal, house: Rooms, gateway: str) -> bool:
    found = house.collector.registry.gateway(gateway)
    return who.sees_all or (found is not None and sees_gateway(who, found))


def _must_see(who: Principal, house: Rooms, gateway: str) -> None:
    found = house.collector.registry.gateway(gateway)
    if found is None or not sees_gateway(who, found):
        raise not_found("gateway", gateway)
