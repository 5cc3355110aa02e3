"""What the collector and the process that packs say to each other: frames over two pipes.

Readings are never sent: the process reads journal rows and chunks from the file itself. A frame is
a length (u32) and a message.
"""

import struct
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from central.store.codec.chunk import Chunk

LENGTH: Final = struct.Struct("<I")
MOST: Final = 1 << 30


class Row(NamedTuple):
    """A chunk to be written; fields as in `Chunk`."""

    family: int
    day: int
    members: int
    t0: int
    t1: int
    n: int
    received0: int
    received1: int
    summary: bytes
    body: bytes


class Seal(msgspec.Struct, tag=1, array_like=True, frozen=True):
    """Pack journal rows in this order; of their readings those whose family % parts is part."""

    ids: tuple[int, ...]
    part: int
    parts: int


class Merge(msgspec.Struct, tag=2, array_like=True, frozen=True):
    """Make new chunks of the chunks with those ids, one answer for each of `works`."""

    works: tuple[tuple[int, ...], ...]


class Made(msgspec.Struct, tag=3, array_like=True, frozen=True):
    """Chunks."""

    rows: tuple[Row, ...]


class Strays(msgspec.Struct, tag=4, array_like=True, frozen=True):
    """(Family, day, body of a chunk): too little for one; they become rows."""

    rows: tuple[tuple[int, int, bytes], ...]


class Merged(msgspec.Struct, tag=5, array_like=True, frozen=True):
    """What became of one work; the families and days of `rows` are not said (0)."""

    rows: tuple[Row, ...]


class Not(msgspec.Struct, tag=6, array_like=True, frozen=True):
    """This cannot be done here: the collector does it, or says what is wrong with it."""

    reason: str


class Done(msgspec.Struct, tag=7, array_like=True, frozen=True):
    """All of it was said."""


Job = Seal | Merge
Answer = Made | Strays | Merged | Not | Done

encoder: Final = msgspec.msgpack.Encoder()
jobs: Final = msgspec.msgpack.Decoder(Job)
answers: Final = msgspec.msgpack.Decoder(Answer)


def framed(message: Job | Answer) -> bytes:
    """Return the frame of a message."""
    body = encoder.encode(message)
    return LENGTH.pack(len(body)) + body


def rows_of(keys: Sequence[tuple[int, int]], chunks: Sequence[Chunk]) -> tuple[Row, ...]:
    """Return chunks of those (family, day) as they travel."""
    return tuple(
        Row(*key, c.members, c.t0, c.t1, c.n, c.received0, c.received1, c.summary, c.body)
        for key, c in zip(keys, chunks, strict=True)
    )


def chunk_of(row: Row) -> tuple[int, int, Chunk]:
    """Return (family, day, chunk)."""
    return row.family, row.day, Chunk(*row[2:])
