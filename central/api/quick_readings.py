"""The way of readings of others' systems, from the server to the door past the framework.

Layers and routing took as long as reading and judging a thousand readings. What every layer asks is
asked here too, in the same order, by the same functions; an answer and a refusal leave in the same
shape. The route of `central.api.routes.readings` is what the document describes, and does the same.
"""

from collections.abc import Mapping
from typing import Any, Final

from starlette.types import Receive, Scope, Send

from central.api.access import Access
from central.api.headers import Envelope
from central.api.quick_request import QuickRequest, handler_of, nothing_inside
from central.api.rooms import rooms_of
from central.api.routes.readings import taken
from central.api.threshold import stopped
from central.api.whole import say
from central.identity.roles import Permission

PATH: Final = "/api/v1/readings"
_JSON: Final = (b"content-type", b"application/json")


class QuickReadings:
    """Takes one request; `handlers` say how an exception leaves."""

    def __init__(self, handlers: Mapping[Any, Any]) -> None:
        self._handlers = handlers
        self._access = Access(Permission.READINGS)
        self._envelope = Envelope(nothing_inside)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; what nobody thought of is answered too, and raised for the server to log."""
        if await stopped(scope, send):
            return
        request = QuickRequest(scope, receive)
        answer = self._envelope.open(scope, send)
        try:
            who = await self._access(request)
            content = await taken(who, rooms_of(request), request)
        except Exception as exc:
            handler, known = handler_of(self._handlers, exc)
            response = await handler(request, exc)
            await response(scope, receive, answer.send if known else send)
            if not known:
                raise
            return
        size = (b"content-length", b"%d" % len(content))
        await say(send, answer.added([size, _JSON]), content)
