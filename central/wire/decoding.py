"""Decodes batches of readings into columns, without an object a reading.

A twin of `protocols.wire.readings.decode_readings`: what it accepts, and as what, is the same.
It takes the common forms itself; at anything else, and at whatever it would have to refuse, it
gives up and the other one decides. So it never accepts what that one refuses, and every refusal is
told in that one's words.
"""

from collections.abc import Callable

from central.wire.columns import BatchColumns
from central.wire.decoding_qualities import read_qualities
from central.wire.decoding_times import read_times
from central.wire.decoding_values import read_values
from central.wire.layout import read_layout
from central.wire.reading import Unusual, long_uvar
from protocols.errors import WireError
from protocols.wire.header import Header
from protocols.wire.readings import COLUMNS, ReadingsBatch, decode_readings

Decoder = Callable[[bytes, Header, int], ReadingsBatch]


def decode_columns(
    data: bytes, header: Header, at: int, otherwise: Decoder = decode_readings
) -> BatchColumns:
    """Return the batch whose body begins at `at`; what is unusual is `otherwise` decoded.

    Raises WireError.
    """
    try:
        return decode_common(data, header, at)
    except (Unusual, WireError):
        # Another form, or none: the decoder of all forms knows which, and how to say it.
        pass
    return BatchColumns.of(otherwise(data, header, at))


def decode_common(data: bytes, header: Header, at: int) -> BatchColumns:
    """Return a batch of common form. Raises Unusual or WireError, which say nothing of others."""
    try:
        points, times, qualities, values, texts = sections(data, at)
        layout = read_layout(data[slice(*points)], header.n)
        moments, source, span = read_times(data, times, header, layout.count)
        return BatchColumns(
            layout.points,
            moments,
            source,
            read_qualities(data, *qualities, layout),
            read_values(data, values, texts, layout),
            header,
            span,
        )
    except IndexError as exc:  # cut
        raise Unusual from exc


def sections(data: bytes, at: int) -> list[tuple[int, int]]:
    """Return where each column begins and ends: together they are all that is left of `data`.

    Raises Unusual; IndexError where `data` ends.
    """
    parts = []
    for _ in COLUMNS:
        size = data[at]
        at += 1
        if size > 127:
            more = data[at]
            if 0 < more < 128:
                size, at = size & 127 | more << 7, at + 1
            else:
                size, at = long_uvar(data, at, size)
        parts.append((at, at := at + size))
    if at != len(data):
        raise Unusual
    return parts
