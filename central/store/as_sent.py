"""A journal row's body as the batches came: their canonical bytes, and what placed their readings.

Two fifths of what packed columns take, and nothing to be made before an answer. Decoded again, at a
start or by whoever reads the journal, it gives the same rows to the bit: decoding and placing are
functions of what stands here, and what a change of either would place otherwise is another FORMAT.
"""

import struct
import zlib
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from central.ingest.placement import Anchor, Placement
from central.ingest.placing import place
from central.ingest.point_map import PointMap
from central.store.columns import Columns, Integers
from central.store.squeezed import Damaged, Undecodable
from central.wire.decoding import decode_columns
from protocols.errors import WireError
from protocols.wire.batch import read_header

MARK: Final = 2
"""A body's first byte; the others are those of `squeezed`."""
FORMAT: Final = 1
_MARK: Final = bytes((MARK,))
_SUM: Final = struct.Struct("<BI")
_HEAD: Final = struct.Struct("<BqIBH")
"""Format, received (µs), points of the manifest, stretches, batches."""
_STRETCH: Final = struct.Struct("<Iq")
_BATCH: Final = struct.Struct("<BI")
"""Anchors of its placement (0: nobody knew), bytes."""
_ANCHOR: Final = struct.Struct("<qqq")
_MOST_ANCHORS: Final = 255

Stretches = tuple[tuple[int, int], ...]
Maps = dict[tuple[Stretches, int], PointMap]
"""Of manifests by what bodies say of them."""


class Sent(NamedTuple):
    """A batch of readings, and where its times lie."""

    raw: bytes
    placement: Placement | None


class Opened(NamedTuple):
    """What stands in a body; the arguments of `pack`."""

    received: int
    numbers: int
    stretches: Stretches
    batches: list[Sent]


def pack(
    batches: Sequence[Sent], numbers: int, stretches: Stretches, received: int
) -> bytes | None:
    """Return the body of at least one batch; None: it has to be packed by columns.

    `numbers`: how many points the manifest has; `stretches`: (first index, number - index).
    """
    parts = [_HEAD.pack(FORMAT, received, numbers, len(stretches), len(batches))]
    parts += [_STRETCH.pack(*stretch) for stretch in stretches]
    for raw, placement in batches:
        anchors = () if placement is None else placement.anchors
        if len(anchors) > _MOST_ANCHORS:
            return None
        parts.append(_BATCH.pack(len(anchors), len(raw)))
        parts += [_ANCHOR.pack(*anchor) for anchor in anchors]
        parts.append(raw)
    body = b"".join(parts)
    return _SUM.pack(MARK, zlib.crc32(body)) + body


def is_as_sent(body: bytes) -> bool:
    """Whether a journal row's body is one of these."""
    return body[:1] == _MARK


def unpack(body: bytes, maps: Maps | None = None) -> Columns:
    """Return the rows of a body. Raises Damaged.

    `maps`: of bodies unpacked one after another, where whole scans name the same points.
    """
    return rows_of(opened(body), maps)


def rows_of(held: Opened, maps: Maps | None = None) -> Columns:
    """Return the rows of at least one batch. Raises Damaged."""
    try:
        points = None if maps is None else _map_of(held, maps)
        numbers = numbers_of(held.stretches, held.numbers) if points is None else points.numbers
        parts = []
        for raw, placement in held.batches:
            header, content = read_header(raw)
            batch = decode_columns(raw, header, content)
            column = None if points is None else points.column(batch.points)
            parts.append(place(batch, numbers, placement, held.received, column).rows)
        return Columns.joined(parts)
    except (ValueError, TypeError, WireError) as exc:
        raise Damaged(what="journal", reason=str(exc)) from exc


def _map_of(held: Opened, maps: Maps) -> PointMap:
    key = held.stretches, held.numbers
    known = maps.get(key)
    if known is None:
        known = maps[key] = PointMap(numbers_of(*key))
    return known


def opened(body: bytes) -> Opened:
    """Return the batches of a body, not looked at yet. Raises Damaged."""
    try:
        _, checksum = _SUM.unpack_from(body)
        if zlib.crc32(memoryview(body)[_SUM.size :]) != checksum:
            raise Damaged(what="journal", reason="checksum")
        return _opened(body)
    except struct.error as exc:
        raise Damaged(what="journal", reason=str(exc)) from exc


def _opened(body: bytes) -> Opened:
    at = _SUM.size
    version, received, count, stretches, batches = _HEAD.unpack_from(body, at)
    if version != FORMAT:
        raise Undecodable(what="journal", reason=f"format {version}")
    at += _HEAD.size
    placed = tuple([_STRETCH.unpack_from(body, at + i * _STRETCH.size) for i in range(stretches)])
    at += stretches * _STRETCH.size
    found = []
    for _ in range(batches):
        held, size = _BATCH.unpack_from(body, at)
        at += _BATCH.size
        anchors = [Anchor(*_ANCHOR.unpack_from(body, at + i * _ANCHOR.size)) for i in range(held)]
        at += held * _ANCHOR.size
        known = Placement(tuple(anchors)) if anchors else None
        found.append(Sent(body[at : at + size], known))
        at += size
    return Opened(received, count, placed, found)


def numbers_of(stretches: Stretches, count: int) -> Integers:
    """Return the points of a manifest of so many, by their index."""
    numbers = np.arange(count)
    ends = [first for first, _ in stretches[1:]] + [count]
    for (first, offset), end in zip(stretches, ends, strict=True):
        numbers[first:end] += offset
    return numbers
