"""Serves simulated devices over their real protocols, as a file says (`fengsui-sim plant`).

The file is JSON: `broker` `{host, port}`; `simulators`, a list of `{story, profile, site, device,
transport, options}` with transport `tcp`, `rtu`, `opcua` or `mqtt`; `cables`, a list of `{gateway,
target, control, cut}`: `control` its control port, `cut` the story seconds within each period in
which it is out. Once all listens, one JSON line on standard output says where: `{"devices": {name:
port}, "cables": {gateway: port}}`.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from protocols.clock import SECOND, Clock
from protocols.device import Device, Point
from protocols.errors import FengsuiError
from protocols.profile import Profile
from protocols.simulators.cable import Cable, follow
from protocols.simulators.stories import PERIOD, STORIES
from protocols.words import PointId, Value

EVENING: Final = 1_781_272_800 * SECOND
"""2026-06-12 22:00 in Shanwei (UTC+8): second 0 of the stories."""

NEEDED: Final = ("story", "profile", "site", "device", "transport")
TRANSPORTS: Final = ("tcp", "rtu", "opcua", "mqtt")

Signals = Callable[[str, str, int], Value]


class Simulator(Protocol):
    """What every protocol's simulator gives back."""

    @property
    def port(self) -> int: ...

    async def close(self) -> None: ...


class PlantUnreadable(FengsuiError):
    """The file does not describe simulated sites."""

    code = "PLANT_UNREADABLE"


def read(file: Path) -> dict[str, Any]:
    """Return what `file` describes. Raises PlantUnreadable."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        for entry in found["simulators"]:
            _check(entry, has_broker="broker" in found)
    except (KeyError, TypeError, ValueError, OSError, RecursionError) as exc:
        reason = f"{type(exc).__name__}: {exc}"
        raise PlantUnreadable(file=str(file), reason=reason) from exc
    return dict(found)


def _check(entry: Mapping[str, Any], *, has_broker: bool) -> None:
    for key in NEEDED:
        if not isinstance(entry[key], str):
            raise TypeError(key)
    if entry["story"] not in STORIES:
        raise ValueError(f"story {entry['story']} ({', '.join(STORIES)})")
    if entry["transport"] not in TRANSPORTS:
        raise ValueError(f"transport {entry['transport']} ({', '.join(TRANSPORTS)})")
    if entry["transport"] == "mqtt" and not has_broker:
        raise ValueError("mqtt: broker {host, port}")


def story_signals(story: str) -> Signals:
    """Return the signals of one story as the simulators ask for them: device, point, time."""
    told = STORIES[story]

    def value(_device: str, point: str, now: int) -> Value:
        signal = told.get(point)
        return signal((now - EVENING) / SECOND) if signal else None

    return value


def device_of(profile: Profile, site: str, name: str, options: Mapping[str, Value]) -> Device:
    """Return a device that follows `profile`, as a gateway would see it."""
    points = tuple(
        Point(
            index=index, id=PointId(site, "plant", name, sheet.name), sheet=sheet, label=sheet.label
        )
        for index, sheet in enumerate(profile.points)
    )
    return Device(
        site=site,
        name=name,
        label=profile.label,
        profile=profile.name,
        points=points,
        scan=profile.scan,
        options=tuple(options.items()),
        max_gap=profile.max_gap,
        max_block=profile.max_block,
    )


async def start(
    entry: Mapping[str, Any], broker: Mapping[str, Any] | None, clock: Clock
) -> Simulator:
    """Start the simulator that `entry` describes, on a free loopback port."""
    from protocols.schema.profile import load_profile

    profile = load_profile(str(entry["profile"]))
    options = entry.get("options", {})
    device = device_of(profile, str(entry["site"]), str(entry["device"]), options)
    signals = story_signals(str(entry["story"]))
    transport = entry["transport"]
    if transport == "opcua":
        from protocols.opcua.simulator import serve as serve_opcua

        return await serve_opcua([device], signals, clock)
    if transport == "mqtt":
        from protocols.mqtt.simulator import publish

        if broker is None:
            raise ValueError("a device on MQTT needs a broker")
        return await publish([device], signals, clock, broker["host"], int(broker["port"]))
    from protocols.modbus.simulator import serve as serve_modbus

    return await serve_modbus([device], signals, clock, framing=str(transport))


def plugged(cut: tuple[float, float]) -> Callable[[int], bool]:
    """Return when a cable is in: from 22:00 on, except `cut` within each period."""

    def at(now: int) -> bool:
        second = (now - EVENING) / SECOND
        return second >= 0 and not cut[0] <= second % PERIOD < cut[1]

    return at


async def run(described: Mapping[str, Any], clock: Clock) -> None:
    """Serve everything described (the plant file's content) until cancelled."""
    running: dict[str, Simulator] = {}
    cables: list[Cable] = []
    try:
        for entry in described["simulators"]:
            running[entry["device"]] = await start(entry, described.get("broker"), clock)
        for entry in described.get("cables", []):
            host, port = entry["target"].rsplit(":", 1)
            cable = Cable(entry["gateway"], host, int(port))
            cables.append(cable)
            await cable.open(int(entry["control"]))
        async with asyncio.TaskGroup() as group:
            for cable, entry in zip(cables, described.get("cables", []), strict=True):
                low, high = entry.get("cut", (0.0, 0.0))
                group.create_task(follow(cable, clock, plugged((low, high))))
            print(json.dumps(_where(running, cables)), flush=True)
            group.create_task(asyncio.Event().wait())
    finally:
        for simulator in running.values():
            await simulator.close()
        for cable in cables:
            await cable.close()


def _where(running: Mapping[str, Simulator], cables: list[Cable]) -> dict[str, Any]:
    return {
        "devices": {name: simulator.port for name, simulator in running.items()},
        "cables": {cable.gateway: cable.port for cable in cables},
    }
