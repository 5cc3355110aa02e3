"""Requests of gateways, made before they are timed: batches, chain heads, nonces and signatures.

Columns are encoded once; what goes in front of them says when they were read, so the same readings
can be sealed under other streams and times.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from central.store.values import Values
from central.wire.columns import ReadingColumns
from central.wire.encoding import decimals_of, encode_columns
from protocols.clock import ClockState
from protocols.signing.keys import Ed25519Signer
from protocols.signing.request import BATCHES, Message, sign_request
from protocols.wire.batch import BatchKind, Stamp, read_header
from protocols.wire.header import put_header
from protocols.wire.headers import (
    CHAIN,
    CLOCK,
    CONTENT_DIGEST,
    CONTENT_TYPE,
    LANE,
    NONCE,
    ClockReport,
    content_digest,
    format_chain,
    format_clock,
    new_nonce,
)
from protocols.wire.request import pack
from tests.bench.central.plant import DECIMALS, POINTS, Scans
from tests.bench.sender import Stream

_DECIMALS: Final = decimals_of([DECIMALS] * POINTS)
_NOW: Final = Stamp(clock_state=ClockState.SYNCHRONISED, number=1, seq0=1, mono0=0, wall0=0)


@dataclass(frozen=True, slots=True)
class Columns:
    """A batch without its head: `n` readings from `scan` on, whose times count from there."""

    scan: int
    n: int
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """One gateway on its way to one stream."""

    stream: Stream
    signer: Ed25519Signer
    boot: str
    offset: int
    """Wall clock minus monotonic, µs."""


def encoded(scans: Scans, size: int, period: int) -> Iterator[Columns]:
    """Yield one gateway's scans as batches of `size` readings in the order they were read."""
    per_scan = scans.cents.shape[1]
    times = scans.times(0, period).ravel()
    cents, qualities = scans.cents.ravel(), scans.qualities.ravel()
    points = np.tile(np.arange(per_scan), len(scans))
    for start in range(0, len(times) - size + 1, size):
        rows, scan = slice(start, start + size), start // per_scan
        columns = ReadingColumns(
            points[rows],
            times[rows] - scan * period,
            None,
            qualities[rows],
            Values.floats(cents[rows] / 10**DECIMALS),
        )
        raw = encode_columns(_NOW, columns, _DECIMALS)
        yield Columns(scan, size, raw[read_header(raw)[1] :])


def sealed(columns: Columns, sender: Sender, at: int) -> bytes:
    """Return the next batch of the sender's stream, opened at `at` (µs UTC)."""
    stream, out = sender.stream, bytearray()
    stamp = Stamp(
        clock_state=ClockState.SYNCHRONISED,
        number=stream.number,
        seq0=stream.seq + 1,
        mono0=at - sender.offset,
        wall0=at,
    )
    put_header(out, BatchKind.READINGS, stamp, columns.n)
    return stream.add(bytes(out) + columns.body, columns.n)


def request(batches: list[bytes], sender: Sender, lane: str, now: int) -> bytes:
    """Return the whole request, signed, that ends at the stream's newest batch."""
    body, encoding = pack(batches)
    path = f"/api/v1/ingest/streams/{sender.stream.id}/batches"
    clock = ClockReport(
        boot=sender.boot, mono=now - sender.offset, wall=now, state=ClockState.SYNCHRONISED
    )
    fields = {
        "Content-Type": CONTENT_TYPE,
        "Content-Encoding": encoding,
        CONTENT_DIGEST: content_digest(body),
        CHAIN: format_chain(sender.stream.seq, sender.stream.head),
        CLOCK: format_clock(clock),
        LANE: lane,
        NONCE: new_nonce(),
    }
    message = Message(
        method="POST",
        path=path,
        content_digest=fields[CONTENT_DIGEST],
        bound=fields[CHAIN],
        clock=fields[CLOCK],
    )
    fields |= sign_request(sender.signer, message, fields[NONCE], BATCHES)
    return http(path, body, fields)


def http(path: str, body: bytes, fields: dict[str, str]) -> bytes:
    """Return a POST as it goes over the line."""
    lines = [f"POST {path} HTTP/1.1", "Host: bench", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in fields.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
