"""A request's body: consecutive whole batches of one stream, compressed together."""

from collections.abc import Sequence
from typing import Final

from protocols.errors import WireError
from protocols.wire.bounds import BATCH_BYTES, INFLATED_BYTES, REQUEST_BATCHES
from protocols.wire.compression import best_encoding, compress, inflate
from protocols.wire.headers import (
    ClockReport,
    content_digest,
    format_chain,
    format_clock,
    new_nonce,
    parse_chain,
    parse_clock,
    parse_content_digest,
    parse_nonce,
)
from protocols.wire.reader import Reader
from protocols.wire.varint import put_uvar

__all__ = [
    "ClockReport",
    "best_encoding",
    "compress",
    "content_digest",
    "format_chain",
    "format_clock",
    "inflate",
    "new_nonce",
    "pack",
    "parse_chain",
    "parse_clock",
    "parse_content_digest",
    "parse_nonce",
    "unpack",
]

_LENGTH: Final = 2
"""Bytes that say how long a batch of 128 to 16,383 bytes is."""


def pack(batches: Sequence[bytes], encoding: str | None = None) -> tuple[bytes, str]:
    """Return the compressed body and its content coding (`zstd`, or `deflate` without the wheel).

    Raises WireError WIRE_TOO_LARGE when the body would exceed a bound: send fewer batches.
    """
    if not 1 <= len(batches) <= REQUEST_BATCHES:
        raise WireError(
            "WIRE_RANGE", where="batches", value=len(batches), low=1, high=REQUEST_BATCHES
        )
    joined = bytearray()
    for batch in batches:
        put_uvar(joined, len(batch))
        joined += batch
    return compress(bytes(joined), encoding)


def unpack(body: bytes, encoding: str, limit: int = INFLATED_BYTES) -> list[bytes]:
    """Return the batches of `body`, inflated to at most `limit` bytes. Raises WireError."""
    data = inflate(body, encoding, limit)
    # Nearly always one batch, whose length takes two bytes.
    usual = len(data) > _LENGTH and data[0] > 127 > data[1] > 0
    if usual and len(data) == _LENGTH + (data[0] & 127 | data[1] << 7):
        return [data[_LENGTH:]]
    reader = Reader(data, "request")
    batches: list[bytes] = []
    while reader.at < reader.end:
        if len(batches) == REQUEST_BATCHES:
            raise WireError("WIRE_TOO_LARGE", where="batches", limit=REQUEST_BATCHES)
        batches.append(reader.take(reader.uvar(1, BATCH_BYTES)))
    if not batches:
        raise reader.cut()
    return batches
