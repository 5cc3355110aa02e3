"""Compression of request bodies: zstd where the wheel is, zlib (`deflate`) everywhere.

Inflating is bounded: a body that would grow beyond the limit is refused before it does.
"""

import importlib
import threading
import zlib
from functools import cache
from types import ModuleType
from typing import Any, Final

from protocols.errors import WireError
from protocols.wire.bounds import INFLATED_BYTES, REQUEST_BYTES

ZSTD: Final = "zstd"
DEFLATE: Final = "deflate"
_ZSTD_LEVEL: Final = 3
_ZSTD_WINDOW: Final = 8 << 20
_DEFLATE_LEVEL: Final = 6
_WHERE: Final = "body"


@cache
def _zstandard() -> ModuleType | None:
    # No wheel on 32-bit ARM.
    try:
        return importlib.import_module("zstandard")
    except ImportError:
        return None


def best_encoding() -> str:
    """Return the content coding this machine writes."""
    return DEFLATE if _zstandard() is None else ZSTD


def compress(
    data: bytes, encoding: str | None = None, limit: int = INFLATED_BYTES
) -> tuple[bytes, str]:
    """Return `data` compressed and the content coding used. Raises WireError above the bounds."""
    if len(data) > limit:
        raise WireError("WIRE_TOO_LARGE", where=_WHERE, size=len(data), limit=limit)
    encoding = encoding or best_encoding()
    if encoding == DEFLATE:
        body = zlib.compress(data, _DEFLATE_LEVEL)
    else:
        body = _require(encoding).ZstdCompressor(level=_ZSTD_LEVEL).compress(data)
    if len(body) > REQUEST_BYTES:
        raise WireError("WIRE_TOO_LARGE", where=_WHERE, size=len(body), limit=REQUEST_BYTES)
    return body, encoding


def inflate(body: bytes, encoding: str, limit: int = INFLATED_BYTES) -> bytes:
    """Return what `body` holds: exactly one complete frame of at most `limit` bytes inflated."""
    if len(body) > REQUEST_BYTES:
        raise WireError("WIRE_TOO_LARGE", where=_WHERE, size=len(body), limit=REQUEST_BYTES)
    data = _undeflate(body, limit) if encoding == DEFLATE else _unzstd(body, encoding, limit)
    if len(data) > limit:
        raise WireError("WIRE_TOO_LARGE", where=_WHERE, size=len(data), limit=limit)
    return data


def _undeflate(body: bytes, limit: int) -> bytes:
    engine = zlib.decompressobj()
    try:
        data = engine.decompress(body, limit + 1)
    except zlib.error as exc:
        raise WireError("WIRE_COMPRESSED", where=_WHERE) from exc
    if len(data) <= limit and (not engine.eof or engine.unused_data):
        raise WireError("WIRE_COMPRESSED", where=_WHERE)
    return data


def _unzstd(body: bytes, encoding: str, limit: int) -> bytes:
    zstd = _require(encoding)
    try:
        # The frame states its size (-1: it does not), so that nothing is inflated in vain.
        size: int = zstd.frame_content_size(body)
        if size < 0:
            raise WireError("WIRE_COMPRESSED", where=_WHERE)
        if size > limit:
            raise WireError("WIRE_TOO_LARGE", where=_WHERE, size=size, limit=limit)
        data: bytes = _inflating().engine.decompress(body, allow_extra_data=False)
    except zstd.ZstdError as exc:
        raise WireError("WIRE_COMPRESSED", where=_WHERE) from exc
    return data


class _Inflating(threading.local):
    """A zstd decompressor for each thread: to make one costs more than a small request."""

    def __init__(self) -> None:
        zstd = _require(ZSTD)
        self.engine: Any = zstd.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)


@cache
def _inflating() -> _Inflating:
    return _Inflating()


def _require(encoding: str) -> ModuleType:
    zstd = _zstandard()
    if encoding != ZSTD or zstd is None:
        raise WireError("WIRE_UNKNOWN", where="content-encoding", value=encoding[:40])
    return zstd
