"""HTTP of one connection, with the bounds uvicorn does not set: on headers, trailers and silence.

A header has a size, a number of fields and a time; so have trailers and the wrapping of chunks,
which nobody's body limit sees. What cannot be parsed (two lengths, a length beside chunks, a line
that is no request) is refused by llhttp and counted here. A path has one spelling
(`central.guard.targets`): any other is refused before a route sees it. Costs some microseconds a
request.
"""

import asyncio
import json
from typing import Any, Final

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from central.guard.connections import Connection, Stage
from central.guard.guards import CONNECTION, Guards
from central.guard.source import source_of
from protocols.errors import FengsuiError

HEADER_BYTES: Final = 32 * 1024
"""Of one request with its line; cookies and proofs of ours take some hundred."""
HEADER_FIELDS: Final = 100
SLACK: Final = 64 * 1024
WRAPPING: Final = 8
"""Bytes on the wire for one of a chunked body: a chunk of a single byte takes six."""
PIPELINE: Final = 16
"""Requests sent before their answers are read; our own callers send one."""


class _Refused(FengsuiError):
    """A header that is not taken."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status


class GuardedProtocol(HttpToolsProtocol):
    """One connection. Made by uvicorn through a partial with the first argument."""

    def __init__(
        self,
        guards: Guards,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        handshake: Connection | None = None,
    ) -> None:
        """`handshake`: what the watch knew of the connection until now."""
        super().__init__(config, server_state, app_state, _loop)
        self._handshake = handshake
        self._guards = guards
        self._watch = guards.connections
        self.source = ""
        self.proven = self.suspect = False
        self.stage = Stage.HEAD
        self.since = self._watch.now()
        self._wire = self._body = self._piece = self._told_at = 0

    # What the watch asks

    @property
    def answered(self) -> bool:
        """Whether no request is being worked on."""
        return self.cycle is None or self.cycle.response_complete

    @property
    def drained(self) -> int:
        """Bytes of a body that came after its answer."""
        return self._body - self._told_at

    def unread(self) -> int:
        """Return the bytes of an answer that the other side does not take."""
        if self.flow is None or not self.flow.write_paused:
            return 0
        return self.transport.get_write_buffer_size()

    def cut(self, code: str) -> None:
        """Close now, with a word where one can still be said."""
        self._guards.cut_off(code, self.source)
        self._watch.lost(self)
        if code == "HEADERS_SLOW" and self.answered:
            self._say(408, code)
        else:
            self.transport.abort()

    def prove(self) -> None:
        """Somebody known speaks here."""
        self.proven = True
        self._watch.proved(self)

    # What asyncio calls

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.source = source_of(self.client[0]) if self.client else ""
        self.since = self._watch.now()
        if self._handshake is not None:
            self._watch.lost(self._handshake)
            self._handshake = None
        self._watch.made(self)
        if self.client and self._guards.proxies.named(self.client[0]):
            self.prove()  # whom it speaks for is counted by each request

    def connection_lost(self, exc: Exception | None) -> None:
        self._watch.lost(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        if self.parser is None or self.transport.is_closing():
            return
        if self.stage is Stage.REST:
            self._enter(Stage.HEAD)
        self._piece = len(data)
        self._wire += self._piece
        try:
            self.parser.feed_data(data)
            if self.stage is not Stage.REST and self._wire > HEADER_BYTES:
                self._bounded()
        except httptools.HttpParserUpgrade:
            pass  # nobody here speaks anything else; the request itself is answered as it is
        except _Refused as found:
            self._refuse(found.status, found.code)
        except httptools.HttpParserError as exc:
            inner = exc.__context__
            if isinstance(inner, _Refused):
                self._refuse(inner.status, inner.code)
            else:
                self._refuse(400, "HTTP_MALFORMED")

    # What the parser calls

    def on_message_begin(self) -> None:
        if self.stage is not Stage.HEAD:
            self._enter(Stage.HEAD)  # one that came with the end of the last
        self._wire, self._body, self._told_at = self._piece, 0, 0
        super().on_message_begin()
        self.scope[CONNECTION] = self  # type: ignore[typeddict-unknown-key]

    def on_headers_complete(self) -> None:
        if self._wire > HEADER_BYTES:
            size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
            if size > HEADER_BYTES:
                raise _Refused(431, "HEADERS_TOO_LARGE")
        if len(self.headers) > HEADER_FIELDS or len(self.pipeline) >= PIPELINE:
            raise _Refused(431, "HEADERS_TOO_LARGE")
        self.stage = Stage.BODY
        super().on_headers_complete()
        # A trailer is no header: it would speak after the request was judged.
        self.headers = []

    def on_body(self, body: bytes) -> None:
        self._body += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self.stage, self.suspect = Stage.REST, False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        if self.stage is Stage.BODY:
            self.since, self._told_at = self._watch.now(), self._body
        super().on_response_complete()

    def _enter(self, stage: Stage) -> None:
        self.stage, self.since, self.suspect, self._wire = stage, self._watch.now(), False, 0

    def _bounded(self) -> None:
        """Refuse a header, or the wrapping of a body, that grows on and on."""
        if self.stage is Stage.HEAD:
            raise _Refused(431, "HEADERS_TOO_LARGE")
        if self._wire > SLACK + WRAPPING * self._body + HEADER_BYTES:
            raise _Refused(400, "HTTP_MALFORMED")

    def _refuse(self, status: int, code: str) -> None:
        self._guards.cut_off(code, self.source)
        if self.answered:
            self._say(status, code)
        else:
            self.transport.close()

    def _say(self, status: int, code: str) -> None:
        """Answer where no request is: in the one shape of an error, then close."""
        content = json.dumps({"code": code, "params": {}, "request": ""}).encode()
        head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
        self.transport.write(STATUS_LINE[status] + head % len(content) + content)
        self.transport.close()
