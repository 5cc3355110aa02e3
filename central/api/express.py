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
from central.api.delivery import ENCODING, LENGTH, Posted, deliver
from central.api.door import turn_back
from central.api.headers import Envelope
from central.api.quick_pages import QuickPages, page_asked
from central.api.quick_readings import PATH as READINGS
from central.api.quick_readings import QuickReadings
from central.api.quick_request import QuickRequest, handler_of, nothing_inside
from central.api.rooms import Rooms
from central.api.signed import signer_of
from central.api.threshold import bar, reason
from central.api.whole import at_once, say
from central.identity.principal import Principal
from central.identity.roles import Permission
from central.identity.signatures import SignatureRefused
from central.ingest.admission import lane_of
from protocols.signing.request import INPUT, SIGNATURE
from protocols.wire.headers import CHAIN, CLOCK, CONTENT_DIGEST, LANE, NONCE

_BATCHES: Final = re.compile(r"/api/v1/ingest/streams/([^/]+)/batches")
_FIELDS: Final = (
    *(CHAIN, CLOCK, CONTENT_DIGEST, LANE, NONCE),
    *(INPUT, SIGNATURE, ENCODING, LENGTH),
)
_JSON: Final = (b"content-type", b"application/json")
_TAKEN: Final = b"content-length: %b\r\ncontent-type: application/json\r\n"
_NAMED: Final = {name.lower().encode(): name for name in _FIELDS}


class Application(FastAPI):
    """The framework's application with the most frequent requests' own ways in front."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._express = Express(self.exception_handlers)
        self._pages = QuickPages(self.exception_handlers)
        self._readings = QuickReadings(self.exception_handlers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        method = scope["method"] if scope["type"] == "http" else ""
        if method == "POST" and (found := _BATCHES.fullmatch(scope["path"])) is not None:
            scope["app"] = self
            await self._express(found[1], scope, receive, send)
        elif method == "POST" and scope["path"] == READINGS:
            scope["app"] = self
            await self._readings(scope, receive, send)
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
        house: Rooms = scope["app"].state.rooms
        if (barred := reason(house.guards, scope)) is not None:
            await bar(house.guards, scope, send, barred)
            return
        ingest, said = house.collector.ingest, _said(scope)
        lane = lane_of(said.get(LANE, ""))
        posted = Posted(stream, scope, receive, said, lane)
        refusal = await ingest.admission.arrive(lane)
        try:
            if refusal is None:
                await self._delivered(house, posted, send)
                return
        finally:
            ingest.admission.depart(lane)
        await turn_back(ingest, refusal, send)

    async def _delivered(self, house: Rooms, posted: Posted, send: Send) -> None:
        scope = posted.scope
        try:
            told = await deliver(house, (await self._who(house, posted)).name, posted)
        except Exception as exc:
            handler, known = handler_of(self._handlers, exc)
            answer = self._envelope.open(scope, send)
            response = await handler(QuickRequest(scope, posted.receive), exc)
            await response(scope, posted.receive, answer.send if known else send)
            if not known:
                raise
            return
        if told.status != 200 or told.headers:
            answer = self._envelope.open(scope, send)
            await told.response()(scope, posted.receive, answer.send)
            return
        # The envelope adds nothing to it.
        size = b"%d" % len(told.content)
        if not at_once(send, _TAKEN % size, told.content):
            await say(send, [(b"content-length", size), _JSON], told.content)

    async def _who(self, house: Rooms, posted: Posted) -> Principal:
        """Ask what every route asks of a caller; who does not sign is asked as there."""
        guards, scope = house.guards, posted.scope
        try:
            who = await signer_of(house, scope, posted.said)
        except SignatureRefused as refusal:
            self._access.turn_down(guards, scope, refusal)
        if who is None:
            return await self._access(QuickRequest(scope, posted.receive))
        self._access.let_in(guards, scope, who)
        return who


def _said(scope: Scope) -> dict[str, str]:
    """Return the fields that count here; of one given twice the first, as ever."""
    named = _NAMED
    return {
        named[name]: value.decode("latin-1")
        for name, value in reversed(scope["headers"])
        if name in named
    }
