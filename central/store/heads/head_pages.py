"""Arrays by the registry's number of a point, and their pages of 1,024 numbers as bytes.

A page is version and lengths, then the places held, then each column, then texts and large integers
as JSON. Everything comes back bit for bit.
"""

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from central.store.columns import Integers
from protocols.words import Value

PAGE: Final = 1_024
"""Numbers of points of one page."""
VERSION: Final = 1
_HEAD: Final = struct.Struct("<BxHI")
_PLACES: Final = np.dtype("<u2")
NEVER: Final = -(2**63)
"""In `times`: nothing is known of that point."""


@dataclass(frozen=True, slots=True)
class Packed:
    """What one page holds: `places` within the page, a cell of each column for every one of them.

    `others` are values by place that no column holds.
    """

    places: NDArray[Any]
    columns: Sequence[NDArray[Any]]
    others: dict[int, Value] = field(default_factory=dict)


class PointArrays:
    """One array for each of `COLUMNS`, `times` first; `others` holds what no array can."""

    COLUMNS: ClassVar[Mapping[str, type[np.generic]]]

    def __init__(self) -> None:
        self.times = np.empty(0, np.int64)
        self.others: dict[int, Value] = {}
        self._places = np.empty(0, np.int64)
        """Scratch by number: which of several places of a point stands."""
        for name, kind in self.COLUMNS.items():
            setattr(self, name, np.empty(0, kind))
        self.reach(PAGE - 1)

    def known(self) -> Integers:
        """Return the numbers of all points of which something is known, connected or not."""
        return np.flatnonzero(self.times != NEVER)

    def reach(self, number: int) -> None:
        """Make room for a point of that number."""
        before = len(self._places)
        if number < before:
            return
        size = max(number + 1, 2 * before)
        for name, array in zip(self.COLUMNS, self._arrays(), strict=True):
            grown = np.zeros(size, array.dtype)
            grown[:before] = array
            setattr(self, name, grown)
        self.times[before:] = NEVER
        self._places = np.zeros(size, np.int64)

    def pages(self, numbers: Integers) -> dict[int, bytes]:
        """Return every page that holds one of `numbers`, packed."""
        return {page: self._page(page) for page in np.unique(numbers // PAGE).tolist()}

    def put_page(self, page: int, packed: bytes) -> None:
        """Take a page as `pages` gave it. ValueError: it was not."""
        body = unpack(packed, [array.dtype for array in self._arrays()])
        self.reach((page + 1) * PAGE - 1)
        at = body.places + page * PAGE
        for mine, theirs in zip(self._arrays(), body.columns, strict=True):
            mine[at] = theirs
        self.others |= {page * PAGE + place: value for place, value in body.others.items()}

    def _page(self, page: int) -> bytes:
        start = page * PAGE
        held = np.flatnonzero(self.times[start : start + PAGE] != NEVER)
        at = held + start
        others = {n - start: self.others[n] for n in at.tolist() if n in self.others}
        return pack(Packed(held, [array[at] for array in self._arrays()], others))

    def _arrays(self) -> list[NDArray[Any]]:
        return [getattr(self, name) for name in self.COLUMNS]


def pack(page: Packed) -> bytes:
    """Return a page as bytes."""
    others = json.dumps(list(page.others.items())).encode() if page.others else b""
    parts = [_HEAD.pack(VERSION, len(page.places), len(others))]
    parts.append(page.places.astype(_PLACES).tobytes())
    parts += [
        np.ascontiguousarray(column).astype(_little(column.dtype)).tobytes()
        for column in page.columns
    ]
    return b"".join([*parts, others])


def unpack(packed: bytes, layout: Sequence[np.dtype[Any]]) -> Packed:
    """Return what `pack` was given. ValueError: another version, or not a page of this layout."""
    if len(packed) < _HEAD.size:
        raise ValueError("not a page")
    version, count, tail = _HEAD.unpack_from(packed)
    width = _PLACES.itemsize + sum(dtype.itemsize for dtype in layout)
    if version != VERSION or len(packed) != _HEAD.size + count * width + tail:
        raise ValueError("not a page of this version and layout")
    at = _HEAD.size
    arrays = []
    for dtype in (_PLACES, *layout):
        arrays.append(np.frombuffer(packed, _little(dtype), count, at).astype(dtype))
        at += count * dtype.itemsize
    places = arrays[0].astype(np.int64)
    if count and int(places.max()) >= PAGE:
        raise ValueError("a place outside of the page")
    others = {int(place): value for place, value in json.loads(packed[at:])} if tail else {}
    return Packed(places, arrays[1:], others)


def _little(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return dtype.newbyteorder("<")
