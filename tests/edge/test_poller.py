"""Bus tasks: what drivers bring reaches the buffer; silence, death and debt are handled."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress

from edge.buffer import Budget
from edge.intake import Intake
from edge.pauses import Pause
from edge.poller import PROBE_LEAST, poll
from edge.roster import Roster
from protocols.clock import SECOND
from protocols.device import Bus, Device
from protocols.driver import Driver
from protocols.errors import DeviceUnreachable
from protocols.quality import Quality
from protocols.wire.batch import EventsBatch, ReadingsBatch, decode_batch
from protocols.words import Event, Lane, Reading, Sample, StreamKind
from tests import builders
from tests.edge.buffer_suite import ORIGIN
from tests.edge.fake_buffer import FakeBuffer, Medium
from tests.edge.waiting import eventually
from tests.fakes import FakeClock, FakePolledDriver, FakePushedDriver, settle

A = builders.device("a", (builders.point(0, "a"), builders.point(1, "a", lane="alarm")))
B = builders.device("b", (builders.point(2, "b"),))
BUS = builders.bus(A, B)


class Site:
    """One bus with a fake driver, a fake buffer and a fake clock."""

    def __init__(self, bus: Bus, make: Callable[[FakeClock], Driver]) -> None:
        self.clock = FakeClock()
        self.buffer = FakeBuffer(Medium(), ORIGIN, self.clock)
        self.roster = Roster.of((bus,))
        self.intake = Intake((bus,), self.buffer, self.roster, self.clock)  # type: ignore[arg-type]
        self.built = 0
        self._make = make

    def build(self, _bus: Bus, _clock: object) -> Driver:
        self.built += 1
        return self._make(self.clock)

    async def readings(self, kind: StreamKind = StreamKind.DATA) -> list[Reading]:
        return [item for item in await self._items(kind) if isinstance(item, Reading)]

    async def events(self) -> list[Event]:
        return [item for item in await self._items(StreamKind.ALARM) if isinstance(item, Event)]

    async def _items(self, kind: StreamKind) -> list[Reading | Event]:
        await self.buffer.seal(kind)
        lane = Lane.ALARM if kind is StreamKind.ALARM else Lane.LIVE
        pending = await self.buffer.pending(lane, Budget(batches=10_000, bytes=1 << 30))
        items: list[Reading | Event] = []
        for data in pending.batches if pending else ():
            batch = decode_batch(data)
            assert isinstance(batch, ReadingsBatch | EventsBatch)
            items += batch.events if isinstance(batch, EventsBatch) else batch.readings()
        return items


@asynccontextmanager
async def running(bus: Bus, make: Callable[[FakeClock], Driver]) -> AsyncIterator[Site]:
    site = Site(bus, make)
    task = asyncio.create_task(poll((bus,), site.clock, site.intake, site.build, lambda: 0.0))
    await settle()
    try:
        yield site
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


Script = dict[str, Callable[[int], Sequence[Reading]]]


def counting(first: int, points: Sequence[int]) -> Callable[[int], Sequence[Reading]]:
    """Return a device whose points all count the seconds."""
    return lambda now: [Reading(p, float(first + now // SECOND), 0, now) for p in points]


def silence(_now: int) -> list[Reading]:
    raise DeviceUnreachable("MODBUS_SILENT", device="b")


async def test_every_device_is_read_on_schedule_and_lanes_are_kept() -> None:
    drivers: list[FakePolledDriver] = []

    def make(clock: FakeClock) -> Driver:
        script: Script = {"a": counting(0, (0, 1)), "b": counting(0, (2,))}
        drivers.append(FakePolledDriver(script, clock))
        return drivers[-1]

    async with running(BUS, make) as site:
        await site.clock.advance(5 * SECOND)
        data = await site.readings()
        alarm = await site.readings(StreamKind.ALARM)
    assert {r.point for r in data} == {0, 2}
    assert {r.point for r in alarm} == {1}
    assert 5 <= len([r for r in data if r.point == 0]) <= 6
    assert drivers[0].closed == 1


async def test_a_silent_device_is_told_once_and_costs_its_neighbour_nothing() -> None:
    script: Script = {"a": counting(0, (0, 1)), "b": silence}

    async with running(BUS, lambda clock: FakePolledDriver(script, clock)) as site:
        await site.clock.advance(30 * SECOND)
        bad = [r for r in await site.readings() if r.point == 2]
        assert [r.quality for r in bad] == [Quality.BAD_NO_COMMUNICATION]
        assert [(e.code, e.subject) for e in await site.events()] == [("DEVICE_UNREACHABLE", "b")]
        assert len([r for r in await site.readings() if r.point == 0]) >= 30
        assert site.roster.devices["b"].state == "offline"
        assert site.roster.devices["b"].reason == "MODBUS_SILENT"
        script["b"] = counting(100, (2,))
        await site.clock.advance(10 * SECOND)
        assert [e.code for e in await site.events()] == ["DEVICE_UNREACHABLE", "DEVICE_RETURNED"]
        assert [r for r in await site.readings() if r.point == 2][-1].quality == 0
        await site.clock.advance(120 * SECOND)
        assert len(await site.events()) == 2


async def test_a_silent_device_is_told_again_with_each_heartbeat() -> None:
    script: Script = {"a": counting(0, (0, 1)), "b": silence}
    async with running(BUS, lambda clock: FakePolledDriver(script, clock)) as site:
        await site.clock.advance(200 * SECOND)
        bad = [r for r in await site.readings() if r.point == 2]
    assert 3 <= len(bad) <= 4


async def test_a_driver_that_dies_is_made_anew_and_counted() -> None:
    def broken(_now: int) -> list[Reading]:
        raise ZeroDivisionError

    scripts: list[Script] = [
        {"a": broken, "b": broken},
        {"a": counting(0, (0, 1)), "b": counting(0, (2,))},
    ]
    async with running(BUS, lambda clock: FakePolledDriver(scripts.pop(0), clock)) as site:
        await eventually(lambda: site.built == 2)
        await site.clock.advance(2 * SECOND)
        codes = [e.code for e in await site.events()]
    assert site.roster.buses["bus-1"].restarts == 1
    assert codes.count("DRIVER_RESTARTED") == 1
    assert codes.count("DEVICE_RETURNED") == 2


async def test_what_is_pushed_is_acknowledged_only_when_it_is_durable() -> None:
    driver, acknowledged = FakePushedDriver(), list[int]()

    async def acknowledge() -> None:
        acknowledged.append(1)

    async with running(BUS, lambda _: driver) as site:
        driver.samples.put_nowait(Sample([Reading(0, 1.0, 0, 0)], acknowledge))
        await settle()
        assert acknowledged == []
        await site.buffer.seal(StreamKind.DATA)
        await settle()
        assert acknowledged == [1]
        driver.samples.put_nowait(Sample([Reading(0, 1.0, 0, 0)], acknowledge))
        await settle()
        assert acknowledged == [1, 1], "held back by the deadband: nothing to wait for"


async def test_what_could_not_be_stored_is_asked_for_again_and_then_acknowledged() -> None:
    driver, acknowledged = FakePushedDriver(), list[int]()

    async def acknowledge() -> None:
        acknowledged.append(1)

    async with running(BUS, lambda _: driver) as site:
        sample = Sample([Reading(0, 1.0, 0, 0)], acknowledge)
        driver.samples.put_nowait(sample)
        await settle()
        site.buffer.give_up(StreamKind.DATA)
        await eventually(lambda: (driver.closed, driver.opened) == (1, 2))
        assert acknowledged == []
        assert site.roster.devices["a"].state == "online", "the link was never lost"
        driver.samples.put_nowait(sample)
        await settle()
        assert acknowledged == [], "not held back by the deadband: nobody has it yet"
        assert [r.value for r in await site.readings()] == [1.0]
        await settle()
        assert acknowledged == [1]


async def test_what_was_given_up_is_reported_anew_once_the_medium_stores_again() -> None:
    driver = FakePushedDriver()
    async with running(BUS, lambda _: driver) as site:
        site.intake.take(Sample([Reading(0, 1.0, 0, 0)]))
        site.buffer.give_up(StreamKind.DATA)
        await settle()
        assert site.intake.take(Sample([Reading(0, 1.0, 0, 0)])) == [], "it fills memory no faster"
        site.intake.take(Sample([Reading(2, 5.0, 0, 0)]))
        await site.buffer.seal(StreamKind.DATA)
        await settle()
        site.intake.take(Sample([Reading(0, 1.0, 0, 0)]))
        assert [(r.point, r.value) for r in await site.readings()] == [(2, 5.0), (0, 1.0)]


async def test_a_slow_device_never_heard_before_is_found_beside_healthy_ones() -> None:
    class Slow(FakePolledDriver):
        async def read(self, device: Device) -> Sample:
            if device.name == "b" and self.there:
                await asyncio.sleep(PROBE_LEAST * 2)
            return await super().read(device)

        there = False

    script: Script = {"a": counting(0, (0, 1)), "b": silence}
    drivers: list[Slow] = []

    def make(clock: FakeClock) -> Driver:
        drivers.append(Slow(script, clock))
        return drivers[-1]

    async with running(BUS, make) as site:
        await site.clock.advance(3 * SECOND)
        script["b"], drivers[0].there = counting(100, (2,)), True
        for _ in range(40):
            await site.clock.advance(SECOND)
            await asyncio.sleep(PROBE_LEAST / 10)
            if site.roster.devices["b"].state == "online":
                break
        assert site.roster.devices["b"].state == "online"


async def test_a_lost_link_is_opened_again_and_devices_return_with_their_first_reading() -> None:
    driver = FakePushedDriver()
    async with running(BUS, lambda _: driver) as site:
        driver.samples.put_nowait(Sample([Reading(0, 1.0, 0, 0), Reading(2, 1.0, 0, 0)]))
        driver.samples.put_nowait(DeviceUnreachable("LINK_LOST", device="bus-1"))
        await settle()
        assert [e.subject for e in await site.events()] == ["a", "b"]
        await eventually(lambda: driver.opened == 2)
        driver.samples.put_nowait(Sample([Reading(0, 2.0, 0, 0)]))
        await settle()
        events = await site.events()
    assert [(e.code, e.subject) for e in events[2:]] == [("DEVICE_RETURNED", "a")]
    assert site.roster.devices["b"].state == "offline"


async def test_a_driver_that_breaks_its_word_about_points_hurts_nobody() -> None:
    script: Script = {"a": lambda now: [Reading(99, 1.0, 0, now)], "b": counting(0, (2,))}
    async with running(BUS, lambda clock: FakePolledDriver(script, clock)) as site:
        await site.clock.advance(2 * SECOND)
        assert {r.point for r in await site.readings()} == {2}


async def test_an_event_names_its_subject() -> None:
    driver = FakePushedDriver()
    async with running(BUS, lambda _: driver) as site:
        site.intake.event("DEVICE_RETURNED", "a", device="a")
        (event,) = await site.events()
    assert (event.code, event.subject, event.params) == ("DEVICE_RETURNED", "a", (("device", "a"),))


async def test_a_library_that_swallows_the_end_does_not_keep_the_gateway_running() -> None:
    class Deaf(FakePolledDriver):
        async def read(self, device: Device) -> Sample:
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            raise DeviceUnreachable("MODBUS_NO_LINK", device=device.name)

    clock = FakeClock()
    site = Site(BUS, lambda _: Deaf({}, clock))
    task = asyncio.create_task(poll((BUS,), clock, site.intake, site.build, lambda: 0.0))
    await settle()
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=60)
    assert done
    assert task.cancelled()


async def test_what_was_asked_before_a_pause_is_neither_an_answer_nor_a_silence() -> None:
    """The gateway is held while both devices are asked: one answers late, one not at all."""
    held: dict[str, Site] = {}

    def moment(device: str, point: int) -> Callable[[int], Sequence[Reading]]:
        def answer(now: int) -> Sequence[Reading]:
            site = held.pop(device, None)
            if site is None:
                return [Reading(point, 2.0, 0, now)]
            site.clock.time += 10
            site.intake.pauses.last = Pause(now, now + 10, 600 * SECOND, suspended=False)
            if device == "b":
                return silence(now)
            return [Reading(point, 1.0, 0, now)]

        return answer

    script: Script = {"a": moment("a", 0), "b": moment("b", 2)}
    async with running(BUS, lambda clock: FakePolledDriver(script, clock)) as site:
        await site.clock.advance(2 * SECOND)
        held.update(a=site, b=site)
        await site.clock.advance(5 * SECOND)
        assert held == {}
        assert {(item.value, item.quality) for item in await site.readings()} == {(2.0, 0)}
        assert await site.events() == []
        assert site.roster.devices["b"].state == "online"
