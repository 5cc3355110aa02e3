"""Around every request: an id, a limit on the body counted while it arrives, strict headers.

The limit holds whatever `Content-Length` says and also for chunked bodies: the bytes are counted as
they come. The content security policy allows our own files only, no inline script and no inline
style attribute. A gateway is no browser and pays for each byte: unless it is refused, it is
answered only what docs/wire.md says.
"""

import itertools
import json
import re
import secrets
from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from central.api.body import bounded

JSON_LIMIT: Final = 1024 * 1024
INGEST_PATH: Final = "/api/v1/ingest/"
_OWN_BOUNDS: Final = re.compile(r"/api/v1/(ingest/.*|readings|virtual-gateways/[^/]*/manifest)")
"""Bounded and counted where they are received (`central.api.body`)."""

SECURE: Final[dict[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "font-src 'self' data:; connect-src 'self'; manifest-src 'self'; worker-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_SECURE: Final = [(name.lower().encode(), value.encode()) for name, value in SECURE.items()]
_OURS: Final = frozenset(
    {*(name for name, _ in _SECURE), b"x-request-id", b"strict-transport-security"}
)
"""What a route says of these itself does not count."""
_JSON: Final = (
    b"content-length: %%d\r\ncontent-type: application/json\r\n%bx-request-id: %%b\r\n%b"
    % (
        b"".join(b"%b: %b\r\n" % field for field in _SECURE),
        b"cache-control: no-store\r\n%b",
    )
)
_STRICT: Final = b"strict-transport-security: max-age=31536000\r\n"


class BodyTooLarge(HTTPException):
    """More bytes came than the path allows.

    An HTTPException because the framework turns every other error in a body into a 400.
    """

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(413)
        self.params = {"size": size, "limit": limit}


class BodyTooSlow(HTTPException):
    """The body stopped coming, or came so slowly that it held a place for nothing."""

    def __init__(self, size: int) -> None:
        super().__init__(408, headers={"Connection": "close"})
        self.params = {"size": size}


class Envelope:
    """The outermost of our own ASGI layers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        # Finds a request in the log and hides nothing: new randomness for each would cost more.
        self._start = secrets.token_hex(4)
        self._count = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer = self.open(scope, send)
        if _OWN_BOUNDS.fullmatch(scope["path"]):
            await self.app(scope, receive, answer.send)
        elif (size := _declared(scope)) > JSON_LIMIT:
            await _too_large(scope, BodyTooLarge(size, JSON_LIMIT), answer)
        else:
            await self.app(scope, bounded(receive, JSON_LIMIT, _refusal), answer.send)

    def open(self, scope: Scope, send: Send) -> "Answering":
        """Give a request its id; return what adds the headers to its answer."""
        scope["request_id"] = f"{self._start}{next(self._count) & 0xFFFFFFFF:08x}"
        return Answering(scope, send)


class Answering:
    """Adds the headers to whatever goes out."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send

    async def send(self, message: Message) -> None:
        """Send a message of the answer."""
        machine = self._scope["path"].startswith(INGEST_PATH) and message.get("status") == 200
        if message["type"] == "http.response.start" and not machine:
            message["headers"] = self.added(list(message.get("headers", ())))
        await self._send(message)

    def lines(self, size: int) -> bytes:
        """Return the header lines of JSON of that size: what `added` makes of length and type."""
        strict = _STRICT if self._scope["scheme"] == "https" else b""
        return _JSON % (size, self._scope["request_id"].encode(), strict)

    def added(self, fields: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """Return the fields of an answer with what every answer says."""
        names = {name.lower() for name, _ in fields}
        if not names.isdisjoint(_OURS):
            fields = [field for field in fields if field[0].lower() not in _OURS]
        fields += _SECURE
        fields.append((b"x-request-id", self._scope["request_id"].encode()))
        if b"cache-control" not in names:
            fields.append((b"cache-control", b"no-store"))
        if self._scope["scheme"] == "https":
            fields.append((b"strict-transport-security", b"max-age=31536000"))
        return fields


def _declared(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


def _refusal(status: int, size: int) -> HTTPException:
    return BodyTooSlow(size) if status == 408 else BodyTooLarge(size, JSON_LIMIT)


async def _too_large(scope: Scope, found: BodyTooLarge, answer: Answering) -> None:
    scope["app"].state.rooms.guards.turned_away(scope, 413, "TOO_LARGE", found.params)
    error = {"code": "TOO_LARGE", "params": found.params, "request": scope["request_id"]}
    content = json.dumps(error).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
        # The rest of the body is not read.
        (b"connection", b"close"),
    ]
    await answer.send({"type": "http.response.start", "status": 413, "headers": headers})
    await answer.send({"type": "http.response.body", "body": content})
