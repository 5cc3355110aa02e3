"""The rows of a buffer file as plain values, and how keys are made."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from protocols.wire.opening import decode_opening

SEQ_BITS: Final = 40
SEQ_MOST: Final = (1 << SEQ_BITS) - 1
NUMBER_MOST: Final = (1 << 63 - SEQ_BITS) - 1
"""What fits a key: eight million streams."""


class Row(NamedTuple):
    """A sealed batch as stored; `intact` is whether its bytes still have their CRC-32."""

    seq0: int
    n: int
    bytes: bytes
    intact: bool = True

    @property
    def last(self) -> int:
        return self.seq0 + self.n - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRecord:
    """What a file says of a stream: the part here starts after `base`, chained from `base_head`."""

    number: int
    id: str
    kind: int
    opening: bytes
    manifest: str
    base: int = 0
    base_head: bytes | None = None


def key(number: int, seq: int) -> int:
    """Return the row key of stream `number` at `seq`."""
    return number << SEQ_BITS | seq


def stream_record(row: Sequence[Any]) -> StreamRecord:
    """Return a stored stream. Raises ValueError, TypeError, WireError when the row is damaged."""
    number, name, kind, opening, manifest, base, base_head = row
    stated = decode_opening(opening)
    said = (stated.stream, stated.number, stated.kind, stated.manifest)
    if said != (name, number, kind, manifest):
        raise ValueError("stream and opening disagree")
    return StreamRecord(
        number=number,
        id=name,
        kind=kind,
        opening=opening,
        manifest=manifest,
        base=int(base),
        base_head=None if base_head is None else bytes(base_head),
    )


def stream_row(record: StreamRecord) -> tuple[object, ...]:
    """Return the columns of a stream, in the order of the table."""
    return (
        record.number,
        record.id,
        record.kind,
        record.opening,
        record.manifest,
        record.base,
        record.base_head,
    )
