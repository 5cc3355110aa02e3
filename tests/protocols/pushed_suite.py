"""The contract of every `PushedDriver`, run against a real counterpart by each protocol's tests."""

import asyncio
import contextlib
import logging
import threading
from pathlib import Path
from typing import Protocol

import pytest

from protocols.clock import real_monotonic
from protocols.device import Bus, Device, Point
from protocols.driver import PushedDriver
from protocols.errors import DeviceUnreachable, DriverError
from protocols.profile import Address, ProfilePoint
from protocols.quality import is_bad, is_good
from protocols.words import Label, PointId, Reading, TimeMark, Value

TIMEOUT = 1.5
"""The bus's timeout in these tests, real seconds."""
SCAN = 0.05
PATIENCE = 60.0
SLACK = 2.0
"""Seconds a loaded machine may add to a timeout; the libraries' own are longer."""


class Rig(Protocol):
    """A counterpart one can stop and start, and drivers for it."""

    bus: Bus
    values: dict[str, Value]
    port: int
    own: tuple[str, ...]
    """Beginnings of the names of coroutines and threads that belong to the driver."""
    background: int
    """Connections to the port that are not the driver's."""
    shortest: float
    """Timeout within which silence can be told from life."""

    def driver(self, *, port: int | None = None, timeout: float | None = None) -> PushedDriver: ...
    async def stop(self) -> None: ...
    async def start(self) -> None: ...


def points(addresses: dict[str, Address], sheets: dict[str, dict[str, object]]) -> list[Point]:
    """Points numbered from 0, one per address, with what `sheets` says beside the defaults."""
    return [
        Point(
            index=index,
            id=PointId("site", "gw", "dev", name),
            sheet=ProfilePoint(
                name=name,
                label=Label(name),
                quantity="level",
                address=address,
                **sheets.get(name, {}),
            ),
            label=Label(name),
        )
        for index, (name, address) in enumerate(addresses.items())
    ]


def device(some: list[Point], *, name: str = "dev", scan: float = SCAN, **options: Value) -> Device:
    return Device(
        site="site",
        name=name,
        label=Label("设备"),
        profile="example/x",
        points=tuple(some),
        scan=scan,
        options=tuple(options.items()),
    )


async def until(driver: PushedDriver, wanted, *, acknowledge: bool = True) -> list[Reading]:
    """Receive until `wanted(readings so far)`; returns them all."""
    seen: list[Reading] = []
    async with asyncio.timeout(PATIENCE):
        while not wanted(seen):
            sample = await driver.receive()
            seen += sample.readings
            if acknowledge and sample.acknowledge is not None:
                await sample.acknowledge()
    return seen


async def settled(condition) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110  # the kernel sends no event
            await asyncio.sleep(0.01)


class DeafWire:
    """Relays a free loopback port to `target`; once `deaf`, connections stay but nothing passes."""

    def __init__(self, target: int) -> None:
        self.deaf = False
        self.port = 0
        self._target = target
        self._writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    async def _relay(self, reader, writer) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers += [writer, back]
        await asyncio.gather(self._pump(reader, back), self._pump(there, writer))

    async def _pump(self, reader, writer) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                if not self.deaf:
                    writer.write(data)
        writer.close()


def connections(port: int) -> int:
    """Established client connections to the loopback `port`."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(int(row[2].split(":")[1], 16) == port and row[3] == "01" for row in rows)


def left_over(rig: Rig) -> list[str]:
    """What of the driver still runs: its tasks and threads."""
    names = [
        getattr(task.get_coro(), "__qualname__", "")
        for task in asyncio.all_tasks()
        if task is not asyncio.current_task()
    ]
    names += [thread.name for thread in threading.enumerate()]
    return [name for name in names if name.startswith(rig.own)]


async def clean(rig: Rig) -> None:
    await settled(lambda: not left_over(rig) and connections(rig.port) <= rig.background)


def index(rig: Rig, name: str) -> int:
    return next(
        point.index for each in rig.bus.devices for point in each.points if point.sheet.name == name
    )


def latest(readings: list[Reading], point: int) -> Reading | None:
    return next((r for r in reversed(readings) if r.point == point), None)


class PushedContract:
    """Subclasses give the fixture `rig` with points `level` (float) and `pump` (bool)."""

    async def test_delivers_what_the_plant_holds_with_its_own_time(self, rig):
        driver = rig.driver()
        await driver.open()
        seen = await until(driver, lambda r: {x.point for x in r} >= set(range(len(rig.values))))
        await driver.close()
        level = latest(seen, index(rig, "level"))
        assert level.value == rig.values["level"]
        assert is_good(level.quality)
        assert level.mark is TimeMark.SOURCE
        assert latest(seen, index(rig, "pump")).value is rig.values["pump"]
        await clean(rig)

    async def test_a_change_arrives(self, rig):
        driver = rig.driver()
        await driver.open()
        level = index(rig, "level")
        await until(driver, lambda r: latest(r, level))
        rig.values["level"] = 7.25
        seen = await until(driver, lambda r: (last := latest(r, level)) and last.value == 7.25)
        await driver.close()
        times = [r.time for r in seen if r.point == level and r.mark is TimeMark.SOURCE]
        assert times == sorted(times)

    async def test_a_failed_sensor_is_bad_beside_its_good_neighbours(self, rig):
        rig.values["level"] = None
        driver = rig.driver()
        await driver.open()
        level, pump = index(rig, "level"), index(rig, "pump")
        seen = await until(
            driver,
            lambda r: (
                (a := latest(r, level)) and is_bad(a.quality) and (b := latest(r, pump)) and b
            ),
        )
        await driver.close()
        assert latest(seen, level).value is None
        assert is_good(latest(seen, pump).quality)

    async def test_without_a_peer_it_is_unreachable_in_time(self, rig):
        await rig.stop()
        driver = rig.driver()
        start = real_monotonic()
        with pytest.raises(DeviceUnreachable) as caught:
            await driver.open()
        assert real_monotonic() - start < TIMEOUT + SLACK
        assert caught.value.device == rig.bus.name
        assert caught.value.retry
        await driver.close()
        await clean(rig)
        await rig.start()

    async def test_a_lost_peer_is_told_in_time_and_the_same_driver_returns(self, rig, caplog):
        caplog.set_level(logging.INFO, logger="protocols")
        driver = rig.driver()
        await driver.open()
        level = index(rig, "level")
        await until(driver, lambda r: latest(r, level))
        await rig.stop()
        start = real_monotonic()
        with pytest.raises(DeviceUnreachable):
            await until(driver, lambda _: False)
        assert real_monotonic() - start < TIMEOUT + SLACK
        with pytest.raises(DeviceUnreachable):
            await driver.receive()
        await driver.close()
        with pytest.raises(DeviceUnreachable):
            await driver.open()
        await rig.start()
        rig.values["level"] = 3.5
        await driver.open()
        await until(driver, lambda r: (last := latest(r, level)) and last.value == 3.5)
        await driver.close()
        lines = [record.message for record in caplog.records if record.name.startswith("protocols")]
        assert lines == ["link lost", "link back"]
        await clean(rig)

    async def test_a_silent_peer_is_told_in_time_and_can_be_left(self, rig):
        wire = DeafWire(rig.port)
        await wire.open()
        driver = rig.driver(port=wire.port, timeout=rig.shortest)
        await driver.open()
        await until(driver, lambda r: r)
        wire.deaf = True
        start = real_monotonic()
        with pytest.raises(DeviceUnreachable):
            await until(driver, lambda _: False)
        assert real_monotonic() - start < rig.shortest + SLACK
        start = real_monotonic()
        await driver.close()
        assert real_monotonic() - start < 3.0 + SLACK
        await wire.close()
        await clean(rig)

    async def test_a_peer_that_never_answers_is_unreachable_in_time(self, rig):
        wire = DeafWire(rig.port)
        wire.deaf = True
        await wire.open()
        driver = rig.driver(port=wire.port)
        start = real_monotonic()
        with pytest.raises(DeviceUnreachable):
            await driver.open()
        assert real_monotonic() - start < TIMEOUT + SLACK
        await wire.close()
        await clean(rig)

    async def test_closing_is_always_possible(self, rig):
        driver = rig.driver()
        await driver.close()
        await driver.open()
        await driver.close()
        await driver.close()
        with pytest.raises(DriverError):
            await driver.receive()
        await driver.open()
        await driver.open()
        await driver.close()
        await clean(rig)

    async def test_closing_ends_a_waiting_receive(self, rig):
        driver = rig.driver()
        await driver.open()
        waiting = asyncio.create_task(until(driver, lambda _: False))
        await asyncio.sleep(0)
        await driver.close()
        with pytest.raises(DriverError):
            await waiting
        await clean(rig)

    @pytest.mark.parametrize("steps", [0, 1, 2, 3, 5, 8, 13, 21, 34])
    async def test_cancelled_while_opening_it_leaves_nothing(self, rig, steps):
        driver = rig.driver()
        task = asyncio.create_task(driver.open())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await driver.close()
        assert driver.dropped == 0 if hasattr(driver, "dropped") else True
        await clean(rig)

    async def test_cancelled_while_receiving_it_goes_on(self, rig):
        driver = rig.driver()
        await driver.open()
        task = asyncio.create_task(until(driver, lambda _: False))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        rig.values["level"] = 9.75
        level = index(rig, "level")
        seen = await until(driver, lambda r: (last := latest(r, level)) and last.value == 9.75)
        assert seen
        await driver.close()
        await clean(rig)
