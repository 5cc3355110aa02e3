"""Lists of int64 as a minimum and byte planes (docs/wire.md section 4.1).

`svar low, u8 width`, then `width` planes: plane 0 holds the low byte of every `number - low`, plane
1 the next byte ... Equal bytes lie side by side, which is what the compressor wants. A list of no
numbers is no bytes.
"""

import sys
from array import array
from collections.abc import Sequence
from typing import Final

from protocols.wire.reader import Reader
from protocols.wire.varint import put_svar

_INT64: Final = 1 << 63
_CODES: Final = (None, "B", "H", "I", "I", "Q", "Q", "Q", "Q")
_BIG_ENDIAN: Final = sys.byteorder == "big"


def put_integers(out: bytearray, numbers: Sequence[int]) -> None:
    """Append `numbers`, each an int64."""
    if not numbers:
        return
    low = min(numbers)
    width = (max(numbers) - low).bit_length() + 7 >> 3
    put_svar(out, low)
    out.append(width)
    if not width:
        return
    offsets = [number - low for number in numbers] if low else numbers
    if width == 1:
        out += bytes(offsets)
    else:
        cells = array(_CODES[width] or "B", offsets)
        put_planes(out, cells, width)


def put_planes(out: bytearray, cells: "array[int] | array[float]", width: int) -> None:
    """Append the low `width` bytes of every cell, plane by plane."""
    if _BIG_ENDIAN:
        cells.byteswap()
    raw = cells.tobytes()
    size = cells.itemsize
    for plane in range(width):
        out += raw[plane::size]


def read_integers(reader: Reader, count: int) -> list[int]:
    """Return `count` int64. Raises WireError: `low` or `width` not the least possible."""
    if not count:
        return []
    low = reader.svar()
    width = reader.u8()
    if width > 8:
        raise reader.error("WIRE_UNKNOWN", value=width)
    if not width:
        return [low] * count
    raw = reader.take(width * count)
    if not any(raw[-count:]):
        raise reader.form("width")
    if width == 1:
        offsets = list(raw)
    else:
        offsets = join_planes(raw, _CODES[width] or "B", count, width).tolist()
    if min(offsets):
        raise reader.form("low")
    if low + max(offsets) >= _INT64:
        raise reader.error("WIRE_RANGE", value=low + max(offsets), low=-_INT64, high=_INT64 - 1)
    return [low + offset for offset in offsets] if low else offsets


def join_planes(raw: bytes, code: str, count: int, width: int) -> "array[int]":
    """Return cells of type `code` whose low `width` bytes lie in `raw` plane by plane."""
    cells: array[int] = array(code)
    size = cells.itemsize
    buffer = bytearray(size * count)
    for plane in range(width):
        buffer[plane::size] = raw[plane * count : (plane + 1) * count]
    cells.frombytes(buffer)
    if _BIG_ENDIAN:
        cells.byteswap()
    return cells
