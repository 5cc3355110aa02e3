"""Modbus frames as bytes (pure): which of the bytes received answer the request that was sent.

The library takes the first frame that comes. On a real line that may be the late answer to an
earlier request, a serial server's heartbeat, an echo or noise. `AnswerFilter` lets through only the
frame that has the request's transaction (TCP), device, function and length, and a right CRC (RTU).
"""

from dataclasses import dataclass
from typing import Final

TCP_HEADER: Final = 6  # transaction, protocol, length; the device address counts as body
CRC_SIZE: Final = 2
EXCEPTION: Final = 0x80
BIT_FUNCTIONS: Final = (1, 2)


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
        table.append(crc)
    return tuple(table)


_CRC: Final = _crc_table()


def crc16(data: bytes) -> bytes:
    """Return the CRC of Modbus over Serial Line V1.02, 6.2.2, as it is sent: low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC[(crc ^ byte) & 0xFF]
    return crc.to_bytes(CRC_SIZE, "little")


def tcp_frame(transaction: bytes, body: bytes) -> bytes:
    """Return device address, function and data (`body`) as a frame of Modbus TCP."""
    return transaction + b"\0\0" + len(body).to_bytes(2, "big") + body


def rtu_frame(body: bytes) -> bytes:
    """Return device address, function and data (`body`) as a frame of Modbus RTU."""
    return body + crc16(body)


def data_size(function: int, count: int) -> int:
    """Return how many data bytes answer a read of `count` cells."""
    return (count + 7) // 8 if function in BIT_FUNCTIONS else 2 * count


@dataclass(frozen=True, slots=True)
class _Form:
    """A frame that would answer: it begins so, `skip` bytes before that do not matter."""

    begin: bytes
    size: int
    skip: int = 0


class AnswerFilter:
    """Sees the bytes of one connection in both directions.

    `rtu`: RTU framing, else Modbus TCP. `strict` off: the device does not repeat the transaction
    number; the answer is then known by device, function and length alone.
    """

    def __init__(self, *, rtu: bool, strict: bool = True) -> None:
        self._rtu = rtu
        self._strict = strict
        self._forms: tuple[_Form, ...] = ()
        self._transaction = b""
        self.heard = 0
        """Bytes received since the last request that were no answer to it."""

    def pass_on(self, sending: bool, data: bytes) -> bytes:  # noqa: FBT001  # the library's own
        """Return what goes on: every request, and of what is received only the answer."""
        if sending:
            self._sent(data)
            return data
        for form in self._forms:
            answer = self._find(form, data)
            if answer:
                self._forms = ()
                self.heard = 0
                return answer
        self.heard = len(data)
        return b""

    def _sent(self, request: bytes) -> None:
        self.heard = 0
        body = request if self._rtu else request[TCP_HEADER:]
        device, function = body[0], body[1]
        size = data_size(function, int.from_bytes(body[4:6], "big"))
        answer = bytes([device, function, size])
        refusal = bytes([device, function | EXCEPTION])
        if self._rtu:
            self._forms = (_Form(answer, 3 + size + CRC_SIZE), _Form(refusal, 3 + CRC_SIZE))
            return
        self._transaction = request[:2]
        head = self._transaction + b"\0\0" if self._strict else b"\0\0"
        skip = 0 if self._strict else 2
        self._forms = tuple(
            _Form(head + length.to_bytes(2, "big") + begin, TCP_HEADER + length, skip)
            for begin, length in ((answer, 3 + size), (refusal, 3))
        )

    def _find(self, form: _Form, data: bytes) -> bytes:
        place = data.find(form.begin, form.skip)
        while place >= 0:
            frame = data[place - form.skip : place - form.skip + form.size]
            if len(frame) < form.size:
                return b""  # the rest is on its way
            if not self._rtu:
                return self._transaction + frame[2:]
            if crc16(frame[:-CRC_SIZE]) == frame[-CRC_SIZE:]:
                return frame
            place = data.find(form.begin, place + 1)
        return b""
