"""Bytes the store keeps for itself: compressed, marked with how, checked when they are read.

zstd where the wheel is, zlib elsewhere; either reads only what it can, and says so.
"""

import importlib
import threading
import zlib
from functools import cache
from types import ModuleType
from typing import Any, Final

from protocols.errors import FengsuiError

ZLIB: Final = 0
ZSTD: Final = 1
FAST: Final = 1


class Damaged(FengsuiError):
    """Bytes of the store are not what was written: `what` and the `reason`."""

    code = "STORE_DAMAGED"


class Undecodable(Damaged):
    """Bytes nobody here can read, though they may be sound: of another version or without a wheel.

    Never to be taken for damage: with what is lacking they can be read.
    """


class _Contexts(threading.local):
    """Compressors are not to be shared between threads, and cost more than what they do."""

    def __init__(self) -> None:
        self.writers: dict[int, Any] = {}
        self.reader: Any = None


_contexts: Final = _Contexts()


def squeezed(data: bytes, level: int = FAST) -> bytes:
    """Return `data` compressed, with its size and a checksum."""
    zstd = _zstandard()
    if zstd is None:
        head = bytes((ZLIB,)) + len(data).to_bytes(4, "little")
        return head + zlib.compress(data, max(level, 1))
    writer = _contexts.writers.get(level)
    if writer is None:
        writer = zstd.ZstdCompressor(level=level, write_checksum=True, write_content_size=True)
        _contexts.writers[level] = writer
    made: bytes = writer.compress(data)
    return bytes((ZSTD,)) + made


def inflated(body: bytes, most: int) -> bytes:
    """Return what `squeezed` was given. Raises Damaged, and for more than `most` bytes."""
    how = body[0] if body else None
    if how == ZLIB:
        return _unzlib(body, most)
    zstd = _zstandard()
    if how != ZSTD:
        raise Damaged(what="bytes", reason=f"compression {how}")
    if zstd is None:
        raise Undecodable(what="bytes", reason="zstandard")
    return _unzstd(zstd, memoryview(body)[1:], most)


def _unzstd(zstd: ModuleType, frame: memoryview, most: int) -> bytes:
    if _contexts.reader is None:
        _contexts.reader = zstd.ZstdDecompressor()
    try:
        size = zstd.frame_content_size(frame)
        if 0 <= size <= most:
            data: bytes = _contexts.reader.decompress(frame, allow_extra_data=False)
            return data
    except zstd.ZstdError as exc:
        raise Damaged(what="bytes", reason=str(exc)) from exc
    raise Damaged(what="bytes", reason=f"size {size}")


def _unzlib(body: bytes, most: int) -> bytes:
    size = int.from_bytes(body[1:5], "little")
    engine = zlib.decompressobj()
    try:
        data = engine.decompress(body[5:], most + 1)
    except zlib.error as exc:
        raise Damaged(what="bytes", reason=str(exc)) from exc
    if len(data) != size or size > most or not engine.eof or engine.unused_data:
        raise Damaged(what="bytes", reason="cut")
    return data


@cache
def _zstandard() -> ModuleType | None:
    try:
        return importlib.import_module("zstandard")
    except ImportError:
        return None
