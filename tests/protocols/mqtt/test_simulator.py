"""The simulated device: on story time, but never busy; survives its broker."""

import asyncio

import pytest

from protocols.clock import SECOND, Pace, StoryClock, SystemClock, real_monotonic
from protocols.mqtt.simulator import FASTEST, publish
from protocols.profile import MqttAddress
from protocols.words import TimeMark
from tests.protocols import pushed_suite as suite
from tests.protocols.mqtt.test_delivery import Plant

pytestmark = pytest.mark.broker

BEGIN = 1_781_272_800 * SECOND


async def test_a_fast_story_is_told_in_its_own_time_without_haste(shared_broker):
    clock = StoryClock([Pace(SystemClock().now(), BEGIN, 1_000.0)])
    plant = Plant(shared_broker, "story")
    driver = await plant.opened()
    told = []

    def signals(_device, _point, now):
        told.append(now)
        return len(told)

    start = real_monotonic()
    simulator = await publish([plant.device], signals, clock, "127.0.0.1", shared_broker.port)
    seen = await suite.until(driver, lambda r: len(r) >= 5)
    took = real_monotonic() - start
    await simulator.close()
    await simulator.close()
    await driver.close()
    assert len(told) <= took * SECOND / FASTEST + 1
    assert simulator.missed == 0
    assert [r.value for r in seen] == list(range(1, len(seen) + 1))
    assert all(r.mark is TimeMark.SOURCE for r in seen)
    assert [r.time // 1_000 for r in seen] == [now // 1_000 for now in told[: len(seen)]]


async def test_without_a_broker_it_says_so(monkeypatch):
    monkeypatch.setattr("protocols.mqtt.simulator.TIMEOUT", 0.2)
    device = suite.device(suite.points({"n": MqttAddress(topic="n")}, {}))
    server = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    with pytest.raises(TimeoutError):
        await publish([device], lambda *_: 1.0, SystemClock(), "127.0.0.1", port)
