"""What changes under an open alarm: the machine, the rule, the clock; real processes."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest

from protocols.clock import MINUTE
from tests.clock.site import faketime_library
from tests.edge.waiting import eventually
from tests.end_to_end.tank_site import RULE, TankSite

pytestmark = pytest.mark.slow
SEVENTY: Final = {
    "id": "own.seventy", "label": {"zh": "高于规定"}, "quantity": ["tank_level"], "unit": "m",
    "kind": "limit", "source": "断网验证",
    "levels": [{"name": "规定", "colour": "red", "op": ">=", "limit": 60, "status": "D"}],
}  # fmt: skip


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[TankSite]:
    made = TankSite(tmp_path)
    try:
        await made.open()
        await made.line.join()
        yield made
    finally:
        await made.line.cut()
        await made.close()


async def alarm(site: TankSite, level: int = 95) -> None:
    """Let the gateway run, and the tank's alarm stand on both sides."""
    await site.more(1)
    site.plant.level = level
    await eventually(lambda: [each["returned"] for each in site.episodes()] == [None], 60)
    await eventually(lambda: len(site.standing_at_gateway()) == 1, 60)


async def returns(site: TankSite) -> dict[str, Any]:
    """Let the tank be as before; return the only episode."""
    site.plant.level = 50
    await eventually(lambda: all(each["returned"] for each in site.episodes()), 60)
    await eventually(lambda: site.standing_at_gateway() == [], 60)
    (episode,) = site.episodes()
    return episode


async def test_a_spare_in_the_place_of_a_gateway_goes_on_with_its_alarm(site: TankSite) -> None:
    """It knows nothing, finds the tank as it is, and says so under a standing of its own."""
    site.start_gateway()
    await alarm(site)
    (before,) = site.episodes()
    site.act(f"{before['id']}/acknowledge", {"comment": ""})
    site.stop("gateway", kill=True)
    shutil.rmtree(site.folder / "buffer")
    site.start_gateway()
    await eventually(lambda: len(site.standings()) == 2, 60)
    (standing,) = site.episodes()
    assert (standing["number"], standing["state"]) == (before["number"], "ACKED")
    assert (await returns(site))["state"] == "NORMAL"
    assert site.words(before["number"]).count("RAISE") == 1


async def test_a_rule_that_changes_during_a_cut_ends_what_it_raises_no_more(site: TankSite) -> None:
    """The gateway raises by the rule it knows; the centre has another by then."""
    site.start_gateway()
    await site.more(1)
    site.have(SEVENTY)
    await eventually(lambda: site.judged() == (True, 1), 60)
    begun = await site.cut()
    change(site, 90)
    site.plant.level = 70
    await site.until(begun + 5 * MINUTE)
    (stands,) = site.standing_at_gateway()
    assert stands["level"] == "规定"
    await site.mend()
    await eventually(lambda: site.judged() == (True, 1), 60)
    await eventually(lambda: site.standing_at_gateway() == [], 60)
    await eventually(lambda: site.buffered() == 0, 60)
    await eventually(lambda: all(each["returned"] for each in site.episodes()), 90)
    assert len(site.episodes()) <= 1
    change(site, 65)
    await eventually(lambda: len(site.standing_at_gateway()) == 1, 60)
    await eventually(lambda: [e for e in site.episodes() if not e["returned"]] != [], 60)
    assert len([each for each in site.episodes() if not each["returned"]]) == 1


def change(site: TankSite, limit: int) -> None:
    """Let the rule have another limit."""
    path, reason = f"/api/v1/rules/{SEVENTY['id']}", "断网验证"
    current = site.door.ask("GET", path)["rule"]["current"]
    rule = {**SEVENTY, "levels": [{**SEVENTY["levels"][0], "limit": limit}]}
    asked = {"rule": rule, "version": current["version"], "reason": reason}
    made = site.door.ask("PUT", path, asked)["current"]
    said = {"levels": [{"name": "规定"}], "version": made["version"], "reason": reason}
    site.door.ask("POST", f"{path}/confirm", said)


class Clocked(TankSite):
    """A site by the machine's own time, so that the gateway's can be set."""

    def _clock_of(self) -> list[str]:
        return []


@pytest.mark.skipif(faketime_library() is None, reason="no libfaketime: apt-get install faketime")
@pytest.mark.parametrize("step", ["-3600", "+3600"])
async def test_a_clock_that_is_set_during_a_cut_doubles_no_alarm(tmp_path: Path, step: str) -> None:
    site = Clocked(tmp_path)
    try:
        await site.open()
        await site.line.join()
        site.start_gateway("+0")
        await alarm(site, 85)
        await site.line.cut()
        site.set_clock(step)
        site.plant.level = 95
        await eventually(lambda: "LEVEL" in site.journal_of_gateway(RULE), 60)
        await site.line.join()
        await eventually(lambda: site.episodes()[0]["level"] == "HH", 60)
        episode = await returns(site)
        assert episode["late"] == 0
        assert site.journal_of_gateway(RULE) == ["RAISE", "LEVEL", "RTN"]
        assert [word for word in site.words(episode["number"]) if word in ("RAISE", "RTN")] == [
            *("RAISE", "RTN")
        ]
    finally:
        await site.line.cut()
        await site.close()
