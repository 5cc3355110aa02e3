"""What every polled driver must do, run by a subclass for each protocol and transport.

A subclass overrides the fixture `rig`; the tests know nothing of a protocol.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from protocols.clock import SystemClock, real_monotonic
from protocols.device import Bus, Device
from protocols.driver import PolledDriver
from protocols.errors import DeviceUnreachable
from protocols.quality import Quality, is_bad
from protocols.words import Reading, TimeMark, Value

SLACK = 2.0
"""Seconds a loaded machine may add to a timeout; the libraries' own are longer."""


@dataclass
class Rig:
    """A bus with a simulated plant behind it.

    `truth`: what the plant holds, by point; `unknown`: a point of `device` that the plant refuses;
    `timeout`: the bus's, seconds; `silence(True)`: the device answers nothing from now on;
    `deaf`: a bus of the same protocol where nobody listens.
    """

    build: Callable[[Bus], PolledDriver]
    bus: Bus
    device: Device
    truth: dict[str, Value]
    unknown: str
    timeout: float
    silence: Callable[[bool], Awaitable[None]]
    deaf: Bus
    drivers: list[PolledDriver] = field(default_factory=list)

    def driver(self, bus: Bus | None = None) -> PolledDriver:
        """Return a new driver; it is closed with the rig."""
        made = self.build(bus or self.bus)
        self.drivers.append(made)
        return made

    def by_name(self, readings: "list[Reading] | tuple[Reading, ...]") -> dict[str, Reading]:
        """Return the readings by the name of their point."""
        names = {point.index: point.sheet.name for point in self.device.points}
        return {names[reading.point]: reading for reading in readings}


def open_files() -> int:
    """Return how many files and sockets this process holds."""
    return len(list(Path(f"/proc/{os.getpid()}/fd").iterdir()))


async def settle() -> None:
    """Let what was cancelled and closed finish."""
    for _ in range(5):
        await asyncio.sleep(0)


class PolledDriverSuite:
    """Inherit and override `rig`."""

    @pytest.fixture
    async def rig(self):
        raise NotImplementedError

    async def test_reads_what_the_plant_holds(self, rig):
        driver = rig.driver()
        await driver.open()
        before = SystemClock().mono()
        sample = await driver.read(rig.device)
        readings = rig.by_name(sample.readings)
        assert {name: readings[name].value for name in rig.truth} == rig.truth
        assert {readings[name].quality for name in rig.truth} == {Quality.GOOD}
        assert all(reading.mark is TimeMark.GATEWAY for reading in sample.readings)
        assert all(before <= r.time <= SystemClock().mono() for r in sample.readings)
        assert sample.acknowledge is None

    async def test_gives_each_point_exactly_one_reading(self, rig):
        driver = rig.driver()
        for _ in range(3):
            readings = (await driver.read(rig.device)).readings
            assert sorted(r.point for r in readings) == sorted(p.index for p in rig.device.points)

    async def test_a_point_the_device_lacks_is_bad_beside_good_neighbours(self, rig):
        readings = rig.by_name((await rig.driver().read(rig.device)).readings)
        assert is_bad(readings[rig.unknown].quality)
        assert readings[rig.unknown].value is None
        others = {name: reading for name, reading in readings.items() if name != rig.unknown}
        assert {reading.quality for reading in others.values()} == {Quality.GOOD}

    async def test_silence_is_unreachable_within_the_timeout(self, rig):
        driver = rig.driver()
        await driver.open()
        await rig.silence(True)
        begun = real_monotonic()
        with pytest.raises(DeviceUnreachable) as caught:
            await driver.read(rig.device)
        assert real_monotonic() - begun < rig.timeout + SLACK
        assert caught.value.device == rig.device.name
        assert caught.value.retry

    async def test_reads_again_when_the_device_returns(self, rig):
        driver = rig.driver()
        await driver.read(rig.device)
        await rig.silence(True)
        for _ in range(4):
            with pytest.raises(DeviceUnreachable):
                await driver.read(rig.device)
        await rig.silence(False)
        readings = rig.by_name((await driver.read(rig.device)).readings)
        assert {name: readings[name].value for name in rig.truth} == rig.truth

    async def test_nobody_listening_is_unreachable(self, rig):
        driver = rig.driver(rig.deaf)
        begun = real_monotonic()
        with pytest.raises(DeviceUnreachable):
            await driver.open()
        assert real_monotonic() - begun < rig.timeout + SLACK

    async def test_close_may_be_repeated_and_come_first(self, rig):
        driver = rig.driver()
        await driver.close()
        await driver.open()
        await driver.close()
        await driver.close()
        await driver.open()
        assert (await driver.read(rig.device)).readings

    async def test_close_leaves_no_task_and_no_file(self, rig):
        await settle()
        tasks, files = asyncio.all_tasks(), open_files()
        driver = rig.driver()
        await driver.read(rig.device)
        assert open_files() > files
        await driver.close()
        await settle()
        assert asyncio.all_tasks() == tasks
        assert await no_more_files_than(files)

    async def test_cancel_leaves_no_task_and_no_file(self, rig):
        await rig.silence(True)
        await settle()
        tasks, files = asyncio.all_tasks(), open_files()
        driver = rig.driver()
        await driver.open()
        reading = asyncio.create_task(driver.read(rig.device))
        await asyncio.sleep(rig.timeout / 4)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await driver.close()
        await settle()
        assert asyncio.all_tasks() == tasks
        assert await no_more_files_than(files)

    async def test_a_cancelled_read_does_not_spoil_the_next(self, rig):
        driver = rig.driver()
        await driver.open()
        reading = asyncio.create_task(driver.read(rig.device))
        await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        readings = rig.by_name((await driver.read(rig.device)).readings)
        assert {name: readings[name].value for name in rig.truth} == rig.truth

    async def test_reads_at_once_wait_for_each_other(self, rig):
        driver = rig.driver()
        samples = await asyncio.gather(*(driver.read(rig.device) for _ in range(5)))
        for sample in samples:
            readings = rig.by_name(sample.readings)
            assert {name: readings[name].value for name in rig.truth} == rig.truth


async def no_more_files_than(count: int) -> bool:
    """Return whether only `count` files stay open; the plant notices a close a bit later."""
    for _ in range(100):
        if open_files() <= count:
            return True
        await asyncio.sleep(0.01)
    return False
