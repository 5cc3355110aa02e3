"""The outermost layer: paths with a second meaning and strangers in a crowd go no further.

For a gateway's request it looks at the path once and nothing else: who it is will be proved, and it
is counted by that.
"""

import json
from math import ceil
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from central.api.access import OPEN
from central.api.headers import INGEST_PATH
from central.guard.guards import Guards
from central.guard.targets import trick
from protocols.words import Value

API: Final = "/api/"


class Threshold:
    """Stands before the door and the envelope."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if await stopped(scope, send):
            return
        if not scope["path"].startswith(INGEST_PATH) and (wait := _wait(scope)) > 0:
            seconds: dict[str, Value] = {"seconds": ceil(wait)}
            await _refuse(_guards(scope), scope, send, (429, "TOO_MANY"), seconds)
            return
        await self.app(scope, receive, send)


async def stopped(scope: Scope, send: Send) -> bool:
    """Say whom a request speaks for; refuse a path with a second meaning and return True."""
    guards = _guards(scope)
    if (barred := reason(guards, scope)) is None:
        return False
    await bar(guards, scope, send, barred)
    return True


def reason(guards: Guards, scope: Scope) -> str | None:
    """Say whom a request speaks for; return why its path is refused, None when it is not."""
    guards.proxies.apply(scope)
    return trick(scope.get("raw_path", b""), scope["query_string"])


async def bar(guards: Guards, scope: Scope, send: Send, reason: str) -> None:
    """Refuse a path with a second meaning."""
    status = 414 if reason == "LONG" else 400
    await _refuse(guards, scope, send, (status, "TARGET_REFUSED"), {"reason": reason})


def _guards(scope: Scope) -> Guards:
    guards: Guards = scope["app"].state.rooms.guards
    return guards


def _wait(scope: Scope) -> float:
    """Count what asks for no proof; return the seconds it has to wait."""
    path: str = scope["path"]
    if not path.startswith(API):
        return _guards(scope).visitor(scope, login=False)
    if (scope["method"], path) in OPEN:
        return _guards(scope).visitor(scope, login=True)
    return 0.0


async def _refuse(
    guards: Guards, scope: Scope, send: Send, refusal: tuple[int, str], params: dict[str, Value]
) -> None:
    status, code = refusal
    guards.turned_away(scope, status, code)
    content = json.dumps({"code": code, "params": params, "request": ""}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(content)),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        # What follows may be as crooked: nothing more is read from this connection.
        *([(b"connection", b"close")] if status != 429 else []),
        *([(b"retry-after", b"%d" % int(str(params["seconds"])))] if "seconds" in params else []),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
