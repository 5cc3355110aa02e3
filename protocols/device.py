"""What is at a site, as the drivers see it: buses, devices on them, points of the devices."""

from dataclasses import dataclass

from protocols.alarms.rule import Level
from protocols.profile import ProfilePoint
from protocols.words import Label, PointId, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A profile's point at a certain device.

    `index` is its place in the gateway's manifest: readings name it by this number. `sheet` is
    what the profile says; `label`, `object` and `limits` may be the site's own.
    """

    index: int
    id: PointId
    sheet: ProfilePoint
    label: Label
    object: str | None = None
    limits: tuple[Level, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One addressable thing on a bus. `options` are the protocol's own (`device_id`, `prefix`)."""

    site: str
    name: str
    label: Label
    profile: str
    points: tuple[Point, ...]
    scan: float
    options: tuple[tuple[str, Value], ...] = ()
    max_gap: int = 8
    max_block: int = 120

    def option(self, name: str, default: Value = None) -> Value:
        """Return one of the protocol's own settings."""
        return dict(self.options).get(name, default)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bus:
    """One socket or serial line (总线), shared by its devices.

    `options`: modbus `transport` (tcp, rtu-over-tcp, serial), `host`, `port`, `path`, `baudrate`,
    `parity`, `timeout` and others (protocols/modbus/README.md); opcua `endpoint`; mqtt `host`,
    `port`, `username`, `password_file`.
    """

    name: str
    protocol: str
    devices: tuple[Device, ...]
    options: tuple[tuple[str, Value], ...] = ()

    def option(self, name: str, default: Value = None) -> Value:
        """Return one of the protocol's own settings."""
        return dict(self.options).get(name, default)
