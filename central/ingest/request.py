"""A batch request, taken apart without touching the database; nothing in it is trusted yet."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

from central.evidence.heads import SignedRequest
from central.wire.columns import BatchColumns
from central.wire.decoding import decode_columns
from protocols.errors import IngestError, WireError
from protocols.wire.batch import (
    BatchKind,
    EventsBatch,
    SkipBatch,
    decode_events,
    decode_skip,
    read_header,
)
from protocols.wire.bounds import INFLATED_BYTES, REQUEST_BATCHES, REQUEST_BYTES
from protocols.wire.chain import digest
from protocols.wire.header import Header
from protocols.wire.headers import ClockReport
from protocols.wire.request import (
    parse_chain,
    parse_clock,
    parse_content_digest,
    parse_nonce,
    unpack,
)
from protocols.words import Lane

Content = BatchColumns | EventsBatch | SkipBatch


@dataclass(slots=True, kw_only=True)
class IngestRequest:
    """The body and the header fields as they came; `lane` is alarm, live or backfill. Not changed.

    `arrived`: when the fields were here, the body not yet (µs UTC); None: the same moment.
    """

    body: bytes
    encoding: str
    content_digest: str
    chain: str
    clock: str
    lane: str
    nonce: str
    signed: SignedRequest | None = None
    """What was verified of it; None from a gateway without a key."""
    arrived: int | None = None


class Sent(NamedTuple):
    """How a manifest or an opening record was sent; the fields as they came, "" where not there.

    `signed`, `arrived`: as in `IngestRequest`. `heard`: False where it is not the gateway itself
    that speaks.
    """

    lane: str = ""
    signed: SignedRequest | None = None
    clock: str = ""
    arrived: int | None = None
    heard: bool = True


SENT: Final = Sent()
"""Patiently, unsigned, and with nothing said of clocks."""


@dataclass(slots=True)
class Sealed:
    """One batch: its canonical bytes, their digest, and its content, or why there is none.

    Not changed.
    """

    raw: bytes
    digest: bytes
    header: Header
    content: Content | WireError


class Proof(NamedTuple):
    """The chain's head `before` the last batches of a request, and after each of them."""

    before: bytes
    heads: list[bytes]


@dataclass(slots=True, kw_only=True)
class Prepared:
    """Consecutive batches; the sender states that the chain's head after them is `head`.

    Not changed.
    """

    batches: list[Sealed]
    head: bytes
    clock: ClockReport
    lane: Lane
    nonce: str
    signed: SignedRequest | None = None
    arrived: int | None = None
    proved: Proof | None = None
    """Of what is left of a request whose first part is committed."""

    @property
    def first(self) -> int:
        """The first sequence number."""
        return self.batches[0].header.seq0

    @property
    def last(self) -> int:
        """The last sequence number."""
        return self.batches[-1].header.last


_DECODE: Final[dict[BatchKind, Callable[[bytes, Header, int], Content]]] = {
    BatchKind.READINGS: decode_columns,
    BatchKind.EVENTS: decode_events,
    BatchKind.SKIP: decode_skip,
}


_LANES: Final = {"": Lane.BACKFILL} | {lane.name.lower(): lane for lane in Lane}
SMALL: Final = 16 << 10
"""Bytes of a body that is taken apart where it was received: a thread of its own costs more ..."""
INFLATED_SMALL: Final = 256 << 10
"""... if it inflates to no more than this ..."""
BATCHES_SMALL: Final = 4
"""... and holds no more batches: thousands of them may be a small body too."""


def prepare_small(request: IngestRequest) -> Prepared | None:
    """Take a request apart if that is done in no time, else return None. Raises as `prepare`."""
    if len(request.body) > SMALL:
        return None
    try:
        return prepare(request, INFLATED_SMALL, BATCHES_SMALL)
    except IngestError as exc:
        if exc.code != "TOO_LARGE":
            raise
        return None


def prepare(
    request: IngestRequest, limit: int = INFLATED_BYTES, most: int = REQUEST_BATCHES
) -> Prepared:
    """Take a request apart. Raises IngestError TOO_LARGE, DIGEST, CHAIN or WIRE.

    `limit`: bytes it may inflate to; `most`: batches it may hold.
    """
    if len(request.body) > REQUEST_BYTES:
        raise IngestError("TOO_LARGE", 413, size=len(request.body), limit=REQUEST_BYTES)
    try:
        if parse_content_digest(request.content_digest) != digest(request.body):
            raise IngestError("DIGEST", 400)
        seq, head = parse_chain(request.chain)
        prepared = Prepared(
            batches=list(map(_open, _raws(request, limit, most))),
            head=head,
            clock=parse_clock(request.clock),
            lane=_lane(request.lane),
            nonce=parse_nonce(request.nonce),
            signed=request.signed,
            arrived=request.arrived,
        )
    except WireError as exc:
        raise refused(exc) from exc
    if len(prepared.batches) > 1:
        _check_consecutive(prepared)
    if prepared.last != seq:
        raise IngestError("CHAIN", 400, stated=seq, last=prepared.last)
    return prepared


def refused(exc: WireError) -> IngestError:
    """Return what a gateway is told about bytes that are not the format."""
    if exc.code == "WIRE_TOO_LARGE":
        return IngestError("TOO_LARGE", 413, **exc.params)
    return IngestError("WIRE", 400, reason=exc.code, **exc.params)


def _raws(request: IngestRequest, limit: int, most: int) -> list[bytes]:
    raws = unpack(request.body, request.encoding, limit)
    if len(raws) > most:
        raise WireError("WIRE_TOO_LARGE", where="batches", limit=most)
    return raws


def _open(raw: bytes) -> Sealed:
    header, at = read_header(raw)
    try:
        content: Content | WireError = _DECODE[header.kind](raw, header, at)
    except WireError as exc:
        # Its place may still be proved by the chain: then it is put aside whole.
        content = exc
    return Sealed(raw, digest(raw), header, content)


def _lane(text: str) -> Lane:
    """Return what admission went by too; without a lane a request is backfill."""
    lane = _LANES.get(text)
    if lane is None:
        raise WireError("WIRE_HEADER", where="Fengsui-Lane")
    return lane


def _check_consecutive(prepared: Prepared) -> None:
    headers = [batch.header for batch in prepared.batches]
    for before, after in pairwise(headers):
        if after.seq0 != before.last + 1:
            raise IngestError("WIRE", 400, reason="NOT_CONSECUTIVE", seq0=after.seq0)
