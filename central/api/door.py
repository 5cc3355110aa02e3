"""The first look at a gateway's request: what has no chance now is told so before any work is done.

A thousand gateways that come back at once send backlogs again and again; saying "later" has to cost
next to nothing, or no time is left for their alarms. Whose request it is does not matter here: who
is let past is asked for its token as ever.
"""

import json
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from central.api.headers import INGEST_PATH
from protocols.errors import IngestError
from protocols.wire.headers import LANE

if TYPE_CHECKING:
    from central.ingest.gate import Ingest


class Door:
    """The outermost ASGI layer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or not _is_data(scope):
            await self.app(scope, receive, send)
            return
        ingest = scope["app"].state.rooms.collector.ingest
        lane = lane_said(Headers(scope=scope))
        async with ingest.admission.approach(lane) as refusal:
            if refusal is None:
                await self.app(scope, receive, send)
                return
        await turn_back(ingest, refusal, send)


def lane_said(headers: Headers) -> str:
    """Return the lane a request says it is of."""
    return headers.get(LANE, "")


async def turn_back(ingest: "Ingest", refusal: IngestError, send: Send) -> None:
    """Answer, and count, what has no chance now."""
    ingest.figures.requests += 1
    ingest.figures.refused[refusal.code] += 1
    wait = int(refusal.params.get("retry_after_ms") or 0)
    content = json.dumps({"code": refusal.code, "params": refusal.params}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(content)),
        (b"retry-after", b"%d" % -(-wait // 1000)),
    ]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def _is_data(scope: Scope) -> bool:
    """Streams and manifests are data; health and questions are not."""
    path: str = scope["path"]
    return path.startswith(INGEST_PATH) and path[len(INGEST_PATH) :].startswith(
        ("streams/", "manifests/")
    )
