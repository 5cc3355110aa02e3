"""`fengsui-edge once`: reads every device one time and shows what came, point by point."""

import argparse
import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, cast

from edge.check import load_config
from protocols.clock import Clock, SystemClock
from protocols.device import Bus, Point
from protocols.driver import PolledDriver, PushedDriver, build
from protocols.errors import DriverError
from protocols.quality import Quality, is_good, quality_class
from protocols.texts import text
from protocols.words import Reading, TimeMark, Value

LISTEN: Final = 10.0
"""Seconds a pushed bus is listened to for the points that have not told anything yet."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One point as shown; `time` is UTC in RFC 3339, None when nothing came."""

    point: str
    value: Value
    unit: str
    quality: int
    time: str | None


def once_command(args: argparse.Namespace) -> int:
    """Print one line per point; 1 if any is not good."""
    config = load_config(args.config)
    found, errors = asyncio.run(read_all(config.buses, SystemClock()))
    points = [p for bus in config.buses for device in bus.devices for p in device.points]
    table = [line_of(point, found.get(point.index)) for point in points]
    for error in errors:
        print(text(error.code, error.params, args.language))
    show(table, args.language, as_json=args.json)
    return 0 if all(is_good(line.quality) for line in table) else 1


async def read_all(
    buses: Iterable[Bus], clock: Clock
) -> tuple[dict[int, Reading], list[DriverError]]:
    """Return the newest reading of every point that told one, with UTC times, and what failed."""
    found: dict[int, Reading] = {}
    errors: list[DriverError] = []
    async with asyncio.TaskGroup() as group:
        for bus in buses:
            group.create_task(_read_bus(bus, clock, found, errors))
    to_wall = clock.now() - clock.mono()
    placed = {
        index: reading._replace(time=reading.time + to_wall)
        if reading.mark is TimeMark.GATEWAY
        else reading
        for index, reading in found.items()
    }
    return placed, errors


async def _read_bus(
    bus: Bus, clock: Clock, found: dict[int, Reading], errors: list[DriverError]
) -> None:
    driver = build(bus, clock)
    try:
        await driver.open()
        if hasattr(driver, "receive"):
            await _listen(bus, cast(PushedDriver, driver), found)
        else:
            await _ask(bus, driver, found, errors)
    except DriverError as exc:
        errors.append(exc)
    finally:
        await driver.close()


async def _ask(
    bus: Bus, driver: PolledDriver, found: dict[int, Reading], errors: list[DriverError]
) -> None:
    for device in bus.devices:
        try:
            sample = await driver.read(device)
        except DriverError as exc:
            errors.append(exc)
        else:
            found.update((reading.point, reading) for reading in sample.readings)


async def _listen(bus: Bus, driver: PushedDriver, found: dict[int, Reading]) -> None:
    """Listen until every point has told something; nothing is acknowledged, so nothing is lost."""
    missing = {point.index for device in bus.devices for point in device.points}
    try:
        async with asyncio.timeout(LISTEN):
            while missing:
                sample = await driver.receive()
                for reading in sample.readings:
                    found[reading.point] = reading
                    missing.discard(reading.point)
    except TimeoutError:
        return


def quality_text(code: int, language: str) -> str:
    """Return a quality in words; one that is not ours by its class and number."""
    if code in list(Quality):
        return text(f"QUALITY_{Quality(code).name}", {}, language)
    words = text(f"QUALITY_{quality_class(code).upper()}", {}, language)
    return f"{words} (0x{code:08X})"


def line_of(point: Point, reading: Reading | None) -> Line:
    """Return what to show of a point."""
    if reading is None:
        return Line(
            point=str(point.id),
            value=None,
            unit=point.sheet.unit,
            quality=int(Quality.BAD_NO_COMMUNICATION),
            time=None,
        )
    moment = EPOCH + timedelta(microseconds=reading.time)
    return Line(
        point=str(point.id),
        value=reading.value,
        unit=point.sheet.unit,
        quality=reading.quality,
        time=moment.isoformat(timespec="milliseconds"),
    )


def show(table: list[Line], language: str, *, as_json: bool) -> None:
    """Print the lines as a table or as JSON lines."""
    width = max((len(line.point) for line in table), default=0)
    for line in table:
        if as_json:
            shown = {
                "point": line.point,
                "value": line.value,
                "unit": line.unit,
                "quality": line.quality,
                "time": line.time,
            }
            print(json.dumps(shown, ensure_ascii=False))
            continue
        value = "-" if line.value is None else str(line.value)
        words = quality_text(line.quality, language)
        print(f"{line.point:<{width}}  {value:>12} {line.unit:<6}  {words}  {line.time or '-'}")
