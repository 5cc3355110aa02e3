"""A collector whose database was put back without saying so: all that is not safe goes again."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.config import EdgeConfig
from protocols.words import Event, StreamKind
from tests.edge.test_delivery import Rig, collector, config, config_of, rig, until
from tests.fakes import FakeCollector

__all__ = ["collector", "config"]  # fixtures

ALARM, DATA = StreamKind.ALARM, StreamKind.DATA


def told(collector: FakeCollector) -> list[Event]:
    return [event for event in collector.events() if event.code == "COLLECTOR_WENT_BACK"]


def holds(collector: FakeCollector, count: int, events: int) -> Callable[[FakeCollector], bool]:
    del collector
    return lambda c: c.count() == count + events and len(told(c)) == events


async def put_and_wait(gateway: Rig, collector: FakeCollector, count: int, total: int) -> None:
    await gateway.put(count)
    await gateway.put(1, ALARM)
    await until(collector, lambda c: c.count() == total)
    await gateway.delivered()


async def test_everything_not_safe_of_all_streams_goes_again_and_it_is_told_once(
    config: EdgeConfig, collector: FakeCollector
) -> None:
    collector.safe = lambda cursor: min(cursor, 3)
    async with rig(config, seals=True) as gateway:
        await put_and_wait(gateway, collector, 5, 6)
        before = collector.snapshot()
        await put_and_wait(gateway, collector, 5, 12)
        await put_and_wait(gateway, collector, 5, 18)
        collector.go_back(before)
        await gateway.put(1)  # only the data stream has news; the alarm stream goes again too
        await until(collector, holds(collector, 19, 1))
        await gateway.delivered()
        assert gateway.state.went_back == 1
    assert sorted(collector.values() + collector.values("ALARM")) == [float(i) for i in range(19)]
    (event,) = told(collector)
    params = dict(event.params)
    assert (params["told"], params["now"]) == (15, 5)
    assert params["stream"] in collector.streams
    assert event.subject == "", "it is about the gateway's collector, not about a device"


async def test_a_stream_the_snapshot_never_knew_goes_again(
    config: EdgeConfig, collector: FakeCollector
) -> None:
    collector.safe = lambda cursor: 0
    async with rig(config, seals=True) as gateway:
        before = collector.snapshot()
        await put_and_wait(gateway, collector, 5, 6)
        collector.go_back(before)
        await gateway.put(1, ALARM)
        await until(collector, holds(collector, 7, 1))
    assert sorted(collector.values() + collector.values("ALARM")) == [float(i) for i in range(7)]


async def test_it_is_noticed_after_a_restart_too(
    config: EdgeConfig, collector: FakeCollector
) -> None:
    collector.safe = lambda cursor: 0
    async with rig(config, seals=True) as gateway:
        await put_and_wait(gateway, collector, 5, 6)
        before = collector.snapshot()
        await put_and_wait(gateway, collector, 5, 12)
        collector.fault = lambda lane: "cut"
        await gateway.put(2)
    collector.go_back(before)
    collector.fault = lambda lane: None
    async with rig(config, seals=True):
        await until(collector, holds(collector, 14, 1))
    assert sorted(collector.values() + collector.values("ALARM")) == [float(i) for i in range(14)]


async def test_what_was_offered_again_is_so_for_the_next_process(
    config: EdgeConfig, collector: FakeCollector
) -> None:
    """A quiet stream would not notice by itself: the offer must outlive a kill."""
    collector.safe = lambda cursor: 0
    async with rig(config, seals=True) as gateway:
        await put_and_wait(gateway, collector, 5, 6)
        await gateway.buffer.persist()
        alarm = next(s for s, h in collector.streams.items() if h.opening.kind is ALARM)
        data = next(s for s in collector.streams if s != alarm)
        await gateway.buffer.rewind(data, 4)
        stored = gateway.buffer._store.holdings.folder.alarm.progress()
        assert {p.number: p.committed for p in stored.values()} == {
            collector.streams[data].opening.number: 0,
            collector.streams[alarm].opening.number: 0,
        }


async def test_lost_answers_are_not_taken_for_a_collector_that_was_put_back(
    config: EdgeConfig, collector: FakeCollector
) -> None:
    collector.safe = lambda cursor: 0
    turn = iter(range(1000))
    collector.fault = lambda lane: "silent" if lane != "PUT" and next(turn) % 2 else None
    async with rig(config, seals=True) as gateway:
        for total in range(6, 36, 6):
            await gateway.put(5)
            await gateway.put(1, ALARM)
            await until(collector, lambda c, n=total: c.count() == n)  # type: ignore[misc]
    async with rig(config, seals=True) as gateway:
        gateway._next = 30
        await gateway.put(1)
        await until(collector, lambda c: c.count() == 31)
        await gateway.delivered()
        assert gateway.state.went_back == 0
    assert told(collector) == []


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    before=st.integers(0, 6),
    after=st.integers(1, 6),
    rotated=st.booleans(),
)
async def test_whatever_it_goes_back_to_all_arrives_once(
    tmp_path_factory: pytest.TempPathFactory, before: int, after: int, rotated: bool
) -> None:
    folder: Path = tmp_path_factory.mktemp("went-back")
    collector = FakeCollector()
    collector.safe = lambda cursor: 0
    try:
        async with rig(config_of(folder, collector), seals=True) as gateway:
            total, snapshot = 0, collector.snapshot()
            for turn in range(before + after):
                if turn == before:
                    snapshot = collector.snapshot()
                await gateway.put(2)
                await gateway.put(1, ALARM)
                total += 3
                await until(collector, lambda c, n=total: c.count() == n)  # type: ignore[misc]
            await gateway.delivered()
            if rotated:
                await gateway.buffer.rotate(DATA)
            collector.go_back(snapshot)
            await gateway.put(1, ALARM)
            await until(collector, holds(collector, total + 1, 1))
            await gateway.delivered()
        found = collector.values() + collector.values("ALARM")
        assert sorted(found) == [float(i) for i in range(total + 1)]
        assert not [held.skipped for held in collector.streams.values() if held.skipped]
    finally:
        collector.close()
