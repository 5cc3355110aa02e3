"""The demonstration's cables: pull one out, plug it in. Only a demonstration has these routes."""

from typing import Annotated, Final

from fastapi import APIRouter

from central.api import models
from central.api.access import principal
from central.api.errors import not_found
from central.api.rooms import House
from central.identity.principal import Principal
from central.identity.roles import Permission
from protocols.clock import ClockState

router: Final = APIRouter(prefix="/api/v1/demo", tags=["demo"])
Who = Annotated[Principal, principal(Permission.READ)]
Operator = Annotated[Principal, principal(Permission.DEMO)]


@router.get("")
async def demo(who: Who, house: House) -> models.Demo:
    """Return the cables and whether they are plugged in."""
    story = house.collector.clock.state is ClockState.STORY
    return models.Demo(story=story, cables=await house.cables.states())


@router.post("/cables/{gateway}")
async def set_cable(
    who: Operator, house: House, gateway: str, asked: models.SetCable
) -> models.Cable:
    """Plug the cable in or pull it out."""
    if gateway not in house.cables.gateways:
        raise not_found("cable", gateway)
    return await house.cables.set(gateway, connected=asked.connected)
