"""Puts the columns of chunks together: the order in which they stand in a body, and its row."""

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

import numpy as np

from central.store.codec.axis import Axis
from central.store.codec.chunk_frame import framed
from central.store.codec.chunk_row import Chunk
from central.store.codec.chunk_summary import Summaries
from central.store.columns import Integers
from protocols.wire.varint import put_uvar

FULL: Final = 0
SPARSE: Final = 1
_APART: Final = 64
"""Slots from which the noise of their times is worth a block of its own."""
_MANY: Final = 1_000
"""The same of cells and their differences."""
_OF_ROWS: Final = (
    (np.minimum, "t0"),
    (np.maximum, "t1"),
    (np.add, "n"),
    (np.minimum, "received0"),
    (np.maximum, "received1"),
)


class Column(Protocol):
    """A column of the cells of all chunks."""

    def put(self, out: bytearray, chunk: int) -> None:
        """Append that of one chunk."""


class Valued(Protocol):
    """The values of all chunks."""

    def put(self, out: bytearray, chunk: int) -> int:
        """Append those of one chunk; return where their differences begin."""


class Parts(NamedTuple):
    """All there is of several chunks; `rows` are where each one's members begin (and end)."""

    members: Integers
    rows: Integers
    slots: Sequence[int]
    presence: Sequence[bytes | None]
    """None: every member is in every slot."""
    axis: Axis
    columns: Sequence[Column]
    values: Valued
    summaries: Summaries


def assembled(parts: Parts) -> list[Chunk]:
    """Return the chunks."""
    begins = parts.rows[:-1]
    bits = np.left_shift(1, parts.members)
    masks: list[int] = np.bitwise_or.reduceat(bits, begins).tolist()
    found = [
        function.reduceat(parts.summaries.found[name], begins).tolist()
        for function, name in _OF_ROWS
    ]
    made = []
    for chunk, mask in enumerate(masks):
        out = bytearray()
        slots, presence = parts.slots[chunk], parts.presence[chunk]
        put_uvar(out, mask)
        put_uvar(out, slots)
        out.append(FULL if presence is None else SPARSE)
        out += presence or b""
        noise = parts.axis.put(out, chunk)
        for column in parts.columns:
            column.put(out, chunk)
        differences = parts.values.put(out, chunk)
        cuts = (noise, differences) if slots >= _APART else (differences,)
        t0, t1, n, received0, received1 = (column[chunk] for column in found)
        body = framed(bytes(out), cuts=cuts if n >= _MANY else ())
        summary = parts.summaries.of(chunk)
        made.append(Chunk(mask, t0, t1, n, received0, received1, summary, body))
    return made
