"""Log in, log out, and who am I."""

from typing import Annotated, Final

from fastapi import APIRouter, Request, Response

from central.api import models, shapes
from central.api.access import COOKIE, principal
from central.api.errors import unauthenticated
from central.api.rooms import House, Rooms
from central.api.version import version
from central.identity.desk import Visit
from central.identity.principal import Kind, Principal
from central.identity.roles import Permission
from central.identity.sessions import ABSOLUTE
from protocols.clock import SECOND

router: Final = APIRouter(prefix="/api/v1/session", tags=["session"])
Who = Annotated[Principal, principal(Permission.SESSION)]


@router.get("")
async def session(who: Who, house: House) -> models.Session:
    """Return who is logged in."""
    return _session(who, house)


@router.post("")
async def login(
    asked: models.Login, request: Request, response: Response, house: House
) -> models.Session:
    """Open a session with name and password; an old one in the cookie ends."""
    token = await house.desk.login(asked.name, asked.password, _visit(request))
    return await _opened(token, request, response, house)


@router.post("/link")
async def login_by_link(
    asked: models.LinkLogin, request: Request, response: Response, house: House
) -> models.Session:
    """Open a session with a one-time code."""
    token = await house.desk.login_by_link(asked.code, _visit(request))
    return await _opened(token, request, response, house)


@router.delete("", status_code=204)
async def logout(who: Who, request: Request, response: Response, house: House) -> None:
    """End the session at once; a token has none and stays as it is."""
    if who.kind is Kind.SESSION:
        await house.desk.logout(who)
        response.delete_cookie(COOKIE, httponly=True, samesite="strict", secure=_https(request))


def _visit(request: Request) -> Visit:
    address = request.client.host if request.client else ""
    return Visit(address=address, replaces=request.cookies.get(COOKIE))


async def _opened(token: str, request: Request, response: Response, house: Rooms) -> models.Session:
    who = await house.desk.by_session(token)
    if who is None:  # disabled in the same moment
        raise unauthenticated()
    response.set_cookie(
        COOKIE,
        token,
        max_age=ABSOLUTE // SECOND,
        httponly=True,
        samesite="strict",
        secure=_https(request),
    )
    return _session(who, house)


def _https(request: Request) -> bool:
    return str(request.scope["scheme"]) == "https"


def _session(who: Principal, house: Rooms) -> models.Session:
    clock = shapes.clock(house.collector.clock)
    return models.Session(person=shapes.person(who), version=version(), clock=clock)
