"""What `fengsui-central virtual ...` asks for, done by whoever may write the database."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database as Tables

from central.database import Database
from central.door import virtual
from central.identity import audit, tokens
from central.identity.principal import Kind
from central.identity.tokens import Allowance
from protocols.clock import Clock
from protocols.errors import FengsuiError
from protocols.words import Label

Told = dict[str, Any]


class TokenUnknown(FengsuiError):
    """No readings token of that id stands."""

    code = "TOKEN_UNKNOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """Writes for a command; `revoked` hears that a token no longer stands. Real time."""

    db: Database
    clock: Clock
    create: Callable[[virtual.VirtualGateway], Awaitable[None]]
    revoked: Callable[[], None]


async def answer(keeper: Keeper, asked: Mapping[str, Any]) -> Told:
    """Do one verb: create, list, token, revoke. Raises FengsuiError, KeyError (another version)."""
    match asked["verb"]:
        case "create":
            return await _create(keeper, asked)
        case "list":
            found = await keeper.db.read(virtual.listed)
            keys = await keeper.db.read(tokens.listed)
            return {"items": [_line(one) | {"tokens": _keys(keys, one.name)} for one in found]}
        case "token":
            return await _token(keeper, asked)
        case "revoke":
            return await _revoke(keeper, asked)
        case verb:
            raise KeyError(verb)


def alone(db: Database, clock: Clock) -> Keeper:
    """Return who writes while no collector runs."""

    async def create(wanted: virtual.VirtualGateway) -> None:
        made = virtual.checked(wanted)
        await db.write(lambda tables: virtual.create(tables, made))

    return Keeper(db=db, clock=clock, create=create, revoked=lambda: None)


async def _create(keeper: Keeper, asked: Mapping[str, Any]) -> Told:
    wanted = virtual.VirtualGateway(
        name=asked["gateway"],
        label=Label(asked["label"] or asked["gateway"]),
        sites=tuple(sorted(set(asked["sites"]))),
        offline_after=asked["offline_after"],
        created=keeper.clock.now(),
        created_by=asked["by"],
    )
    await keeper.create(wanted)
    return _line(wanted)


async def _token(keeper: Keeper, asked: Mapping[str, Any]) -> Told:
    wanted = virtual.NewReadingsToken(
        gateway=asked["gateway"],
        name=asked["name"],
        allowance=Allowance(
            readings_per_minute=asked["readings"], requests_per_minute=asked["requests"]
        ),
        by=asked["by"],
    )
    now = keeper.clock.now()
    number, secret = await keeper.db.write(lambda tables: virtual.make_token(tables, wanted, now))
    return {"token": number, "secret": secret}


async def _revoke(keeper: Keeper, asked: Mapping[str, Any]) -> Told:
    token, by, now = str(asked["token"]), asked["by"], keeper.clock.now()

    def stop(tables: Tables) -> None:
        known = {one.id: one for one in tokens.listed(tables.conn) if one.kind is Kind.READINGS}
        if token not in known or tokens.revoke(tables, token, now) is None:
            raise TokenUnknown(token=token)
        act = audit.Act(
            time=now,
            actor=by,
            action="TOKEN_REVOKED",
            subject=f"token/{token}",
            detail={"name": known[token].name},
        )
        audit.append(tables, act)

    await keeper.db.write(stop, lambda _: keeper.revoked())
    return {"token": token}


def _line(one: virtual.VirtualGateway) -> Told:
    return {
        "name": one.name,
        "sites": ", ".join(one.sites),
        "seconds": one.offline_after,
        "by": one.created_by,
    }


def _keys(known: list[tokens.Token], gateway: str) -> list[Told]:
    ours = (one for one in known if one.kind is Kind.READINGS and one.gateway == gateway)
    return [
        {"token": one.id, "name": one.name, "by": one.created_by, "ended": one.revoked is not None}
        for one in ours
    ]
