"""A request as a stream of its own, minted at the centre, so that it goes the way of every stream.

stream = hash(token, Idempotency-Key): the same key is the same stream, whose numbers are taken or
not. Its readings carry their source's time, so nothing of it is ever placed anew.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Final

import numpy as np

from central.door.judging import Accepted, Points
from central.ingest.request import Prepared, Proof, Sealed
from central.ingest.streams import Record
from central.wire.columns import ReadingColumns
from central.wire.encoding import encode_columns
from protocols.clock import ClockState
from protocols.errors import WireError
from protocols.wire.batch import Stamp, read_header
from protocols.wire.chain import chain_next, chain_start, digest
from protocols.wire.headers import ClockReport
from protocols.wire.opening import Opening, encode_opening
from protocols.words import Lane, Purpose, StreamKind

NO_NONCE: Final = "0" * 32
_NO_STREAM: Final = "73747265616d" + "0" * 20
_FIGURES: Final = b'"number":%d,"opened":%d,'


@dataclass(frozen=True, slots=True, kw_only=True)
class Mint:
    """Where and when a stream is made; `number` is its ordinal at the virtual gateway."""

    gateway: str
    number: int
    purpose: Purpose
    now: int


def stream_of(token: str, key: str) -> str:
    """Return the id of the stream that a token's key names."""
    return hashlib.sha256(f"{token}\n{key}".encode()).hexdigest()[:32]


@lru_cache(maxsize=1_024)
def boot_of(gateway: str) -> str:
    """A virtual gateway never starts: all it sends is of one boot."""
    return hashlib.sha256(f"virtual gateway\n{gateway}".encode()).hexdigest()[:32]


def opening(stream: str, manifest: str, mint: Mint) -> Record:
    """Return the stream's opening record, as read and as bytes."""
    made = Opening(
        stream=stream,
        number=mint.number,
        gateway=mint.gateway,
        kind=StreamKind.DATA,
        boot=boot_of(mint.gateway),
        purpose=mint.purpose,
        manifest=manifest,
        opened=mint.now,
    )
    before, between, after = _form(mint.gateway, manifest, mint.purpose)
    figures = _FIGURES % (mint.number, mint.now)
    return Record(made, b"".join((before, figures, between, stream.encode(), after)))


@lru_cache(maxsize=1_024)
def _form(gateway: str, manifest: str, purpose: Purpose) -> tuple[bytes, bytes, bytes]:
    """Return what all opening records of a gateway's requests share: around figures and id."""
    made = Opening(
        stream=_NO_STREAM,
        number=1,
        gateway=gateway,
        kind=StreamKind.DATA,
        boot=boot_of(gateway),
        purpose=purpose,
        manifest=manifest,
        opened=1,
    )
    before, rest = encode_opening(made).split(_FIGURES % (1, 1))
    between, after = rest.split(_NO_STREAM.encode())
    return before, between, after


def prepared(opened: bytes, readings: Accepted, points: Points, mint: Mint) -> Prepared:
    """Return the readings (at least one) as the batches a gateway would have sealed of them."""
    batches = _sealed(readings, points, mint, 1)
    start = chain_start(opened)
    raws = (batch.raw for batch in batches)
    _, *heads = accumulate(raws, chain_next, initial=start)
    now = mint.now
    report = ClockReport(
        boot=boot_of(mint.gateway), mono=now, wall=now, state=ClockState.SYNCHRONISED
    )
    return Prepared(
        batches=batches,
        head=heads[-1],
        clock=report,
        lane=Lane.LIVE,
        nonce=NO_NONCE,
        proved=Proof(start, heads),
    )


def _sealed(readings: Accepted, points: Points, mint: Mint, seq0: int) -> list[Sealed]:
    stamp = Stamp(
        clock_state=ClockState.SYNCHRONISED,
        number=mint.number,
        seq0=seq0,
        mono0=mint.now,
        wall0=mint.now,
    )
    columns = ReadingColumns(
        readings.points,
        readings.times,
        np.ones(len(readings), np.bool_),
        readings.qualities,
        readings.values,
    )
    try:
        raw = encode_columns(stamp, columns, points.decimals)
    except WireError as exc:
        if exc.code != "WIRE_TOO_LARGE" or len(readings) == 1:
            raise
        middle = len(readings) // 2  # long texts: more bytes than one batch may hold
        return [
            *_sealed(readings.take(slice(middle)), points, mint, seq0),
            *_sealed(readings.take(slice(middle, None)), points, mint, seq0 + middle),
        ]
    header, _ = read_header(raw)
    return [Sealed(raw, digest(raw), header, columns.sealed(header))]
