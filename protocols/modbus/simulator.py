"""Simulated Modbus devices behind one port: Modbus TCP, or RTU framing over TCP.

The registers hold what the signals say at the moment of each read, encoded as the profile tells. A
read within a device's lowest and highest address is answered, unused registers as 0; outside of it
the device answers exception 2, and 4 where the signal is a value that the point cannot hold.
Faults can be switched while it runs. An address of no device is
silence, as on a serial line.

    simulator = await serve(devices, signals, clock, framing="rtu")
    simulator.silent("panel", True)      # no answer any more
    simulator.refuse("panel", 12)        # exception 2 for whatever touches address 12
    simulator.slow("panel", 0.5)         # answers half a second late
    await simulator.close()
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, NamedTuple

from protocols.clock import Clock
from protocols.device import Device
from protocols.modbus.codec import modbus_address
from protocols.modbus.encode import Encode, encoder
from protocols.modbus.forms import BIT_TABLES, MAX_BITS, MAX_REGISTERS, width_of
from protocols.modbus.frames import (
    EXCEPTION,
    TCP_HEADER,
    crc16,
    rtu_frame,
    tcp_frame,
)
from protocols.modbus.settings import device_address
from protocols.words import Value

Signals = Callable[[str, str, int], Value]
"""Device, point, time (µs UTC) to the value in the point's unit; None: no measurement."""

FRAMINGS: Final = ("tcp", "rtu")
TABLE_OF_FUNCTION: Final = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}
READ_SIZE: Final = 6  # device address, function, address, count
CRC_SIZE: Final = 2
LONGEST_FRAME: Final = 260

ILLEGAL_FUNCTION: Final = 1
ILLEGAL_ADDRESS: Final = 2
ILLEGAL_VALUE: Final = 3
DEVICE_FAILURE: Final = 4


class _Held(NamedTuple):
    """A point's cells: `start` to `stop` - 1."""

    start: int
    stop: int
    name: str
    encode: Encode


class SimulatedDevice:
    """The cells of one device."""

    def __init__(self, device: Device, signals: Signals, clock: Clock) -> None:
        self._name = device.name
        self._signals = signals
        self._clock = clock
        self._points: dict[str, list[_Held]] = {}
        for point in device.points:
            address = modbus_address(point.sheet)
            stop = address.address + width_of(address)
            held = _Held(address.address, stop, point.sheet.name, encoder(point.sheet))
            self._points.setdefault(address.table, []).append(held)
        self.silent = False
        self.delay = 0.0
        self.refused: set[int] = set()
        self.ignored: set[int] = set()
        self.requests = 0
        """Reads received, answered or not."""

    def ignores(self, data: bytes) -> bool:
        """Return whether a request for these cells meets silence."""
        start, count = int.from_bytes(data[:2], "big"), int.from_bytes(data[2:4], "big")
        return any(start <= address < start + count for address in self.ignored)

    def read(self, table: str, start: int, count: int) -> list[int] | int:
        """Return the cells, or the number of a Modbus exception."""
        if not 1 <= count <= (MAX_BITS if table in BIT_TABLES else MAX_REGISTERS):
            return ILLEGAL_VALUE
        points = self._points.get(table, [])
        stop = start + count
        lowest = min((held.start for held in points), default=0)
        highest = max((held.stop for held in points), default=0)
        if start < lowest or stop > highest or any(start <= at < stop for at in self.refused):
            return ILLEGAL_ADDRESS
        cells = [0] * count
        now = self._clock.now()
        try:
            for held in points:
                if held.start < stop and start < held.stop:
                    self._put(cells, start, held, now)
        except ValueError:
            return DEVICE_FAILURE
        return cells

    def _put(self, cells: list[int], start: int, held: "_Held", now: int) -> None:
        value = self._signals(self._name, held.name, now)
        for place, cell in enumerate(held.encode(value), held.start - start):
            if 0 <= place < len(cells):
                # Several points may be bits or bytes of one register.
                cells[place] |= cell


class Simulator:
    """Devices that listen on `port` until closed."""

    def __init__(self, devices: Sequence[Device], signals: Signals, clock: Clock) -> None:
        self._by_name = {device.name: SimulatedDevice(device, signals, clock) for device in devices}
        self._by_address = {
            device_address(device): self._by_name[device.name] for device in devices
        }
        if len(self._by_address) != len(devices):
            raise ValueError("two devices with one address")
        self._server: asyncio.Server | None = None
        self._lines: set[_Line] = set()
        self.port = 0

    async def listen(self, host: str, port: int, framing: str) -> None:
        """Begin to answer. Raises OSError if the port is taken, ValueError for the framing."""
        if framing not in FRAMINGS:
            raise ValueError(f"framing {framing!r} is not one of {', '.join(FRAMINGS)}")
        line = partial(_Line, self, self._lines, rtu=framing == "rtu")
        self._server = await asyncio.get_running_loop().create_server(line, host, port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and drop every connection; may be called again."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        for line in tuple(self._lines):
            line.drop()
        await server.wait_closed()
        await asyncio.sleep(0)

    def silent(self, device: str, on: bool) -> None:  # noqa: FBT001  # reads as a switch
        """Make a device answer nothing, as if absent."""
        self._by_name[device].silent = on

    def refuse(self, device: str, address: int) -> None:
        """Make a device answer exception 2 to whatever touches `address` (of any table)."""
        self._by_name[device].refused.add(address)

    def accept(self, device: str, address: int) -> None:
        """Take `refuse` and `ignore` back."""
        self._by_name[device].refused.discard(address)
        self._by_name[device].ignored.discard(address)

    def ignore(self, device: str, address: int) -> None:
        """Make a device keep silent where it should refuse: whatever touches `address`."""
        self._by_name[device].ignored.add(address)

    def slow(self, device: str, seconds: float) -> None:
        """Make a device answer that much later (real seconds: a socket knows no story)."""
        self._by_name[device].delay = seconds

    def requests(self, device: str) -> int:
        """Return how many reads a device has received."""
        return self._by_name[device].requests

    def answer(self, body: bytes) -> tuple[bytes, float] | None:
        """Return what answers a request (device address, function, data) and after how long.

        None: nobody answers.
        """
        device = self._by_address.get(body[0])
        if device is None:
            return None
        device.requests += 1
        if device.silent or device.ignores(body[2:]):
            return None
        return bytes(body[:1]) + _answer(device, body[1], body[2:]), device.delay


def _answer(device: SimulatedDevice, function: int, data: bytes) -> bytes:
    table = TABLE_OF_FUNCTION.get(function)
    if table is None:
        return bytes([function | EXCEPTION, ILLEGAL_FUNCTION])
    if len(data) != READ_SIZE - 2:
        return bytes([function | EXCEPTION, ILLEGAL_VALUE])
    start, count = int.from_bytes(data[:2], "big"), int.from_bytes(data[2:], "big")
    cells = device.read(table, start, count)
    if isinstance(cells, int):
        return bytes([function | EXCEPTION, cells])
    if table in BIT_TABLES:
        bits = sum(1 << place for place, bit in enumerate(cells) if bit)
        payload = bits.to_bytes((count + 7) // 8, "little")
    else:
        payload = b"".join([cell.to_bytes(2, "big") for cell in cells])
    return bytes([function, len(payload)]) + payload


class _Line(asyncio.Protocol):
    """One connection; several requests may arrive in one piece, or one in several."""

    def __init__(self, simulator: Simulator, lines: "set[_Line]", *, rtu: bool) -> None:
        self._simulator = simulator
        self._lines = lines
        self._rtu = rtu
        self._waiting = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  # what create_server makes
        self._transport = transport
        self._lines.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._lines.discard(self)

    def drop(self) -> None:
        """Close the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        take = self._take_rtu if self._rtu else self._take_tcp
        while take():
            pass

    def _take_tcp(self) -> bool:
        if len(self._waiting) < TCP_HEADER:
            return False
        size = TCP_HEADER + int.from_bytes(self._waiting[4:TCP_HEADER], "big")
        if not TCP_HEADER + 2 <= size <= LONGEST_FRAME:
            self.drop()
            return False
        if len(self._waiting) < size:
            return False
        frame, self._waiting = self._waiting[:size], self._waiting[size:]
        self._reply(frame[TCP_HEADER:], partial(tcp_frame, frame[:2]))
        return True

    def _take_rtu(self) -> bool:
        size = READ_SIZE + CRC_SIZE
        if len(self._waiting) < size:
            return False
        frame, self._waiting = self._waiting[:size], self._waiting[size:]
        if crc16(frame[:READ_SIZE]) == frame[READ_SIZE:]:
            self._reply(frame[:READ_SIZE], rtu_frame)
        else:
            # Not a read request: what else there is of it cannot be told apart.
            self._waiting = b""
        return True

    def _reply(self, body: bytes, frame: Callable[[bytes], bytes]) -> None:
        answer = self._simulator.answer(body)
        if answer is None:
            return
        content, delay = answer
        if delay:
            asyncio.get_running_loop().call_later(delay, self._send, frame(content))
        else:
            self._send(frame(content))

    def _send(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)


async def serve(
    devices: Sequence[Device],
    signals: Signals,
    clock: Clock,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    framing: str = "tcp",
) -> Simulator:
    """Start the simulated devices of one bus; each answers at its option `device_id`.

    Port 0 takes a free one: see `port` of what is returned. Raises OSError if the port is taken,
    ValueError if a sheet, an address or the framing is wrong.
    """
    simulator = Simulator(devices, signals, clock)
    await simulator.listen(host, port, framing)
    return simulator
