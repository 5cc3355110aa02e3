"""A rule is tried before it is made: where it would hold, what it says now, and nothing is done."""

import pytest

from tests.central.api.test_rules import PERCENT, POINT, attach, confirm, make
from tests.central.api.test_rules import house as house  # a fixture
from tests.central.builders import Gateway, HandClock

HIGH = PERCENT["levels"][0]
TWO = PERCENT | {"levels": [HIGH, HIGH | {"name": "HH", "colour": "red", "limit": 90.0}]}


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
async def ask(house):
    return await house[1]()


@pytest.fixture
async def says(house, clock):
    """Let the point say a value now."""
    gateway = Gateway(clock)
    gateway.streams = 1
    stream = gateway.open()
    await gateway.register(house[0], stream)

    async def say(value):
        clock.move(10)
        await gateway.deliver(house[0], stream, gateway.reading("level", value))

    return say


async def attempt(ask, document=TWO, **changed):
    asked = {"rule": document, "scope": "point", "at": POINT} | changed
    return await ask("POST", "/rules/trial", json=asked)


async def test_it_says_where_it_would_hold_and_what_it_meets_now(ask, says):
    await says(75.0)
    status, found = await attempt(ask)
    assert (status, found["places"], found["holds"], found["raising"]) == (200, 1, 1, 1)
    (place,) = found["shown"]
    assert (place["subject"], place["why"], place["before"]) == (POINT, None, "manifest")
    assert (place["level"], place["colour"], place["against"]) == ("H", "yellow", 75.0)
    assert (place["reading"]["value"], place["reading"]["quality"]["class"]) == (75.0, "good")
    await says(95.0)
    _, found = await attempt(ask)
    assert (found["shown"][0]["level"], found["shown"][0]["colour"]) == ("HH", "red")
    await says(50.0)
    _, found = await attempt(ask)
    assert (found["raising"], found["shown"][0]["level"]) == (0, None)


async def test_nothing_is_done_by_it(ask, says):
    await says(95.0)
    _, before = await ask("GET", "/rules", params={"origin": "none"})
    await attempt(ask)
    assert (await ask("GET", "/rules", params={"origin": "none"}))[1] == before
    assert (await ask("GET", "/rules/own.high"))[0] == 404
    _, alarms = await ask("GET", "/alarms", params={"state": "open"})
    assert all(each["rule"] != "own.high" for each in alarms["items"])
    _, audit = await ask("GET", f"/points/{POINT}/rules")
    assert all(each["rule"] != "own.high" for each in audit["rules"])


async def test_what_remembers_is_told_by_what_was_stored(ask, says):
    for value in (10.0, 11.0, 13.0):
        await says(value)
    rise = HIGH | {"limit": 2.0, "op": ">="}
    window = {"kind": "window", "aggregate": "change", "window": 60, "levels": [rise]}
    _, found = await attempt(ask, TWO | window)
    assert found["shown"][0]["against"] == pytest.approx(3.0)
    assert found["shown"][0]["level"] == "H"
    rate = {"kind": "rate", "per": 10, "levels": [rise]}
    _, found = await attempt(ask, TWO | rate)
    assert found["shown"][0]["against"] == pytest.approx(2.0)


async def test_silence_is_counted_to_now(ask, says, clock):
    await says(10.0)
    clock.move(400)
    stale = {"kind": "stale", "levels": [HIGH | {"limit": 300.0, "deadband": 0}]}
    _, found = await attempt(ask, TWO | stale)
    assert found["shown"][0]["against"] == pytest.approx(400.0, abs=15)
    assert found["shown"][0]["level"] == "H"


async def test_seconds_of_silence_are_not_told_in_the_unit_of_the_point(ask):
    stale = {"kind": "stale", "levels": [HIGH | {"limit": 300.0, "confirmed_by": "engineer-None"}]}
    assert (await make(ask, PERCENT | stale))[0] == 201
    assert (await attach(ask))[0] == 201
    _, found = await ask("GET", f"/points/{POINT}/rules")
    units = {each["family"]: each["unit"] for each in found["rules"]}
    assert (units["own.high"], units["high"]) == ("s", "%")


async def test_a_nearer_rule_of_its_family_is_said(ask, says):
    await says(75.0)
    await make(ask)
    await confirm(ask)
    await attach(ask)
    other = TWO | {"id": "own.other"}
    _, found = await attempt(ask, other)
    assert found["shown"][0]["before"] == "own.high"
    _, found = await attempt(ask, other, scope="site", at="site")
    assert (found["places"], found["holds"]) == (4, 3)
    own = next(each for each in found["shown"] if each["subject"] == POINT)
    assert (own["why"], own["judged"], own["level"]) == ("farther", False, None)


async def test_it_is_refused_as_the_rule_would_be(ask):
    wrong = TWO | {"unit": "mm3", "levels": [HIGH | {"colour": "amber"}]}
    status, said = await attempt(ask, wrong)
    assert (status, said["code"]) == (422, "RULE_REFUSED")
    assert [each["at"] for each in said["params"]["problems"]] == ["levels[0].colour", "unit"]
    status, said = await attempt(ask, at="site/gw/tank/nothing")
    assert [each["at"] for each in said["params"]["problems"]] == ["at"]
    await make(ask)
    status, said = await attempt(ask)
    assert (status, said["code"]) == (409, "RULE_EXISTS")


async def test_who_cannot_make_rules_cannot_try_them(house):
    watching = await house[1]("viewer")
    assert (await attempt(watching))[0] == 403
    local = await house[1]("engineer", scope=frozenset({"site"}))
    assert (await attempt(local))[0] == 403


async def test_the_profiles_that_are_connected_are_listed(ask):
    status, found = await ask("GET", "/profiles")
    assert status == 200
    assert all(each["points"] >= 1 and each["quantities"] for each in found["items"])
