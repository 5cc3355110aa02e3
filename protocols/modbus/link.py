"""The line to the devices of one bus: the only importer of pymodbus.

Requests go one at a time. What the library does in two ways (exceptions are returned, silence is
raised) leaves here in one: cells, a `Refusal`, or DeviceUnreachable.
"""

import asyncio
import logging
import struct
from collections.abc import Sequence
from typing import Final, NamedTuple

from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.framer import FramerType
from pymodbus.pdu import ModbusPDU
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersResponse,
    ReadInputRegistersResponse,
)

from protocols.clock import real_monotonic
from protocols.errors import DeviceUnreachable
from protocols.modbus.forms import BIT_TABLES
from protocols.modbus.frames import AnswerFilter
from protocols.modbus.settings import Settings

RETRIES: Final = 0
"""The poller comes again in a scan; a retry here would double what a dead device takes from its
neighbours on the line."""

SILENCES_BEFORE_NEW_LINK: Final = 3
"""Unanswered requests in a row, of whatever device, after which the connection itself is doubted: a
link that died without a word, a serial server that hangs."""

PATH_EXCEPTIONS: Final = (10, 11)
"""A serial server's own answers: no path, or the device behind it is silent (V1.1b3, 7)."""

NEVER: Final = 1_000_000_000
RECEIVE_LIMIT: Final = 4_096
"""Bytes kept while looking for the answer; the library's 264 loses an answer behind a late one."""

PROBES: Final = {True: (1, 9, 17, 25), False: (1, 2, 3, 4)}
"""Cells a probe may read, for bits and for registers: answers of four different lengths."""

Client = AsyncModbusTcpClient | AsyncModbusSerialClient


class Request(NamedTuple):
    """A read of `cells` registers or bits; `name` is the device's, for errors."""

    name: str
    device: int
    table: str
    address: int
    cells: int


class Refusal(NamedTuple):
    """The device answered no."""

    exception: int


class _HoldingRegisters(ReadHoldingRegistersResponse):
    """The library's answer, unpacked at once instead of register by register."""

    def decode(self, data: bytes) -> None:
        self.registers = struct.unpack(f">{data[0] // 2}H", data[1:])

    def __str__(self) -> str:
        # The library writes every answer out for a log line that it then does not log.
        return type(self).__name__


class _InputRegisters(_HoldingRegisters):
    """The same for function 4."""

    function_code = ReadInputRegistersResponse.function_code


class Link:
    """Connects when needed, asks, and connects anew when nobody answers any more."""

    def __init__(self, bus: str, settings: Settings) -> None:
        self._bus = bus
        self._settings = settings
        self._client: Client | None = None
        self._filter = AnswerFilter(rtu=settings.rtu)
        self._silences = 0
        self._free_at = 0.0
        self._doubts: dict[int, set[tuple[str, int]]] = {}
        self._ambiguous = settings.rtu or not settings.strict_transaction

    async def open(self) -> None:
        """Connect if there is no connection. Raises DeviceUnreachable naming the bus."""
        doubtful = self._silences >= SILENCES_BEFORE_NEW_LINK
        if self._client is not None and self._client.connected and not doubtful:
            return
        await self.close()
        client = self._make()
        connected = False
        try:
            connected = await client.connect()
        except (OSError, ValueError) as exc:
            raise self._no_link() from exc
        finally:
            if not connected:
                client.close()
        if not connected:
            raise self._no_link()
        self._client = client
        self._silences = 0
        self._free_at = real_monotonic() + self._settings.settle

    def _no_link(self, code: str = "MODBUS_NO_LINK") -> DeviceUnreachable:
        return DeviceUnreachable(code, device=self._bus, place=self._settings.place)

    def _make(self) -> Client:
        settings = self._settings
        self._filter = AnswerFilter(rtu=settings.rtu, strict=settings.strict_transaction)
        client: Client
        if settings.transport == "serial":
            client = AsyncModbusSerialClient(
                settings.path,
                framer=FramerType.RTU,
                baudrate=settings.baudrate,
                bytesize=settings.bytesize,
                parity=settings.parity,
                stopbits=settings.stopbits,
                timeout=settings.timeout,
                retries=RETRIES,
                reconnect_delay=0,
                trace_packet=self._filter.pass_on,
            )
        else:
            client = AsyncModbusTcpClient(
                settings.host,
                port=settings.port,
                framer=FramerType.RTU if settings.rtu else FramerType.SOCKET,
                timeout=settings.timeout,
                retries=RETRIES,
                reconnect_delay=0,
                trace_packet=self._filter.pass_on,
            )
        # When to give a connection up is decided here, not by the library.
        client.set_max_no_responses(NEVER)
        client.ctx.max_buffer_size = RECEIVE_LIMIT
        client.register(_HoldingRegisters)
        client.register(_InputRegisters)
        return client

    async def close(self) -> None:
        """Let go of the connection; any number of times."""
        client, self._client = self._client, None
        if client is not None:
            client.close()
            # The transport closes its socket in the loop's next turn.
            await asyncio.sleep(0)

    async def ask(self, request: Request) -> Sequence[int] | Refusal:
        """Return the cells, or the device's refusal. Raises DeviceUnreachable within the timeout.

        Where an answer does not name its request (RTU), silence leaves a doubt: the answer may
        still come. The next request of that kind is then preceded by a probe of another length.
        """
        await self.open()
        if self._ambiguous:
            doubts = self._doubts.setdefault(request.device, set())
            if any(table == request.table for table, _ in doubts):
                await self._probe(request, doubts)
            doubts.add((request.table, request.cells))
        answer = await self._exchange(request)
        self._doubts.pop(request.device, None)
        return answer

    async def _probe(self, request: Request, doubts: set[tuple[str, int]]) -> None:
        counts = PROBES[request.table in BIT_TABLES]
        free = [count for count in counts if (request.table, count) not in doubts]
        if not free:
            doubts.clear()
        count = free[0] if free else counts[0]
        doubts.add((request.table, count))
        await self._exchange(request._replace(cells=count))
        doubts.clear()

    async def _exchange(self, request: Request) -> Sequence[int] | Refusal:
        await self._wait_for_silence()
        # Taken back by an answer: a read that is cancelled counts as silence too.
        self._silences += 1
        try:
            answer = await self._call(request)
        except ModbusException as exc:
            raise self._unanswered(request) from exc
        finally:
            self._free_at = real_monotonic() + self._settings.quiet
        self._silences = 0
        if answer.isError():
            return self._refused(request, answer.exception_code)
        return answer.bits if request.table in BIT_TABLES else answer.registers

    async def _wait_for_silence(self) -> None:
        left = self._free_at - real_monotonic()
        if left > 0:
            await asyncio.sleep(left)

    async def _call(self, request: Request) -> ModbusPDU:
        client = self._client
        if client is None:
            raise self._no_link()
        _, device, table, address, count = request
        if table == "holding":
            return await client.read_holding_registers(address, count=count, device_id=device)
        if table == "input":
            return await client.read_input_registers(address, count=count, device_id=device)
        if table == "coil":
            return await client.read_coils(address, count=count, device_id=device)
        return await client.read_discrete_inputs(address, count=count, device_id=device)

    def _unanswered(self, request: Request) -> DeviceUnreachable:
        heard = self._filter.heard
        if self._client is None or not self._client.connected:
            return self._no_link("MODBUS_LINK_LOST")
        return DeviceUnreachable(
            "MODBUS_GARBLED" if heard else "MODBUS_SILENT",
            device=request.name,
            address=request.device,
            place=self._settings.place,
            seconds=self._settings.timeout,
            bytes=heard,
        )

    def _refused(self, request: Request, exception: int) -> Refusal:
        if exception in PATH_EXCEPTIONS:
            raise DeviceUnreachable(
                "MODBUS_NO_PATH",
                device=request.name,
                address=request.device,
                place=self._settings.place,
                exception=exception,
            )
        return Refusal(exception)


def quiet_library() -> None:
    """Keep pymodbus from logging each silence: the gateway says it once, with the device's name."""
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
