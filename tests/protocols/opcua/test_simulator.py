"""The simulated server: on story time, but never busy."""

from protocols.clock import SECOND, Pace, StoryClock, SystemClock, real_monotonic
from protocols.opcua.driver import build
from protocols.opcua.simulator import FASTEST, serve
from protocols.words import TimeMark
from tests.protocols import pushed_suite as suite
from tests.protocols.opcua.conftest import ADDRESSES, OpcUaRig

BEGIN = 1_781_272_800 * SECOND


async def test_a_fast_story_is_told_in_its_own_time_without_haste():
    clock = StoryClock([Pace(SystemClock().now(), BEGIN, 1_000.0)])
    rig = OpcUaRig()
    device = suite.device(
        suite.points({"level": ADDRESSES["level"]}, {"level": {"heartbeat": 1e9}})
    )
    told = {}

    def signals(_device, _point, now):
        told[now] = float(len(told))
        return told[now]

    simulator = await serve([device], signals, clock)
    start = real_monotonic()
    bus = rig.bus_with(device=device, endpoint=simulator.endpoint)
    driver = build(bus, clock)
    await driver.open()
    seen = await suite.until(driver, lambda r: len(r) >= 5)
    rounds, took = len(told), real_monotonic() - start
    await driver.close()
    await simulator.close()
    await simulator.close()
    # One round before it listens, one as it starts.
    assert rounds <= took * SECOND / FASTEST + 2
    assert all(told[r.time] == r.value for r in seen if r.mark is TimeMark.SOURCE)
    assert sum(r.mark is TimeMark.SOURCE for r in seen) >= 4
