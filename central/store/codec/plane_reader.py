"""Reads columns of integers back (`planes`): a total function of any bytes."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from central.store.codec.planes import SIZES, TYPES, Unsigned
from central.store.columns import Integers
from protocols.errors import FengsuiError
from protocols.wire.varint import unzigzag

_INT64: Final = 2**63
_VARINT: Final = 10
"""Most bytes of a number."""
_BYTES: Final[dict[Any, NDArray[Any]]] = {
    kind: np.array([unzigzag(byte) for byte in range(256)], kind) for kind in (np.int32, np.int64)
}


class ChunkDamaged(FengsuiError):
    """The bytes of a chunk are not what was written; `why` is for the log."""

    code = "CHUNK_DAMAGED"

    def __init__(self, why: str) -> None:
        super().__init__(why=why)


class Reader:
    """A position in immutable bytes. Raises ChunkDamaged, never anything else."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes."""
        start, self.at = self.at, self.at + size
        if self.at > len(self._data):
            raise ChunkDamaged("too short")
        return self._data[start : self.at]

    def u8(self) -> int:
        """Return the next byte."""
        at = self.at
        if at >= len(self._data):
            raise ChunkDamaged("too short")
        self.at = at + 1
        return self._data[at]

    def uvar(self, most: int = _INT64 - 1) -> int:
        """Return a number from 0 to `most`."""
        data, at = self._data, self.at
        if at < len(data) and data[at] < 0x80 and data[at] <= most:
            self.at = at + 1
            return data[at]
        number = shift = 0
        for byte in data[at : at + _VARINT]:
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        else:
            raise ChunkDamaged("no number")
        if number > most:
            raise ChunkDamaged("number too large")
        self.at = at + shift // 7
        return number

    def svar(self) -> int:
        """Return an int64."""
        at = self.at
        if at < len(self._data) and (byte := self._data[at]) < 0x80:
            self.at = at + 1
            return byte >> 1 ^ -(byte & 1)
        return unzigzag(self.uvar(2 * _INT64 - 1))

    def planes(self, width: int, count: int, start: int = 0, end: int | None = None) -> Unsigned:
        """Return the numbers from `start` to `end` of `count`; all of them count as read."""
        end = count if end is None else end
        first = self._pass(width, count)
        if not width:
            return np.zeros(end - start, np.uint64)
        if width == 1:
            return np.frombuffer(self._data, np.uint8, end - start, first + start).astype(np.uint64)
        raw = np.frombuffer(self._data, np.uint8, width * count, first).reshape(width, count)
        cells = np.zeros((end - start, SIZES[width]), np.uint8)
        cells[:, :width] = raw[:, start:end].T
        joined: Unsigned = cells.view(TYPES[SIZES[width]]).reshape(-1).astype(np.uint64)
        return joined

    def steps(  # `kind`: what numbers of one byte are made of
        self,
        width: int,
        count: int,
        start: int = 0,
        end: int | None = None,
        *,
        kind: type[np.int32 | np.int64] = np.int64,
    ) -> Integers:
        """Return the numbers close to zero from `start` to `end` of `count`."""
        end = count if end is None else end
        if width == 1:
            first = self._pass(1, count)
            octets = np.frombuffer(self._data, np.uint8, end - start, first + start)
            return _BYTES[kind].take(octets)
        numbers = self.planes(width, count, start, end)
        if not width:
            return numbers.view(np.int64)
        return (numbers >> np.uint64(1)).view(np.int64) ^ -(numbers & np.uint64(1)).view(np.int64)

    def near_zero(self, count: int, start: int = 0, end: int | None = None) -> Integers:
        """Return the numbers from `start` to `end` of `count`."""
        return self.steps(self.u8(), count, start, end)

    def above(self, count: int, start: int = 0, end: int | None = None) -> Integers:
        """Return the numbers from `start` to `end` of `count`."""
        low = self.svar()
        return self.planes(self.u8(), count, start, end).view(np.int64) + np.int64(low)

    def one_above(self, count: int, place: int) -> int:
        """Return one of `count` numbers that `above` would return; all count as read."""
        number, width = self.svar(), self.u8()
        first = self._pass(width, count) + place
        for plane in range(width):
            number += self._data[first + plane * count] << 8 * plane
        return (number + _INT64) % (2 * _INT64) - _INT64

    def runs(self, count: int, start: int = 0, end: int | None = None) -> Integers:
        """Return the numbers from `start` to `end` of `count`."""
        end = count if end is None else end
        if (alike := self.one_run()) is not None:
            return np.full(end - start, alike)
        values, sizes = self.run_lengths(count)
        if end - start == count:
            return values.repeat(sizes)
        ends = sizes.cumsum()
        first, last = ends.searchsorted((start, end - 1), "right").tolist()
        edges = np.concatenate(((start,), ends[first:last], (end,)))
        return values[first : last + 1].repeat(edges[1:] - edges[:-1])

    def run_lengths(self, count: int) -> tuple[Integers, Integers]:
        """Return what the numbers of each run are, and how many: of `count` in all."""
        runs = self.uvar(count)
        if runs == 1:
            return np.array([self.svar()]), np.array([count])
        if not runs:
            raise ChunkDamaged("no runs")
        values, sizes = self.above(runs), self.above(runs)
        if sizes.view(np.uint64).max() > count or sizes.sum() != count:
            raise ChunkDamaged("runs")
        return values, sizes

    def one_run(self) -> int | None:
        """Return what all the numbers are, or None: `runs` has to be asked."""
        before = self.at
        if self.uvar() == 1:
            return self.svar()
        self.at = before
        return None

    def ended(self) -> None:
        """Raise ChunkDamaged if there is more."""
        if self.at != len(self._data):
            raise ChunkDamaged("too long")

    def _pass(self, width: int, count: int) -> int:
        """Step over so many planes of `count` bytes; return where they begin."""
        if width > 8:
            raise ChunkDamaged("width")
        first, self.at = self.at, self.at + width * count
        if self.at > len(self._data):
            raise ChunkDamaged("too short")
        return first
