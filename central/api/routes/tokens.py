"""API tokens: list, create, revoke."""

from typing import Annotated, Final

from fastapi import APIRouter
from sqlite_utils import Database as Tables

from central.api import models, shapes
from central.api.access import principal
from central.api.errors import ApiError, not_found
from central.api.rooms import House
from central.identity import audit, tokens
from central.identity.principal import Kind, Principal
from central.identity.roles import Permission

router: Final = APIRouter(prefix="/api/v1/tokens", tags=["tokens"])
Administrator = Annotated[Principal, principal(Permission.TOKENS)]


@router.get("")
async def listed(who: Administrator, house: House) -> models.Tokens:
    """Return every token, newest first; secrets are not kept."""
    found = await house.collector.db.read(tokens.listed)
    return models.Tokens(items=[shapes.token(item) for item in found])


@router.post("", status_code=201)
async def create(who: Administrator, house: House, asked: models.NewToken) -> models.TokenMade:
    """Make a token; its secret is in this answer and nowhere else."""
    kind, roles = Kind(asked.kind), frozenset(asked.roles)
    if kind is Kind.PERSON and not roles <= who.roles:
        raise ApiError(403, "ROLES_BEYOND_OWN", roles=", ".join(sorted(roles - who.roles)))
    scope = who.narrow(asked.sites)
    token = tokens.Token(
        id=tokens.new_id(),
        name=asked.name,
        kind=kind,
        roles=roles,
        scope=scope,
        person=who.name if kind is Kind.PERSON else None,
        created=house.desk.clock.now(),
        created_by=who.name,
    )
    act = audit.Act(
        time=token.created,
        actor=who.name,
        action="TOKEN_CREATED",
        subject=f"token/{token.id}",
        detail={"name": token.name, "kind": kind.value, "roles": ", ".join(sorted(roles))},
    )

    def make(db: Tables) -> str:
        audit.append(db, act)
        return tokens.put(db, token)

    secret = await house.collector.db.write(make)
    return models.TokenMade(id=token.id, name=token.name, token=secret)


@router.delete("/{token}", status_code=204)
async def revoke(who: Administrator, house: House, token: str) -> None:
    """Stop a token, a gateway's too: its next request is refused."""
    now = house.desk.clock.now()

    def stop(db: Tables) -> bool:
        name = tokens.revoke(db, token, now)
        if name is None:
            return False
        act = audit.Act(
            time=now,
            actor=who.name,
            action="TOKEN_REVOKED",
            subject=f"token/{token}",
            detail={"name": name},
        )
        audit.append(db, act)
        return True

    stopped = await house.collector.db.write(stop, lambda _: house.desk.revoked())
    if not stopped:
        raise not_found("token", token)
