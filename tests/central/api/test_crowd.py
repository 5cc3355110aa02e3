"""Floods, groups, first-up, chatter and faults over HTTP and on the stream, on a real socket."""

import asyncio
import json

import httpx2
import pytest

from central.api.app import create_app
from central.api.cables import Cables
from central.api.server import Server, listen, settings
from central.commands.run import furnish
from central.identity.principal import Kind, Principal
from central.identity.roles import Role
from protocols.alarms.flood import Bounds
from protocols.alarms.rule import Colour
from tests.central.alarms.story import Story
from tests.central.api.conftest import People
from tests.central.api.test_alarm_acts import Operator
from tests.central.builders import HandClock, PointSpec, level
from tests.central.identity.hands import HandClock as RealClock

NUMBER = 16
YELLOW = (level("H", 80.0),)
RED = (level("HH", 90.0, colour=Colour.RED),)
POINTS = tuple(PointSpec(f"p{n}", limits=RED if n == 3 else YELLOW) for n in range(NUMBER))


@pytest.fixture(autouse=True)
def at_one_time(monkeypatch):
    """Sessions are those of the hand clock's time."""
    monkeypatch.setattr("central.commands.run.SystemClock", RealClock)


@pytest.fixture
async def story(tmp_path):
    told = await Story.begin(tmp_path, HandClock(), points=POINTS)
    yield told
    await told.collector.close()


@pytest.fixture
async def house(story):
    rooms = furnish(story.collector, Cables({}))
    server = Server(settings(create_app(rooms, with_demo=False)), rooms.hub.close)
    story.collector.listeners.append(rooms.hub.listen)
    listener = listen("127.0.0.1", 0)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    yield rooms, f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.stop()
    await asyncio.wait_for(serving, 60)


@pytest.fixture
async def ann(house, story):
    headers = await People(story.collector.db, RealClock()).session("operator", name="ann")
    async with httpx2.AsyncClient(base_url=house[1], headers=headers) as http:
        yield Operator(http)


async def raise_all(story, first=0):
    for nth in range(NUMBER):
        await story.at(first + nth, 95.0, point=f"p{nth}")


async def test_in_a_flood_the_list_is_by_site_and_red_stays_single(ann, story):
    plain = (await ann.get("/api/v1/alarms/grouped"))[1]
    assert (plain["flooding"], plain["groups"], plain["single"]["total"]) == (False, [], 0)
    await raise_all(story)
    flood = (await ann.get("/api/v1/alarms/flood"))[1]
    assert (flood["on"], flood["alarms"], flood["recent"]) == (True, NUMBER, NUMBER)
    assert (flood["on_above"], flood["off_below"], flood["operators"]) == (10, 5, 1)
    found = (await ann.get("/api/v1/alarms/grouped"))[1]
    (group,) = found["groups"]
    assert found["flooding"]
    assert group["counts"] == {"blue": 0, "yellow": NUMBER - 1, "orange": 0, "red": 0}
    assert (group["unseen"], group["worst"]) == (NUMBER - 1, "yellow")
    assert (group["site"], group["first"]) == ("site", "A-20260612-0001")
    (red,) = found["single"]["items"]
    assert red["point"] == "site/gw/tank/p3"
    query = {"site": "site", "level": ["blue", "yellow"]}
    assert (await ann.get("/api/v1/alarms", **query))[1]["total"] == group["total"]
    await story.alive(700)
    await story.tick(700)
    flood = (await ann.get("/api/v1/alarms/flood"))[1]
    assert (flood["on"], flood["recent"]) == (False, 0)
    (span,) = flood["history"]
    assert (span["alarms"], span["ended"]) == (NUMBER, "2026-06-12T22:10:11.000000+08:00")


def watcher(name, scope):
    return Principal(
        name=name, kind=Kind.SESSION, roles=frozenset({Role.VIEWER}), scope=scope, credential=name
    )


def of_kind(subscriber, event):
    """Return the bodies of such events that wait for a page, and let nothing wait."""
    waiting = [subscriber.queue.get_nowait() for _ in range(subscriber.queue.qsize())]
    return [json.loads(told.data) for told in waiting if told and told.event == event]


def floods(subscriber):
    return of_kind(subscriber, "flood")


async def test_who_sees_some_sites_is_told_of_a_flood_of_these_and_of_no_other(house, story):
    """Not a number of the room reaches a person who sees another site; his own do, as one reader's.

    The room has two on duty, so that for it sixteen are no flood.
    """
    rooms, base = house
    scopes = {"room": None, "mine": frozenset({"site"}), "theirs": frozenset({"elsewhere"})}
    rooms.hub._flood._operators = 2
    story.collector.crowd.flooding.bounds = Bounds(on_above=20, off_below=10)
    pages = {}
    for name, scope in scopes.items():
        pages[name] = await rooms.hub.subscribe(watcher(name, scope), scope)
    await rooms.hub.beat(1)
    assert not any(floods(page) for page in pages.values())
    await raise_all(story)
    await rooms.hub.beat(2)
    assert floods(pages["room"]) == floods(pages["theirs"]) == []
    (told,) = floods(pages["mine"])
    assert (told["whole"], told["on"], told["alarms"], told["operators"]) == (False, True, 16, 1)
    await rooms.hub.beat(3)
    assert not any(floods(page) for page in pages.values())

    people = People(story.collector.db, RealClock())
    said, grouped = {}, {}
    for name, scope in scopes.items():
        stated = None if scope is None else sorted(scope)
        headers = await people.session("viewer", name=name, scope=stated)
        async with httpx2.AsyncClient(base_url=base, headers=headers) as http:
            said[name] = (await http.get("/api/v1/alarms/flood")).json()
            grouped[name] = (await http.get("/api/v1/alarms/grouped")).json()
    assert said["mine"] == told
    assert (said["room"]["whole"], said["room"]["on"], said["room"]["recent"]) == (True, False, 16)
    nothing = {"whole": False, "on": False, "alarms": 0, "recent": 0, "history": []}
    assert said["theirs"].items() >= nothing.items()
    assert {name: each["flooding"] for name, each in grouped.items()} == {
        "room": False,
        "mine": True,
        "theirs": False,
    }
    assert (grouped["theirs"]["groups"], grouped["theirs"]["single"]["total"]) == ([], 0)

    story.clock.move(660)
    await rooms.hub.beat(4)
    (over,) = floods(pages["mine"])
    assert (over["on"], over["recent"], over["history"][0]["alarms"]) == (False, 0, 16)
    assert floods(pages["theirs"]) == []


async def test_the_first_is_marked_and_what_chatters_is_until_it_is_calm(ann, story):
    for second, value in ((0, 95.0), (5, 50.0), (10, 95.0), (15, 50.0), (20, 95.0)):
        await story.at(second, value, point="p0")
    await story.at(30, 95.0, point="p1")
    items = {e["point"]: e for e in (await ann.get("/api/v1/alarms"))[1]["items"]}
    first, other = items["site/gw/tank/p0"], items["site/gw/tank/p1"]
    assert first["first_up"] == {"first": first["id"], "is_first": True, "followers": 1}
    assert other["first_up"] == {"first": first["id"], "is_first": False, "followers": 1}
    assert (first["chattering"], other["chattering"]) == (True, False)
    await story.tick(70)
    detail = (await ann.get(f"/api/v1/alarms/{first['id']}"))[1]
    assert not detail["chattering"]
    assert detail["first_up"]["is_first"]


async def test_what_is_silent_is_told_listed_apart_and_acted_on_as_an_alarm(house, ann, story):
    rooms, base = house
    await story.at(0, 95.0, point="p0")
    headers = dict(ann.http.headers)
    heard = []

    ready = asyncio.Event()

    async def listen_on():
        async with (
            httpx2.AsyncClient(base_url=base, headers=headers, timeout=30) as http,
            http.stream("GET", "/api/v1/stream") as told,
        ):
            async for line in told.aiter_lines():
                name, _, rest = line.partition(":")
                if name == "event":
                    heard.append([rest.strip(), None])
                elif name == "data" and heard:
                    heard[-1][1] = json.loads(rest)
                    ready.set()  # whoever hears the clock hears what follows
                if heard and heard[-1][0] == "fault" and heard[-1][1]:
                    return

    listening = asyncio.create_task(listen_on())
    await asyncio.wait_for(ready.wait(), 60)
    telling = asyncio.create_task(rooms.hub.run())
    story.until(40)
    await story.collector.gateways._check(story.clock.now())
    async with asyncio.timeout(60):
        await listening
    telling.cancel()
    body = heard[-1][1]
    assert body["fault"]["place"] == "gateway"
    assert body["message"]["zh"] == (
        "【离线】场所(示例) 网关(示例) 22:00 起无数据（1 台网关、1 台设备、16 个点位），"
        "最后信号 22:00:00，现场供电未知。期间不能判断现场是否安全。"
        "请查网关供电和网络，并电话核实现场。"
    )
    assert "nobody can tell whether the site is safe" in body["message"]["en"]
    faults = (await ann.get("/api/v1/faults"))[1]
    assert [each["id"] for each in faults["items"]] == [body["id"]]
    (alarm,) = (await ann.get("/api/v1/alarms"))[1]["items"]
    assert (alarm["state"], alarm["unknown_since"]) == ("UNACK", body["fault"]["since"])
    both = (await ann.get("/api/v1/alarms", faults="with"))[1]
    assert both["total"] == 2
    places = (await ann.get(f"/api/v1/faults/{body['id']}/places", limit=10))[1]
    assert (len(places["points"]), places["total"], places["next"]) == (10, NUMBER, "10")
    assert [each["device"] for each in places["devices"]] == ["tank"]
    assert (await ann.get(f"/api/v1/faults/{alarm['id']}/places"))[0] == 404
    status, seen = await ann.do(f"/api/v1/alarms/{body['id']}/acknowledge", {"comment": "已派人"})
    assert (status, seen["state"], seen["fault"]["points"]) == (200, "ACKED", NUMBER)
    await story.at(60, 95.0, point="p0")
    assert (await ann.get("/api/v1/faults"))[1]["items"] == []
    (over,) = (await ann.get("/api/v1/faults", state="history"))[1]["items"]
    assert over["message"]["zh"].startswith("【恢复通信】")
    (alarm,) = (await ann.get("/api/v1/alarms"))[1]["items"]
    assert (alarm["state"], alarm["unknown_since"]) == ("UNACK", None)


async def known(page, ann, *, between=None):
    """Return alarms as a page knows them: the stream from when it opened, the list read after.

    `between` is done when the stream is open and the list not read.
    """
    if between is not None:
        await between()
    items = (await ann.get("/api/v1/alarms", state="all", limit=500))[1]["items"]
    found = {each["id"]: each["state"] for each in items}
    for body in of_kind(page, "alarm"):
        found[body["id"]] = body["state"]
    return found


async def test_a_page_that_was_cut_off_knows_every_alarm_as_it_is(house, ann, story):
    """What came before, in the cut, after the stream is open again and while the list is read."""
    rooms, _ = house
    sending = asyncio.create_task(rooms.hub.run())
    await story.at(0, 95.0, point="p0")
    page = await rooms.hub.subscribe(watcher("ann", None), None)
    assert len(await known(page, ann)) == 1
    rooms.hub.leave(page)
    await story.at(1, 95.0, point="p1")
    await story.at(2, 50.0, point="p0")  # returned while nobody looked, and stays until it is seen
    again = await rooms.hub.subscribe(watcher("ann", None), None)

    async def meanwhile():
        await story.at(3, 95.0, point="p2")
        await story.at(4, 50.0, point="p1")

    found = await known(again, ann, between=meanwhile)
    await story.at(5, 95.0, point="p4")
    async with asyncio.timeout(60):
        last = ""
        while last != "site/gw/tank/p4":
            told = await again.queue.get()
            if told.event == "alarm":
                body = json.loads(told.data)
                found[body["id"]], last = body["state"], body["point"]
    sending.cancel()
    assert sorted(found.values()) == ["RTN_UNACK", "RTN_UNACK", "UNACK", "UNACK"]
    now = (await ann.get("/api/v1/alarms", state="all"))[1]["items"]
    assert found == {each["id"]: each["state"] for each in now}
