"""A bus or a device that is silent is one item, by what its gateway says or what it sends."""

import json

import pytest

from central.faults.places import Plan
from protocols.quality import Quality
from protocols.wire.canonical import dump
from protocols.wire.manifest import decode_manifest
from tests.central.builders import SECOND, START, manifest
from tests.central.faults.test_gateway_silent import NUMBER, POINTS, Plant


@pytest.fixture
async def plant(tmp_path, clock):
    told = await Plant.begin(tmp_path, clock, points=POINTS)
    yield told
    await told.collector.close()


async def report(plant, second, state):
    """The gateway says how its device is."""
    plant.until(second)
    device = {"site": "site", "name": "tank", "state": state}
    body = {"buses": [{"name": "bus", "state": state, "devices": [device]}]}
    await plant.collector.gateways.seen("gw")
    await plant.collector.gateways.health("gw", json.dumps(body).encode())
    await plant.collector.tick()


async def says_bad(plant, second):
    plant.until(second)
    bad = [plant.gateway.reading(n, None, Quality.BAD_NO_COMMUNICATION) for n in range(NUMBER)]
    await plant.gateway.deliver(plant.collector, plant.stream, *bad)


async def test_a_device_its_gateway_calls_silent_is_one_item(plant, tmp_path):
    await plant.take_rules()
    await plant.says(0, 90.0)
    await says_bad(plant, 5)
    for second in range(10, 400, 10):
        await report(plant, second, "offline")
        if second == 200:
            await plant.reopen(tmp_path)
        if second % 50 == 0:
            await says_bad(plant, second + 1)
    (fault,) = await plant.faults()
    shown = fault.fault
    assert (shown.place, shown.device, shown.devices, shown.points) == ("device", "tank", 1, NUMBER)
    words = await plant.words()
    assert words == {("RAISE", False): 2 * NUMBER, ("RAISE", True): 1}
    await report(plant, 400, "unknown")
    assert (await plant.words()) == words  # not known is not back
    await report(plant, 410, "online")
    assert (await plant.words()) == words  # so it says, and sends nothing that is valid
    await plant.says(415, 90.0)
    await report(plant, 420, "online")
    assert (await plant.words())["RTN", True] == 1
    assert ("RTN", False) not in await plant.words()


async def test_a_device_none_of_whose_points_is_valid_is_concluded_to_be(plant):
    await plant.says(0, 50.0)
    await says_bad(plant, 5)
    await report(plant, 10, "online")
    await report(plant, 30, "online")
    (fault,) = await plant.faults()
    assert fault.fault.concluded
    assert fault.fault.since == START + 5 * SECOND
    await plant.says(31, 50.0)
    await report(plant, 40, "online")
    assert (await plant.words())["RTN", True] == 1


async def test_what_is_short_is_no_item(plant):
    await plant.says(0, 50.0)
    await report(plant, 10, "offline")
    await report(plant, 20, "online")
    await report(plant, 60, "online")
    assert await plant.words() == {}
    assert await plant.faults("all") == ()


async def test_a_gateway_that_falls_silent_leaves_its_devices_fault_as_it_was(plant):
    await plant.says(0, 50.0)
    await report(plant, 10, "offline")
    await report(plant, 30, "offline")
    await plant.passes(100)
    assert {each.fault.place for each in await plant.faults()} == {"device", "gateway"}
    await plant.alive(110)
    places = {each.fault.place: each.state for each in await plant.faults()}
    assert places == {"device": "UNACK", "gateway": "RTN_UNACK"}


async def test_what_is_over_when_it_is_heard_of_never_was(plant):
    """Nobody could tell for how long: the report after its time says that it is back."""
    await plant.says(0, 50.0)
    await report(plant, 10, "offline")
    await plant.says(26, 50.0)
    await plant.tick(29)
    assert await plant.words() == {}, "what was heard is no report"
    await report(plant, 30, "online")
    assert await plant.words() == {}
    await report(plant, 40, "offline")
    await report(plant, 56, "offline")
    assert await plant.words() == {("RAISE", True): 1}


@pytest.mark.parametrize("state", ["online", "offline"])
async def test_a_device_is_no_item_of_a_gateway_that_fell_silent_with_it(plant, state):
    """It was about to be told; whether it still is so is asked when the gateway is back."""
    await plant.says(0, 50.0)
    await report(plant, 10, "offline")
    await plant.passes(200)
    assert [each.fault.place for each in await plant.faults()] == ["gateway"]
    for second in range(200, 240, 10):
        await report(plant, second, state)
        await plant.passes(second + 9)
    places = {each.fault.place: each.state for each in await plant.faults()}
    device = {"device": "UNACK"} if state == "offline" else {}
    assert places == {"gateway": "RTN_UNACK"} | device
    words = {"online": 1, "offline": 2}
    assert (await plant.words())["RAISE", True] == words[state]


def plan():
    """Two buses: of three devices, and of one."""
    text = json.loads(manifest().decode())
    (device,), points = text["devices"], text["points"]
    names = {"a": "north", "b": "north", "c": "north", "d": "south"}
    text["devices"] = [{**device, "name": name, "bus": bus} for name, bus in names.items()]
    text["points"] = [{**points[0], "device": name} for name in names]
    whole = decode_manifest(dump(text, "manifest"))
    return Plan(whole, range(1, len(names) + 1))


@pytest.mark.parametrize(
    ("silent", "items"),
    [
        ((), {}),
        (("a",), {"fault:gw/north/site/a": 1}),
        (("a", "b"), {"fault:gw/north/site/a": 1, "fault:gw/north/site/b": 1}),
        (("a", "b", "c"), {"fault:gw/north": 3}),
        (("d",), {"fault:gw/south/site/d": 1}),
        (("a", "b", "c", "d"), {"fault:gw/north": 3, "fault:gw/south/site/d": 1}),
    ],
)
def test_a_bus_is_silent_when_all_its_devices_are_two_or_more(silent, items):
    places = plan().silent({f"site/{name}" for name in silent}, ())
    assert {rule: len(place.points) for rule, place in places.items()} == items
