"""The contract of a driver: speaks one field protocol on one bus.

Two families. A *polled* bus answers when asked (Modbus); a *pushed* one tells by itself (an OPC UA
subscription, MQTT). Both turn every foreign exception into a `DriverError`; both survive being
closed twice and cancelled anywhere, leaving no task and no socket.
"""

import importlib
from collections.abc import Callable
from typing import Final, Protocol, cast

from protocols.clock import Clock
from protocols.device import Bus, Device
from protocols.words import Sample


class PolledDriver(Protocol):
    """Asked for one device at a time; requests on one bus never overlap."""

    async def open(self) -> None:
        """Connect. Raises DeviceUnreachable. Returning does not prove that a device answers."""
        ...

    async def read(self, device: Device) -> Sample:
        """Read all points of `device` now, in few block reads planned once.

        A point the device refuses, or whose bytes do not decode, is a Bad reading beside its good
        neighbours. Raises DeviceUnreachable within the bus's timeout when nothing answers.
        """
        ...

    async def close(self) -> None:
        """Let go of the line; may be called at any time, any number of times."""
        ...


class PushedDriver(Protocol):
    """Tells by itself; what waits is bounded, and a full queue slows the sender or is counted.

    A driver that can lose readings has `losses() -> Mapping[str, int]`: how many, by reason, since
    it was made; never one that is not counted.
    """

    async def open(self) -> None:
        """Connect and subscribe to every point of the bus. Raises DeviceUnreachable."""
        ...

    async def receive(self) -> Sample:
        """Wait for something to arrive and return all that waits.

        Raises DeviceUnreachable when the link is gone; the caller closes and opens again.
        """
        ...

    async def close(self) -> None:
        """Let go of the link; may be called at any time, any number of times."""
        ...


Driver = PolledDriver | PushedDriver
Build = Callable[[Bus, Clock], Driver]

DRIVERS: Final[dict[str, str]] = {
    "modbus": "protocols.modbus.driver",
    "mqtt": "protocols.mqtt.driver",
    "opcua": "protocols.opcua.driver",
}
"""Protocol to the module that has `build(bus, clock)`; loaded when the first such bus is opened."""


def build(bus: Bus, clock: Clock) -> Driver:
    """Make the driver of `bus`; its library loads only now. KeyError: unknown protocol."""
    module = importlib.import_module(DRIVERS[bus.protocol])
    return cast(Build, module.build)(bus, clock)
