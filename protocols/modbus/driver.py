"""Reads the devices of one Modbus bus: TCP, RTU framing over TCP, serial line.

A device's points come in few block reads planned once. Where it refuses a block, the block is cut
until the refused place is found: good registers keep flowing, the refused points are Bad readings.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

from protocols.clock import Clock
from protocols.device import Bus, Device, Point
from protocols.errors import DeviceUnreachable
from protocols.modbus.link import Link, Refusal, Request, quiet_library
from protocols.modbus.plan import Block, LivePlan, halves, plan
from protocols.modbus.settings import device_address, settings_of
from protocols.quality import Quality
from protocols.words import Reading, Sample

logger = logging.getLogger(__name__)

ADDRESS_EXCEPTIONS: Final = (2, 3)
"""Illegal data address; illegal value, which some devices say instead for a block too long."""

QUALITY_OF_EXCEPTION: Final = {
    1: Quality.BAD_CONFIGURATION_ERROR,
    2: Quality.BAD_CONFIGURATION_ERROR,
    3: Quality.BAD_CONFIGURATION_ERROR,
    4: Quality.BAD_DEVICE_FAILURE,
    8: Quality.BAD_DEVICE_FAILURE,
}
"""Every other exception (5 and 6: busy) says that communication failed this time."""

MOST_CUTS: Final = 32
"""Cuts in one read; what is not found by then is found by the next, so that a device that refuses
everything cannot hold the bus."""


class ModbusDriver:
    """A `PolledDriver`."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._clock = clock
        self._link = Link(bus.name, settings_of(bus))
        self._lock = asyncio.Lock()
        self._plans: dict[str, LivePlan] = {}
        self._addresses: dict[str, int] = {}
        for device in bus.devices:
            self._learn(device)

    def _learn(self, device: Device) -> None:
        self._addresses[device.name] = device_address(device)
        blocks = plan(device.points, max_block=device.max_block, max_gap=device.max_gap)
        self._plans[device.name] = LivePlan(blocks)

    async def open(self) -> None:
        """Connect. Raises DeviceUnreachable naming the bus."""
        async with self._lock:
            await self._link.open()

    async def read(self, device: Device) -> Sample:
        """Read all points of `device` now. Raises DeviceUnreachable if nothing answers.

        A device the bus does not list is a KeyError.
        """
        async with self._lock:
            return Sample(await self._read(device))

    async def close(self) -> None:
        """Let go of the line. A read under way ends with DeviceUnreachable within the timeout."""
        await self._link.close()

    def refused(self, device: Device) -> dict[str, int]:
        """Return the points that the device refuses, by name, with the exception it gave."""
        return {
            point.sheet.name: exception
            for block, exception in self._plans[device.name].refused().items()
            for point in block.points
        }

    async def _read(self, device: Device) -> list[Reading]:
        live = self._plans[device.name]
        started = self._clock.mono()
        waiting = deque(live.blocks(started))
        cuts = MOST_CUTS
        answered = not waiting
        readings = self._unasked(live, started)
        known = len(live.refused())
        while waiting:
            block = waiting.popleft()
            try:
                answer = await self._ask(device, block)
            except (DeviceUnreachable, asyncio.CancelledError) as exc:
                # Cancelled: the poller gives a suspect less time than the bus's timeout.
                live.silent(block, self._clock.mono(), others_answered=answered)
                if not answered or isinstance(exc, asyncio.CancelledError):
                    raise
                readings += self._bad((block, *waiting), Quality.BAD_TIMEOUT)
                break
            answered = True
            live.answered(block)
            if not isinstance(answer, Refusal):
                readings += block.decode(answer, self._clock.mono())
                continue
            parts = self._cut(live, block, answer.exception, cuts)
            cuts -= len(parts) // 2
            waiting.extendleft(reversed(parts))
            if not parts:
                readings += self._bad([block], _quality(answer.exception))
        self._tell(device, known)
        return readings

    async def _ask(self, device: Device, block: Block) -> Sequence[int] | Refusal:
        address = self._addresses[device.name]
        request = Request(device.name, address, block.table, block.address, block.count)
        answer = await self._link.ask(request)
        return answer if isinstance(answer, Refusal) else answer[: block.count]

    def _cut(self, live: LivePlan, block: Block, exception: int, cuts: int) -> tuple[Block, ...]:
        if exception not in ADDRESS_EXCEPTIONS or (cuts == 0 and halves(block)):
            return ()
        return live.refuse(block, exception, self._clock.mono())

    def _tell(self, device: Device, known: int) -> None:
        if len(self._plans[device.name].refused()) > known:
            logger.warning(
                "device refuses addresses",
                extra={"device": device.name, "points": self.refused(device)},
            )

    def _unasked(self, live: LivePlan, started: int) -> list[Reading]:
        readings = self._bad(live.resting(started), Quality.BAD_TIMEOUT)
        for block, exception in live.refused().items():
            readings += self._bad([block], _quality(exception))
        return readings

    def _bad(self, blocks: Iterable[Block], quality: int) -> list[Reading]:
        now = self._clock.mono()
        points: Iterable[Point] = (point for block in blocks for point in block.points)
        return [Reading(point.index, None, int(quality), now) for point in points]


def _quality(exception: int) -> int:
    return int(QUALITY_OF_EXCEPTION.get(exception, Quality.BAD_COMMUNICATION_ERROR))


def build(bus: Bus, clock: Clock) -> ModbusDriver:
    """Make the driver of `bus`. Raises ValueError if an option or a sheet is wrong."""
    quiet_library()
    return ModbusDriver(bus, clock)
