"""A server whose variables follow signals: the tests' counterpart and the demo's reservoir."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, timedelta
from typing import Final

from asyncua import ua
from asyncua.common.node import Node
from asyncua.server.server import Server

from protocols.clock import MILLISECOND, SECOND, Clock
from protocols.device import Device, Point
from protocols.profile import OpcUaAddress
from protocols.quality import Quality
from protocols.words import Value

Signals = Callable[[str, str, int], Value]
"""Device, point and time (µs of the clock) to the engineering value; None is a failed sensor."""

FASTEST: Final = 30 * MILLISECOND
"""Real time between two rounds at the least, however fast the story runs."""

EPOCH: Final = ua.DateTime(1970, 1, 1, tzinfo=UTC)

TYPES: Final = {
    "bool": ua.VariantType.Boolean,
    "int": ua.VariantType.Int64,
    "enum": ua.VariantType.Int32,
    "float": ua.VariantType.Double,
    "text": ua.VariantType.String,
}

EMPTY: Final[dict[ua.VariantType, Value]] = {
    ua.VariantType.Boolean: False,
    ua.VariantType.Int64: 0,
    ua.VariantType.Int32: 0,
    ua.VariantType.Double: 0.0,
    ua.VariantType.String: "",
}


class Simulator:
    """A running server; made by `serve`."""

    def __init__(self, server: Server, clock: Clock, signals: Signals) -> None:
        self.server = server
        self._clock = clock
        self._signals = signals
        self._group: list[asyncio.Task[None]] = []

    @property
    def port(self) -> int:
        """The TCP port it listens on."""
        listening = self.server.bserver
        return listening.port if listening is not None else 0

    @property
    def endpoint(self) -> str:
        """The URL a gateway connects to."""
        return f"opc.tcp://{self.server.endpoint.hostname}:{self.port}/"

    def follow(self, device: Device, nodes: Sequence[tuple[Point, Node]]) -> None:
        """Write the signals of `device` into its variables each scan."""
        self._group.append(asyncio.create_task(self._follow(device, nodes)))

    async def write(self, device: Device, nodes: Sequence[tuple[Point, Node]]) -> int:
        """Write the signals of `device` once; returns the time they were written for."""
        now = self._clock.now()
        stamp = EPOCH + timedelta(microseconds=now)
        for point, node in nodes:
            value = self._signals(device.name, point.sheet.name, now)
            await node.write_value(data_value(point, value, stamp))
        return now

    async def close(self) -> None:
        """Stop writing and listening; may be called again."""
        tasks, self._group = self._group, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self.server.bserver is not None:
            await self.server.stop()
            self.server.bserver = None

    async def _follow(self, device: Device, nodes: Sequence[tuple[Point, Node]]) -> None:
        scan = round(device.scan * SECOND)
        while True:
            now = await self.write(device, nodes)
            await asyncio.gather(
                self._clock.sleep(scan - now % scan), asyncio.sleep(FASTEST / SECOND)
            )


async def serve(
    devices: Sequence[Device],
    signals: Signals,
    clock: Clock,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
) -> Simulator:
    """Start a server with the points of `devices` at their addresses; port 0 takes a free one."""
    logging.getLogger("asyncua").setLevel(logging.CRITICAL + 1)
    server = Server()
    # Its clock writes a variable each second that nobody asked for.
    server.disable_clock()
    await server.init()
    server.set_endpoint(f"opc.tcp://{host}:{port}/")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    simulator = Simulator(server, clock, signals)
    variables = [(device, await _variables(server, device)) for device in devices]
    for device, nodes in variables:
        await simulator.write(device, nodes)
    await server.start()
    for device, nodes in variables:
        simulator.follow(device, nodes)
    return simulator


def data_value(point: Point, value: Value, stamp: ua.DateTime) -> ua.DataValue:
    """Return what the server is to hold: the raw value as before the profile's scale."""
    kind = TYPES.get(point.sheet.type, ua.VariantType.Double)
    if value is None:
        return ua.DataValue(
            ua.Variant(None, ua.VariantType.Null),
            StatusCode=ua.StatusCode(ua.UInt32(Quality.BAD_SENSOR_FAILURE)),
            SourceTimestamp=stamp,
        )
    if kind is ua.VariantType.Double and isinstance(value, (int, float)):
        scale = point.sheet.scale
        value = float(value if scale is None else (value - scale.offset) / scale.factor)
    return ua.DataValue(ua.Variant(value, kind), SourceTimestamp=stamp)


async def _variables(server: Server, device: Device) -> list[tuple[Point, Node]]:
    folder = await server.nodes.objects.add_folder(
        ua.NodeId.from_string(f"ns=1;s={device.site}.{device.name}"),
        ua.QualifiedName(device.name, 1),
    )
    nodes = []
    for point in device.points:
        address = point.sheet.address
        if not isinstance(address, OpcUaAddress):
            raise TypeError(f"{point.id} has no OPC UA address")
        kind = TYPES.get(point.sheet.type, ua.VariantType.Double)
        namespace = await server.register_namespace(address.namespace)
        nodes.append(
            (
                point,
                await folder.add_variable(
                    ua.NodeId.from_string(f"ns={namespace};{address.node}"),
                    ua.QualifiedName(point.sheet.name, namespace),
                    EMPTY[kind],
                    kind,
                ),
            )
        )
    return nodes
