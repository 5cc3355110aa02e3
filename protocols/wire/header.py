"""The header of a batch: which numbers of which stream it covers, and when it was opened."""

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

from protocols.clock import ClockState
from protocols.errors import WireError
from protocols.wire.bounds import BATCH_BYTES, BATCH_ITEMS, NUMBER, SKIP_ITEMS, TIME
from protocols.wire.reader import Reader
from protocols.wire.varint import put_uvar


class BatchKind(IntEnum):
    """What a batch carries."""

    READINGS = 1
    SKIP = 2
    EVENTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """Where and when a batch is written.

    `number` is the stream's ordinal in the buffer, `seq0` the batch's first sequence number;
    `mono0` and `wall0` are both clocks at the moment it was opened, in microseconds.
    """

    clock_state: ClockState
    number: int
    seq0: int
    mono0: int
    wall0: int


class Header(NamedTuple):
    """A batch without its body; it covers the sequence numbers `seq0` to `last`."""

    kind: BatchKind
    clock_state: ClockState
    number: int
    seq0: int
    n: int
    mono0: int
    wall0: int

    @property
    def last(self) -> int:
        """The last sequence number covered."""
        return self.seq0 + self.n - 1

    @property
    def stamp(self) -> Stamp:
        """What an encoder needs to write this header again."""
        return Stamp(
            clock_state=self.clock_state,
            number=self.number,
            seq0=self.seq0,
            mono0=self.mono0,
            wall0=self.wall0,
        )


_KINDS: Final = {kind.value: kind for kind in BatchKind}
_STATES: Final = {state.value: state for state in ClockState}
_FIRST: Final = 2
"""Bytes in front of the numbers."""
_NUMBERS: Final = 3
_NUMBERS_END: Final = _FIRST + _NUMBERS * 10
_CLOCKS: Final = struct.Struct("<qq")


def put_header(out: bytearray, kind: BatchKind, stamp: Stamp, n: int) -> None:
    """Append the header of a batch of `n` items. Raises WireError outside the bounds."""
    limit = SKIP_ITEMS if kind == BatchKind.SKIP else BATCH_ITEMS
    _check("clock_state", stamp.clock_state, 0, max(_STATES))
    _check("n", n, 1, limit)
    _check("stream", stamp.number, 1, NUMBER)
    _check("seq0", stamp.seq0, 1, NUMBER - n + 1)
    _check("mono0", stamp.mono0, -TIME, TIME)
    _check("wall0", stamp.wall0, -TIME, TIME)
    out.append(kind)
    out.append(stamp.clock_state)
    put_uvar(out, stamp.number)
    put_uvar(out, stamp.seq0)
    put_uvar(out, n)
    out += stamp.mono0.to_bytes(8, "little", signed=True)
    out += stamp.wall0.to_bytes(8, "little", signed=True)


def read_header(data: bytes) -> tuple[Header, int]:
    """Return the header and where the body begins; the body is not looked at. Raises WireError."""
    if len(data) > BATCH_BYTES:
        raise WireError("WIRE_TOO_LARGE", where="batch", size=len(data), limit=BATCH_BYTES)
    if len(data) < _FIRST:
        raise Reader(data, "header", len(data)).cut()
    kind, state = _KINDS.get(data[0]), _STATES.get(data[1])
    if kind is None or state is None:
        value = data[0] if kind is None else data[1]
        raise Reader(data, "header", _FIRST).error("WIRE_UNKNOWN", value=value)
    limit = SKIP_ITEMS if kind == BatchKind.SKIP else BATCH_ITEMS
    number, seq0, n, at = _read_numbers(data)
    if not (0 < number <= NUMBER and 0 < seq0 <= NUMBER and 0 < n <= limit):
        number, seq0, n, at = _judge_numbers(data, limit)
    mono0, wall0 = _CLOCKS.unpack_from(data, at)
    if not (seq0 + n <= NUMBER + 1 and -TIME <= mono0 <= TIME and -TIME <= wall0 <= TIME):
        _check("seq0", seq0, 1, NUMBER - n + 1)
        _check("mono0", mono0, -TIME, TIME)
        _check("wall0", wall0, -TIME, TIME)
    return Header(kind, state, number, seq0, n, mono0, wall0), at + _CLOCKS.size


def _read_numbers(data: bytes) -> tuple[int, int, int, int]:
    """Return the three numbers and where they end, or zeros: something is wrong."""
    numbers = []
    number = shift = 0
    at = _FIRST
    for byte in data[at : max(at, min(_NUMBERS_END, len(data) - _CLOCKS.size))]:
        at += 1
        if byte > 127:
            number |= (byte & 127) << shift
            shift += 7
        elif byte or not shift:
            numbers.append(number | byte << shift)
            if len(numbers) == _NUMBERS:
                return numbers[0], numbers[1], numbers[2], at
            number = shift = 0
        else:
            break
    return 0, 0, 0, 0


def _judge_numbers(data: bytes, limit: int) -> tuple[int, int, int, int]:
    """Do the same number by number. Raises WireError."""
    reader = Reader(data, "header", _FIRST)
    numbers = reader.uvar(1, NUMBER), reader.uvar(1, NUMBER), reader.uvar(1, limit)
    if reader.end - reader.at < _CLOCKS.size:
        reader.fixed(8)
        raise reader.cut()
    return *numbers, reader.at


def finish_batch(out: bytearray) -> bytes:
    """Return the batch's bytes. Raises WireError when there are too many: seal fewer items."""
    if len(out) > BATCH_BYTES:
        raise WireError("WIRE_TOO_LARGE", where="batch", size=len(out), limit=BATCH_BYTES)
    return bytes(out)


def _check(where: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise WireError("WIRE_RANGE", where=where, value=value, low=low, high=high)
