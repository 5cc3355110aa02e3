"""Which topics a bus subscribes to and what each message on them says (pure)."""

from dataclasses import dataclass
from typing import Final

from protocols.device import Bus, Device, Point
from protocols.errors import DeviceRefused
from protocols.mqtt.payload import (
    LARGEST,
    Missing,
    Pointer,
    Undecodable,
    at,
    microseconds,
    parse,
    pointer,
)
from protocols.mqtt.quality import quality_of
from protocols.normalise import Normalise, normaliser
from protocols.profile import MqttAddress
from protocols.quality import Quality, is_good
from protocols.words import Reading, TimeMark

UNDECODED: Final = int(Quality.BAD_DECODING_ERROR)
LAST_USABLE: Final = int(Quality.UNCERTAIN_LAST_USABLE_VALUE)


@dataclass(frozen=True, slots=True)
class Field:
    """One point within the messages of a topic. `partial`: a message may leave it out."""

    index: int
    value: Pointer
    time: Pointer | None
    quality: Pointer | None
    finish: Normalise
    text: bool
    partial: bool


def topic_of(device: Device, address: MqttAddress) -> str:
    """Return the full topic: the device's `prefix`, a slash, the address's topic."""
    prefix = str(device.option("prefix") or "").strip("/")
    return f"{prefix}/{address.topic}" if prefix else address.topic


def fields_of(bus: Bus) -> dict[str, tuple[Field, ...]]:
    """Return the fields of each topic. Raises DeviceRefused for an address that cannot be."""
    fields: dict[str, list[Field]] = {}
    for device in bus.devices:
        for point in device.points:
            address = mqtt_address(point)
            topic = topic_of(device, address)
            if not topic or any(sign in topic for sign in "+#\0"):
                raise DeviceRefused("MQTT_TOPIC_REFUSED", device=device.name, topic=topic)
            try:
                field = _field(device, point, address)
            except ValueError as exc:
                raise DeviceRefused(
                    "MQTT_POINTER_REFUSED", device=device.name, point=str(point.id), why=str(exc)
                ) from exc
            fields.setdefault(topic, []).append(field)
    return {topic: tuple(group) for topic, group in fields.items()}


def mqtt_address(point: Point) -> MqttAddress:
    """Return the point's address. TypeError: the profile is of another protocol."""
    address = point.sheet.address
    if not isinstance(address, MqttAddress):
        raise TypeError(f"{point.id} has no MQTT address")
    return address


def undecodable(fields: tuple[Field, ...], arrived: int) -> list[Reading]:
    """Return what a message that cannot be read says of its points."""
    return [Reading(field.index, None, UNDECODED, arrived) for field in fields]


def readings_of(
    fields: tuple[Field, ...], payload: bytes, arrived: int, *, old: bool
) -> list[Reading]:
    """Return the readings of one message that arrived at `arrived` (gateway's monotonic µs).

    `old`: kept by the broker for an unknown time (retained, or delivered again). Raises
    Undecodable.
    """
    if len(payload) > LARGEST:
        raise Undecodable
    if all(field.text and not field.value for field in fields):
        return [_bare_text(field, payload, arrived, old=old) for field in fields]
    document = parse(payload)
    readings = []
    for field in fields:
        try:
            raw = at(document, field.value)
        except Missing:
            if not field.partial:
                readings.append(Reading(field.index, None, UNDECODED, arrived))
            continue
        readings.append(_reading(field, document, raw, arrived, old))
    return readings


def _reading(
    field: Field,
    document: object,
    raw: object,
    arrived: int,
    old: bool,  # noqa: FBT001  # private, called in one place
) -> Reading:
    quality = 0 if field.quality is None else quality_of(_optional(document, field.quality))
    stamp = None if field.time is None else microseconds(_optional(document, field.time))
    value, quality = field.finish(raw, quality)
    if stamp is not None:
        return Reading(field.index, value, quality, stamp, TimeMark.SOURCE)
    if old and is_good(quality):
        quality = LAST_USABLE
    return Reading(field.index, value, quality, arrived)


def _bare_text(field: Field, payload: bytes, arrived: int, *, old: bool) -> Reading:
    try:
        document = parse(payload)
    except Undecodable:
        document = None
    try:
        raw = document if isinstance(document, str) else payload.decode()
    except UnicodeDecodeError as exc:
        raise Undecodable from exc
    return _reading(field, None, raw, arrived, old)


def _optional(document: object, tokens: Pointer) -> object:
    try:
        return at(document, tokens)
    except Missing:
        return None


def _field(device: Device, point: Point, address: MqttAddress) -> Field:
    return Field(
        index=point.index,
        value=pointer(address.pointer),
        time=None if address.time is None else pointer(address.time),
        quality=None if address.quality is None else pointer(address.quality),
        finish=normaliser(point.sheet),
        text=point.sheet.type == "text",
        partial=device.option("partial") is True,
    )
