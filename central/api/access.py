"""`principal(permission)` stands on every route; an application with a bare route is not built.

A signature proves a gateway that has a key, a cookie a session, a bearer token a machine or a
person's program; a proof that is no good is refused even when a good cookie comes along. What
changes something on the strength of a cookie needs `X-Requested-With: fengsui`, which no foreign
page can send.
"""

from collections.abc import Iterator, Sequence
from math import ceil
from typing import Any, Final, NoReturn

from fastapi import Depends, Request
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute
from starlette.types import Scope

from central.api.errors import ApiError, unauthenticated
from central.api.rooms import rooms_of
from central.api.signed import by_signature, note
from central.guard.guards import Guards
from central.identity.principal import Kind, Principal
from central.identity.roles import Permission
from central.identity.signatures import SignatureRefused

COOKIE: Final = "fengsui_session"
OPEN: Final = frozenset(
    {
        ("POST", "/api/v1/session"),
        ("POST", "/api/v1/session/link"),
        ("GET", "/healthz"),
        ("GET", "/api/v1/trust"),
        ("POST", "/api/v1/enrolment/hello"),
        ("POST", "/api/v1/enrolment/proof"),
        ("GET", "/api/v1/enrolment/state"),
        ("POST", "/api/v1/enrolment/warrant"),
        ("GET", "/"),
        ("GET", "/{path:path}"),
    }
)
"""Login, health, who the collector is, and the files of the page that shows the login form."""

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class Access:
    """The dependency that lets a caller in or not; returns the Principal."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    async def __call__(self, request: Request) -> Principal:
        """Raise 401 for nobody we know, 403 for one who may not, 429 for one who asks too often."""
        guards, scope, refusal = rooms_of(request).guards, request.scope, None
        try:
            who = await by_signature(request) or await _by_token_or_session(request)
        except SignatureRefused as exc:
            who, refusal = None, exc
        if who is None:
            self.turn_down(guards, scope, refusal)
        self.let_in(guards, scope, who)
        if who.kind is Kind.SESSION and request.method not in _SAFE:
            _own_page(request)
        return who

    def turn_down(self, guards: Guards, scope: Scope, refusal: SignatureRefused | None) -> NoReturn:
        """Count a caller whose proof is no good, or who shows none, and raise what he is told."""
        if wait := guards.stranger(scope):
            raise ApiError(429, "TOO_MANY", seconds=ceil(wait)) from refusal
        raise refusal or unauthenticated()

    def let_in(self, guards: Guards, scope: Scope, who: Principal) -> None:
        """Raise 403 for one who may not, 429 for one who asks too often."""
        if wait := guards.known(scope, who):
            raise ApiError(429, "TOO_MANY", seconds=ceil(wait))
        if not who.may(self.permission):
            raise ApiError(403, "FORBIDDEN", permission=self.permission.value)


def principal(permission: Permission) -> Any:
    """Return the dependency that asks for `permission`."""
    return Depends(Access(permission))


async def _by_token_or_session(request: Request) -> Principal | None:
    house = rooms_of(request)
    desk, header = house.desk, request.headers.get("authorization")
    if header is not None:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer":
            return None
        try:
            return await desk.by_token(token.strip())
        except SignatureRefused as refusal:  # a token where there is a key
            note(house, request.scope, refusal)
            raise
    cookie = request.cookies.get(COOKIE)
    return await desk.by_session(cookie) if cookie else None


def _own_page(request: Request) -> None:
    if request.headers.get("x-requested-with") != "fengsui":
        raise ApiError(403, "NOT_OUR_PAGE")


def every_route(routes: Sequence[BaseRoute]) -> Iterator[BaseRoute]:
    """Walk included routers too; our routers carry their whole path themselves."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is None:
            yield route
        else:
            yield from every_route(inner.routes)


def permission_of(route: BaseRoute) -> Permission | None:
    """Return what `route` asks for; None: it asks nothing."""
    access = access_of(route) if isinstance(route, APIRoute) else None
    return None if access is None else access.permission


def access_of(route: APIRoute) -> Access | None:
    """Return the dependency that lets a caller of `route` in."""
    for dependency in route.dependant.dependencies:
        if isinstance(dependency.call, Access):
            return dependency.call
    return None


def bare_routes(routes: Sequence[BaseRoute]) -> list[str]:
    """Return the routes that ask for no permission and are not on the open list."""
    return [
        f"{method} {getattr(route, 'path', route)}"
        for route in every_route(routes)
        if permission_of(route) is None
        for method in sorted(getattr(route, "methods", None) or {"ANY"})
        if (method, getattr(route, "path", "")) not in OPEN and method != "HEAD"
    ]
