"""Three lanes on three connections: who waits for whom, for how long, and what is obeyed."""

import random
import threading
from dataclasses import replace

import pytest

from edge.config import EdgeConfig
from edge.exchange import OPENED
from edge.patience import ASKED_MOST
from edge.right_of_way import RightOfWay
from edge.uplink_http import PIECE, Connection
from protocols.words import Lane, StreamKind
from tests.edge.test_delivery import Hurry, collector, config, rig, until
from tests.edge.waiting import eventually
from tests.fakes import FakeCollector

__all__ = ["collector", "config"]  # fixtures

ALARM, DATA = StreamKind.ALARM, StreamKind.DATA


async def test_openings_and_manifests_carry_the_lane(
    config: EdgeConfig, collector: FakeCollector
) -> None:
    async with rig(config) as gateway:
        await gateway.put(1, ALARM)
        await until(collector, lambda c: c.count() == 1)
        await gateway.put(1)
        await until(collector, lambda c: c.count() == 2)
    assert set(collector.asked) == {
        ("PUT", "alarm"), ("POST", "alarm"), ("PUT", "live"), ("POST", "live"),
    }  # fmt: skip


async def test_an_alarm_gets_through_while_a_backfill_request_hangs(
    config: EdgeConfig, collector: FakeCollector
) -> None:
    """The backfill's answer does not come until the alarm has arrived: three connections."""
    arrived = threading.Event()

    def fault(lane: str) -> None:
        if lane == "backfill":
            collector.lock.release()
            arrived.wait(20)
            collector.lock.acquire()

    collector.fault = lambda lane: "cut"
    async with rig(config) as gateway:
        await gateway.put(5)
    collector.fault = fault
    async with rig(config) as gateway:
        await eventually(lambda: gateway.state.lanes[Lane.BACKFILL].state == "sending")
        await gateway.put(1, ALARM)
        await gateway.put(1)
        await until(collector, lambda c: len(c.order) == 2)
        arrived.set()
        await until(collector, lambda c: c.count() == 7)
    assert [lane for lane, _, _ in collector.order][-1] == "backfill"


def test_a_request_under_way_gives_way_between_two_pieces(
    config: EdgeConfig, collector: FakeCollector
) -> None:
    way = RightOfWay()
    asked: list[bool] = []

    def give_way(seconds: float) -> bool:
        asked.append(way.wait(Lane.BACKFILL, seconds))
        if len(asked) == 3:
            way.release(Lane.ALARM)
        return asked[-1]

    way.claim(Lane.ALARM)
    connection = Connection(config.collector, "test", give_way)
    body = b'"' + bytes(random.Random(1).choices(b"abcdef", k=3 * PIECE)) + b'"'
    reply = connection.request("POST", "health", body)
    connection.close()
    assert reply.status == 200
    assert len(collector.health[0]) == 3 * PIECE
    assert asked == [False] * 3 + [True] * 4
    assert reply.transfer.gave_way > 0
    assert reply.transfer.took >= 0


def test_giving_way_ends(config: EdgeConfig, collector: FakeCollector) -> None:
    """An alarm flood without end slows a request down; it does not hold it for ever."""
    waited: list[float] = []

    def never(seconds: float) -> bool:
        waited.append(seconds)
        return RightOfWay().wait(Lane.BACKFILL, 0) and threading.Event().wait(0.05)

    connection = Connection(replace(config.collector, timeout=1.0), "test", never)
    assert connection.request("POST", "health", b'"' + b"x" * 40_000 + b'"').status == 200
    connection.close()
    assert max(waited) <= 0.5


async def test_no_answer_silences_the_alarm_lane(
    config: EdgeConfig, collector: FakeCollector
) -> None:
    """The collector asks for an hour; data obeys up to its bound, alarms up to five seconds."""
    collector.retry_after = "3600"
    collector.fault = lambda lane: "busy"
    async with rig(config) as gateway:
        await gateway.put(1)
        await eventually(lambda: gateway.state.lanes[Lane.LIVE].state == "waiting")
        await gateway.put(1, ALARM)
        await until(collector, lambda c: c.asked.count(("PUT", "alarm")) >= 3)
        assert collector.asked.count(("PUT", "live")) == 1
        collector.fault = lambda lane: None
        await until(collector, lambda c: c.values("ALARM") == [1.0])
        lanes = gateway.state.lanes
        assert lanes[Lane.ALARM].retries >= 3
        assert (lanes[Lane.LIVE].state, lanes[Lane.LIVE].problem) == ("waiting", "COLLECTOR_BUSY")
    assert Hurry(Lane.ALARM).asked(3600) <= ASKED_MOST[Lane.ALARM] / 100


async def test_less_is_sent_when_less_is_asked_for(
    config: EdgeConfig, collector: FakeCollector
) -> None:
    collector.fault = lambda lane: "cut"
    async with rig(config) as gateway:
        for _ in range(40):
            await gateway.put(1)
    turns = iter([None, None, None, "slow"])
    collector.fault = lambda lane: next(turns, None) if lane == "backfill" else None
    async with rig(config) as gateway:
        await until(collector, lambda c: c.count() == 40)
        await gateway.delivered()
        lane = gateway.state.lanes[Lane.BACKFILL]
        assert lane.retries == 1
    lasts = [last for _, _, last in collector.order]
    sizes = [last - first for first, last in zip([0, *lasts], lasts, strict=False)]
    assert sizes == [4, 8, 16, 1, 6, 5], (
        "after the refusal of 12 one batch asks, then half as many go"
    )


async def test_credit_is_obeyed_lane_by_lane(config: EdgeConfig, collector: FakeCollector) -> None:
    sizes: list[int] = []
    collector.credit = 0
    collector.fault = lambda lane: "cut"
    async with rig(config) as gateway:
        for _ in range(12):
            await gateway.put(1)
        collector.fault = lambda lane: None
        await until(collector, lambda c: c.count() == 12)
        lane = gateway.state.lanes[Lane.LIVE]
        await eventually(lambda: lane.sent_batches == 12)
        sizes.append(lane.requests)
        assert lane.credit == 0
        assert gateway.state.lanes[Lane.ALARM].credit is None
    assert sizes == [12], "without credit one batch asks whether there is some again"


async def test_what_is_remembered_of_streams_stays_bounded(
    config: EdgeConfig, collector: FakeCollector
) -> None:
    async with rig(config) as gateway:
        opened = gateway.lanes[Lane.LIVE]._opened
        opened.update({f"{number:032x}": None for number in range(OPENED)})
        for total in (1, 2, 3):
            await gateway.put(1)
            await until(collector, lambda c, n=total: c.count() == n)  # type: ignore[misc]
            await gateway.delivered()
            await gateway.buffer.rotate(DATA)
            assert len(opened) == OPENED


async def test_health_tells_what_each_lane_does(
    config: EdgeConfig, collector: FakeCollector
) -> None:
    async with rig(config) as gateway:
        await gateway.put(3)
        await until(collector, lambda c: c.count() == 3)
        await gateway.delivered()
        await eventually(lambda: gateway.state.lanes[Lane.LIVE].state == "idle")
        picture = gateway.state.picture()
    live = picture["lanes"]["live"]
    assert picture["up"]
    assert (live["sent_readings"], live["requests"], live["retries"]) == (3, 1, 0)
    assert live["goodput"] > 0
    assert live["request_seconds"] > 0
    assert picture["lanes"]["alarm"]["requests"] == 0


async def test_backfill_is_not_kept_waiting_for_ever(
    config: EdgeConfig, collector: FakeCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The alarm lane never has nothing under way; what is left of an earlier run arrives anyway."""
    monkeypatch.setattr("edge.lane.PATIENT", 0.1)
    over = threading.Event()

    def fault(lane: str) -> None:
        if lane == "alarm":
            collector.lock.release()
            over.wait(20)
            collector.lock.acquire()

    collector.fault = lambda lane: "cut"
    async with rig(config) as gateway:
        await gateway.put(5)
    collector.fault = fault
    async with rig(config) as gateway:
        await gateway.put(1, ALARM)
        await eventually(lambda: gateway.state.lanes[Lane.ALARM].state == "sending")
        await until(collector, lambda c: c.count() == 5)
        over.set()
        await until(collector, lambda c: c.count() == 6)
    assert [lane for lane, _, _ in collector.order] == ["backfill", "alarm"]
