"""Devices that publish their signals to a broker: the tests' counterpart and the demo's crane."""

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from protocols.clock import MILLISECOND, SECOND, Clock
from protocols.device import Device, Point
from protocols.mqtt.client import Publisher
from protocols.mqtt.payload import Pointer, pointer
from protocols.mqtt.plan import mqtt_address, topic_of
from protocols.mqtt.settings import TIMEOUT, Settings
from protocols.words import Value

Signals = Callable[[str, str, int], Value]
"""Device, point and time (µs of the clock) to the engineering value; None is a failed sensor."""

FASTEST: Final = 30 * MILLISECOND
"""Real time between two rounds at the least, however fast the story runs."""

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Simulator:
    """Running publishers; made by `publish`. `missed` counts messages the broker was away for."""

    def __init__(self, publisher: Publisher, port: int, clock: Clock, signals: Signals) -> None:
        self.port = port
        self.missed = 0
        self._publisher = publisher
        self._clock = clock
        self._signals = signals
        self._tasks: list[asyncio.Task[None]] = []

    def follow(self, device: Device) -> None:
        """Publish the signals of `device` each scan, one JSON document a topic."""
        self._tasks.append(asyncio.create_task(self._follow(device)))

    async def close(self) -> None:
        """Stop publishing and disconnect; may be called again."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._publisher.close()

    async def _follow(self, device: Device) -> None:
        scan = round(device.scan * SECOND)
        topics: dict[str, list[Point]] = {}
        for point in device.points:
            topics.setdefault(topic_of(device, mqtt_address(point)), []).append(point)
        while True:
            now = self._clock.now()
            for topic, points in topics.items():
                values = {
                    point: self._signals(device.name, point.sheet.name, now) for point in points
                }
                sent = self._publisher.send(topic, document(values, now))
                self.missed += not sent
            await asyncio.gather(
                self._clock.sleep(scan - now % scan), asyncio.sleep(FASTEST / SECOND)
            )


async def publish(
    devices: Sequence[Device],
    signals: Signals,
    clock: Clock,
    broker_host: str,
    broker_port: int,
    *,
    name: str = "fengsui-simulator",
) -> Simulator:
    """Publish the points of `devices` at their topics. Raises TimeoutError without a broker."""
    publisher = Publisher(
        Settings(bus=name, host=broker_host, port=broker_port, timeout=TIMEOUT, client_id=name)
    )
    try:
        await publisher.open(TIMEOUT)
    except BaseException:
        await publisher.close()
        raise
    simulator = Simulator(publisher, broker_port, clock, signals)
    for device in devices:
        simulator.follow(device)
    return simulator


def document(values: dict[Point, Value], now: int) -> bytes:
    """Return the message of one topic: raw values, the time and the quality at their pointers."""
    root: Any = None
    for point, value in values.items():
        address = mqtt_address(point)
        root = _put(root, pointer(address.pointer), _raw(point, value))
        if address.time is not None:
            root = _put(root, pointer(address.time), rfc3339(now))
        if address.quality is not None:
            root = _put(root, pointer(address.quality), value is not None)
    return json.dumps(root, ensure_ascii=False).encode()


def rfc3339(now: int) -> str:
    """Return µs UTC as a device would write it."""
    moment = EPOCH + timedelta(microseconds=now)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _raw(point: Point, value: Value) -> Value:
    scale = point.sheet.scale
    if scale is None or not isinstance(value, (int, float)) or isinstance(value, bool):
        return value
    return (value - scale.offset) / scale.factor


def _put(root: Any, tokens: Pointer, value: Value) -> Any:  # Any: JSON
    if not tokens:
        return value
    first, rest = tokens[0], tokens[1:]
    if first.isdecimal() and not isinstance(root, dict):
        place = int(first)
        items = list(root) if isinstance(root, list) else []
        items += [None] * (place + 1 - len(items))
        items[place] = _put(items[place], rest, value)
        return items
    branch = dict(root) if isinstance(root, dict) else {}
    branch[first] = _put(branch.get(first), rest, value)
    return branch
