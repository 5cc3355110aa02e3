"""The OPC UA driver: one session and one subscription for all devices of a bus.

server -> Session (publishes) -> Held (reading) -> Waiting (bounded) -> receive()
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Final

from asyncua import ua

from protocols.clock import Clock, real_monotonic
from protocols.device import Bus, Device, Point
from protocols.errors import DeviceUnreachable
from protocols.opcua.readings import Held, overflowed, unchanged
from protocols.opcua.session import Session, Watch
from protocols.opcua.settings import settings_of
from protocols.opcua.waiting import Waiting
from protocols.profile import OpcUaAddress
from protocols.quality import is_bad
from protocols.words import Sample

logger = logging.getLogger(__name__)

LOOK: Final = 1.0
"""Seconds between looks for points whose heartbeat is due."""
RETRY: Final = 30.0
"""Seconds until a missing variable is asked for again: servers start before their data does."""


def build(bus: Bus, clock: Clock) -> "OpcUaDriver":
    """Make the driver of `bus`."""
    return OpcUaDriver(bus, clock)


class OpcUaDriver:
    """A `PushedDriver`. `dropped`: readings that found no room here; `overflows`: at the server."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self.overflows = 0
        self._bus = bus
        self._clock = clock
        self._points = [(device, point) for device in bus.devices for point in device.points]
        self._waiting = Waiting(len(self._points))
        self._held: list[Held] = []
        self._watches = {n: _watch(*pair) for n, pair in enumerate(self._points)}
        self._refused: dict[int, Watch] = {}
        self._retry_at = 0.0
        self._session: Session | None = None
        self._looked = 0.0
        self._lost = False

    @property
    def dropped(self) -> int:
        """Readings that waited too long to be received; the oldest of their point."""
        return self._waiting.dropped

    def losses(self) -> dict[str, int]:
        """Return what was lost, by reason; a server tells that it lost values, not how many."""
        return {"queue_full": self.dropped, "server_queue_full": self.overflows}

    async def open(self) -> None:
        """Connect and subscribe to every point of the bus.

        Raises DeviceUnreachable; DeviceRefused for options that must not be tried.
        """
        await self.close()
        settings = settings_of(self._bus)
        self._held = [Held(point) for _, point in self._points]
        session = self._session = Session(settings, self._published, self._waiting.wake)
        try:
            await session.open()
            codes = await session.watch(self._watches)
        except BaseException:
            await self.close()
            raise
        self._note_refused(codes)
        for handle in self._refused:
            self._waiting.put(self._held[handle].refused(codes[handle], self._clock.mono()))
        if self._lost:
            self._lost = False
            logger.info("link back", extra={"bus": self._bus.name})

    async def receive(self) -> Sample:
        """Wait for readings and return all that wait. Raises DeviceUnreachable."""
        while not (readings := self._waiting.take()):
            session = self._session
            if session is None:
                raise DeviceUnreachable("LINK_CLOSED", device=self._bus.name)
            left = session.heard + session.limit - real_monotonic()
            if session.lost is not None or left <= 0:
                raise self._gone(session.lost or f"silent for {session.limit:g} s")
            if self._refused:
                await self._ask_again(session)
                left = min(left, self._retry_at - real_monotonic())
            try:
                async with asyncio.timeout(left):
                    await self._waiting.arrived()
            except TimeoutError:
                continue
        return Sample(readings)

    async def close(self) -> None:
        """End the session; never hangs, may be called at any time and again."""
        session, self._session = self._session, None
        self._waiting.wake()
        if session is not None:
            await session.close()

    async def _ask_again(self, session: Session) -> None:
        if real_monotonic() < self._retry_at:
            return
        try:
            codes = await session.watch(self._refused)
        except DeviceUnreachable as exc:
            raise self._gone(str(exc.params.get("reason"))) from exc
        self._note_refused(codes)

    def _note_refused(self, codes: Mapping[int, int]) -> None:
        self._retry_at = real_monotonic() + RETRY
        self._refused = {n: self._watches[n] for n, code in codes.items() if is_bad(code)}

    def _published(self, result: ua.PublishResult) -> None:
        mono, wall = self._clock.mono(), self._clock.now()
        for note in result.NotificationMessage.NotificationData or ():
            if isinstance(note, ua.DataChangeNotification):
                self._changed(note, mono, wall)
        now = real_monotonic()
        if now - self._looked >= LOOK:
            self._looked = now
            for reading in unchanged(self._held, mono):
                self._waiting.put(reading)

    def _changed(self, note: ua.DataChangeNotification, mono: int, wall: int) -> None:
        held = self._held
        for item in note.MonitoredItems:
            if item.ClientHandle < len(held):
                self.overflows += overflowed(item.Value)
                self._waiting.put(held[item.ClientHandle].said(item.Value, mono, wall))

    def _gone(self, reason: str) -> DeviceUnreachable:
        if not self._lost:
            self._lost = True
            logger.warning("link lost", extra={"bus": self._bus.name, "reason": reason})
        return DeviceUnreachable("LINK_LOST", device=self._bus.name, reason=reason)


def _watch(device: Device, point: Point) -> Watch:
    address = point.sheet.address
    if not isinstance(address, OpcUaAddress):
        raise TypeError(f"{point.id} has no OPC UA address")
    return Watch(address, device.scan)
