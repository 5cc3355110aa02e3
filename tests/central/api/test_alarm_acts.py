"""Acts on alarms over HTTP: two operators at once on a real socket, refusals, second persons."""

import asyncio
from dataclasses import replace

import httpx2
import pytest

from central.alarms.figures import kpi_source
from central.alarms.settings import Acting
from central.api.app import create_app
from central.api.cables import Cables
from central.api.server import Server, listen, settings
from central.collector import Collector
from central.commands.run import furnish
from central.identity import audit
from tests.central.alarms.story import Story
from tests.central.api.conftest import People
from tests.central.builders import HandClock, config_in
from tests.central.identity.hands import HandClock as RealClock
from tests.central.template import fresh

RULE = "site/gw/tank/level:high"
ALARM = "/api/v1/alarms/A-20260612-0001"
SPAN = ("since", "until")


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
async def story(tmp_path, clock):
    config = replace(config_in(tmp_path), alarms=Acting(second_person=True))
    fresh(config.database)
    collector = await Collector.open(config, clock)
    await collector.registry.add_gateway("gw")
    told = await Story.begin_in(collector, clock)
    await told.at(0, 85.0)
    yield told
    await collector.close()


@pytest.fixture
async def base(story):
    rooms = furnish(story.collector, Cables({}))
    server = Server(settings(create_app(rooms, with_demo=False)), rooms.hub.close)
    listener = listen("127.0.0.1", 0)
    telling = asyncio.create_task(rooms.hub.run())
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.stop()
    await asyncio.wait_for(serving, 60)
    telling.cancel()


class Operator:
    """One person's browser; every request has a key of its own unless one is given."""

    def __init__(self, http):
        self.http = http
        self.keys = 0

    async def do(self, path, body=None, key=None):
        self.keys += 1
        headers = {"Idempotency-Key": key or f"key-number-{self.keys}"}
        answer = await self.http.post(path, json=body, headers=headers)
        return answer.status_code, answer.json()

    async def get(self, path, **query):
        answer = await self.http.get(path, params=query)
        return answer.status_code, answer.json()


@pytest.fixture
async def staff(base, story):
    """Makes people who are logged in."""
    people, browsers = People(story.collector.db, RealClock()), []

    async def make(name, *roles, scope=None):
        headers = await people.session(*(roles or ("operator",)), name=name, scope=scope)
        browsers.append(httpx2.AsyncClient(base_url=base, headers=headers))
        return Operator(browsers[-1])

    yield make
    for browser in browsers:
        await browser.aclose()


@pytest.fixture(autouse=True)
def at_one_time(monkeypatch):
    """Sessions are those of the hand clock's time."""
    monkeypatch.setattr("central.commands.run.SystemClock", RealClock)


async def test_two_operators_at_once_one_wins_and_the_other_is_told_who(staff, story):
    names = [f"person-{n}" for n in range(6)]
    people = [await staff(name) for name in names]
    answers = await asyncio.gather(*(p.do(f"{ALARM}/acknowledge", {}) for p in people))
    (winner,) = [n for n, (status, _) in zip(names, answers, strict=True) if status == 200]
    lost = [body for status, body in answers if status == 409]
    assert len(lost) == 5
    assert {body["code"] for body in lost} == {"ALREADY_ACKNOWLEDGED"}
    assert {body["params"]["by"] for body in lost} == {winner}
    assert {body["params"]["at"] for body in lost} == {"2026-06-12T22:00:00.000000+08:00"}
    detail = (await people[0].get(ALARM))[1]
    assert [line["event"] for line in detail["journal"]].count("ACK_REJECTED") == 5
    assert detail["acknowledged"]["by"] == winner
    assert (await story.collector.db.read(audit.verify)).broken is None


async def test_the_same_request_again_is_answered_the_same(staff):
    ann, bob = await staff("ann"), await staff("bob")
    first = await ann.do(f"{ALARM}/acknowledge", {"comment": "已派人"}, "ann-key-1")
    assert first[0] == 200
    assert await ann.do(f"{ALARM}/acknowledge", {"comment": "已派人"}, "ann-key-1") == first
    status, other = await ann.do(f"{ALARM}/acknowledge", {"comment": "x"}, "ann-key-1")
    assert (status, other["code"]) == (409, "KEY_USED")
    refused = await bob.do(f"{ALARM}/acknowledge", {}, "bob-key-1")
    again = await bob.do(f"{ALARM}/acknowledge", {}, "bob-key-1")
    assert (refused[0], again[0]) == (409, 409)
    assert again[1]["params"] == refused[1]["params"]


async def test_many_together(staff, story):
    ann, bob = await staff("ann"), await staff("bob")
    await story.at(10, 15.0)
    await bob.do(f"{ALARM}/acknowledge", {})
    ids = ["A-20260612-0001", "A-20260612-0002", "A-20260612-0009", "A-20260612-0002"]
    body = {"alarms": ids, "comment": "已派人"}
    status, told = await ann.do("/api/v1/alarms/acknowledge", body, "ann-key-1")
    assert status == 200
    assert [(one["id"][-1], one["done"], one["code"]) for one in told["items"]] == [
        ("1", False, "ALREADY_ACKNOWLEDGED"),
        ("2", True, None),
        ("9", False, "EPISODE_UNKNOWN"),
    ]
    assert told["items"][0]["params"]["by"] == "bob"
    assert told["items"][1]["alarm"]["state"] == "ACKED"
    assert await ann.do("/api/v1/alarms/acknowledge", body, "ann-key-1") == (200, told)
    status, _ = await ann.do("/api/v1/alarms/acknowledge", {"alarms": ["x"] * 201})
    assert status == 422


async def test_what_is_out_of_scope_is_not_there(staff):
    far = await staff("far", scope=("elsewhere",))
    for act, body in (("acknowledge", {}), ("verify", {"result": "real"})):
        status, told = await far.do(f"{ALARM}/{act}", body)
        assert (status, told["code"]) == (404, "NOT_FOUND")
    _, told = await far.do("/api/v1/alarms/acknowledge", {"alarms": ["A-20260612-0001"]})
    assert told["items"][0]["code"] == "EPISODE_UNKNOWN"
    shelve = {"rule": RULE, "act": "shelve", "seconds": 60, "reason": "检修"}
    assert (await far.do("/api/v1/alarms/overlays", shelve))[0] == 404
    assert (await far.get("/api/v1/alarms/overlays"))[1] == {"items": []}


async def test_requests_of_other_sites_hide_none_of_ones_own(staff, story, monkeypatch):
    monkeypatch.setattr("central.api.routes.overlays._LISTED", 2)
    ann, here = await staff("ann"), await staff("here", scope=("site",))
    assert (await ann.do(f"{ALARM}/shelve", {"seconds": 600, "reason": "检修"}))[0] == 202
    await story.collector.db.write(
        lambda tables: tables.execute(
            "INSERT INTO shelf_request(rule, site, seconds, one_shot, reason, asked, asked_by) "
            "SELECT rule, 'far', seconds, 0, reason, asked, asked_by FROM shelf_request, "
            "(SELECT 1 UNION SELECT 2)"
        )
    )
    found = (await here.get("/api/v1/alarms/shelf-requests"))[1]["items"]
    assert [each["site"] for each in found] == ["site"]


@pytest.mark.parametrize(
    ("act", "body"),
    [
        ("acknowledge", {"comment": "a\x00b"}),
        ("comment", {"text": "\u202e已处理"}),
        ("verify", {"result": "real", "note": "\x1b[31m"}),
        ("shelve", {"seconds": 60, "reason": "\u200b"}),
        ("shelve", {"seconds": "60", "reason": "检修"}),
        ("shelve", {"seconds": True, "reason": "检修"}),
    ],
)
async def test_words_that_nobody_sees_and_times_that_are_none_are_refused(staff, act, body):
    status, told = await (await staff("ann")).do(f"{ALARM}/{act}", body)
    assert (status, told["code"], len(told["params"]["problems"])) == (422, "INVALID", 1)


async def test_a_comment_of_several_lines_is_one(staff):
    ann = await staff("ann")
    assert (await ann.do(f"{ALARM}/comment", {"text": "一\n二\t三"}))[0] == 200
    _, detail = await ann.get(ALARM)
    assert [each["text"] for each in detail["said"]] == ["一\n二\t三"]


async def test_a_red_shelf_is_confirmed_by_another_person(staff):
    ann, bob = await staff("ann"), await staff("bob")
    body = {"seconds": 600, "reason": "仪表检修"}
    status, asked = await ann.do(f"{ALARM}/shelve", body)
    assert (status, asked["request"], asked["overlay"]["layers"]) == (202, 1, [])
    confirm = "/api/v1/alarms/shelf-requests/1/confirm"
    status, told = await ann.do(confirm)
    assert (status, told["code"], told["params"]["by"]) == (409, "SHELF_SAME_PERSON", "ann")
    status, done = await bob.do(confirm)
    (layer,) = done["overlay"]["layers"]
    assert (status, layer["name"], layer["by"]) == (200, "SHELVED", "ann, bob")
    assert done["overlay"]["point"] == "site/gw/tank/level"
    (listed,) = (await bob.get("/api/v1/alarms/shelf-requests"))[1]["items"]
    assert (listed["decision"], listed["decided_by"], listed["rule"]) == ("confirmed", "bob", RULE)
    (shelved,) = (await bob.get("/api/v1/alarms", state="shelved"))[1]["items"]
    assert shelved["overlays"] == [layer]
    assert (await bob.get("/api/v1/alarms"))[1]["total"] == 0
    status, _ = await bob.do(f"{ALARM}/unshelve", {"reason": "修好了"})
    assert status == 200
    assert (await bob.get("/api/v1/alarms"))[1]["items"][0]["state"] == "ACKED"


async def test_out_of_service_needs_a_permit_or_a_filing_in_force(staff):
    eve, ann = await staff("eve", "engineer"), await staff("ann")
    path, reason = f"{ALARM}/out-of-service", {"reason": "更换液位计"}
    assert (await ann.do(path, {**reason, "permit": "DH-7"}))[1]["code"] == "FORBIDDEN"
    for ground in ({}, {"permit": "DH-7", "filing": 1}, {"permit": " "}):
        status, told = await eve.do(path, {**reason, **ground})
        assert (status, told["code"]) == (422, "PERMIT_NEEDED")
    filing = {
        "site": "site",
        "category": "maintenance",
        "reason": "检修",
        "points": ["site/gw/tank/count"],
        "from": "2026-06-12T20:00:00+08:00",
    }
    assert (await eve.do("/api/v1/filings", filing))[0] == 201
    for number in (1, 9):  # of another point; none at all
        status, told = await eve.do(path, {**reason, "filing": number})
        assert (status, told["code"]) == (409, "FILING_NOT_IN_FORCE")
    assert (await eve.do("/api/v1/filings", {**filing, "points": []}))[0] == 201
    status, done = await eve.do(path, {**reason, "filing": 2})
    assert (status, done["overlay"]["layers"][0]["reason"]) == (200, "filing/2: 更换液位计")
    (out,) = (await ann.get("/api/v1/alarms/overlays", name="OUT_OF_SERVICE"))[1]["items"]
    assert out["rule"] == RULE
    status, told = await eve.do(path, {**reason, "permit": "DH-8"})
    assert (status, told["code"]) == (409, "ACT_ALREADY_OUT")
    assert (told["params"]["state"], "in_service" in told["params"]["allowed"]) == (
        "OUT_OF_SERVICE",
        True,
    )


async def test_a_verification_and_a_comment_stand_beside_the_alarm(staff):
    ann = await staff("ann")
    body = {"result": "instrument", "note": "变送器漂移"}
    status, told = await ann.do(f"{ALARM}/verify", body)
    assert (status, told["verification"]["result"]) == (200, "instrument")
    assert (await ann.do(f"{ALARM}/comment", {"text": "已换备件"}))[1]["comments"] == 1
    detail = (await ann.get(ALARM))[1]
    assert [v["note"] for v in detail["verifications"]] == ["变送器漂移"]
    assert [c["text"] for c in detail["said"]] == ["已换备件"]
    assert (await ann.get("/api/v1/alarms", verification="instrument"))[1]["total"] == 1
    assert (await ann.get("/api/v1/alarms", verification="none"))[1]["total"] == 0
    assert (await ann.do(f"{ALARM}/verify", {"result": "maybe"}))[0] == 422


async def test_figures_of_a_period(staff, story, monkeypatch):
    ann = await staff("ann")
    await story.at(30, 85.0)
    story.until(60)
    await ann.do(f"{ALARM}/acknowledge", {})
    await ann.do(f"{ALARM}/verify", {"result": "false"})
    hour = {"from": "2026-06-12T21:30:00+08:00", "to": "2026-06-12T22:30:00+08:00"}
    status, told = await ann.get("/api/v1/alarms/kpis", operators=2, **hour)
    found = {figure["name"]: figure for figure in told["figures"]}
    assert (status, told["from"]) == (200, "2026-06-12T21:30:00.000000+08:00")
    assert (found["per_hour"]["numerator"], found["per_hour"]["denominator"]) == (1, 2)
    assert found["acknowledge_median"]["value"] == 60
    assert found["false_alarms"]["value"] == 100
    assert found["per_day"]["benchmarks"][0]["status"] == "K"
    assert [(one["point"], one["count"]) for one in told["top"]] == [("site/gw/tank/level", 1)]
    other = await ann.get("/api/v1/alarms/kpis", site="elsewhere", **hour)
    assert other[1]["top"] == []
    far = {"from": "2020-06-12T21:30:00+08:00", "to": "2026-06-12T22:30:00+08:00"}
    assert (await ann.get("/api/v1/alarms/kpis", **far))[1]["code"] == "KPI_SPAN"
    monkeypatch.setattr(kpi_source, "MOST", 1)
    status, told = await ann.get("/api/v1/alarms/kpis", **hour)
    assert (status, told["code"], told["params"]["lines"]) == (422, "KPI_ALARMS", 1)


@pytest.mark.parametrize(
    "span",
    [
        ("0001-01-01T00:00:00+14:00", "0001-01-09T00:00:00Z"),
        ("9999-12-01T00:00:00Z", "9999-12-31T23:59:59-14:00"),
    ],
)
async def test_a_time_nobody_can_write_is_the_last_that_can_be(staff, span):
    ann = await staff("ann")
    for path, names in (("/api/v1/alarms/kpis", ("from", "to")), ("/api/v1/alarms", SPAN)):
        status, _ = await ann.get(path, **dict(zip(names, span, strict=True)))
        assert status == 200


async def test_blanks_are_no_reason(staff):
    ann = await staff("ann")
    for act, asked in (
        ("shelve", {"seconds": 60, "reason": " \t\u3000"}),
        ("comment", {"text": "  "}),
        ("unshelve", {"reason": "\n"}),
    ):
        status, told = await ann.do(f"{ALARM}/{act}", asked)
        assert (status, told["code"]) == (422, "INVALID")


async def test_a_shelf_a_second_too_long_is_said_to_be(staff):
    asked = {"seconds": 8 * 3600 + 1, "reason": "检修"}
    status, told = await (await staff("ann")).do(f"{ALARM}/shelve", asked)
    assert (status, told["code"]) == (409, "ACT_TOO_LONG")
    assert (told["params"]["minutes"], told["params"]["allowed"]) == (481, 480)


async def test_test_and_drill_are_in_no_figure(staff, story):
    await story.collector.db.write(
        lambda tables: tables.conn.execute("UPDATE episode SET purpose = 'drill'")
    )
    hour = {"from": "2026-06-12T21:30:00+08:00", "to": "2026-06-12T22:30:00+08:00"}
    told = (await (await staff("ann")).get("/api/v1/alarms/kpis", **hour))[1]
    assert {figure["numerator"] for figure in told["figures"]} == {0}


async def test_the_stream_carries_what_people_do(staff, base):
    ann = await staff("ann")
    heard = asyncio.Queue()

    async def listen_in():
        async with ann.http.stream("GET", "/api/v1/stream", timeout=30) as answer:
            event = None
            async for line in answer.aiter_lines():
                if line.startswith("event:"):
                    event = line[6:].strip()
                elif line.startswith("data:"):
                    await heard.put((event, line))

    listening = asyncio.create_task(listen_in())
    async with asyncio.timeout(60):
        await heard.get()  # the picture begins
        await ann.do(f"{ALARM}/verify", {"result": "real"})
        await until(heard, "alarm", '"result":"real"')
        await ann.do(f"{ALARM}/comment", {"text": "已到现场"})
        await until(heard, "alarm", '"comments":1')
        eve = await staff("eve", "engineer")
        await eve.do(f"{ALARM}/suppress", {"reason": "停产"})
        await until(heard, "overlay", '"name":"SUPPRESSED"')
    assert not listening.done()
    listening.cancel()


async def until(heard, kind, part):
    while True:
        event, line = await heard.get()
        if event == kind and part in line:
            return
