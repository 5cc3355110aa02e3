"""Reads a byte string from the front; never past its end, never a number outside its bounds."""

from typing import Final

from protocols.errors import WireError
from protocols.wire.varint import unzigzag

_UVAR_BYTES: Final = 10
_UVAR_END: Final = 1 << 64


class Reader:
    """A position in immutable bytes; `where` names the part for errors.

    Every method raises WireError and leaves no partial result.
    """

    __slots__ = ("at", "data", "end", "where")

    def __init__(self, data: bytes, where: str, at: int = 0, end: int | None = None) -> None:
        self.data = data
        self.where = where
        self.at = at
        self.end = len(data) if end is None else end

    def u8(self) -> int:
        """Return the next byte."""
        at = self.at
        if at >= self.end:
            raise self.cut()
        self.at = at + 1
        return self.data[at]

    def uvar(self, low: int = 0, high: int = _UVAR_END - 1) -> int:
        """Return an unsigned varint between `low` and `high`."""
        at = self.at
        if at >= self.end:
            raise self.cut()
        self.at = at + 1
        number = self.data[at]
        if number > 127:
            number = self._long_uvar(number & 127)
        if not low <= number <= high:
            raise self.error("WIRE_RANGE", value=number, low=low, high=high)
        return number

    def svar(self) -> int:
        """Return a zigzag varint: an int64."""
        return unzigzag(self.uvar())

    def uvars(self, limit: int) -> list[int]:
        """Return all unsigned varints to the end of this part, at most `limit`."""
        rest = self.data[self.at : self.end]
        if rest.isascii() and len(rest) <= limit:
            self.at = self.end
            return list(rest)
        numbers: list[int] = []
        while self.at < self.end:
            if len(numbers) == limit:
                raise self.error("WIRE_TRAILING", left=self.end - self.at)
            numbers.append(self.uvar())
        return numbers

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes."""
        at = self.at
        if size > self.end - at:
            raise self.cut()
        self.at = at + size
        return self.data[at : self.at]

    def fixed(self, size: int, *, signed: bool = False) -> int:
        """Return a little-endian integer of `size` bytes."""
        return int.from_bytes(self.take(size), "little", signed=signed)

    def part(self, where: str) -> "Reader":
        """Return a reader of the next part, which is preceded by its length; steps over it."""
        size = self.uvar()
        at = self.at
        if size > self.end - at:
            raise self.cut()
        self.at = at + size
        return Reader(self.data, where, at, self.at)

    def finish(self) -> None:
        """Raise if anything is left."""
        if self.at != self.end:
            raise self.error("WIRE_TRAILING", left=self.end - self.at)

    def cut(self) -> WireError:
        """Return the error of bytes that end too early."""
        return self.error("WIRE_CUT")

    def form(self, rule: str) -> WireError:
        """Return the error of a form that is not the one allowed; `rule` as in docs/wire.md."""
        return self.error("WIRE_FORM", rule=rule)

    def error(self, code: str, /, **params: int | str) -> WireError:
        """Return a WireError that names the part and the place in the bytes."""
        return WireError(code, where=self.where, at=self.at, **params)

    def _long_uvar(self, number: int) -> int:
        rest = self.data[self.at : min(self.end, self.at + _UVAR_BYTES - 1)]
        shift = 7
        for byte in rest:
            number |= (byte & 127) << shift
            if byte < 128:
                self.at += shift // 7
                if byte == 0 or number >= _UVAR_END:
                    raise self.form("varint")
                return number
            shift += 7
        self.at += len(rest)
        raise self.cut() if len(rest) < _UVAR_BYTES - 1 else self.form("varint")
