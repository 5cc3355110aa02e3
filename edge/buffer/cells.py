"""The rows on one page of a SQLite database, decoded without SQLite (sqlite.org/fileformat2).

Total and bounded: any bytes may be given, what does not fit yields nothing, and no page makes
anybody read more than `CHAIN` bytes of overflow.
"""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

TABLE_LEAF: Final = 0x0D
INDEX_LEAF: Final = 0x0A
INDEX_INTERIOR: Final = 0x02
"""Tables without rowid keep rows on interior pages too."""

LARGEST: Final = (1 << 20) + 4096
"""Bytes of the largest row of ours: a batch or a manifest, and what stands beside it."""
CHAIN: Final = 8 << 20
"""Bytes of overflow pages followed for one page: noise that looks like rows costs no more."""
COLUMNS: Final = 7

Cell = int | float | str | bytes | None
Overflow = Callable[[int, int], bytes | None]
"""Called with the number of the first overflow page and how many bytes are in the chain."""

_INTEGERS: Final = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}


class Record(NamedTuple):
    """One row: its rowid (None in a table without) and its columns."""

    rowid: int | None
    values: tuple[Cell, ...]


class _Place(NamedTuple):
    """Where a row lies: its payload's length, what of it is on this page, what is elsewhere."""

    rowid: int | None
    length: int
    local: bytes
    overflow: int


def columns(page: bytes) -> int:
    """Return how many columns the first sound row has: whose page it is; 0 when none is sound."""
    for place in _places(page):
        types = _types(place)
        if types is not None:
            return len(types[1])
    return 0


def records(page: bytes, overflow: Overflow) -> Iterator[Record]:
    """Yield every row on a leaf page (and on an interior page of a table without rowid).

    One whose overflow pages cannot be had comes without its columns.
    """
    budget = CHAIN
    for place in _places(page):
        types = _types(place)
        if types is None:
            continue
        payload = place.local
        missing = place.length - len(payload)
        if missing:
            budget -= missing
            rest = overflow(place.overflow, missing) if budget >= 0 else None
            if rest is None:
                yield Record(place.rowid, ())
                continue
            payload += rest
        yield Record(place.rowid, tuple(_values(payload, *types)))


def _places(page: bytes) -> Iterator[_Place]:
    kind = page[0] if page else 0
    if kind not in (TABLE_LEAF, INDEX_LEAF, INDEX_INTERIOR) or len(page) < 512:
        return
    start = 12 if kind == INDEX_INTERIOR else 8
    count = min(int.from_bytes(page[3:5], "big"), (len(page) - start) // 2)
    for index in range(start, start + 2 * count, 2):
        at = int.from_bytes(page[index : index + 2], "big")
        if at >= start + 2 * count:
            place = _place(page, at, kind)
            if place is not None:
                yield place


def _place(page: bytes, at: int, kind: int) -> _Place | None:
    if kind == INDEX_INTERIOR:
        at += 4  # the left child
    length, at = varint(page, at)
    rowid = None
    if kind == TABLE_LEAF:
        rowid, at = varint(page, at)
        rowid -= (rowid >> 63) << 64
    if not 0 < length <= LARGEST:
        return None
    usable = len(page)
    most = usable - 35 if kind == TABLE_LEAF else (usable - 12) * 64 // 255 - 23
    held = length
    if length > most:
        least = (usable - 12) * 32 // 255 - 23
        held = least + (length - least) % (usable - 4)
        held = held if held <= most else least
    end = at + held
    if end + (4 if held < length else 0) > usable:
        return None
    further = int.from_bytes(page[end : end + 4], "big") if held < length else 0
    return _Place(rowid, length, page[at:end], further)


def _types(place: _Place) -> tuple[int, list[int]] | None:
    """Return where the columns begin and their types, if they add up to the row's length."""
    local = place.local
    size, at = varint(local, 0)
    if not at < size <= min(len(local), 9 * (COLUMNS + 1)):
        return None
    types: list[int] = []
    total = size
    while at < size:
        kind, at = varint(local, at)
        if kind in (10, 11) or len(types) == COLUMNS:
            return None
        types.append(kind)
        total += width(kind)
    return (size, types) if at == size and total == place.length else None


def width(kind: int) -> int:
    """Return the bytes a column of this serial type takes."""
    if kind >= 12:
        return (kind - 12) // 2
    return 8 if kind == 7 else _INTEGERS.get(kind, 0)


def _values(payload: bytes, at: int, types: list[int]) -> Iterator[Cell]:
    for kind in types:
        data = payload[at : at + width(kind)]
        at += len(data)
        if kind >= 12:
            yield data.decode("utf-8", "replace") if kind % 2 else data
        elif kind in _INTEGERS:
            yield int.from_bytes(data, "big", signed=True)
        else:
            # A float (7) is in no table of ours.
            yield {8: 0, 9: 1}.get(kind)


def varint(data: bytes, at: int) -> tuple[int, int]:
    """Return a number and where the next thing begins; past the end it reads zeros."""
    value = 0
    for index in range(at, at + 8):
        byte = data[index] if index < len(data) else 0
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, index + 1
    last = data[at + 8] if at + 8 < len(data) else 0
    return value << 8 | last, at + 9
