"""The way of a request for batches, from the server to the collector past the framework.

Batches are nearly all of what comes in, and layers, routing and a response object took longer than
signature and commit together. What every layer asks is asked here too, in the same order, by the
same functions; a refusal leaves in the same shape. Everything else goes through the framework, and
the document and the check for bare routes see the route that is declared.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from central.api.access import Access
from central.api.delivery import Delivered, deliver
from central.api.door import lane_said, turn_back
from central.api.headers import Envelope
from central.api.rooms import rooms_of
from central.api.threshold import stopped
from central.identity.roles import Permission

_BATCHES: Final = re.compile(r"/api/v1/ingest/streams/([^/]+)/batches")
Handler = Callable[[Request, Exception], Awaitable[Response]]


class Fields(Headers):
    """Header fields looked up by name at once; of one given twice the first counts, as ever."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope=scope)
        self._first: dict[bytes, bytes] = dict(reversed(self.raw))

    def __getitem__(self, key: str) -> str:
        return self._first[key.lower().encode("latin-1")].decode("latin-1")

    def get(self, key: str, default: Any = None, /) -> Any:
        """Return the field's value, or `default`."""
        found = self._first.get(key.lower().encode("latin-1"))
        return default if found is None else found.decode("latin-1")


class QuickRequest(Request):
    """A request whose header fields are looked up at once."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        super().__init__(scope, receive)
        self._fields = Fields(scope)

    @property
    def headers(self) -> Headers:
        """The header fields."""
        return self._fields


class Application(FastAPI):
    """The framework's application with the way of batches in front."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._express = Express(self.exception_handlers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        found = scope["type"] == "http" and scope["method"] == "POST" and _found(scope)
        if found:
            scope["app"] = self
            await self._express(found, scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


class Express:
    """Takes one request for batches."""

    def __init__(self, handlers: Mapping[Any, Any]) -> None:
        self._handlers = handlers
        self._access = Access(Permission.INGEST)
        self._envelope = Envelope(_nothing_inside)

    async def __call__(self, stream: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; what nobody thought of is answered too, and raised for the server to log."""
        if await stopped(scope, send):
            return
        request = QuickRequest(scope, receive)
        ingest = rooms_of(request).collector.ingest
        async with ingest.admission.approach(lane_said(request.headers)) as refusal:
            if refusal is None:
                await self._delivered(stream, request, send)
                return
        await turn_back(ingest, refusal, send)

    async def _delivered(self, stream: str, request: QuickRequest, send: Send) -> None:
        scope = request.scope
        answer = self._envelope.open(scope, send)
        try:
            who = await self._access(request)
            told = await deliver(rooms_of(request), who.name, stream, request)
        except Exception as exc:
            handler, known = self._handler(exc)
            response = await handler(request, exc)
            await response(scope, request.receive, answer.send if known else send)
            if not known:
                raise
            return
        if told.status == 200:  # the envelope adds nothing to it
            await _say(told, send)
        else:
            await told.response()(scope, request.receive, answer.send)

    def _handler(self, exc: Exception) -> tuple[Handler, bool]:
        """Return what answers an exception, and whether it was expected."""
        for kind in type(exc).__mro__:
            if kind in self._handlers:
                handler: Handler = self._handlers[kind]
                return handler, kind is not Exception
        raise exc


async def _say(told: Delivered, send: Send) -> None:
    headers = [
        (b"content-length", b"%d" % len(told.content)),
        (b"content-type", b"application/json"),
    ]
    await send({"type": "http.response.start", "status": told.status, "headers": headers})
    await send({"type": "http.response.body", "body": told.content})


async def _nothing_inside(_: Scope, __: Receive, ___: Send) -> None:
    """The envelope is asked for its headers only."""


def _found(scope: Scope) -> str:
    """Return the stream a path names, empty when it is another path."""
    found = _BATCHES.fullmatch(scope["path"])
    return "" if found is None else found[1]
