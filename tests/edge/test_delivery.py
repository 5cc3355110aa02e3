"""Buffer and uplink against a collector that loses answers, refuses, lies and comes back."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import pytest

from edge.buffer import Buffer
from edge.buffer.model import Origin
from edge.config import CollectorLink, EdgeConfig
from edge.exchange import Exchange
from edge.gateway import origin_of
from edge.link_state import LinkState
from edge.patience import Patience
from edge.right_of_way import RightOfWay
from edge.uplink import Uplink
from edge.uplink_http import Connection
from protocols.clock import Clock, SystemClock
from protocols.errors import UplinkRefused
from protocols.owner_thread import OwnerThread
from protocols.words import Event, Lane, Reading, StreamKind
from tests import builders
from tests.edge.waiting import eventually
from tests.fakes import FakeClock, FakeCollector, lossy


class Hurry(Patience):
    """A hundred times as impatient as the real one."""

    def __init__(self, lane: Lane) -> None:
        super().__init__(lane, random.Random(0))

    def jitter(self, attempt: int) -> float:
        return min(0.05, super().jitter(attempt) / 100)

    def asked(self, seconds: float) -> float:
        return super().asked(seconds) / 100


DATA, ALARM = StreamKind.DATA, StreamKind.ALARM


@pytest.fixture
def collector() -> Iterator[FakeCollector]:
    made = FakeCollector()
    yield made
    made.close()


@pytest.fixture
def config(tmp_path: Path, collector: FakeCollector) -> EdgeConfig:
    return config_of(tmp_path, collector)


def config_of(folder: Path, collector: FakeCollector) -> EdgeConfig:
    device = builders.device("tk-101", tuple(builders.point(i) for i in range(3)))
    return builders.config(folder, collector.url, builders.bus(device))


class Rig:
    """A buffer with its uplink, as the gateway composes them."""

    def __init__(
        self, buffer: Buffer, state: LinkState, lanes: dict[Lane, Exchange], uplink: Uplink
    ) -> None:
        self.buffer = buffer
        self.state = state
        self.lanes = lanes
        self.uplink = uplink
        self._next = 0

    async def put(self, count: int, kind: StreamKind = DATA) -> None:
        now = self.buffer._clock.mono()
        items = [Reading(i % 3, float(self._next + i), 0, now) for i in range(count)]
        self._next += count
        self.buffer.append(kind, items)
        await self.buffer.seal(kind)

    async def delivered(self) -> None:
        """Return once the gateway knows that all has arrived."""

        async def through() -> bool:
            stats = await self.buffer.stats()
            return stats.data.readings + stats.alarm.readings == 0

        await eventually(through)


@asynccontextmanager
async def rig(
    config: EdgeConfig,
    link: CollectorLink | None = None,
    clock: Clock | None = None,
    *,
    seals: bool = False,
) -> AsyncIterator[Rig]:
    clock = clock or SystemClock()
    origin: Origin = origin_of(config, "b0" * 16)
    buffer = await Buffer.open(config.buffer, origin, clock)
    way, state = RightOfWay(), LinkState()
    made = {
        lane: Exchange(
            Connection(link or config.collector, "test", partial(way.wait, lane)),
            OwnerThread(lane.name),
            buffer,
            clock,
            "b0" * 16,
        )
        for lane in Lane
    }
    uplink = Uplink(made, buffer, clock, state, way, {lane: Hurry(lane) for lane in Lane})
    tasks = [asyncio.create_task(uplink.run())]
    if seals:  # what the uplink itself has to tell is not put by hand
        tasks.append(asyncio.create_task(buffer.run()))
    try:
        yield Rig(buffer, state, made, uplink)
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        for each in made.values():
            await each.close()
        await buffer.close()


async def until(
    collector: FakeCollector, holds: Callable[[FakeCollector], bool], seconds: float = 20.0
) -> None:
    assert await asyncio.to_thread(collector.wait_for, holds, seconds), (
        f"{collector.count()} items, {collector.order[-5:]}"
    )


async def test_readings_and_events_arrive_with_their_manifest(
    config: EdgeConfig, collector: FakeCollector
) -> None:
    async with rig(config) as gateway:
        await gateway.put(10)
        gateway.buffer.append(ALARM, [Event("DEVICE_RETURNED", "tk-101", 0)])
        await gateway.buffer.seal(ALARM)
        await until(collector, lambda c: c.count() == 11)
    assert collector.values() == [float(i) for i in range(10)]
    assert [event.code for event in collector.events()] == ["DEVICE_RETURNED"]
    assert list(collector.manifests.values()) == [config.manifest]
    assert set(collector.tokens) == {"Bearer secret"}
    assert {lane for lane, _, _ in collector.order} == {"alarm", "live"}


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_nothing_is_lost_doubled_or_out_of_order_on_a_bad_link(
    config: EdgeConfig, collector: FakeCollector, seed: int
) -> None:
    collector.fault = lossy(seed, 0.4)
    async with rig(config) as gateway:
        for _ in range(40):
            await gateway.put(7)
            await gateway.put(1, ALARM)
        await until(collector, lambda c: c.count() == 320)
    for held in collector.streams.values():
        assert [seq for seq, _ in held.items] == list(range(1, held.cursor + 1))
    both = collector.values() + collector.values("ALARM")
    assert sorted(both) == [float(i) for i in range(320)]
    assert not [held.skipped for held in collector.streams.values() if held.skipped]


GUARDS = ["foreign", "slow", "slow headers", "many"]


@pytest.mark.parametrize("page", ["html", "html404", "refused", "busy", *GUARDS])
async def test_no_page_of_anybody_makes_the_gateway_forget(
    config: EdgeConfig, collector: FakeCollector, page: str
) -> None:
    collector.fault = lambda lane: page if lane in ("live", "PUT") else None
    async with rig(config) as gateway:
        await gateway.put(5)
        await until(collector, lambda c: len(c.tokens) > 4)
        stats = await gateway.buffer.stats()
        assert stats.data.readings == 5
        assert gateway.state.problem is not None
        assert not gateway.state.up
        collector.fault = lambda lane: None
        await until(collector, lambda c: c.count() == 5)
    assert collector.values() == [0.0, 1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize("page", ["target", "malformed", "headers"])
async def test_what_a_guard_would_not_read_is_kept(
    config: EdgeConfig, collector: FakeCollector, page: str
) -> None:
    collector.fault = lambda lane: page if lane in ("live", "PUT") else None
    async with rig(config) as gateway:
        await gateway.put(5)
        await eventually(lambda: bool(gateway.state.refused))
        stats = await gateway.buffer.stats()
    assert stats.data.readings == 5
    assert not collector.values()


async def test_after_an_outage_live_goes_first_and_the_backlog_follows(
    config: EdgeConfig, collector: FakeCollector
) -> None:
    clock = FakeClock()
    async with rig(config, clock=clock) as gateway:
        await gateway.put(1)
        await until(collector, lambda c: c.count() == 1)
        collector.fault = lambda lane: "cut"
        for _ in range(20):
            await gateway.put(2)
            clock.time += 1_000_000
        await eventually(lambda: gateway.state.problem is not None)
        collector.fault = lambda lane: None
        await until(collector, lambda c: c.count() == 41 and len(c.streams) == 1, 20)
        await gateway.put(1)
        await until(collector, lambda c: c.count() == 42)
    assert len(collector.streams) == 2
    assert sorted(collector.values()) == [float(i) for i in range(42)]


async def test_a_present_that_is_long_in_coming_makes_no_past(
    config: EdgeConfig, collector: FakeCollector
) -> None:
    clock, waits = FakeClock(), []

    async with rig(config, clock=clock) as gateway:

        async def fill() -> None:
            """What came while others were waited for is old when they are there."""
            waits.append(clock.time)
            await gateway.put(1)
            clock.time += 15_000_000

        gateway.uplink.when_fresh(fill)
        await gateway.put(1)
        await until(collector, lambda c: c.count() == 1)
        collector.fault = lambda lane: "cut"
        await gateway.put(20)
        clock.time += 60_000_000
        await eventually(lambda: gateway.state.problem is not None)
        collector.fault = lambda lane: None
        await until(collector, lambda c: c.count() >= 21 + len(waits) > 21)
        await gateway.delivered()
    assert len(waits) == 1, "greeted once: nothing is turned over again because it waited"
    assert len(collector.streams) == 2


async def test_a_long_backlog_does_not_hold_back_what_is_new(
    config: EdgeConfig, collector: FakeCollector
) -> None:
    clock = FakeClock()
    async with rig(config, clock=clock) as gateway:
        collector.fault = lambda lane: "cut"
        for _ in range(300):
            await gateway.put(3)
        clock.time += 60_000_000
        await until(collector, lambda c: len(c.tokens) > 2)
        seen: list[str] = []
        collector.fault = lambda lane: seen.append(lane)
        await until(collector, lambda c: c.count() > 0)
        await gateway.put(1)
        await gateway.put(1, ALARM)
        await until(collector, lambda c: c.count() == 902)
    lanes = [lane for lane, _, _ in collector.order]
    assert lanes.index("alarm") < len(lanes) - 1 - lanes[::-1].index("backfill")
    assert lanes.count("backfill") > 2
    last_live = len(lanes) - 1 - lanes[::-1].index("live")
    assert last_live < len(lanes) - 1, "live went before the backlog was through"


async def test_a_restart_sends_what_an_earlier_process_left(
    config: EdgeConfig, collector: FakeCollector
) -> None:
    collector.fault = lambda lane: "cut"
    async with rig(config) as gateway:
        await gateway.put(5)
    collector.fault = lambda lane: None
    async with rig(config) as gateway:
        gateway._next = 5
        await gateway.put(5)
        await until(collector, lambda c: c.count() == 10)
    assert collector.values() == [float(i) for i in range(10)]
    assert len(collector.streams) == 2


async def test_a_restored_collector_gets_again_what_it_may_not_have(
    config: EdgeConfig, collector: FakeCollector
) -> None:
    collector.safe = lambda cursor: min(cursor, 10)
    async with rig(config) as gateway:
        for total in (10, 20, 30):
            await gateway.put(10)
            await until(collector, lambda c, n=total: c.count() == n)  # type: ignore[misc]
        await gateway.delivered()
        await gateway.buffer.persist()
        with collector.lock:  # back to a backup that held the first ten
            for held in collector.streams.values():
                held.restore(10)
                collector.incarnation = "2d" * 16
        await gateway.put(1)
        await until(collector, lambda c: c.count() == 31)
    assert collector.values() == [float(i) for i in range(31)]


async def test_a_collector_that_forgot_the_stream_gets_its_opening_again(
    config: EdgeConfig, collector: FakeCollector
) -> None:
    collector.safe = lambda cursor: 0
    async with rig(config) as gateway:
        await gateway.put(4)
        await until(collector, lambda c: c.count() == 4)
        await gateway.delivered()
        with collector.lock:
            collector.streams.clear()
            collector.manifests.clear()
        await gateway.put(4)
        await until(collector, lambda c: c.count() == 8)
    assert collector.values() == [float(i) for i in range(8)]


async def test_what_nobody_has_any_more_becomes_a_skip_and_the_stream_goes_on(
    config: EdgeConfig, collector: FakeCollector
) -> None:
    async with rig(config) as gateway:
        await gateway.put(4, ALARM)
        await until(collector, lambda c: c.count() == 4)
        await gateway.delivered()
        await gateway.buffer.persist()  # committed and safe: gone from the alarm file
        with collector.lock:
            collector.streams.clear()
        await gateway.put(2, ALARM)
        await until(collector, lambda c: c.count() == 2)
    (held,) = collector.streams.values()
    assert [(s.header.seq0, s.header.n, s.reason.name) for s in held.skipped] == [
        (1, 4, "GONE_AT_COLLECTOR")
    ]
    assert [seq for seq, _ in held.items] == [5, 6]


async def test_a_stream_the_collector_refuses_does_not_stop_the_others(
    config: EdgeConfig, collector: FakeCollector
) -> None:
    async with rig(config) as gateway:
        await gateway.put(2)
        await until(collector, lambda c: c.count() == 2)
        with collector.lock:
            (first,) = collector.streams.values()
            first.head = bytes(32)  # the chain will never agree again
        await gateway.put(2)
        await gateway.put(1, ALARM)
        await until(collector, lambda c: c.values("ALARM") == [4.0])
        await gateway.buffer.rotate(DATA)
        await gateway.put(2)
        await until(collector, lambda c: c.values()[-1] == 6.0)
        refused = {first.opening.stream: "CHAIN"}
        await eventually(lambda: gateway.state.refused == refused)
    assert collector.values() == [0.0, 1.0, 5.0, 6.0]


async def test_a_portal_that_says_yes_to_all_is_no_contact(
    collector: FakeCollector, config: EdgeConfig
) -> None:
    collector.fault = lambda lane: "html"
    async with rig(config) as gateway:
        connection = Connection(config.collector, "test")
        exchange = Exchange(connection, OwnerThread("health"), gateway.buffer, SystemClock(), "00")
        with pytest.raises(UplinkRefused) as caught:
            await exchange.post_health(b"{}")
        await exchange.close()
    assert caught.value.code == "NOT_THE_COLLECTOR"


async def test_the_token_is_read_again_when_its_file_changes(
    config: EdgeConfig, collector: FakeCollector
) -> None:
    async with rig(config) as gateway:
        await gateway.put(1)
        await until(collector, lambda c: c.count() == 1)
        config.collector.token_file.write_text("another-secret\n")
        await gateway.put(1)
        await until(collector, lambda c: c.count() == 2)
    assert collector.tokens[-1] == "Bearer another-secret"


async def test_without_a_token_file_nothing_is_lost_and_health_says_why(
    config: EdgeConfig, collector: FakeCollector
) -> None:
    config.collector.token_file.unlink()
    async with rig(config) as gateway:
        await gateway.put(1)
        await eventually(lambda: gateway.state.problem == "TOKEN_UNREADABLE")
        config.collector.token_file.write_text("secret")
        await until(collector, lambda c: c.count() == 1)
