"""Creating a gateway: its record, its token and the audit line."""

from sqlite_utils import Database as Tables

from central.api.rooms import Rooms
from central.identity import audit, tokens
from central.identity.principal import Kind, Principal
from central.registry import GatewayExists
from protocols.words import Label


async def create_gateway(
    house: Rooms, who: Principal, name: str, label: Label | None, site: str | None
) -> str:
    """Return the new gateway's token. Raises GatewayExists, NameRefused.

    A gateway that never got a token (we died in between) gets it on the next try.
    """
    try:
        await house.collector.registry.add_gateway(name, site, label)
    except GatewayExists:
        if await house.collector.db.read(lambda conn: tokens.had_one(conn, name)):
            raise
    now = house.desk.clock.now()
    token = tokens.Token(
        id=tokens.new_id(),
        name=name,
        kind=Kind.GATEWAY,
        gateway=name,
        created=now,
        created_by=who.name,
    )
    act = audit.Act(
        time=now,
        actor=who.name,
        action="GATEWAY_CREATED",
        subject=f"gateway/{name}",
        detail={"site": site, "token": token.id},
    )

    def make(db: Tables) -> str:
        audit.append(db, act)
        return tokens.put(db, token)

    secret: str = await house.collector.db.write(make)
    return secret
