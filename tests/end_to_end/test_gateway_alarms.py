"""A real gateway, a real collector, a tank, and a line between them that can be cut.

Twenty minutes pass in ten seconds, by the story's clock.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest

from protocols.clock import SECOND
from tests.edge.waiting import eventually
from tests.end_to_end.tank_site import POINT, RULE, TankSite

pytestmark = pytest.mark.slow
CUT: Final = 20 * 60 * SECOND
RATE: Final = {
    "id": "own.rate", "label": {"zh": "液位变化过快"}, "quantity": ["tank_level"], "unit": "m",
    "kind": "rate", "per": 60, "source": "断网验证",
    "levels": [{"name": "过快", "colour": "red", "op": ">", "limit": 2, "off_delay": 30,
                "status": "D"}],
}  # fmt: skip
LATELY: Final = {
    "id": "own.lately", "label": {"zh": "半小时内到过"}, "quantity": ["tank_level"], "unit": "m",
    "kind": "window", "aggregate": "max", "window": 1800, "allowed_lateness": 1800,
    "source": "断网验证",
    "levels": [{"name": "到过", "colour": "red", "op": ">=", "limit": 60, "status": "D"}],
}  # fmt: skip


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[TankSite]:
    made = TankSite(tmp_path)
    try:
        await made.open()
        await made.line.join()
        made.start_gateway()
        await made.more(1)
        yield made
    finally:
        await made.line.cut()
        await made.close()


async def test_a_cut_of_twenty_minutes_with_the_tank_at_hh_inside_it(site: TankSite) -> None:
    before = site.live()
    begun = await site.cut()
    site.plant.level = 95
    await site.until(begun + CUT // 2)
    site.plant.level = 50
    await site.until(begun + CUT)
    await site.mend()
    await eventually(lambda: bool(site.episodes()), 60)
    await eventually(lambda: site.episodes()[0]["confirmation"] in ("", "confirmed"), 60)
    await eventually(lambda: site.buffered() == 0, 60)
    (episode,) = site.episodes()
    words = site.words(episode["number"])
    assert (episode["state"], episode["level"], episode["late"]) == ("NORMAL", "HH", 1), words
    assert "JOINED" in site.words(episode["number"])
    assert episode["returned"] - episode["raised"] > CUT // 4
    assert site.live() == before
    assert [line["word"] for line in reversed(site.page_of_gateway()["journal"])][-1] == "RTN"
    await still_stands_after_another_cut(site)


async def still_stands_after_another_cut(site: TankSite) -> None:
    """The same with HH still standing at its end: one live alarm."""
    begun = await site.cut()
    site.plant.level = 95
    await site.until(begun + CUT)
    await site.mend()
    await eventually(lambda: len(site.episodes()) == 2, 60)
    await eventually(lambda: site.buffered() == 0, 60)
    await eventually(lambda: "JOINED" in site.words(site.episodes()[1]["number"]), 60)
    _, live = site.episodes()
    assert (live["state"], live["level"], live["late"]) == ("UNACK", "HH", 0)
    await eventually(lambda: site.episodes()[1]["raised"] < begun + CUT // 2, 60)
    (standing,) = site.page_of_gateway()["standing"]
    assert (standing["rule"], standing["level"]) == (RULE, "HH")
    site.plant.level = 50
    await eventually(lambda: site.episodes()[1]["state"] == "RTN_UNACK", 60)
    assert len(site.episodes()) == 2


async def test_a_rate_and_a_window_of_the_library_in_a_cut_of_twenty_minutes(
    site: TankSite,
) -> None:
    """Told to the gateway, raised there while the line is cut: one episode each, live if it stands.

    Both stay below the manifest's own limits.
    """
    for rule in (RATE, LATELY):
        site.have(rule)
    await eventually(lambda: site.judged() == (True, 3), 60)
    begun = await site.cut()
    site.plant.level = 70
    await site.until(begun + CUT // 2)
    assert len(site.standing_at_gateway()) == 1, "the window's; the rate is over"
    site.plant.level = 50
    await site.until(begun + CUT)
    words = [(line["rule"], line["word"]) for line in site.page_of_gateway()["journal"]]
    assert sorted(words) == [
        (f"{POINT}:own.lately", "RAISE"),
        (f"{POINT}:own.rate", "RAISE"),
        (f"{POINT}:own.rate", "RTN"),
    ]
    await site.mend()
    await eventually(lambda: len(site.episodes()) == 2, 60)
    await eventually(lambda: site.buffered() == 0, 60)
    done = ("", "confirmed")
    await eventually(lambda: all(e["confirmation"] in done for e in site.episodes()), 90)
    rate, lately = sorted(site.episodes(), key=lambda episode: episode["level"] == "到过")
    assert (rate["state"], rate["level"], rate["late"]) == ("NORMAL", "过快", 1)
    assert rate["returned"] - rate["raised"] < CUT // 4
    assert (lately["state"], lately["level"], lately["late"]) == ("UNACK", "到过", 0)
    await eventually(lambda: all(e["raised"] < begun + CUT // 2 for e in site.episodes()), 60)
    assert len(site.episodes()) == 2


async def test_a_killed_gateway_goes_on_with_the_same_alarm(site: TankSite) -> None:
    site.plant.level = 95
    await eventually(lambda: [each["level"] for each in site.episodes()] == ["HH"], 60)
    await eventually(lambda: bool(site.standings()), 60)
    site.stop("gateway", kill=True)
    site.start_gateway()
    await eventually(lambda: bool(site.standing_at_gateway()), 60)
    (before,) = site.standings()
    site.plant.level = 50
    await eventually(lambda: site.episodes()[0]["state"] == "RTN_UNACK", 60)
    await eventually(lambda: site.standings()[0][1] is not None, 60)
    assert [key for key, _ in site.standings()] == [before[0]], "one standing, and its end"
    assert len(site.episodes()) == 1
