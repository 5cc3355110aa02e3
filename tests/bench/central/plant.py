"""A city's readings, always the same ones: 20,000 points, whose devices hand over 25 at a time.

Walks in steps of 0.01, of which 79 % of the readings move; 1 % of them change their quality,
2.4 % are bad; a device's points share a time that strays by 4 ms (one sigma). One point of each
gateway swings over its upper limit and back every 200 scans, so that alarms come and go.
"""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from protocols.device import Bus, Device, Point
from protocols.profile import MqttAddress, ProfilePoint
from protocols.wire.manifest import encode_manifest
from protocols.words import Label, PointId
from tests.bench.sender import ladder

GATEWAYS: Final = 20
DEVICES: Final = 40
"""Of each gateway."""
MEMBERS: Final = 25
"""Points of each device."""
POINTS: Final = DEVICES * MEMBERS
"""Of each gateway."""
ALL: Final = GATEWAYS * POINTS
DECIMALS: Final = 2
STEP: Final = 1.9
"""Sigma of a step, in hundredths: 21 % of the rounded values stay."""
JITTER: Final = 4_000.0
"""Sigma of a device's time, µs."""
FAILS: Final = 0.005 / 0.976
RECOVERS: Final = 0.005 / 0.024
BAD: Final = 0x8031_0000
"""BadNoCommunication."""
SWINGS: Final = 7
"""The point of each gateway that swings, and how many scans it takes."""
SWING: Final = 200.0

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Scans:
    """Consecutive scans of all points: `[scan, point]`, and `[scan, device]` for the times.

    `cents` are hundredths, `strays` µs from the scan's own moment.
    """

    cents: Integers
    qualities: Integers
    strays: Integers

    def __len__(self) -> int:
        return len(self.cents)

    def of(self, gateway: int) -> "Scans":
        """Return those of one gateway."""
        points = slice(gateway * POINTS, (gateway + 1) * POINTS)
        devices = slice(gateway * DEVICES, (gateway + 1) * DEVICES)
        return Scans(self.cents[:, points], self.qualities[:, points], self.strays[:, devices])

    def times(self, first: int, period: int) -> Integers:
        """Return every reading's time, `[scan, point]`, where the first scan is at `first`."""
        scans = first + period * np.arange(len(self), dtype=np.int64)
        return np.repeat(scans[:, None] + self.strays, MEMBERS, axis=1)


class Plant:
    """Gives its scans out one after the other."""

    def __init__(self, seed: int = 5) -> None:
        self._dice = np.random.default_rng(seed)
        self._levels = self._dice.uniform(4_000, 6_000, ALL)
        self._bad = self._dice.random(ALL) < FAILS / (FAILS + RECOVERS)
        self._phases = self._dice.uniform(0, 2 * np.pi, GATEWAYS)
        self._scan = 0

    def scans(self, count: int) -> Scans:
        """Return the next `count` scans."""
        dice, shape = self._dice, (count, ALL)
        walks = self._levels + np.cumsum(dice.normal(0, STEP, shape), axis=0)
        self._levels = walks[-1]
        turns = 2 * np.pi * (np.arange(count) + self._scan)[:, None] / SWING + self._phases
        walks[:, SWINGS::POINTS] = 7_500 + 1_000 * np.sin(turns)
        bad = np.empty(shape, np.bool_)
        change = dice.random(shape, np.float32)
        for scan in range(count):
            turned = change[scan] < np.where(self._bad, RECOVERS, FAILS)
            self._bad = bad[scan] = self._bad ^ turned
        self._scan += count
        strays = np.rint(dice.normal(0, JITTER, (count, GATEWAYS * DEVICES))).astype(np.int64)
        return Scans(np.rint(walks).astype(np.int64), np.where(bad, BAD, 0), strays)


def gateway_name(gateway: int) -> str:
    return f"gw-{gateway:02}"


def site_name(gateway: int) -> str:
    return f"site-{gateway:02}"


def place(point: int) -> tuple[str, str]:
    """Return the device and the name of a gateway's point."""
    return f"unit-{point // MEMBERS:02}", f"p{point % MEMBERS:02}"


def manifest(gateway: int) -> bytes:
    """Return the manifest of one gateway: four confirmed limits on every point."""
    site, name = site_name(gateway), gateway_name(gateway)
    described: Any = SimpleNamespace(
        name=site,
        label=Label(site),
        region="441523",
        domain="lifelines",
        longitude=1.0,
        latitude=1.0,
    )
    limits = ladder()
    devices = []
    for device in range(DEVICES):
        points = []
        for index in range(device * MEMBERS, (device + 1) * MEMBERS):
            unit, point = place(index)
            sheet = ProfilePoint(
                name=point,
                label=Label(f"点位 {index}", f"point {index}"),
                quantity="tank_level",
                unit="%",
                address=MqttAddress(topic=f"{unit}/{point}"),
                type="float",
                decimals=DECIMALS,
            )
            points.append(
                Point(
                    index=index,
                    id=PointId(site, name, unit, point),
                    sheet=sheet,
                    label=sheet.label,
                    limits=limits,
                )
            )
        devices.append(
            Device(
                site=site,
                name=unit,
                label=Label(unit),
                profile="bench/x",
                points=tuple(points),
                scan=1,
            )
        )
    bus = Bus(name="bus", protocol="mqtt", devices=tuple(devices))
    return encode_manifest(name, Label(name), [described], [], [bus])
