"""One real OPC UA server for all tests: making its address space takes more than a second."""

import pytest_asyncio

from protocols.clock import SystemClock
from protocols.device import Bus
from protocols.opcua.driver import build
from protocols.opcua.simulator import serve
from protocols.profile import OpcUaAddress, Scale
from tests.protocols import pushed_suite as suite

URI = "urn:example:plant"
ADDRESSES = {
    "level": OpcUaAddress(node="s=RSV.WL", namespace=URI),
    "pump": OpcUaAddress(node="s=PUMP", namespace=URI),
    "mode": OpcUaAddress(node="i=1003", namespace=URI),
}
SHEETS = {
    "level": {"decimals": 2, "low": 0.0, "high": 16.0},
    "pump": {"type": "bool"},
    "mode": {"type": "text"},
}
KINDS = ("float", "int", "bool", "text", "enum")
MANY = {f"p{n}": OpcUaAddress(node=f"s=P{n}", namespace=URI) for n in range(200)}
MANY_SHEETS = {
    name: {
        "type": KINDS[n % 5],
        "decimals": 3,
        "scale": Scale(factor=0.5, offset=1.0) if n % 10 == 0 else None,
    }
    for n, name in enumerate(MANY)
}
HELD = {"level": 1.5, "pump": True, "mode": "自动"}


class OpcUaRig:
    background = 0
    shortest = 1.5
    own = ("Client.", "UaSession.", "OpcUaDriver.", "Session.")

    def __init__(self) -> None:
        self.values = dict(HELD)
        self.device = suite.device(suite.points(ADDRESSES, SHEETS))
        self.many = suite.device(suite.points(MANY, MANY_SHEETS), name="many", scan=5.0)
        self.simulator = None
        self.port = 0

    def signal(self, _device, point, _now):
        """A value of the small plant, or one of the two hundred by its number."""
        if point in self.values:
            return self.values[point]
        n = int(point[1:])
        return {"float": n / 8, "bool": n % 2 == 1, "text": str(n)}.get(KINDS[n % 5], n)

    @property
    def bus(self):
        return self.bus_with()

    def bus_with(self, *, device=None, port=None, **options):
        settings = {
            "endpoint": f"opc.tcp://127.0.0.1:{port or self.port}/",
            "timeout": suite.TIMEOUT,
        } | options
        return Bus(
            name="opcua0",
            protocol="opcua",
            devices=(device or self.device,),
            options=tuple(settings.items()),
        )

    def driver(self, *, port=None, timeout=suite.TIMEOUT):
        return build(self.bus_with(port=port, timeout=timeout), SystemClock())

    async def start(self):
        if self.simulator is None:
            self.simulator = await serve([self.device, self.many], self.signal, SystemClock())
            self.port = self.simulator.port
            return
        server = self.simulator.server
        if server.bserver is None:
            server.set_endpoint(f"opc.tcp://127.0.0.1:{self.port}/")
            await server.start()

    async def stop(self):
        await self.simulator.server.stop()
        self.simulator.server.bserver = None

    async def close(self):
        await self.simulator.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_rig():
    rig = OpcUaRig()
    await rig.start()
    yield rig
    await rig.close()


@pytest_asyncio.fixture(loop_scope="session")
async def rig(shared_rig):
    await shared_rig.start()
    shared_rig.values.update(HELD)
    return shared_rig
