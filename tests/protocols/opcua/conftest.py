"""A real OPC UA server, shared by a module because making its address space takes a second."""

import pytest_asyncio

from protocols.clock import SystemClock
from protocols.device import Bus
from protocols.opcua.driver import build
from protocols.opcua.simulator import serve
from protocols.profile import OpcUaAddress
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
HELD = {"level": 1.5, "pump": True, "mode": "自动"}


class OpcUaRig:
    background = 0
    shortest = 1.5
    own = ("Client.", "UaSession.", "OpcUaDriver.", "Session.")

    def __init__(self) -> None:
        self.values = dict(HELD)
        self.device = suite.device(suite.points(ADDRESSES, SHEETS))
        self.simulator = None
        self.port = 0

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
            self.simulator = await serve(
                [self.device], lambda _device, point, _now: self.values[point], SystemClock()
            )
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


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_rig():
    rig = OpcUaRig()
    await rig.start()
    yield rig
    await rig.close()


@pytest_asyncio.fixture(loop_scope="module")
async def rig(shared_rig):
    await shared_rig.start()
    shared_rig.values.update(HELD)
    return shared_rig
