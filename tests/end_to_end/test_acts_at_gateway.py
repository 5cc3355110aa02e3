"""What people do at the centre is so at the gateway, while it is cut off too; real processes.

One tank for each act. Twenty minutes pass in ten seconds.
"""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest

from protocols.clock import MINUTE
from tests.edge.waiting import eventually
from tests.end_to_end.tank_site import TankSite

pytestmark = pytest.mark.slow
CUT: Final = 20 * MINUTE
SEEN, SEEN_TWICE, SHELVED, FREE, SUPPRESSED, OUT, ONCE = (
    f"s1/gw-1/d{tank}/level:high" for tank in range(1, 8)
)
RULES: Final = (SEEN, SEEN_TWICE, SHELVED, FREE, SUPPRESSED, OUT, ONCE)
AFTERWARDS: Final = {
    SEEN: ("ACKED", 0, "judge"),
    SEEN_TWICE: ("ACKED", 0, "judge"),
    SHELVED: ("UNACK", 0, None),
    FREE: ("ACKED", 0, "gw-1: 值守"),
    ONCE: ("NORMAL", 1, None),
}
LAID: Final = {
    SHELVED: ["SHELVE"],
    FREE: ["SHELVE", "UNSHELVE"],
    SUPPRESSED: ["SUPPRESS"],
    OUT: ["OOS_ON"],
}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[TankSite]:
    made = TankSite(tmp_path, tanks=len(RULES))
    try:
        await made.open()
        await made.line.join()
        made.start_gateway()
        await made.more(len(RULES))
        yield made
    finally:
        await made.line.cut()
        await made.close()


async def test_what_people_did_holds_at_a_gateway_that_is_cut_off(site: TankSite) -> None:
    await done_before(site)
    begun = await site.cut()
    seen_while_cut = await done_while_cut(site, begun)
    await site.mend()
    stood = (SEEN, SEEN_TWICE, SHELVED, FREE, ONCE)
    await eventually(lambda: {each["rule"] for each in site.episodes()} == {*stood}, 60)
    await eventually(lambda: site.buffered() == 0, 60)
    await eventually(lambda: settled(site) and told(site) == AFTERWARDS, 90)
    (twice,) = site.episodes_of(SEEN_TWICE)
    assert acknowledged(twice)["at"] == seen_while_cut, "the earlier of both sides"
    assert site.words(twice["number"]).count("ACK") == 1
    (shelved,) = site.episodes_of(SHELVED)
    assert site.words(shelved["number"]).count("UNSHELVE_AUTO") <= 1
    await back_in_service(site)
    await all_returns(site)


async def done_before(site: TankSite) -> None:
    """Two stand, one of which was seen; one is shelved for ten minutes, and so on."""
    site.plant.levels |= {1: 95, 2: 95}
    await eventually(lambda: len(site.episodes()) == 2, 60)
    (seen,) = site.episodes_of(SEEN)
    site.act(f"{seen['id']}/acknowledge", {"comment": ""})
    site.lay(SHELVED, "shelve", seconds=600)
    site.lay(FREE, "shelve", seconds=3600)
    site.lay(SUPPRESSED, "suppress")
    site.lay(OUT, "out_of_service", permit="检修票 7")
    site.lay(ONCE, "shelve", seconds=3600, one_shot=True)
    await eventually(lambda: site.journal_of_gateway(SHELVED) == ["SHELVE"], 60)
    site.lay(FREE, "unshelve")
    await eventually(lambda: all(site.journal_of_gateway(r) == LAID[r] for r in LAID), 60)
    await eventually(lambda: standing(site, SEEN)["acknowledged"] == "judge", 60)


async def done_while_cut(site: TankSite, begun: int) -> int:
    """The gateway judges by it; returns when somebody at the centre saw what stood before."""
    (twice,) = site.episodes_of(SEEN_TWICE)
    site.act(f"{twice['id']}/acknowledge", {"comment": ""})
    at = acknowledged(site.episodes_of(SEEN_TWICE)[0])["at"]
    await site.until(begun + 4 * MINUTE)
    await site.acknowledge_there(SEEN_TWICE, "值守")
    site.plant.levels |= dict.fromkeys((3, 4, 5, 6, 7), 95)
    await site.until(begun + 7 * MINUTE)
    assert standing(site, SHELVED)["overlay"] == "SHELVED"
    site.plant.levels[7] = 50
    await site.acknowledge_there(FREE, "值守")
    await site.until(begun + CUT)
    found = {rule: site.journal_of_gateway(rule) for rule in RULES}
    assert found == {
        SEEN: ["RAISE", "ACK"],
        SEEN_TWICE: ["RAISE", "ACK"],
        SHELVED: ["SHELVE", "RAISE", "UNSHELVE_AUTO"],
        FREE: ["SHELVE", "UNSHELVE", "RAISE", "ACK"],
        SUPPRESSED: ["SUPPRESS"],
        OUT: ["OOS_ON"],
        ONCE: ["SHELVE", "RAISE", "RTN", "UNSHELVE_AUTO"],
    }
    return int(at)


async def back_in_service(site: TankSite) -> None:
    """What was put to rest calls as soon as it is judged again, on both sides, once."""
    site.lay(SUPPRESSED, "unsuppress")
    site.lay(OUT, "in_service")
    for rule in (SUPPRESSED, OUT):
        await eventually(lambda r=rule: len(site.episodes_of(r)) == 1, 60)
        await eventually(lambda r=rule: "RAISE" in site.journal_of_gateway(r), 60)
    (late,) = site.episodes_of(SHELVED)
    site.act(f"{late['id']}/acknowledge", {"comment": ""})
    await eventually(lambda: standing(site, SHELVED)["acknowledged"] == "judge", 60)
    await eventually(lambda: settled(site), 90)


async def all_returns(site: TankSite) -> None:
    """One episode each, each line of it once."""
    site.plant.levels |= dict.fromkeys(site.tanks, 50)
    await eventually(lambda: all(each["returned"] for each in site.episodes()), 60)
    assert sorted(each["rule"] for each in site.episodes()) == sorted(RULES)
    for each in site.episodes():
        words = site.words(each["number"])
        once = ("RAISE", "ACK", "RTN", "SHADOW_RAISE", "SHADOW_RTN", "LATE")
        assert [w for w in once if words.count(w) > 1] == [], (each["rule"], words)
    assert site.standing_at_gateway() == []


def settled(site: TankSite) -> bool:
    """Return whether nothing is owed any more: readings bore out what was said."""
    return all(each["confirmation"] in ("", "confirmed") for each in site.episodes())


def told(site: TankSite) -> dict[str, tuple[str, int, str | None]]:
    return {
        each["rule"]: (each["state"], each["late"], (acknowledged(each) or {}).get("by"))
        for each in site.episodes()
    }


def acknowledged(episode: dict[str, Any]) -> Any:
    said = episode["acknowledged"]
    return None if said is None else json.loads(said)


def standing(site: TankSite, rule: str) -> dict[str, Any]:
    """Return what the gateway's page says of what stands by a rule."""
    found = [each for each in site.standing_at_gateway() if each["rule"] == rule]
    return found[0] if found else {"acknowledged": None, "overlay": None}
