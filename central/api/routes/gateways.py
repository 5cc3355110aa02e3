"""Gateways: their state, and creating one."""

from typing import Annotated, Final

from fastapi import APIRouter, Request

from central.api import enrolment_shape, gateway_shape, models
from central.api.access import principal
from central.api.enrolment import create_gateway
from central.api.errors import not_found
from central.api.rooms import House
from central.api.scoped import sees_gateway
from central.enrolment.acts import Wanted
from central.identity.principal import Principal
from central.identity.roles import Permission
from central.registry import GatewayExists
from protocols.wire.rule_set import encode_rules
from protocols.wire.rule_talk import RULES, digest_of
from protocols.words import Label

router: Final = APIRouter(prefix="/api/v1/gateways", tags=["gateways"])
Who = Annotated[Principal, principal(Permission.READ)]
NO_RULES: Final = digest_of(encode_rules((), ()))
"""The document of a gateway for which the library has nothing."""
Administrator = Annotated[Principal, principal(Permission.GATEWAYS)]


@router.get("")
async def gateways(who: Who, house: House) -> models.Gateways:
    """Return every gateway that serves a site in scope."""
    items = house.collector.registry.gateways()
    return models.Gateways(
        items=[gateway_shape.gateway(item, who) for item in items if sees_gateway(who, item)]
    )


@router.get("/{gateway}/rules")
async def gateway_rules(who: Who, house: House, gateway: str) -> models.GatewayRules:
    """Return by which rules a gateway judges, and whether these are those it should."""
    record = house.collector.registry.gateway(gateway)
    if record is None or not sees_gateway(who, record):
        raise not_found("gateway", gateway)
    told = house.collector.gateways.contact(gateway).health.rules
    offered = (await house.guidance.digests(gateway))[RULES]
    return models.GatewayRules(
        version=told.version,
        offered=offered,
        current=offered == told.version or (told.version is None and offered == NO_RULES),
        judged=told.judged,
        left=told.left,
        reason=told.reason,
    )


@router.post("", status_code=201)
async def add_gateway(
    who: Administrator, house: House, asked: models.NewGateway, request: Request
) -> models.GatewayMade:
    """Create a gateway; its one-time code is in this answer and nowhere else."""
    label = Label(asked.label.zh, asked.label.en) if asked.label else None
    if asked.credential == "token":
        token = await create_gateway(house, who, asked.name, label, asked.site)
        return models.GatewayMade(name=asked.name, code=None, token=token)
    if house.collector.registry.gateway(asked.name) is not None:
        raise GatewayExists(name=asked.name)
    if asked.site is not None and not who.sees(asked.site):
        raise not_found("site", asked.site)
    wanted = Wanted(gateway=asked.name, by=who.name, site=asked.site, label=label)
    issued = await house.enrolment.acts.code(wanted)
    code = enrolment_shape.code_made(issued, house.enrolment, str(request.base_url))
    return models.GatewayMade(name=asked.name, code=code, token=None)
