"""One batch request: handed to the collector, timed, and answered in the wire's own shape."""

import re
from types import TracebackType
from typing import Final, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from central.api.body import declared, receive
from central.api.errors import turned_away
from central.api.rooms import Rooms
from central.api.signed import sealed, signed_of
from central.collector import Collector
from central.ingest.request import IngestRequest
from protocols.clock import real_monotonic
from protocols.errors import IngestError
from protocols.wire.answer import Answer, encode_answer
from protocols.wire.bounds import REQUEST_BYTES
from protocols.wire.headers import CHAIN, CLOCK, CONTENT_DIGEST, LANE, NONCE
from protocols.words import Lane

_HEX128: Final = re.compile(r"[0-9a-f]{32}")
_LANES: Final = frozenset({"alarm", "live", "backfill"})
_AGAIN: Final = frozenset({429, 503})
RETRY_MS: Final = 1000
"""What a gateway that came at a bad moment waits when the refusal does not say."""


class Delivered(NamedTuple):
    """What a request for batches is answered."""

    status: int
    headers: dict[str, str]
    content: bytes

    def response(self) -> Response:
        """Return it as the framework's own."""
        return Response(self.content, self.status, self.headers, media_type="application/json")


async def deliver(house: Rooms, gateway: str, stream: str, request: Request) -> Delivered:
    """Return the collector's answer; a refusal keeps everything at the gateway."""
    said, ingest = request.headers, house.collector.ingest
    lane, nonce = said.get(LANE, ""), said.get(NONCE, "")
    begun, arrived, size = real_monotonic(), house.collector.clock.now(), 0
    try:
        async with Admitted(house, gateway, request, REQUEST_BYTES) as body:
            size = len(body)
            asked = IngestRequest(
                body=body,
                encoding=said.get("content-encoding", ""),
                content_digest=said.get(CONTENT_DIGEST, ""),
                chain=said.get(CHAIN, ""),
                clock=said.get(CLOCK, ""),
                lane=lane,
                nonce=nonce,
                signed=signed_of(request),
                arrived=arrived,
            )
            answer, status = await ingest.post_batches(gateway, stream, asked), 200
    except IngestError as refusal:
        if not (_HEX128.fullmatch(stream) and _HEX128.fullmatch(nonce)):
            raise  # no answer of ours can be told from another without these two
        credit = ingest.admission.credit(gateway) if refusal.status in _AGAIN else 0
        answer = refusal_answer(house.collector, stream, nonce, refusal, credit)
        status = refusal.status
        turned_away(request, status, refusal.code, refusal.params)
    house.metrics.delivered(lane if lane in _LANES else "unknown", size, real_monotonic() - begun)
    headers = {"Retry-After": str(-(-answer.retry_after_ms // 1000))} if status in _AGAIN else {}
    if status == 408:
        headers["Connection"] = "close"  # the rest of the body is not read
    return Delivered(status, headers, sealed(house, request, encode_answer(answer)))


class Admitted:
    """Lets a request in by its lane; the context gives its body, received within `limit` bytes.

    Raises IngestError, counted, before anything of the body was held: BUSY, CREDIT, TOO_LARGE.
    """

    __slots__ = ("_ingest", "_limit", "_place", "_request")

    def __init__(self, house: Rooms, gateway: str, request: Request, limit: int) -> None:
        self._ingest = house.collector.ingest
        self._request = request
        self._limit = limit
        lane = request.headers.get(LANE, "")
        self._place = self._ingest.admission.enter(gateway, lane, declared(request))

    async def __aenter__(self) -> bytes:
        place, admission = self._place, self._ingest.admission
        with self._ingest.figures.refusing():
            await place.__aenter__()
            try:
                pressed = admission.pressed if place.lane is Lane.ALARM else _never
                return await receive(self._request, self._limit, pressed)
            except BaseException:
                await admission.leave(place)
                raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._ingest.admission.leave(self._place)


def _never() -> bool:
    return False


def refusal_answer(
    collector: Collector, stream: str, nonce: str, refusal: IngestError, credit: int = 0
) -> Answer:
    """Return what a refused batch request is answered; it lets nobody forget anything."""
    params = dict(refusal.params)
    expected, wait = params.pop("expected", None), params.pop("retry_after_ms", RETRY_MS)
    # Without a known cursor nothing is stated as held: a refusal lets nobody forget.
    held = expected - 1 if isinstance(expected, int) else 0
    return Answer(
        stream=stream,
        committed=held,
        safe=min(refusal.safe, held),
        incarnation=collector.db.incarnation,
        credit=credit,
        retry_after_ms=int(wait or 0) if refusal.status in _AGAIN else 0,
        now=collector.clock.now(),
        nonce=nonce,
        code=refusal.code,
        params=params,
        expected=expected if isinstance(expected, int) else None,
    )
