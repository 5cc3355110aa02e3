"""Receives the body of a gateway's request: counted as it comes, never held beyond its bound."""

import asyncio
from typing import Final

from starlette.requests import Request

from protocols.clock import real_monotonic
from protocols.errors import IngestError

SILENCE: Final = 30.0
"""Real seconds between two pieces of a body."""
WHOLE: Final = 300.0
"""Real seconds for all of it: 1 MiB at 30 kbit/s."""


def declared(request: Request) -> int | None:
    """Return the size the request states (None: it comes in chunks)."""
    stated = request.headers.get("content-length", "")
    return int(stated) if stated.isdecimal() else None


async def receive(request: Request, limit: int) -> bytes:
    """Return the body. Raises IngestError TOO_LARGE (413) above `limit` bytes, SLOW (408)."""
    size = declared(request) or 0
    if size > limit:
        raise IngestError("TOO_LARGE", 413, size=size, limit=limit)
    pieces: list[bytes] = []
    size, end = 0, real_monotonic() + WHOLE
    stream = request.stream()
    while True:
        try:
            async with asyncio.timeout(min(SILENCE, max(0.0, end - real_monotonic()))):
                piece = await anext(stream, None)
        except TimeoutError as exc:
            raise IngestError("SLOW", 408, size=size) from exc
        if piece is None:
            return b"".join(pieces)
        size += len(piece)
        if size > limit:
            raise IngestError("TOO_LARGE", 413, size=size, limit=limit)
        pieces.append(piece)
