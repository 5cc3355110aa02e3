"""The driver against the simulator, over every transport."""

import asyncio
import socket
from contextlib import AsyncExitStack
from types import SimpleNamespace

import pytest

from protocols.clock import HOUR, SystemClock, real_monotonic
from protocols.driver import build
from protocols.errors import DeviceUnreachable
from protocols.modbus.plan import LEARNT_FOR
from protocols.modbus.simulator import serve
from protocols.profile import Scale
from protocols.quality import Quality
from protocols.texts import text
from protocols.words import Reading
from tests.protocols.driver_suite import PolledDriverSuite, Rig, settle
from tests.protocols.modbus.builders import bus, device, sheet
from tests.protocols.modbus.serial_line import SerialLine

TIMEOUT = 1.0
"""Of a bus here, seconds: a connection to a loaded machine's own port has taken 0.4."""

SHEETS = (
    sheet("level", "float32", 0, order="CDAB", decimals=2),
    sheet("temperature", "int16", 2, scale=Scale(factor=0.1), decimals=1),
    sheet("missing", "uint16", 7),
    sheet("running", "bool", 9, bit=3),
    sheet("tripped", "bool", 9, bit=4),
    sheet("name", "gb18030", 20, count=8),
    sheet("total", "uint64", 300, table="input", order="BADC"),
    sheet("valve", "bool", 3, table="coil"),
    sheet("doors", "bitfield", 40, table="discrete", count=12),
)
TRUTH = {
    "level": 12.34,
    "temperature": -4.2,
    "running": True,
    "tripped": False,
    "name": "一号储罐",
    "total": 2**60 + 1,
    "valve": True,
    "doors": 0b100000000101,
}


def unused_port():
    """Return a port where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Now:
    """A clock that stands still until moved."""

    state = SystemClock().state

    def __init__(self):
        self.time = 1_000_000

    def now(self):
        return self.time

    def mono(self):
        return self.time


class Plant:
    """Simulated devices and buses that reach them; everything ends with the stack."""

    def __init__(self, stack, clock=None):
        self.stack = stack
        self.clock = clock or SystemClock()
        self.values = {}

    async def serve(self, *devices, framing="tcp"):
        def signals(name, point, _now):
            return self.values.get((name, point), TRUTH.get(point, 0))

        self.simulator = await serve(devices, signals, self.clock, framing=framing)
        self.stack.push_async_callback(self.simulator.close)
        return self.simulator

    def driver(self, *devices, framing="tcp", **options):
        transport = "tcp" if framing == "tcp" else "rtu-over-tcp"
        line = bus(
            *devices,
            transport=transport,
            host="127.0.0.1",
            port=self.simulator.port,
            **{"timeout": TIMEOUT, **options},
        )
        made = build(line, self.clock)
        self.stack.push_async_callback(made.close)
        return made


@pytest.fixture
async def plant():
    async with AsyncExitStack() as stack:
        yield Plant(stack)


@pytest.fixture
async def stopped():
    """A plant whose clock is moved by hand."""
    async with AsyncExitStack() as stack:
        yield Plant(stack, Now())


async def transport_options(transport, port, stack):
    if transport != "serial":
        return {"transport": transport, "host": "127.0.0.1", "port": port}
    line = SerialLine()
    await line.open(port)
    stack.push_async_callback(line.close)
    return {"transport": "serial", "path": line.path, "baudrate": 115_200}


@pytest.mark.parametrize("transport", ["tcp", "rtu-over-tcp", "serial"], scope="class")
class TestModbusDriver(PolledDriverSuite):
    @pytest.fixture
    async def rig(self, transport, plant):
        tank = device(*SHEETS, name="tank", device_id=7, first=100)
        simulator = await plant.serve(tank, framing="tcp" if transport == "tcp" else "rtu")
        simulator.refuse("tank", 7)
        where = await transport_options(transport, simulator.port, plant.stack)
        nowhere = (
            {"transport": "serial", "path": "/dev/absent"}
            if transport == "serial"
            else {**where, "port": unused_port()}
        )

        async def silence(on):
            simulator.silent("tank", on)

        rig = Rig(
            build=lambda line: build(line, SystemClock()),
            bus=bus(tank, **where, timeout=TIMEOUT),
            device=tank,
            truth=TRUTH,
            unknown="missing",
            timeout=TIMEOUT,
            silence=silence,
            deaf=bus(tank, **nowhere, timeout=TIMEOUT),
        )
        yield rig
        for driver in rig.drivers:
            await driver.close()


def values(sample):
    return {reading.point: reading.value for reading in sample.readings}


async def test_few_requests_a_read(plant):
    tank = device(*(sheet(f"p{i}", "float32", 2 * i) for i in range(100)), name="tank")
    simulator = await plant.serve(tank)
    driver = plant.driver(tank)
    assert len((await driver.read(tank)).readings) == 100
    assert simulator.requests("tank") == 2


async def test_a_refused_address_is_found_once_and_not_asked_again(stopped):
    tank = device(*(sheet(f"p{i}", "uint16", i) for i in range(100)), name="tank")
    simulator = await stopped.serve(tank)
    simulator.refuse("tank", 37)
    driver = stopped.driver(tank)
    expected = {i: None if i == 37 else 0 for i in range(100)}
    assert values(await driver.read(tank)) == expected
    searched = simulator.requests("tank")
    assert searched <= 20
    assert driver.refused(tank) == {"p37": 2}
    assert values(await driver.read(tank)) == expected
    assert simulator.requests("tank") - searched <= 8
    # The device is repaired: it is noticed when what was learnt is forgotten, not before.
    simulator.accept("tank", 37)
    stopped.clock.time += LEARNT_FOR[0] - 1
    assert values(await driver.read(tank)) == expected
    stopped.clock.time += 1
    assert values(await driver.read(tank)) == dict.fromkeys(range(100), 0)
    assert driver.refused(tank) == {}


async def test_a_device_that_refuses_everything_cannot_hold_the_bus(plant):
    tank = device(*(sheet(f"p{i}", "uint16", i) for i in range(120)), name="tank")
    simulator = await plant.serve(tank)
    for address in range(120):
        simulator.refuse("tank", address)
    driver = plant.driver(tank)
    for _ in range(6):
        before = simulator.requests("tank")
        readings = (await driver.read(tank)).readings
        assert {r.quality for r in readings} == {Quality.BAD_CONFIGURATION_ERROR}
        assert len(readings) == 120
        assert simulator.requests("tank") - before <= 130
    assert len(driver.refused(tank)) == 120


async def test_a_failing_device_is_bad_and_asked_again(plant):
    tank = device(sheet("a", "uint16", 0), sheet("far", "uint16", 500), name="tank")
    plant.values["tank", "a"] = 70_000  # does not fit: the simulated device answers exception 4
    await plant.serve(tank)
    driver = plant.driver(tank)
    first, second = (await driver.read(tank)).readings
    assert first[:3] == (0, None, Quality.BAD_DEVICE_FAILURE)
    assert second[:3] == (1, 0, Quality.GOOD)
    plant.values["tank", "a"] = 7
    assert values(await driver.read(tank)) == {0: 7, 1: 0}


@pytest.mark.parametrize("framing", ["tcp", "rtu"])
async def test_a_dead_neighbour_costs_its_timeout_and_nothing_else(plant, framing):
    devices = [
        device(sheet("a", "uint16", 0), name=f"d{i}", device_id=i, first=10 * i)
        for i in range(1, 4)
    ]
    simulator = await plant.serve(*devices, framing=framing)
    for number, dev in enumerate(devices, 1):
        plant.values[dev.name, "a"] = number
    driver = plant.driver(*devices, framing=framing)
    simulator.silent("d2", True)
    for _ in range(5):
        assert values(await driver.read(devices[0])) == {10: 1}
        with pytest.raises(DeviceUnreachable) as caught:
            await driver.read(devices[1])
        assert caught.value.device == "d2"
        assert caught.value.code == "MODBUS_SILENT"
        assert values(await driver.read(devices[2])) == {30: 3}


async def test_an_address_of_no_device_is_silence(plant):
    ghost = device(sheet("a", "uint16", 0), name="ghost", device_id=99)
    await plant.serve(device(sheet("a", "uint16", 0), name="tank"))
    with pytest.raises(DeviceUnreachable):
        await plant.driver(ghost).read(ghost)


@pytest.mark.parametrize(
    ("framing", "options"),
    [("tcp", {}), ("tcp", {"strict_transaction": False}), ("rtu", {})],
)
async def test_a_late_answer_is_never_taken_for_the_next(plant, framing, options):
    """The answer of a timed-out read arrives in the middle of the next one of the same length."""
    tank = device(sheet("a", "uint16", 0), sheet("b", "uint16", 500), name="tank")
    plant.values["tank", "a"], plant.values["tank", "b"] = 1, 2
    simulator = await plant.serve(tank, framing=framing)
    driver = plant.driver(tank, framing=framing, timeout=1.0, **options)
    simulator.slow("tank", 1.2)
    with pytest.raises(DeviceUnreachable):
        await driver.read(tank)
    simulator.slow("tank", 0.4)  # well within the timeout on a loaded machine too
    # The next read asks the other block first: the late answer to `a` must not become `b`.
    for _ in range(3):
        assert values(await driver.read(tank)) == {0: 1, 1: 2}


async def test_a_new_connection_is_made_after_a_row_of_silence(plant):
    tank = device(sheet("a", "uint16", 0), name="tank")
    first = await plant.serve(tank)
    driver = plant.driver(tank)
    await driver.read(tank)
    await first.close()
    for _ in range(4):
        with pytest.raises(DeviceUnreachable):
            await driver.read(tank)
    again = await serve([tank], lambda *_: 5, SystemClock(), port=first.port)
    plant.stack.push_async_callback(again.close)
    assert values(await driver.read(tank)) == {0: 5}


async def test_a_place_that_is_never_answered_does_not_hide_the_others(stopped):
    """Some devices keep silent where they should refuse."""
    tank = device(sheet("a", "uint16", 0), sheet("b", "uint16", 500), name="tank")
    simulator = await stopped.serve(tank)
    simulator.ignore("tank", 0)
    driver = stopped.driver(tank)
    with pytest.raises(DeviceUnreachable):
        await driver.read(tank)
    for _ in range(4):
        readings = (await driver.read(tank)).readings
        assert Reading(1, 0, Quality.GOOD, stopped.clock.time) in readings
        assert Reading(0, None, int(Quality.BAD_TIMEOUT), stopped.clock.time) in readings
    # By now it rests: nobody asks for it, so reading costs no timeout.
    asked = simulator.requests("tank")
    await driver.read(tank)
    assert simulator.requests("tank") - asked == 1
    simulator.accept("tank", 0)
    stopped.clock.time += HOUR
    assert values(await driver.read(tank)) == {0: 0, 1: 0}


async def test_noise_is_told_from_silence(plant):
    async def babble(reader, writer):
        while await reader.read(64):
            writer.write(b"\x09\x03\x02\xff")
        writer.close()

    tank = device(sheet("a", "uint16", 0), name="tank")
    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    plant.simulator = SimpleNamespace(port=server.sockets[0].getsockname()[1])
    async with server:
        driver = plant.driver(tank, framing="rtu")
        with pytest.raises(DeviceUnreachable) as caught:
            await driver.read(tank)
        await driver.close()
        await settle()
    assert caught.value.code == "MODBUS_GARBLED"
    assert caught.value.params["bytes"] == 4


async def test_reads_cut_short_by_the_poller_count_as_silence(stopped):
    """A suspect is given less time than the bus's timeout; nothing must be missed by that."""

    async def dead_line(_reader, writer):
        calls.append(writer)

    calls = []
    tank = device(sheet("a", "uint16", 0), name="tank")
    server = await asyncio.start_server(dead_line, "127.0.0.1", 0)
    stopped.simulator = SimpleNamespace(port=server.sockets[0].getsockname()[1])
    driver = stopped.driver(tank)
    for _ in range(4):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await driver.read(tank)
    assert len(calls) == 2
    await driver.close()
    await settle()
    server.close()
    for writer in calls:
        writer.close()
    await settle()


async def test_a_suspect_with_a_silent_place_comes_back(stopped):
    tank = device(sheet("a", "uint16", 0), sheet("b", "uint16", 500), name="tank")
    simulator = await stopped.serve(tank)
    simulator.ignore("tank", 0)
    long = 2.0  # so that half of it is more than a loaded machine takes
    driver = stopped.driver(tank, timeout=long)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(long / 2):
                await driver.read(tank)
    async with asyncio.timeout(long / 2):
        readings = (await driver.read(tank)).readings
    assert {r.point: r.quality for r in readings} == {0: Quality.BAD_TIMEOUT, 1: Quality.GOOD}


async def test_a_device_that_hangs_up_is_named_and_called_again(plant):
    async def hang_up(reader, writer):
        calls.append(await reader.read(64))
        writer.close()

    calls = []
    tank = device(sheet("a", "uint16", 0), name="tank")
    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    plant.simulator = SimpleNamespace(port=server.sockets[0].getsockname()[1])
    async with server:
        driver = plant.driver(tank)
        for _ in range(2):
            with pytest.raises(DeviceUnreachable) as caught:
                await driver.read(tank)
            assert caught.value.code == "MODBUS_LINK_LOST"
            assert caught.value.device == "b"
        await driver.close()
        await settle()
    assert len(calls) == 2


async def test_an_old_device_is_given_its_rest(plant):
    tank = device(sheet("a", "uint16", 0), sheet("b", "uint16", 500), name="tank")
    await plant.serve(tank)
    driver = plant.driver(tank, pause=0.05, settle=0.1)
    begun = real_monotonic()
    await driver.read(tank)
    assert real_monotonic() - begun >= 0.15


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"transport": "udp"}, "transport"),
        ({"transport": "tcp"}, "needs host"),
        ({"transport": "serial"}, "needs path"),
        ({"host": "h", "timeout": 0}, "timeout"),
        ({"host": "h", "port": "502"}, "port"),
        ({"host": "h", "parity": "X"}, "parity"),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        build(bus(**options), SystemClock())


@pytest.mark.parametrize("number", [-1, 256, "1", True])
def test_a_wrong_device_address_is_named(number):
    tank = device(sheet(), device_id=number)
    with pytest.raises(ValueError, match="address"):
        build(bus(tank, host="h"), SystemClock())


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_errors_have_sentences(plant, language):
    tank = device(sheet("a", "uint16", 0), name="tank")
    simulator = await plant.serve(tank)
    driver = plant.driver(tank)
    simulator.silent("tank", True)
    with pytest.raises(DeviceUnreachable) as silent:
        await driver.read(tank)
    await simulator.close()
    await driver.close()
    with pytest.raises(DeviceUnreachable) as gone:
        await driver.open()
    for error in (silent.value, gone.value):
        sentence = text(error.code, error.params, language)
        assert "{" not in sentence
        assert error.code not in sentence
        assert str(simulator.port) in sentence
