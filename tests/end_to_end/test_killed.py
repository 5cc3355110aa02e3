"""kill -9 of a real gateway while alarms come and go, of a real collector while faults do.

Both journals are those of a run that nobody disturbed. FENGSUI_MOMENTS: how often, ten else.
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from protocols.clock import SECOND
from protocols.simulators.collector_door import DoorClosed
from tests.edge.waiting import eventually
from tests.end_to_end.tank_site import TankSite

pytestmark = pytest.mark.slow
MOMENTS: Final = int(os.environ.get("FENGSUI_MOMENTS", "10"))
TANKS: Final = 3
HOW_IT_JOINED: Final = ("JOINED", "BACKDATED")
"""Which of both sides opens an episode first is not the same in any two runs."""
PACE: Final = 3.0
SETTLED: Final = 10 * SECOND
"""Twice the delay of the lower level: beyond it that one is on too, below what calls at once."""
Step = Callable[[TankSite], Awaitable[None]]


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[TankSite]:
    site = TankSite(folder, TANKS)
    try:
        await site.open()
        await site.line.join()
        site.start_gateway()
        await site.more(TANKS)
        yield site
    finally:
        await site.line.cut()
        await site.close()


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


async def again(site: TankSite, who: str, times: int, chance: random.Random) -> None:
    """Kill it at some moment of the next two seconds and let it start again, so many times."""
    for _ in range(times):
        await asyncio.sleep(chance.uniform(0.0, 2.0))
        site.stop(who, kill=True)
        if who == "gateway":
            site.start_gateway()
            await eventually(lambda: answers(site), 60)
        else:
            await site.start_collector()


def spread(steps: Sequence[Step], chance: random.Random) -> Iterator[list[int]]:
    """Yield during which steps it is killed: all moments, ten a run."""
    left = MOMENTS
    while left > 0:
        yield [chance.randrange(len(steps)) for _ in range(min(left, 10))]
        left -= 10


def answers(site: TankSite) -> bool:
    try:
        site.page_of_gateway()
    except (OSError, DoorClosed):
        return False
    return True


# --- alarms, and a gateway that is killed ----------------------------------------------------


def stands(tank: int, level: str | None, by: str | None = None) -> Callable[[TankSite], bool]:
    """Return what is so once the gateway and the centre agree on a tank."""

    def agree(site: TankSite) -> bool:
        rule = f"s1/gw-1/d{tank}/level:high"
        here = [each for each in site.standing_at_gateway() if each["rule"] == rule]
        there = [each for each in site.episodes_of(rule) if each["returned"] is None]
        levels = [level] if level else []
        seen = by is None or [each["acknowledged"] for each in here] == [by]
        return [each["level"] for each in here] == levels == [e["level"] for e in there] and seen

    return agree


def settled(tank: int) -> Callable[[TankSite], bool]:
    """Return whether what stands of a tank stood for longer than any of its delays.

    Whoever falls to the lower level before that returns, and calls again when the delay is over.
    """

    def long_enough(site: TankSite) -> bool:
        rule = f"s1/gw-1/d{tank}/level:high"
        since = [each["since"] for each in site.standing_at_gateway() if each["rule"] == rule]
        now = site.clock.now()
        return bool(since) and all(time is not None and now - time > SETTLED for time in since)

    return long_enough


def to(tank: int, level: int, name: str | None) -> Step:
    """Let a tank go to a level, and wait for both sides, and for the delays of what stands."""

    async def step(site: TankSite) -> None:
        site.plant.levels[tank] = level
        await eventually(lambda: stands(tank, name)(site), 90)
        if name is not None:
            await eventually(lambda: settled(tank)(site), 90)

    return step


def acknowledged(tank: int) -> Step:
    """Let somebody at the centre see what stands."""

    async def step(site: TankSite) -> None:
        (episode,) = [
            each
            for each in site.episodes_of(f"s1/gw-1/d{tank}/level:high")
            if each["returned"] is None
        ]
        site.act(f"{episode['id']}/acknowledge", {"comment": ""})
        await eventually(lambda: stands(tank, episode["level"], "judge")(site), 90)

    return step


ALARMS: Final = (
    to(1, 95, "HH"),
    to(2, 95, "HH"),
    acknowledged(1),
    to(2, 85, "H"),
    to(1, 50, None),
    to(2, 95, "HH"),
    to(1, 85, "H"),
    acknowledged(2),
    to(1, 95, "HH"),
    to(2, 50, None),
    to(1, 50, None),
)


async def alarms(folder: Path, kills: Sequence[int], chance: random.Random) -> list[Any]:
    """Play the alarms; `kills` are the steps during which the gateway is killed."""
    async with running(made(folder)) as site:
        site.pace(PACE)
        for number, step in enumerate(ALARMS):
            async with asyncio.TaskGroup() as both:
                both.create_task(step(site))
                both.create_task(again(site, "gateway", kills.count(number), chance))
        await eventually(lambda: untold(site) == 0, 60)
        await eventually(lambda: all(e["confirmation"] != "awaited" for e in site.episodes()), 90)
        rules = [f"s1/gw-1/d{tank}/level:high" for tank in site.tanks]
        there = {rule: site.journal_of_gateway(rule) for rule in rules}
        shown = [
            (
                each["rule"],
                each["state"],
                each["level"],
                each["late"],
                each["confirmation"] in ("", "confirmed"),
            )
            for each in site.episodes()
        ]
        return [there, shown, without_faults(site.story_of(*HOW_IT_JOINED))]


def untold(site: TankSite) -> int:
    return int(site.page_of_gateway()["untold"])


def without_faults(story: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is about the killed process itself."""
    return {rule: told for rule, told in story.items() if not rule.startswith("fault:")}


async def test_a_killed_gateway_tells_the_same(tmp_path: Path) -> None:
    chance = random.Random(6)
    undisturbed = await alarms(tmp_path / "undisturbed", (), chance)
    there, shown, _ = undisturbed
    assert there == {
        "s1/gw-1/d1/level:high": ["RAISE", "ACK", "RTN", "RAISE", "LEVEL", "RTN"],
        "s1/gw-1/d2/level:high": ["RAISE", "LEVEL", "LEVEL", "ACK", "RTN"],
        "s1/gw-1/d3/level:high": [],
    }
    assert len(shown) == 3
    for run, kills in enumerate(spread(ALARMS, chance)):
        assert await alarms(tmp_path / f"killed-{run}", kills, chance) == undisturbed


# --- faults, and a collector that is killed --------------------------------------------------


async def silent(site: TankSite, dead: set[int], faults: set[str]) -> None:
    site.plant.dead = dead
    await eventually(lambda: site.faults() == faults, 90)


async def one_device(site: TankSite) -> None:
    await silent(site, {1}, {"fault:gw-1/line/s1/d1"})


async def the_bus(site: TankSite) -> None:
    await silent(site, set(site.tanks), {"fault:gw-1/line"})


async def none(site: TankSite) -> None:
    await silent(site, set(), set())
    await eventually(lambda: all(state == "online" for state in site.devices()), 90)


async def the_gateway(site: TankSite) -> None:
    await site.line.cut()
    await eventually(lambda: site.faults() == {"fault:gw-1"}, 90)


async def reached(site: TankSite) -> None:
    await site.line.join()
    await eventually(lambda: site.faults() == set(), 90)


async def seen(site: TankSite) -> None:
    """Let somebody see every fault that stands."""
    rows = site._read("SELECT id FROM episode WHERE rule LIKE 'fault:%' AND returned IS NULL")
    for (id_,) in rows:
        site.act(f"{id_}/acknowledge", {"comment": ""})


FAULTS: Final = (one_device, none, the_bus, none, the_gateway, reached)


async def faults(folder: Path, kills: Sequence[int], chance: random.Random) -> list[Any]:
    """Play the faults beside an alarm that stands; `kills` are the steps of the collector's."""
    async with running(made(folder)) as site:
        site.plant.levels[2] = 95
        await eventually(lambda: stands(2, "HH")(site), 60)
        site.pace(PACE)
        for number, step in enumerate(FAULTS):
            async with asyncio.TaskGroup() as both:
                both.create_task(step(site))
                both.create_task(again(site, "collector", kills.count(number), chance))
            await seen(site)
        await eventually(lambda: stands(2, "HH")(site), 60)
        shown = [(e["rule"], e["state"], e["level"]) for e in site.episodes()]
        return [shown, site.story_of(*HOW_IT_JOINED)]


async def test_a_killed_collector_tells_the_same_of_faults(tmp_path: Path) -> None:
    chance = random.Random(7)
    undisturbed = await faults(tmp_path / "undisturbed", (), chance)
    shown, story = undisturbed
    assert shown == [("s1/gw-1/d2/level:high", "UNACK", "HH")]
    once = [(0, "RAISE"), (0, "ACK"), (0, "RTN")]
    assert {rule: [line[:2] for line in told] for rule, told in story.items()} == {
        "s1/gw-1/d2/level:high": [(0, "RAISE")],
        "fault:gw-1/line/s1/d1": once,
        "fault:gw-1/line": once,
        "fault:gw-1": once,
    }
    for run, kills in enumerate(spread(FAULTS, chance)):
        assert await faults(tmp_path / f"killed-{run}", kills, chance) == undisturbed
