"""The MQTT driver: one connection and one lasting session at the broker for all devices of a bus.

broker -> Link (network thread, bounded inbox) -> plan (readings) -> receive() -> buffer -> PUBACK
"""

import logging
from collections import Counter, OrderedDict
from collections.abc import Sequence
from typing import Final

from protocols.clock import Clock
from protocols.device import Bus
from protocols.errors import DeviceUnreachable
from protocols.mqtt.client import Link
from protocols.mqtt.inbox import Message
from protocols.mqtt.payload import Undecodable
from protocols.mqtt.plan import Field, fields_of, readings_of, undecodable
from protocols.mqtt.settings import settings_of
from protocols.quality import Quality
from protocols.words import Reading, Sample

logger = logging.getLogger(__name__)

SETTLED: Final = 4_096
"""Messages remembered as stored, should their broker not have heard of it."""


def build(bus: Bus, clock: Clock) -> "MqttDriver":
    """Make the driver of `bus`."""
    return MqttDriver(bus, clock)


class MqttDriver:
    """A `PushedDriver`.

    `counts`: `undecodable` messages (their points became Bad_DecodingError), `unexpected` ones on
    topics nobody configured, `repeated` ones the buffer already had.
    """

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self.counts: Counter[str] = Counter(undecodable=0, unexpected=0, repeated=0)
        self._bus = bus
        self._clock = clock
        self._fields: dict[str, tuple[Field, ...]] = {}
        self._link: Link | None = None
        self._settled: OrderedDict[int, None] = OrderedDict()
        self._kept: dict[str, int] = {}
        self._first: list[Reading] = []
        self._lost = False

    async def open(self) -> None:
        """Connect and subscribe to every topic of the bus.

        Raises DeviceUnreachable; DeviceRefused for an address that cannot be subscribed to.
        """
        await self.close()
        self._fields = fields_of(self._bus)
        settings = settings_of(self._bus)
        link = self._link = Link(settings, list(self._fields), self._clock)
        try:
            refused = await link.open(settings.timeout)
        except (ConnectionError, TimeoutError) as exc:
            await self.close()
            raise DeviceUnreachable(
                "MQTT_UNREACHABLE",
                device=self._bus.name,
                host=settings.host,
                port=settings.port,
                reason=str(exc) or f"no answer in {settings.timeout:g} s",
            ) from exc
        except BaseException:
            await self.close()
            raise
        self._first = [
            Reading(field.index, None, int(Quality.BAD_CONFIGURATION_ERROR), self._clock.mono())
            for topic in refused
            for field in self._fields[topic]
        ]
        if self._lost:
            self._lost = False
            logger.info("link back", extra={"bus": self._bus.name})

    async def receive(self) -> Sample:
        """Wait for messages and return what they say. Raises DeviceUnreachable.

        What had arrived before the link was lost is still returned.
        """
        while (link := self._link) is not None:
            if self._first:
                readings, self._first = self._first, []
                return Sample(readings)
            messages = link.inbox.take()
            if messages:
                if sample := self._sample(link, messages):
                    return sample
            elif link.lost is not None:
                raise self._gone(link.lost)
            else:
                await link.inbox.arrived()
        raise DeviceUnreachable("LINK_CLOSED", device=self._bus.name)

    async def close(self) -> None:
        """Leave the broker, which keeps what was not acknowledged; may be called again."""
        link, self._link = self._link, None
        if link is not None:
            await link.close()

    def _sample(self, link: Link, messages: Sequence[Message]) -> Sample | None:
        readings: list[Reading] = []
        owed: list[Message] = []
        for message in messages:
            if self._is_known(message):
                link.acknowledge([message])
            else:
                readings += self._readings(link, message)
                owed.append(message)
        if not readings:
            link.acknowledge(owed)
            return None

        async def acknowledge() -> None:
            self._settle(owed)
            link.acknowledge(owed)

        return Sample(readings, acknowledge)

    def _readings(self, link: Link, message: Message) -> list[Reading]:
        fields = self._fields.get(message.topic)
        if fields is None:
            self.counts["unexpected"] += 1
            if message.topic:
                link.forget(message.topic)
            return []
        try:
            if message.payload is None:
                raise Undecodable  # noqa: TRY301  # one way for all that cannot be read
            old = message.retain or message.again
            return readings_of(fields, message.payload, message.arrived, old=old)
        except Undecodable:
            self.counts["undecodable"] += 1
            return undecodable(fields, message.arrived)

    # --- at least once, and as nearly once as can be ----------------------------------------------

    def _is_known(self, message: Message) -> bool:
        """Whether the buffer has this message: delivered again, or retained and seen before."""
        known = (message.again and _mark(message) in self._settled) or (
            message.retain and self._kept.get(message.topic) == hash(message.payload)
        )
        self.counts["repeated"] += known
        return known

    def _settle(self, messages: Sequence[Message]) -> None:
        for message in messages:
            if message.retain:
                self._kept[message.topic] = hash(message.payload)
            if message.qos:
                mark = _mark(message)
                self._settled[mark] = None
                self._settled.move_to_end(mark)
        while len(self._settled) > SETTLED:
            self._settled.popitem(last=False)

    def _gone(self, reason: str) -> DeviceUnreachable:
        if not self._lost:
            self._lost = True
            logger.warning("link lost", extra={"bus": self._bus.name, "reason": reason})
        return DeviceUnreachable("LINK_LOST", device=self._bus.name, reason=reason)


def _mark(message: Message) -> int:
    # A broker delivers again under the same packet identifier (MQTT 3.1.1, 4.4).
    return hash((message.mid, message.topic, message.payload))
