"""The way between a real gateway's exchange and a real collector's ingest, without a socket.

What a network does to requests is decided one by one: `faults` holds what happens to the next ones.
"""

import asyncio
from collections import deque
from collections.abc import Coroutine, Mapping
from enum import Enum, auto
from typing import Any, TypeVar

from central.api.delivery import refusal_answer
from central.collector import Collector
from central.ingest.request import IngestRequest, Sent
from edge.pace import Transfer
from edge.uplink_http import Reply
from protocols.errors import IngestError, UplinkUnavailable
from protocols.wire.answer import encode_answer
from protocols.wire.cursors import encode_cursors
from protocols.wire.headers import CHAIN, CLOCK, CONTENT_DIGEST, LANE, NONCE

T = TypeVar("T")


class Fault(Enum):
    """What becomes of a request."""

    LOST = auto()
    UNANSWERED = auto()
    TWICE = auto()


class Way:
    """Stands where `edge.uplink_http.Connection` stands; called in the exchange's thread."""

    patience = 60.0

    def __init__(self, loop: asyncio.AbstractEventLoop, gateway: str) -> None:
        self.collector: Collector | None = None
        self.faults: deque[Fault] = deque()
        self._loop = loop
        self._gateway = gateway

    def request(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> Reply:
        fault = self.faults.popleft() if self.faults else None
        if fault is Fault.LOST or self.collector is None:
            raise UplinkUnavailable(url="direct", reason="lost")
        reply = self._ask(method, path, body, headers or {})
        if fault is Fault.TWICE:
            reply = self._ask(method, path, body, headers or {})
        if fault is Fault.UNANSWERED:
            raise UplinkUnavailable(url="direct", reason="unanswered")
        return reply

    def vouch(self, data: bytes) -> bool:
        """Nobody's key is known here: answers count as they are."""
        return False

    def abort(self) -> None: ...

    def close(self) -> None: ...

    def _ask(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        status, answer = self._wait(self._handle(method, path.split("/"), body, headers))
        return Reply(
            status=status,
            body=answer,
            transfer=Transfer(bytes=len(body), took=0.0, sending=0.0, queued=0),
        )

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(self.patience)

    async def _handle(
        self, method: str, path: list[str], body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        assert self.collector is not None
        ingest, who = self.collector.ingest, self._gateway
        match method, path:
            case "PUT", ["manifests", digest]:
                work = ingest.put_manifest(who, digest, body, headers["Content-Encoding"])
            case "PUT", ["streams", stream]:
                work = ingest.put_stream(who, stream, body, Sent(clock=headers[CLOCK]))
            case "POST", ["streams", stream, "batches"]:
                return await self._batches(stream, body, headers)
            case "POST", ["cursors"]:
                return 200, encode_cursors(await ingest.cursors(who, body, headers[NONCE]))
            case _:
                raise AssertionError(f"{method} {path}")
        try:
            await work
        except IngestError as exc:
            return exc.status, f'{{"code":"{exc.code}"}}'.encode()
        return 200, b""

    async def _batches(
        self, stream: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        assert self.collector is not None
        asked = IngestRequest(
            body=body,
            encoding=headers["Content-Encoding"],
            content_digest=headers[CONTENT_DIGEST],
            chain=headers[CHAIN],
            clock=headers[CLOCK],
            lane=headers[LANE],
            nonce=headers[NONCE],
        )
        try:
            answer = await self.collector.ingest.post_batches(self._gateway, stream, asked)
        except IngestError as exc:
            return exc.status, encode_answer(
                refusal_answer(self.collector, stream, asked.nonce, exc)
            )
        return 200, encode_answer(answer)
