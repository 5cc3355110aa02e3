"""The simulated devices as a client on the wire sees them."""

import asyncio
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.clock import SystemClock
from protocols.modbus.frames import rtu_frame, tcp_frame
from protocols.modbus.simulator import Simulator, serve
from tests.protocols.driver_suite import settle
from tests.protocols.modbus.builders import device, sheet

TANK = device(
    sheet("a", "uint16", 10),
    sheet("b", "float32", 12, order="CDAB"),
    sheet("low", "int8l", 14),
    sheet("high", "int8h", 14),
    sheet("coil", "bool", 5, table="coil"),
    sheet("last", "bool", 14, table="coil"),
    name="tank",
    device_id=9,
)
VALUES = {"a": 258, "b": 12.5, "low": -1, "high": 2, "coil": True, "last": True}


def signals(_device, name, _now):
    return VALUES[name]


@contextlib.asynccontextmanager
async def connected(framing="tcp"):
    simulator = await serve([TANK], signals, SystemClock(), framing=framing)
    reader, writer = await asyncio.open_connection("127.0.0.1", simulator.port)
    try:
        yield simulator, reader, writer
    finally:
        writer.close()
        await simulator.close()
        await settle()


def request(function, start, count, unit=9):
    return bytes([unit, function]) + start.to_bytes(2, "big") + count.to_bytes(2, "big")


CASES = [
    (request(3, 10, 1), "09 03 02 0102"),
    (request(3, 10, 5), "09 03 0a 0102 0000 0000 4148 02ff"),
    (request(3, 13, 1), "09 03 02 4148"),
    (request(1, 5, 10), "09 01 02 01 02"),
    (request(3, 9, 1), "09 83 02"),
    (request(3, 14, 2), "09 83 02"),
    (request(4, 10, 1), "09 84 02"),
    (request(3, 10, 0), "09 83 03"),
    (request(3, 10, 126), "09 83 03"),
    (request(1, 5, 2001), "09 81 03"),
    (request(6, 10, 1), "09 86 01"),
]


@pytest.mark.parametrize("framing", ["tcp", "rtu"])
@pytest.mark.parametrize(("body", "answer"), CASES)
async def test_answers(framing, body, answer):
    wanted = bytes.fromhex(answer)
    async with connected(framing) as (_, reader, writer):
        ask = rtu_frame(body) if framing == "rtu" else tcp_frame(b"\x12\x34", body)
        wanted = rtu_frame(wanted) if framing == "rtu" else tcp_frame(b"\x12\x34", wanted)
        writer.write(ask)
        assert await asyncio.wait_for(reader.readexactly(len(wanted)), 60) == wanted


@pytest.mark.parametrize("framing", ["tcp", "rtu"])
async def test_requests_in_pieces_and_together(framing):
    bodies = [request(3, 10, 1), request(3, 13, 1)]
    framed = [rtu_frame(b) if framing == "rtu" else tcp_frame(b"\0\1", b) for b in bodies]
    async with connected(framing) as (simulator, reader, writer):
        writer.write(framed[0][:5])
        await writer.drain()
        await settle()
        writer.write(framed[0][5:] + framed[1])
        size = 7 if framing == "rtu" else 11
        first = await asyncio.wait_for(reader.readexactly(size), 60)
        second = await asyncio.wait_for(reader.readexactly(size), 60)
        assert bytes.fromhex("0102") in first
        assert bytes.fromhex("4148") in second
        assert simulator.requests("tank") == 2


@pytest.mark.parametrize("framing", ["tcp", "rtu"])
async def test_silence_of_an_absent_and_of_a_silenced_device(framing):
    def framed(body):
        return rtu_frame(body) if framing == "rtu" else tcp_frame(b"\0\1", body)

    async with connected(framing) as (simulator, reader, writer):
        writer.write(framed(request(3, 10, 1, unit=8)))
        simulator.silent("tank", True)
        writer.write(framed(request(3, 10, 1)))
        await writer.drain()
        for _ in range(400):
            if simulator.requests("tank"):
                break
            await asyncio.sleep(0.005)
        simulator.silent("tank", False)
        writer.write(framed(request(3, 13, 1)))
        # The only answer is the last one's.
        answer = await asyncio.wait_for(reader.read(64), 60)
        assert answer == framed(bytes.fromhex("09 03 02 4148"))


async def test_a_wrong_crc_is_not_answered():
    async with connected("rtu") as (simulator, reader, writer):
        writer.write(rtu_frame(request(3, 10, 1))[:-1] + b"\0")
        await writer.drain()
        await settle()
        writer.write(rtu_frame(request(3, 13, 1)))
        answer = await asyncio.wait_for(reader.read(64), 60)
        assert answer == rtu_frame(bytes.fromhex("09 03 02 4148"))
        assert simulator.requests("tank") == 1


async def test_a_length_no_frame_has_ends_the_connection():
    async with connected("tcp") as (_, reader, writer):
        writer.write(b"\0\1\0\0\xff\xff\x09\x03")
        with contextlib.suppress(ConnectionResetError):
            assert await asyncio.wait_for(reader.read(64), 60) == b""


async def test_faults_are_switched_while_it_runs():
    async with connected() as (simulator, reader, writer):

        async def ask(start, count):
            writer.write(tcp_frame(b"\0\1", request(3, start, count)))
            return (await asyncio.wait_for(reader.read(64), 60))[6:]

        simulator.refuse("tank", 12)
        assert await ask(10, 5) == bytes.fromhex("09 83 02")
        assert await ask(10, 1) == bytes.fromhex("09 03 02 0102")
        simulator.accept("tank", 12)
        assert (await ask(10, 5))[:3] == bytes.fromhex("09 03 0a")


@given(st.binary(max_size=64))
def test_no_bytes_ever_raise(data):
    simulator = Simulator([TANK], signals, SystemClock())
    answer = simulator.answer(b"\x09\x03" + data)
    assert answer is not None
    body, _ = answer
    assert body[:1] == b"\x09"
    assert body[1] in (3, 0x83)


async def test_close_may_be_repeated_and_frees_the_port():
    simulator = await serve([TANK], signals, SystemClock())
    port = simulator.port
    with pytest.raises(OSError, match=str(port)):
        await serve([TANK], signals, SystemClock(), port=port)
    await simulator.close()
    await simulator.close()
    again = await serve([TANK], signals, SystemClock(), port=port)
    assert again.port == port
    await again.close()


async def test_what_cannot_be_served_is_refused():
    with pytest.raises(ValueError, match="one address"):
        await serve([TANK, device(sheet(), name="other", device_id=9)], signals, SystemClock())
    with pytest.raises(ValueError, match="framing"):
        await serve([TANK], signals, SystemClock(), framing="ascii")
