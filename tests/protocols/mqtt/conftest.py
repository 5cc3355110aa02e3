"""A real broker, a simulated device on it, drivers for it."""

import pytest

from protocols.clock import SystemClock
from protocols.device import Bus
from protocols.mqtt.driver import build
from protocols.mqtt.simulator import publish
from protocols.profile import MqttAddress
from protocols.simulators.broker import mosquitto, start_broker
from tests.protocols import pushed_suite as suite

ADDRESSES = {
    "level": MqttAddress(topic="data", pointer="/v/level", time="/t", quality="/q/level"),
    "pump": MqttAddress(topic="data", pointer="/v/pump", time="/t"),
    "mode": MqttAddress(topic="state", pointer="/mode", time="/t"),
}
SHEETS = {
    "level": {"decimals": 2, "low": 0.0, "high": 16.0},
    "pump": {"type": "bool"},
    "mode": {"type": "text"},
}


class MqttRig:
    background = 1
    shortest = 8.0
    own = ("paho-mqtt-client-fengsui-gw", "MqttDriver.", "Link.", "Inbox.")

    def __init__(self, broker) -> None:
        self.broker = broker
        self.port = broker.port
        self.values = {"level": 1.5, "pump": True, "mode": "自动"}
        self.device = suite.device(suite.points(ADDRESSES, SHEETS), prefix="site/dev")
        self.bus = self.bus_with()
        self.simulator = None

    def bus_with(self, *, device=None, **options):
        settings = {"host": "127.0.0.1", "port": self.port, "timeout": suite.TIMEOUT} | options
        return Bus(
            name="mqtt0",
            protocol="mqtt",
            devices=(device or self.device,),
            options=tuple(settings.items()),
        )

    def driver(self, *, port=None, timeout=suite.TIMEOUT):
        return build(self.bus_with(port=port or self.port, timeout=timeout), SystemClock())

    async def start(self):
        self.broker.start()
        if self.simulator is None:
            self.simulator = await publish(
                [self.device],
                lambda _device, point, _now: self.values[point],
                SystemClock(),
                "127.0.0.1",
                self.port,
            )

    async def stop(self):
        self.broker.kill()

    async def close(self):
        if self.simulator is not None:
            await self.simulator.close()


@pytest.fixture(scope="session")
def persistent():
    """What is proved here needs a broker that keeps sessions, which the wheel's does not."""
    if mosquitto() is None:
        pytest.skip("没有 mosquitto / no mosquitto: apt-get install mosquitto")


@pytest.fixture(scope="session")
def shared_broker(persistent, tmp_path_factory):
    broker = start_broker(tmp_path_factory.mktemp("broker"))
    yield broker
    broker.stop()


@pytest.fixture
async def rig(shared_broker):
    rig = MqttRig(shared_broker)
    await rig.start()
    yield rig
    shared_broker.start()
    await rig.close()
