"""What is known of buses and devices right now: on line or not, since when, last readings."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from protocols.device import Bus, Device
from protocols.words import Reading

ONLINE = "online"
OFFLINE = "offline"
UNKNOWN = "unknown"


@dataclass(slots=True)
class DeviceState:
    """One device; `since` is monotonic µs of the last change, `reason` an error code."""

    bus: str
    device: Device
    state: str = UNKNOWN
    since: int | None = None
    reason: str | None = None


@dataclass(slots=True)
class BusState:
    """One bus; counts since the start."""

    bus: Bus
    missed: int = 0
    restarts: int = 0
    losses: Counter[str] = field(default_factory=Counter)
    """What drivers that are gone had lost, by reason."""
    counting: Callable[[], Mapping[str, int]] | None = None
    """Tells what the driver that runs now has lost since it was made."""

    def lost(self) -> Counter[str]:
        """Return what was dropped before it could be taken in, by reason."""
        return self.losses + Counter(self.counting() if self.counting else {})

    def forget_driver(self) -> None:
        """Keep what the present driver has lost: it is thrown away."""
        self.losses, self.counting = self.lost(), None


@dataclass(slots=True)
class Roster:
    """All buses and devices by name, and the newest reading of every point."""

    buses: dict[str, BusState] = field(default_factory=dict)
    devices: dict[str, DeviceState] = field(default_factory=dict)
    newest: dict[int, Reading] = field(default_factory=dict)
    owner: dict[int, str] = field(default_factory=dict)
    """Point index to device name."""
    strays: int = 0
    """Readings of points that nobody configured: a driver's mistake."""

    @classmethod
    def of(cls, buses: tuple[Bus, ...]) -> "Roster":
        """Return the roster of a configuration, everything unknown."""
        roster = cls()
        for bus in buses:
            roster.buses[bus.name] = BusState(bus)
            for device in bus.devices:
                roster.devices[device.name] = DeviceState(bus.name, device)
                roster.owner |= {point.index: device.name for point in device.points}
        return roster

    def change(self, device: str, state: str, now: int, reason: str | None = None) -> bool:
        """Note a device's state; return whether it is another than before."""
        entry = self.devices[device]
        changed = entry.state != state
        if changed:
            entry.state, entry.since, entry.reason = state, now, reason
        return changed

    def bus_state(self, name: str) -> str:
        """Return a bus's state: off line when none of its devices answers."""
        states = {d.state for d in self.devices.values() if d.bus == name}
        return ONLINE if ONLINE in states else OFFLINE if OFFLINE in states else UNKNOWN
