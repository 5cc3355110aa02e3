"""Virtual gateways, their points and tokens: made by an administrator, in a session only.

Whoever may see all of a virtual gateway's sites sees how it fares: an enterprise its own.
"""

from typing import Annotated, Final, Literal, cast

from fastapi import APIRouter, Request

from central.api import models
from central.api.access import principal
from central.api.errors import not_found
from central.api.rooms import House, Rooms
from central.api.shapes import label
from central.door import virtual
from central.door.figures import Tally
from central.identity.principal import Principal
from central.identity.roles import Permission
from central.identity.tokens import Allowance
from protocols.words import Label

router: Final = APIRouter(prefix="/api/v1/virtual-gateways", tags=["virtual-gateways"])
Reader = Annotated[Principal, principal(Permission.READ)]
Maker = Annotated[Principal, principal(Permission.GATEWAYS)]
Minter = Annotated[Principal, principal(Permission.TOKENS)]


@router.get("")
async def listed(who: Reader, house: House) -> models.VirtualGateways:
    """Return every virtual gateway all of whose sites are in scope."""
    found = await house.collector.db.read(virtual.listed)
    seen = [one for one in found if _seen(who, one.sites)]
    return models.VirtualGateways(items=[_shown(house, one) for one in seen])


@router.post("", status_code=201)
async def create(
    who: Maker, house: House, asked: models.NewVirtualGateway
) -> models.VirtualGateway:
    """Make a virtual gateway; it has no token yet."""
    if not _seen(who, asked.sites):
        raise not_found("site", ", ".join(asked.sites))
    called = Label(asked.label.zh, asked.label.en) if asked.label else Label(asked.name)
    wanted = virtual.VirtualGateway(
        name=asked.name,
        label=called,
        sites=tuple(sorted(set(asked.sites))),
        offline_after=asked.offline_after_s,
        created=house.desk.clock.now(),
        created_by=who.name,
    )
    await house.collector.door.create(wanted)
    return _shown(house, wanted)


_BODY: Final = {"requestBody": {"required": True, "content": {"application/json": {"schema": {}}}}}


@router.put("/{name}/points", openapi_extra=_BODY)
async def describe(who: Maker, house: House, name: str, request: Request) -> models.PointsDescribed:
    """Describe sites, devices, points and limits on the system's behalf; the manifest's form."""
    known = await house.collector.db.read(lambda conn: virtual.find(conn, name))
    if known is None or not _seen(who, known.sites):
        raise not_found("virtual-gateway", name)
    body = await request.body()
    return models.PointsDescribed(**await house.collector.door.describe(name, body, by=who.name))


@router.post("/{name}/tokens", status_code=201)
async def make_token(
    who: Minter, house: House, name: str, asked: models.NewReadingsToken
) -> models.TokenMade:
    """Make a token; its secret is in this answer and nowhere else. Revoked as every token is."""
    known = await house.collector.db.read(lambda conn: virtual.find(conn, name))
    if known is None or not _seen(who, known.sites):
        raise not_found("virtual-gateway", name)
    wanted = virtual.NewReadingsToken(
        gateway=name,
        name=asked.name,
        allowance=Allowance(
            readings_per_minute=asked.readings_per_minute,
            requests_per_minute=asked.requests_per_minute,
        ),
        by=who.name,
    )
    now = house.desk.clock.now()
    number, secret = await house.collector.db.write(
        lambda tables: virtual.make_token(tables, wanted, now)
    )
    return models.TokenMade(id=number, name=asked.name, token=secret)


def _seen(who: Principal, sites: list[str] | tuple[str, ...]) -> bool:
    return all(who.sees(site) for site in sites)


def _shown(house: Rooms, source: virtual.VirtualGateway) -> models.VirtualGateway:
    door = house.collector.door
    record = house.collector.registry.gateway(source.name)
    own = door.figures.each.get(source.name, Tally())
    return models.VirtualGateway(
        name=source.name,
        label=label(source.label),
        sites=list(source.sites),
        offline_after_s=source.offline_after,
        created=source.created,
        created_by=source.created_by,
        state=cast(Literal["online", "offline", "never"], record.state if record else "never"),
        last_contact=record.last_contact if record else None,
        points=record.points if record else 0,
        taken=models.DoorTally(
            since=door.began,
            accepted=own.accepted,
            known=own.known,
            quarantined=own.quarantined.total(),
            reasons=dict(own.quarantined),
        ),
    )
