"""What can be silent as a whole, and what of it is (pure).

A gateway is silent when nothing of it was heard for its time; a device when its gateway says so, or
when none of its points is known; a bus when none of its devices answers, two or more.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from protocols.alarms.faults import rolled_up
from protocols.alarms.rule import Colour, Level, Rule
from protocols.wire.manifest import Manifest

PREFIX: Final = "fault:"
GATEWAY: Final = "gateway"
BUS: Final = "bus"
DEVICE: Final = "device"
SILENT: Final = 1.0
"""What such a rule is held against while its place is silent; 0 while it is not."""
SETTLES: Final = 15.0
"""Seconds for which a bus or a device is silent before that is told: devices of a bus that die one
after another are one item."""
_SOURCE: Final = "docs/decisions/038"
_NAMES: Final = {
    GATEWAY: ("离线", "offline", Colour.YELLOW),
    BUS: ("通信中断", "no communication", Colour.YELLOW),
    DEVICE: ("通信中断", "no communication", Colour.BLUE),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A gateway, or a bus or a device of it, and what is below: numbers of points.

    `concluded`: nobody said so, but all that is directly below it is silent.
    """

    kind: str
    gateway: str
    site: str
    bus: str | None = None
    device: str | None = None
    """`site/device`: a gateway may have one of a name at each of its sites."""
    devices: int = 0
    points: tuple[int, ...] = ()
    concluded: bool = False

    @property
    def rule(self) -> str:
        """Return the name of the rule that stands for it."""
        below = {GATEWAY: "", BUS: f"/{self.bus}", DEVICE: f"/{self.bus}/{self.device}"}
        return f"{PREFIX}{self.gateway}{below[self.kind]}"


def is_fault(rule: str) -> bool:
    """Whether a rule is about a place that is silent, and no process."""
    return rule.startswith(PREFIX)


def rule_of(place: Place) -> Rule:
    """Return the rule: the collector's own, no figure of a standard."""
    zh, en, colour = _NAMES[place.kind]
    level = Level(
        name=zh,
        name_en=en,
        colour=colour,
        op=">=",
        limit=SILENT,
        on_delay=0.0 if place.kind == GATEWAY else SETTLES,
        source=_SOURCE,
        status="V",
    )
    subject = f"{place.site}/{place.gateway}"
    return Rule(id=place.rule, subject=subject, levels=(level,), where="centre")


class Plan:
    """A gateway's buses, devices and points, as its manifest has them."""

    def __init__(self, manifest: Manifest, numbers: Collection[int]) -> None:
        self.gateway = manifest.gateway
        self.site = manifest.sites[0].name if manifest.sites else ""
        self.numbers = tuple(numbers)
        points: dict[str, list[int]] = {}
        for number, point in zip(numbers, manifest.points, strict=True):
            points.setdefault(f"{point.site}/{point.device}", []).append(number)
        self.points = {device: tuple(found) for device, found in points.items()}
        buses = {f"{each.site}/{each.name}": each.bus for each in manifest.devices}
        self.buses = {device: bus for device, bus in buses.items() if device in points}

    def whole(self) -> Place:
        """Return the gateway itself."""
        return Place(
            kind=GATEWAY,
            gateway=self.gateway,
            site=self.site,
            devices=len(self.buses),
            points=self.numbers,
        )

    def silent(self, told: Collection[str], dead: Collection[str]) -> dict[str, Place]:
        """Return what is silent, by its rule: devices `told` to be, and those that are `dead`."""
        parents: Mapping[str, str] = {
            f"device {device}": f"bus {bus}" for device, bus in self.buses.items()
        }
        faulty = {f"device {device}" for device in {*told, *dead} if device in self.buses}
        found = {}
        for item in rolled_up(parents, faulty):
            kind, _, name = item.place.partition(" ")
            place = self._bus(name) if kind == BUS else self._device(name, name not in told)
            found[place.rule] = place
        return found

    def on_bus(self, bus: str | None) -> list[str]:
        """Return the devices of a bus."""
        return [device for device, of in self.buses.items() if of == bus]

    def devices_of(self, place: Place) -> list[str]:
        """Return the devices below a bus, or the device itself."""
        return self.on_bus(place.bus) if place.device is None else [place.device]

    def _bus(self, bus: str) -> Place:
        devices = self.on_bus(bus)
        points = tuple(number for device in devices for number in self.points[device])
        return Place(
            kind=BUS,
            gateway=self.gateway,
            site=devices[0].partition("/")[0],
            bus=bus,
            devices=len(devices),
            points=points,
            concluded=True,
        )

    def _device(self, device: str, concluded: bool) -> Place:  # noqa: FBT001  # as it was found
        return Place(
            kind=DEVICE,
            gateway=self.gateway,
            site=device.partition("/")[0],
            bus=self.buses[device],
            device=device,
            devices=1,
            points=self.points[device],
            concluded=concluded,
        )
