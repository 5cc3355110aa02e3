"""One batch request: handed to the collector, timed, and answered in the wire's own shape."""

import re
from typing import Final

from starlette.responses import Response

from central.api.rooms import Rooms
from central.collector import Collector
from central.ingest.request import IngestRequest
from protocols.clock import real_monotonic
from protocols.errors import IngestError
from protocols.wire.answer import Answer, encode_answer

_HEX128: Final = re.compile(r"[0-9a-f]{32}")
_LANES: Final = frozenset({"alarm", "live", "backfill"})
_AGAIN: Final = frozenset({429, 503})
RETRY_MS: Final = 1000
"""What a gateway that came at a bad moment waits when the refusal does not say."""


async def deliver(house: Rooms, gateway: str, stream: str, asked: IngestRequest) -> Response:
    """Return the collector's answer; a refusal keeps everything at the gateway."""
    lane = asked.lane if asked.lane in _LANES else "unknown"
    begun = real_monotonic()
    try:
        answer = await house.collector.ingest.post_batches(gateway, stream, asked)
        status = 200
    except IngestError as refusal:
        if not (_HEX128.fullmatch(stream) and _HEX128.fullmatch(asked.nonce)):
            raise  # no answer of ours can be told from another without these two
        answer, status = (
            refusal_answer(house.collector, stream, asked.nonce, refusal),
            refusal.status,
        )
    house.metrics.delivered(lane, len(asked.body), real_monotonic() - begun)
    headers = {"Retry-After": str(-(-answer.retry_after_ms // 1000))} if status in _AGAIN else {}
    return Response(encode_answer(answer), status, headers, media_type="application/json")


def refusal_answer(collector: Collector, stream: str, nonce: str, refusal: IngestError) -> Answer:
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
        credit=0,
        retry_after_ms=int(wait or 0) if refusal.status in _AGAIN else 0,
        now=collector.clock.now(),
        nonce=nonce,
        code=refusal.code,
        params=params,
        expected=expected if isinstance(expected, int) else None,
    )
