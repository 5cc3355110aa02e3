"""One task per bus: asks polled drivers on schedule, listens to pushed ones, survives both.

A driver that fails in a way it should not (a bug) is thrown away and made anew, counted and told. A
device that does not answer costs its healthy neighbours as little as its usual answer takes.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Final, cast

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_exponential_jitter

from edge.intake import Intake
from edge.roster import OFFLINE, BusState
from edge.schedule import Schedule
from protocols.clock import SECOND, Clock, real_monotonic
from protocols.device import Bus, Device
from protocols.driver import Driver, PolledDriver, PushedDriver
from protocols.errors import DeviceRefused, DeviceUnreachable, DriverError
from protocols.words import Sample

logger = logging.getLogger(__name__)

RESTART_FIRST: Final = 0.5
RESTART_LAST: Final = 5.0
"""Real seconds until a died driver runs again; more than five would be a gap of its own."""
REOPEN: Final = wait_exponential_jitter(multiplier=0.5, max=10.0, jitter=0.5)
"""Real seconds between attempts to open a pushed bus: soon at first, at most about ten, spread so
that all gateways of a broker do not come back in the same moment."""
REOPEN_LEAST: Final = 0.5
"""Real seconds after a link was lost: a broker that accepts and drops must not be hammered."""
PROBE_LEAST: Final = 0.25
PROBE_FACTOR: Final = 4.0
"""A suspect with healthy neighbours gets so many times its slowest good answer, 0.25 s at least."""
PATIENT_EVERY: Final = 100.0
"""One probe of a bus in so many times its length gets the bus's whole timeout: a device that became
slow, or was never heard, is found again, for one hundredth of the line."""
OWED: Final = 1024
"""Samples whose sender has not been told yet; when so many wait for the medium, receiving waits."""

Build = Callable[[Bus, Clock], Driver]
Owed = tuple[list[asyncio.Future[None]], Callable[[], Awaitable[None]]]


class BusTask:
    """Runs one bus for ever."""

    def __init__(
        self, bus: Bus, clock: Clock, intake: Intake, build: Build, jitter: Callable[[], float]
    ) -> None:
        self._bus = bus
        self._clock = clock
        self._intake = intake
        self._build = build
        self._jitter = jitter
        self._slowest: dict[str, float] = {}
        self._patient_at = 0.0
        self._listening: asyncio.Timeout | None = None

    @property
    def _state(self) -> BusState:
        return self._intake.roster.buses[self._bus.name]

    async def run(self) -> None:
        """Drive the bus until cancelled; a driver that dies is made anew within five seconds."""
        pause = RESTART_FIRST
        while True:
            started = real_monotonic()
            try:
                await self._drive()
            except Exception as exc:  # noqa: BLE001  # the supervisor: nothing may stop the others
                self._note_death(exc)
            if real_monotonic() - started > 10 * RESTART_LAST:
                pause = RESTART_FIRST
            await asyncio.sleep(pause)
            pause = min(RESTART_LAST, 2 * pause)

    def _note_death(self, exc: Exception) -> None:
        self._state.restarts += 1
        logger.error("driver of bus %s died, starting anew", self._bus.name, exc_info=exc)
        for device in self._bus.devices:
            self._intake.silent(device, DriverError("DRIVER_DIED", device=device.name))
        name = self._bus.name
        self._intake.event("DRIVER_RESTARTED", name, bus=name, reason=type(exc).__name__)

    async def _drive(self) -> None:
        driver = self._build(self._bus, self._clock)
        self._state.counting = getattr(driver, "losses", None)
        owed: asyncio.Queue[Owed] = asyncio.Queue(OWED)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(settle(owed, self._give_back))
                if hasattr(driver, "receive"):
                    await self._listen(cast(PushedDriver, driver), owed)
                else:
                    await self._poll(driver, owed)
        finally:
            self._state.forget_driver()
            await driver.close()

    async def _hand_in(
        self, sample: Sample, owed: asyncio.Queue[Owed], *, unasked: bool = False
    ) -> None:
        waits = (self._intake.take_unasked if unasked else self._intake.take)(sample)
        if sample.acknowledge is not None:
            await owed.put((waits, sample.acknowledge))

    # --- polled ------------------------------------------------------------------------------

    async def _poll(self, driver: PolledDriver, owed: asyncio.Queue[Owed]) -> None:
        devices = self._bus.devices
        periods = [max(1, int(device.scan * SECOND)) for device in devices]
        schedule = Schedule(periods, self._clock.mono(), self._jitter)
        while True:
            end_if_cancelled()
            now = self._clock.mono()
            turn = schedule.next(now)
            if turn is None:
                await self._clock.sleep(schedule.wake() - now)
                continue
            sample = await self._ask(driver, schedule, turn, devices[turn])
            if sample is not None:
                await self._hand_in(sample, owed)
            self._state.missed = schedule.missed

    async def _ask(
        self, driver: PolledDriver, schedule: Schedule, turn: int, device: Device
    ) -> Sample | None:
        suspect = self._intake.roster.devices[device.name].state == OFFLINE
        hurried = suspect and not schedule.alone(turn) and real_monotonic() < self._patient_at
        limit = self._probe_limit(device) if hurried else None
        started, asked = real_monotonic(), self._clock.mono()
        try:
            async with asyncio.timeout(limit):
                sample = await driver.read(device)
        except (TimeoutError, DriverError) as exc:
            if self._intake.pauses.since(asked):
                return None  # it was we who were away: asked again at once
            if limit is None:
                now = real_monotonic()
                self._patient_at = now + PATIENT_EVERY * (now - started)
            silent = DeviceUnreachable(device=device.name)
            self._failed(schedule, turn, device, exc if isinstance(exc, DriverError) else silent)
            return None
        if self._intake.pauses.since(asked):
            return None  # the answer may be as old as the pause, whatever it is stamped with
        took = real_monotonic() - started
        self._slowest[device.name] = max(took, self._slowest.get(device.name, 0.0) * 0.9)
        schedule.answered(turn, self._clock.mono())
        self._intake.answered(device.name)
        return sample

    def _probe_limit(self, device: Device) -> float:
        return max(PROBE_LEAST, PROBE_FACTOR * self._slowest.get(device.name, 0.0))

    def _failed(self, schedule: Schedule, turn: int, device: Device, error: DriverError) -> None:
        if schedule.failed(turn, self._clock.mono()):
            logger.warning("device %s does not answer: %s", device.name, error)
        self._intake.silent(device, error)

    # --- pushed ------------------------------------------------------------------------------

    async def _listen(self, driver: PushedDriver, owed: asyncio.Queue[Owed]) -> None:
        while True:
            end_if_cancelled()
            await self._open(driver)
            try:
                await self._receive(driver, owed)
            except DriverError as exc:
                self._lost(exc)
            await driver.close()
            await asyncio.sleep(REOPEN_LEAST)

    async def _receive(self, driver: PushedDriver, owed: asyncio.Queue[Owed]) -> None:
        """Take in what arrives until something of it could not be stored."""
        listening = self._listening = asyncio.timeout(None)
        try:
            async with listening:
                while True:
                    await self._hand_in(await driver.receive(), owed, unasked=True)
        except TimeoutError:
            if not listening.expired():
                raise
            logger.warning("bus %s: asking again for what was not stored", self._bus.name)
        finally:
            self._listening = None

    def _give_back(self) -> None:
        """Close and open the link: its sender sends again what is not acknowledged, only then."""
        if self._listening is not None and not self._listening.expired():
            self._listening.reschedule(asyncio.get_running_loop().time())

    async def _open(self, driver: PushedDriver) -> None:
        async for attempt in AsyncRetrying(
            wait=REOPEN,
            retry=retry_if_exception_type((DeviceUnreachable, DeviceRefused)),
            before_sleep=self._note_closed,
        ):
            with attempt:
                await driver.open()

    def _note_closed(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, DriverError):
            self._lost(error)

    def _lost(self, error: DriverError) -> None:
        for device in self._bus.devices:
            self._intake.silent(device, error)


def end_if_cancelled() -> None:
    """Raise CancelledError again when a library swallowed it, as `asyncio.wait_for` may in 3.11."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def settle(owed: asyncio.Queue[Owed], not_stored: Callable[[], None]) -> None:
    """Tell each sample's sender that it may forget, once the buffer has it; in order, for ever.

    What could not be stored is not acknowledged: the sender keeps it, and `not_stored` is called so
    that it is asked to send it again.
    """
    while True:
        waits, acknowledge = await owed.get()
        # Shielded: others wait for the same, and this may be cancelled.
        results = await asyncio.gather(*map(asyncio.shield, waits), return_exceptions=True)
        if any(isinstance(result, BaseException) for result in results):
            not_stored()
            continue
        try:
            await acknowledge()
        except DriverError as exc:
            logger.debug("could not be told that it is stored: %s", exc)


async def poll(
    buses: tuple[Bus, ...],
    clock: Clock,
    intake: Intake,
    build: Build,
    jitter: Callable[[], float] = random.random,
) -> None:
    """Run every bus in a task of its own until cancelled."""
    async with asyncio.TaskGroup() as group:
        for bus in buses:
            group.create_task(BusTask(bus, clock, intake, build, jitter).run(), name=bus.name)
