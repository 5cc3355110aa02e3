"""The parts of a manifest: places, objects, devices, points and their limits, to and from JSON."""

import marshal
from dataclasses import asdict, dataclass, fields
from sys import intern
from typing import Any, Final, Protocol

from protocols.alarms.rule import OPERATORS, STATUSES, Colour, Level
from protocols.device import Bus, Device, Point
from protocols.wire.bounds import DECIMALS
from protocols.wire.canonical import JsonValue
from protocols.wire.fields import Fields
from protocols.words import Label

_TYPES: Final = ("bool", "int", "float", "enum", "text")
_LIST: Final = 256
DELAY: Final = 31 * 86_400.0
"""Seconds: the longest delay of a level."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestSite:
    """A place with devices; coordinates in degrees, east and north positive."""

    name: str
    label: Label
    region: str
    domain: str
    longitude: float | None
    latitude: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestObject:
    """What a rule speaks of: a tank, a reservoir, a crane."""

    site: str
    name: str
    kind: str
    label: Label


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestDevice:
    """One addressable thing on a bus."""

    site: str
    name: str
    label: Label
    protocol: str
    bus: str
    profile: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestPoint:
    """One measured variable; `decimals` also decides how its floats travel."""

    site: str
    device: str
    name: str
    label: Label
    quantity: str
    unit: str
    low: float | None
    high: float | None
    type: str
    decimals: int | None
    stale: float
    lane: str
    object: str | None
    enumeration: tuple[tuple[int, Label], ...]
    limits: tuple[Level, ...]


class SiteLike(Protocol):
    """A site as a configuration has it."""

    @property
    def name(self) -> str: ...
    @property
    def label(self) -> Label: ...
    @property
    def region(self) -> str: ...
    @property
    def domain(self) -> str: ...
    @property
    def longitude(self) -> float | None: ...
    @property
    def latitude(self) -> float | None: ...


class ObjectLike(Protocol):
    """An object as a configuration has it."""

    @property
    def site(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def label(self) -> Label: ...


def _keys(struct: type[Any]) -> frozenset[str]:
    return frozenset(field.name for field in fields(struct))


_SITE: Final = _keys(ManifestSite)
_OBJECT: Final = _keys(ManifestObject)
_DEVICE: Final = _keys(ManifestDevice)
_POINT: Final = _keys(ManifestPoint)
_NOT_SENT: Final = frozenset({"window"})
"""Of a level: what a point's own limits have no use for, so that version 1 stays what it is."""
_LEVEL: Final = _keys(Level) - _NOT_SENT


def label_json(label: Label) -> JsonValue:
    """Return a label as canonical JSON has it."""
    return {"zh": label.zh, "en": label.en}


def site_json(site: SiteLike) -> JsonValue:
    """Return a site as canonical JSON has it."""
    return {
        "name": site.name,
        "label": label_json(site.label),
        "region": site.region,
        "domain": site.domain,
        "longitude": _float(site.longitude),
        "latitude": _float(site.latitude),
    }


def object_json(item: ObjectLike) -> JsonValue:
    """Return an object as canonical JSON has it."""
    return {
        "site": item.site,
        "name": item.name,
        "kind": item.kind,
        "label": label_json(item.label),
    }


def device_json(bus: Bus, device: Device) -> JsonValue:
    """Return a device as canonical JSON has it."""
    return {
        "site": device.site,
        "name": device.name,
        "label": label_json(device.label),
        "protocol": bus.protocol,
        "bus": bus.name,
        "profile": device.profile,
    }


def point_json(point: Point) -> JsonValue:
    """Return a point as canonical JSON has it; its limits are the ones in force at this site."""
    sheet = point.sheet
    return {
        "site": point.id.site,
        "device": point.id.device,
        "name": point.id.point,
        "label": label_json(point.label),
        "quantity": sheet.quantity,
        "unit": sheet.unit,
        "low": _float(sheet.low),
        "high": _float(sheet.high),
        "type": sheet.type,
        "decimals": sheet.decimals,
        "stale": float(sheet.stale),
        "lane": sheet.lane,
        "object": point.object,
        "enumeration": [
            {"value": value, "label": label_json(label)} for value, label in sheet.enumeration
        ],
        "limits": [_level_json(level) for level in point.limits],
    }


def read_site(value: JsonValue) -> ManifestSite:
    """Return a site. Raises WireError."""
    held = Fields(value, "site", _SITE)
    return ManifestSite(
        name=held.name("name"),
        label=held.label("label"),
        region=held.text("region"),
        domain=held.text("domain"),
        longitude=held.optional_number("longitude"),
        latitude=held.optional_number("latitude"),
    )


def read_object(value: JsonValue) -> ManifestObject:
    """Return an object. Raises WireError."""
    held = Fields(value, "object", _OBJECT)
    return ManifestObject(
        site=held.name("site"),
        name=held.name("name"),
        kind=held.text("kind"),
        label=held.label("label"),
    )


def read_device(value: JsonValue) -> ManifestDevice:
    """Return a device. Raises WireError."""
    held = Fields(value, "device", _DEVICE)
    return ManifestDevice(
        site=held.name("site"),
        name=held.name("name"),
        label=held.label("label"),
        protocol=held.text("protocol"),
        bus=held.name("bus"),
        profile=held.text("profile"),
    )


Alike = dict[bytes, tuple[Level, ...]]
"""Limits by how they were written."""


def read_point(value: JsonValue, alike: Alike) -> ManifestPoint:
    """Return a point. Raises WireError.

    Words that come again and again, and ladders `alike`, are held once: a large site has 20,000.
    """
    held = Fields(value, "point", _POINT)
    return ManifestPoint(
        site=intern(held.name("site")),
        device=intern(held.name("device")),
        name=intern(held.name("name")),
        label=held.label("label"),
        quantity=intern(held.text("quantity")),
        unit=intern(held.text("unit")),
        low=held.optional_number("low"),
        high=held.optional_number("high"),
        type=held.one_of("type", _TYPES),
        decimals=held.optional_integer("decimals", 0, DECIMALS),
        stale=held.number("stale"),
        lane=held.one_of("lane", ("data", "alarm")),
        object=held.optional_text("object"),
        enumeration=tuple(_read_word(item) for item in held.items("enumeration", _LIST)),
        limits=_read_limits(held.items("limits", _LIST), alike),
    )


def _read_limits(items: list[JsonValue], alike: Alike) -> tuple[Level, ...]:
    if not items:
        return ()
    # Tells 80 from 80.0 and from True, as the rules of the form do.
    written = marshal.dumps(items, 2)
    found = alike.get(written)
    if found is None:
        found = alike[written] = tuple(read_level(item) for item in items)
    return found


def _float(number: float | None) -> float | None:
    return None if number is None else float(number)


def _level_json(level: Level) -> JsonValue:
    record: dict[str, JsonValue] = {
        key: value for key, value in asdict(level).items() if key not in _NOT_SENT
    }
    for key in ("limit", "deadband", "on_delay", "off_delay"):
        record[key] = float(getattr(level, key))
    record["colour"] = level.colour.name.lower()
    return record


def _read_word(value: JsonValue) -> tuple[int, Label]:
    held = Fields(value, "enumeration", frozenset({"value", "label"}))
    return held.integer("value", -(1 << 63), (1 << 64) - 1), held.label("label")


def read_level(value: JsonValue) -> Level:
    """Return a level of a ladder. Raises WireError."""
    held = Fields(value, "limit", _LEVEL)
    return Level(
        name=held.text("name"),
        name_en=held.text("name_en"),
        colour=Colour[held.one_of("colour", ("blue", "yellow", "orange", "red")).upper()],
        op=held.one_of("op", OPERATORS),
        limit=held.number("limit"),
        deadband=held.number("deadband", 0.0),
        on_delay=held.number("on_delay", 0.0, DELAY),
        off_delay=held.number("off_delay", 0.0, DELAY),
        source=held.text("source"),
        clause=held.optional_text("clause"),
        status=held.one_of("status", STATUSES),
        confirmed_by=held.optional_text("confirmed_by"),
        confirmed_on=held.optional_text("confirmed_on"),
        valid_from=held.optional_text("valid_from"),
        valid_to=held.optional_text("valid_to"),
    )
