"""Gateways: their state, and creating one."""

from typing import Annotated, Final

from fastapi import APIRouter

from central.api import gateway_shape, models
from central.api.access import principal
from central.api.enrolment import create_gateway
from central.api.rooms import House
from central.api.scoped import sees_gateway
from central.identity.principal import Principal
from central.identity.roles import Permission
from protocols.words import Label

router: Final = APIRouter(prefix="/api/v1/gateways", tags=["gateways"])
Who = Annotated[Principal, principal(Permission.READ)]
Administrator = Annotated[Principal, principal(Permission.GATEWAYS)]


@router.get("")
async def gateways(who: Who, house: House) -> models.Gateways:
    """Return every gateway that serves a site in scope."""
    items = house.collector.registry.gateways()
    return models.Gateways(
        items=[gateway_shape.gateway(item, who) for item in items if sees_gateway(who, item)]
    )


@router.post("", status_code=201)
async def add_gateway(
    who: Administrator, house: House, asked: models.NewGateway
) -> models.GatewayMade:
    """Create a gateway; its token is in this answer and nowhere else."""
    label = Label(asked.label.zh, asked.label.en) if asked.label else None
    token = await create_gateway(house, who, asked.name, label, asked.site)
    return models.GatewayMade(name=asked.name, token=token)
