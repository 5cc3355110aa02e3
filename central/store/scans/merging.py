"""Chunks of a family and day put together as sheets, where all of them are; many at a time."""

from collections.abc import Sequence
from itertools import pairwise

from central.store.codec.chunk import Chunk
from central.store.codec.sheet import Sheets, joined, stacked
from central.store.codec.sheet_reader import read_sheet
from central.store.codec.sheet_writer import encoded_sheets
from central.store.packing import parts_of


def merged(works: Sequence[Sequence[bytes]]) -> list[list[Chunk] | None]:
    """Return what becomes of the bodies of each work; None: they are no sheets.

    Raises ChunkDamaged.
    """
    made: list[list[Chunk] | None] = []
    pieces: dict[int, list[tuple[list[Chunk], Sheets]]] = {}
    for bodies in works:
        sheet = _sheet(bodies)
        own: list[Chunk] | None = None if sheet is None else []
        made.append(own)
        if sheet is not None and own is not None:
            for piece in _cut(sheet):
                pieces.setdefault(piece.width, []).append((own, piece))
    for some in pieces.values():
        chunks = encoded_sheets(stacked([piece for _, piece in some]))
        for (own, _), chunk in zip(some, chunks, strict=True):
            own.append(chunk)
    return made


def _sheet(bodies: Sequence[bytes]) -> Sheets | None:
    sheets = []
    for body in bodies:
        sheet = read_sheet(body)
        if sheet is None:
            return None
        sheets.append(sheet)
    return joined(sheets)


def _cut(sheet: Sheets) -> list[Sheets]:
    """Return the slots as those of single chunks."""
    times, slots = sheet.slots.times[0], sheet.width
    parts = parts_of(len(sheet.members) * slots, int(times[-1] - times[0]))
    if parts == 1:
        return [sheet]
    bounds = [-(-place * slots // parts) for place in range(parts + 1)]
    return [sheet.between(first, last) for first, last in pairwise(bounds) if first < last]
