"""One batch request: handed to the collector, timed, and answered in the wire's own shape."""

import re
from collections.abc import Mapping
from types import TracebackType
from typing import Final, NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope

from central.api.body import received, stated
from central.api.rooms import Rooms
from central.api.signed import SIGNED
from central.collector import Collector
from central.ingest.gate import Ingest
from central.ingest.request import IngestRequest
from central.ingest.under_way import Place
from protocols.clock import real_monotonic
from protocols.errors import IngestError
from protocols.signing.answer import signed
from protocols.wire.answer import Answer, encode_answer
from protocols.wire.bounds import REQUEST_BYTES
from protocols.wire.headers import CHAIN, CLOCK, CONTENT_DIGEST, LANE, NONCE
from protocols.wire.rule_talk import HINT
from protocols.words import Lane

ENCODING: Final = "content-encoding"
LENGTH: Final = "content-length"
_NO_FIELDS: Final[dict[str, str]] = {}
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


class Posted(NamedTuple):
    """A request for batches: what it `said` is its header fields by their names as here written."""

    stream: str
    scope: Scope
    receive: Receive
    said: Mapping[str, str]
    lane: Lane


async def deliver(house: Rooms, gateway: str, posted: Posted) -> Delivered:
    """Return the collector's answer; a refusal keeps everything at the gateway."""
    stream, scope, receive, said, order = posted
    collector, signer = house.collector, scope.get(SIGNED)
    ingest, field = collector.ingest, said.get
    lane, nonce = field(LANE, ""), field(NONCE, "")
    begun, arrived, size = real_monotonic(), collector.clock.now(), 0
    place = Place(ingest.admission, gateway, order, stated(field(LENGTH)))
    try:
        body = await _taken(ingest, place, receive, REQUEST_BYTES)
        size = len(body)
        asked = IngestRequest(
            body=body,
            encoding=field(ENCODING, ""),
            content_digest=field(CONTENT_DIGEST, ""),
            chain=field(CHAIN, ""),
            clock=field(CLOCK, ""),
            lane=lane,
            nonce=nonce,
            signed=signer,
            arrived=arrived,
        )
        try:
            answer, status = await ingest.post_batches(gateway, stream, asked), 200
        finally:
            if order is Lane.ALARM:
                await ingest.admission.leave(place)
            else:
                ingest.admission.leave_at_once(place)
    except IngestError as refusal:
        if not (_HEX128.fullmatch(stream) and _HEX128.fullmatch(nonce)):
            raise  # no answer of ours can be told from another without these two
        credit = ingest.admission.credit(gateway) if refusal.status in _AGAIN else 0
        answer = refusal_answer(collector, stream, nonce, refusal, credit)
        status = refusal.status
        house.guards.turned_away(scope, status, refusal.code, refusal.params)
    house.metrics.delivered(lane if lane in _LANES else "unknown", size, real_monotonic() - begun)
    content = encode_answer(answer)
    if signer is not None:
        content = signed(content, collector.signer)
    if status != 200:
        return Delivered(status, _fields(status, answer), content)
    news = house.guidance.news(gateway)
    return Delivered(status, {HINT: news} if news else _NO_FIELDS, content)


def _fields(status: int, answer: Answer) -> dict[str, str]:
    headers = {"Retry-After": str(-(-answer.retry_after_ms // 1000))} if status in _AGAIN else {}
    if status == 408:
        headers["Connection"] = "close"  # the rest of the body is not read
    return headers


class Admitted:
    """Lets a request in by its lane; the context gives its body, received within `limit` bytes.

    Raises IngestError, counted, before anything of the body was held: BUSY, CREDIT, TOO_LARGE.
    """

    __slots__ = ("_ingest", "_limit", "_place", "_receive")

    def __init__(self, house: Rooms, gateway: str, request: Request, limit: int) -> None:
        said, self._ingest = request.headers, house.collector.ingest
        length = stated(said.get(LENGTH))
        self._place = self._ingest.admission.enter(gateway, said.get(LANE, ""), length)
        self._receive = request.receive
        self._limit = limit

    async def __aenter__(self) -> bytes:
        return await _taken(self._ingest, self._place, self._receive, self._limit)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._ingest.admission.leave(self._place)


async def _taken(ingest: Ingest, place: Place, receive: Receive, limit: int) -> bytes:
    admission, pressed = ingest.admission, _never
    try:
        if place.lane is Lane.ALARM:
            await admission.take(place)
            pressed = admission.pressed
        else:
            admission.take_at_once(place)
        return await received(receive, place.stated, limit, pressed)
    except BaseException as exc:
        await admission.leave(place)
        if isinstance(exc, IngestError):
            ingest.figures.refused[exc.code] += 1
        raise


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
