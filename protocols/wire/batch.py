"""Batches (docs/wire.md section 4): immutable canonical bytes, the sealed unit of delivery.

Everything a gateway or a collector needs of batches, under one name.
"""

from protocols.wire.events import EventsBatch, decode_events, encode_events
from protocols.wire.header import BatchKind, Header, Stamp, read_header
from protocols.wire.readings import ReadingsBatch, decode_readings, encode_readings
from protocols.wire.skip import LedgerLine, SkipBatch, SkipReason, decode_skip, encode_skip

__all__ = [
    "Batch",
    "BatchKind",
    "EventsBatch",
    "Header",
    "LedgerLine",
    "ReadingsBatch",
    "SkipBatch",
    "SkipReason",
    "Stamp",
    "decode_batch",
    "decode_events",
    "decode_skip",
    "encode_events",
    "encode_readings",
    "encode_skip",
    "read_header",
]

Batch = ReadingsBatch | EventsBatch | SkipBatch


def decode_batch(data: bytes) -> Batch:
    """Return what `data` carries. Raises WireError for everything that is not a canonical batch."""
    header, at = read_header(data)
    if header.kind == BatchKind.READINGS:
        return decode_readings(data, header, at)
    if header.kind == BatchKind.EVENTS:
        return decode_events(data, header, at)
    return decode_skip(data, header, at)
