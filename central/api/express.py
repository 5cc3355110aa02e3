"""The way of a request for batches, from the server to the collector past the framework.

Batches are nearly all of what comes in, and layers, routing and a response object took longer than
signature and commit together. What every layer asks is asked here too, in the same order, by the
same functions; a refusal leaves in the same shape. Everything else goes through the framework, and
the document and the check for bare routes see the route that is declared.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from central.api.access import Access
from central.api.delivery import Delivered, deliver
from central.api.door import lane_said, turn_back
from central.api.headers import Envelope
from central.api.quick_pages import QuickPages, page_asked
from central.api.quick_request import QuickRequest, handler_of, nothing_inside
from central.api.rooms import rooms_of
from central.api.threshold import stopped
from central.identity.roles import Permission

_BATCHES: Final = re.compile(r"/api/v1/ingest/streams/([^/]+)/batches")


class Application(FastAPI):
    """The framework's application with the ways of batches and of raw readings in front."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._express = Express(self.exception_handlers)
        self._pages = QuickPages(self.exception_handlers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        method = scope["method"] if scope["type"] == "http" else ""
        if method == "POST" and (found := _found(scope)):
            scope["app"] = self
            await self._express(found, scope, receive, send)
        elif method == "GET" and (page := page_asked(scope)) is not None:
            scope["app"] = self
            await self._pages(page, scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


class Express:
    """Takes one request for batches."""

    def __init__(self, handlers: Mapping[Any, Any]) -> None:
        self._handlers = handlers
        self._access = Access(Permission.INGEST)
        self._envelope = Envelope(nothing_inside)

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
            handler, known = handler_of(self._handlers, exc)
            response = await handler(request, exc)
            await response(scope, request.receive, answer.send if known else send)
            if not known:
                raise
            return
        if told.status == 200:  # the envelope adds nothing to it
            await _say(told, send)
        else:
            await told.response()(scope, request.receive, answer.send)


async def _say(told: Delivered, send: Send) -> None:
    headers = [
        (b"content-length", b"%d" % len(told.content)),
        (b"content-type", b"application/json"),
    ]
    await send({"type": "http.response.start", "status": told.status, "headers": headers})
    await send({"type": "http.response.body", "body": told.content})


def _found(scope: Scope) -> str:
    """Return the stream a path names, empty when it is another path."""
    found = _BATCHES.fullmatch(scope["path"])
    return "" if found is None else found[1]
