"""What the gateway says of itself: one picture for collector, local page and command."""

from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from edge.buffer import Backlog, Buffer, Stats
from edge.config import EdgeConfig
from edge.filling import FillRate
from edge.link_state import LinkState
from edge.metrics_page import metrics_text
from edge.pauses import Pauses
from edge.roster import Roster
from edge.telling_losses import all_drops
from protocols.clock import Clock, standing_of
from protocols.quality import quality_class

BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
STATUS: Final = Path("/proc/self/status")


class Health:
    """Collects the picture; asked on the event loop."""

    def __init__(
        self,
        config: EdgeConfig,
        buffer: Buffer,
        roster: Roster,
        link: LinkState,
        clock: Clock,
        boot: str,
    ) -> None:
        self._config = config
        self._buffer = buffer
        self._roster = roster
        self._link = link
        self._clock = clock
        self._boot = boot
        self._filling = FillRate()
        self.pauses: Pauses | None = None
        self.rules: Callable[[], dict[str, Any]] = dict
        """Returns what rules the gateway judges by."""

    async def report(self) -> dict[str, Any]:
        """Return what is told to the collector (docs/wire.md section 9)."""
        stats = await self._buffer.stats()
        return {
            "gateway": self._config.gateway,
            "boot": self._boot,
            "version": product_version(),
            "purpose": self._config.purpose.name.lower(),
            "backlog": {
                "readings": stats.data.readings,
                "alarm_readings": stats.alarm.readings,
                "oldest": oldest(stats.data, stats.alarm),
                "data": asdict(stats.data),
                "alarm": asdict(stats.alarm),
            },
            "buses": [self._bus(name) for name in self._roster.buses],
            "buffer": self._buffer_report(stats),
            "memory_kb": memory_kb(),
            "drops": all_drops(stats.drops, self._roster),
            "rules": self.rules(),
            **self._clocks(),
        }

    async def page(self) -> dict[str, Any]:
        """Return the report and what concerns only this place: the link, the points."""
        return await self.report() | {
            "uplink": self._link.picture(),
            "points": self._points(),
        }

    async def metrics(self) -> str:
        """Return the figures of the page as Prometheus text."""
        return metrics_text(await self.page())

    async def buffer(self) -> dict[str, Any]:
        """Return the buffer's streams and sizes, as `fengsui-edge buffer` shows them."""
        return buffer_picture(await self._buffer.stats())

    def _bus(self, name: str) -> dict[str, Any]:
        bus = self._roster.buses[name]
        to_wall = self._clock.now() - self._clock.mono()
        return {
            "name": name,
            "protocol": bus.bus.protocol,
            "state": self._roster.bus_state(name),
            "missed": bus.missed,
            "losses": dict(bus.lost()),
            "restarts": bus.restarts,
            "devices": [
                {
                    "site": entry.device.site,
                    "name": entry.device.name,
                    "label": asdict(entry.device.label),
                    "state": entry.state,
                    "since": None if entry.since is None else entry.since + to_wall,
                    "reason": entry.reason,
                }
                for entry in self._roster.devices.values()
                if entry.bus == name
            ],
        }

    def _clocks(self) -> dict[str, Any]:
        """Read last, so that what is sent is as of now."""
        standing, pauses = standing_of(self._clock), self.pauses
        return {
            "mono": self._clock.mono(),
            "wall": self._clock.now(),
            "clock_state": int(standing.state),
            "clock": {
                "reason": standing.reason,
                "maximum_error": standing.maximum_error,
                "estimated_error": standing.estimated_error,
                "pauses": pauses.count if pauses else 0,
                "paused": pauses.total if pauses else 0,
                **self._link.time.picture(),
            },
        }

    def _points(self) -> list[dict[str, Any]]:
        newest = self._roster.newest
        return [
            {
                "point": str(point.id),
                "value": newest[point.index].value if point.index in newest else None,
                "quality": newest[point.index].quality if point.index in newest else None,
                "class": quality_class(newest[point.index].quality)
                if point.index in newest
                else None,
                "unit": point.sheet.unit,
            }
            for bus in self._config.buses
            for device in bus.devices
            for point in device.points
        ]

    def _buffer_report(self, stats: Stats) -> dict[str, Any]:
        now = self._clock.mono()
        self._filling.note(now, stats.written)
        return {
            "bytes": stats.bytes,
            "quota_bytes": stats.quota_bytes,
            "ballast_bytes": stats.room.ballast,
            "written_bytes": stats.written,
            "hours_left": self._filling.hours_left(now, stats.written, stats.room.left),
            "reserve_only": stats.room.short,
            "medium": stats.medium,
            "failing": stats.failing,
            "failing_since": stats.failing_since,
            "memory_bytes": stats.memory_bytes,
            "memory_limit": stats.memory_limit,
            "unsealed": stats.unsealed,
        }


def buffer_picture(stats: Stats) -> dict[str, Any]:
    """Return a buffer's state as plain JSON values."""
    picture = asdict(stats)
    for stream in picture["streams"]:
        stream["kind"] = stream["kind"].name.lower()
    return picture


def oldest(*backlogs: Backlog) -> int | None:
    """Return the earliest time anything waits from."""
    return min((b.oldest for b in backlogs if b.oldest is not None), default=None)


def memory_kb() -> int:
    """Return the resident set in KiB (VmRSS), 0 where the system does not tell."""
    try:
        for line in STATUS.read_text(encoding="ascii").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    except OSError:
        return 0
    return 0


def boot_id(otherwise: Callable[[], str]) -> str:
    """Return the operating system's boot id, 32 hex digits; a fresh one where it has none."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip().replace("-", "")
    except OSError:
        return otherwise()


def product_version() -> str:
    """Return the installed version."""
    try:
        return version("fengsui")
    except PackageNotFoundError:
        return "0"
