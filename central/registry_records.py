"""What the centre knows of sites, gateways, devices and points, as plain structs."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from central.clock_told import ClockTold
from protocols.alarms.rule import Level
from protocols.words import Label


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteRecord:
    """A place with devices (监测场所)."""

    name: str
    label: Label
    region: str
    domain: str
    longitude: float | None
    latitude: float | None


class PointRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A monitored point with everything a page needs to show it.

    A start makes one of each: as a dataclass that took four times as long.
    """

    number: int
    id: str
    site: str
    gateway: str
    device: str
    label: Label
    device_label: Label
    object: str | None
    object_label: Label | None
    quantity: str
    unit: str
    low: float | None
    high: float | None
    type: str
    decimals: int | None
    stale: float
    enumeration: tuple[tuple[int, Label], ...]
    limits: tuple[Level, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What waits at the gateway: readings, the oldest's time (µs UTC), and alarm readings."""

    readings: int = 0
    oldest: int | None = None
    alarm_readings: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BufferState:
    """A gateway's buffer as it last told; None: not told.

    `hours_left` at the present rate; `medium` is ok, memory (what is new is held in memory only) or
    failing (nothing more can be held); `failing` is why, a code. `drops`: readings and events given
    up since the gateway's process began, by reason.
    """

    bytes: int | None = None
    quota_bytes: int | None = None
    hours_left: float | None = None
    medium: str | None = None
    failing: str | None = None
    reserve_only: bool = False
    drops: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceState:
    """A device as its gateway last told: `state` online, offline or unknown, since µs UTC."""

    name: str
    label: Label
    site: str
    state: str
    since: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BusState:
    """A bus as its gateway last told."""

    name: str
    protocol: str
    state: str
    devices: tuple[DeviceState, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayRecord:
    """A gateway and its contact with us: `state` is online, offline or never."""

    name: str
    label: Label
    site: str | None
    created: int
    state: str
    last_contact: int | None
    offline_since: int | None
    backlog: Backlog
    buffer: BufferState
    purpose: str
    version: str
    clock: ClockTold
    points: int
    sites: tuple[str, ...]
    buses: tuple[BusState, ...]
