"""The way of a gateway's request to its handler: who asks, the rooms, the request; nothing else.

A thousand gateways come back at once. Working out a handler's arguments in general takes as long as
the handler itself; these are always the same. What a route asks for is declared as everywhere, so
that the document and the check for bare routes see no difference.
"""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from central.api.access import access_of
from central.api.rooms import rooms_of


class MachineRoute(APIRoute):
    """Calls `handler(who=..., house=..., request=..., **texts of the path)`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what takes a request; refusals leave it as they leave every route."""
        access, handler = access_of(self), self.endpoint
        if access is None:
            raise RuntimeError(f"{self.path} asks for no permission")
        answer: Callable[..., Awaitable[Response]] = handler

        async def handle(request: Request) -> Response:
            who = await access(request)
            house = rooms_of(request)
            return await answer(who=who, house=house, request=request, **request.path_params)

        return handle
