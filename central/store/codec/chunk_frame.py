"""The bytes around a chunk's columns: format, checksum, size and compression.

zstd where the wheel is, zlib elsewhere; a machine reads what it can. What the columns leave is
nearly all noise in few bytes, which an entropy coder shortens and a search for repeats does not:
so only long repeats are looked for, which is fast too. Columns that differ in kind are coded apart
from each other (blocks of one frame): one table of codes for all costs a tenth.
"""

import importlib
import threading
import zlib
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from types import ModuleType
from typing import Any, Final

from central.store.codec.plane_reader import ChunkDamaged, Reader
from protocols.wire.varint import put_uvar

FORMAT: Final = 1
PLAIN: Final = 0
ZLIB: Final = 1
ZSTD: Final = 2
MOST_BYTES: Final = 64 << 20
"""Of the columns of one chunk: 12,000 texts of 4,096 bytes fit in."""
_CHECK: Final = 4
_LEVEL: Final = 6
_WINDOW: Final = -15
"""For zlib: neither header nor checksum."""


class _Contexts(threading.local):
    """A compressor serves one thread, and costs more to make than what it does here."""

    writer: Any = None
    reader: Any = None


_contexts: Final = _Contexts()


def framed(columns: bytes, how: int | None = None, cuts: Sequence[int] = ()) -> bytes:
    """Return the body of a chunk with those columns, compressed as this machine can best (None).

    `cuts`: where columns of another kind begin, in order; no reader needs them.
    ValueError: more than MOST_BYTES of them.
    """
    if len(columns) > MOST_BYTES:
        raise ValueError(f"{len(columns)} bytes of columns")
    zstd = _zstandard()
    if how is None:
        how = ZLIB if zstd is None else ZSTD
    if how == ZSTD and zstd is not None:
        packed = _apart(zstd, columns, cuts) if cuts else _writer(zstd).compress(columns)
    else:
        engine = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW)
        how, packed = ZLIB, engine.compress(columns) + engine.flush()
    if len(packed) >= len(columns):
        how, packed = PLAIN, columns
    out = bytearray((FORMAT, how))
    put_uvar(out, len(columns))
    out += packed
    return zlib.crc32(out).to_bytes(_CHECK, "little") + bytes(out)


def _apart(zstd: ModuleType, columns: bytes, cuts: Sequence[int]) -> bytes:
    engine = _writer(zstd).compressobj()
    view, parts = memoryview(columns), []
    for start, end in pairwise((0, *cuts)):
        parts.append(engine.compress(view[start:end]))
        parts.append(engine.flush(zstd.COMPRESSOBJ_FLUSH_BLOCK))
    parts.append(engine.compress(view[cuts[-1] :]))
    parts.append(engine.flush())
    return b"".join(parts)


def unframed(body: bytes) -> bytes:
    """Return the columns. Raises ChunkDamaged."""
    reader = Reader(body)
    check = reader.take(_CHECK)
    if zlib.crc32(memoryview(body)[_CHECK:]).to_bytes(_CHECK, "little") != check:
        raise ChunkDamaged("checksum")
    if reader.u8() != FORMAT:
        raise ChunkDamaged("format")
    how, size = reader.u8(), reader.uvar(MOST_BYTES)
    packed = memoryview(body)[reader.at :]
    if how == PLAIN:
        columns = bytes(packed)
    elif how == ZLIB:
        columns = _inflated(packed, size)
    else:
        columns = _unzstd(packed, how, size)
    if len(columns) != size:
        raise ChunkDamaged("size")
    return columns


def size_of(body: bytes) -> int:
    """Return how many bytes the columns are said to have. Raises ChunkDamaged."""
    reader = Reader(body)
    reader.take(_CHECK + 2)
    return reader.uvar(MOST_BYTES)


def _inflated(packed: memoryview, size: int) -> bytes:
    engine = zlib.decompressobj(_WINDOW)
    try:
        columns = engine.decompress(packed, size + 1)
    except zlib.error as exc:
        raise ChunkDamaged("zlib") from exc
    if not engine.eof or engine.unused_data:
        raise ChunkDamaged("zlib")
    return columns


def _unzstd(packed: memoryview, how: int, size: int) -> bytes:
    zstd = _zstandard()
    if how != ZSTD or zstd is None:
        raise ChunkDamaged(f"compression {how} is not to be had here")
    if _contexts.reader is None:
        _contexts.reader = zstd.ZstdDecompressor(format=zstd.FORMAT_ZSTD1_MAGICLESS)
    try:
        columns: bytes = _contexts.reader.decompress(packed, size, allow_extra_data=False)
    except zstd.ZstdError as exc:
        raise ChunkDamaged("zstd") from exc
    return columns


def _writer(zstd: ModuleType) -> Any:
    if _contexts.writer is None:
        settings = zstd.ZstdCompressionParameters(
            format=zstd.FORMAT_ZSTD1_MAGICLESS,
            write_content_size=False,
            strategy=zstd.STRATEGY_FAST,
            min_match=7,
            window_log=20,
            hash_log=13,
        )
        _contexts.writer = zstd.ZstdCompressor(compression_params=settings)
    return _contexts.writer


@cache
def _zstandard() -> ModuleType | None:
    try:
        return importlib.import_module("zstandard")
    except ImportError:
        return None
