"""The whole way over a real socket: a gateway's batches in, values, alarms and the stream out."""

import asyncio
import json
import sqlite3
from contextlib import asynccontextmanager, closing

import httpx2
import pytest

from central.api.app import create_app
from central.api.cables import Cables
from central.api.server import Server, listen, settings
from central.commands.run import furnish
from central.identity import audit
from central.identity.creation import Wanted, create_admin
from protocols.clock import SystemClock
from protocols.quality import Quality
from protocols.wire.answer import parse_answer
from protocols.wire.headers import CHAIN, CLOCK, CONTENT_DIGEST, CONTENT_TYPE, LANE, NONCE
from protocols.wire.manifest import manifest_digest
from protocols.wire.request import compress
from tests.central.builders import Gateway, HandClock, open_collector

OURS = {"X-Requested-With": "fengsui"}
POINT = "site/gw-1/tank/level"


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
async def collector(tmp_path, clock):
    made = await open_collector(tmp_path, clock)
    yield made
    await made.close()


@pytest.fixture
async def base(collector):
    rooms = furnish(collector, Cables({}))
    server = Server(settings(create_app(rooms, with_demo=False)), rooms.hub.close)
    listener = listen("127.0.0.1", 0)
    tasks = [asyncio.create_task(work) for work in (rooms.hub.run(), collector.run())]
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.stop()
    await asyncio.wait_for(serving, 60)
    for task in tasks:
        task.cancel()


async def test_a_server_looks_once_a_second_and_stops_when_it_is_told(collector):
    rooms = furnish(collector, Cables({}))
    server = Server(settings(create_app(rooms, with_demo=False)), rooms.hub.close)
    looks, look, looked = [], server.on_tick, asyncio.Event()

    async def counted(tick):
        looks.append(tick)
        looked.set()
        return await look(tick)

    server.on_tick = counted
    serving = asyncio.create_task(server.serve(sockets=[listen("127.0.0.1", 0)]))
    await looked.wait()
    before = len(looks)
    server.stop()
    await asyncio.wait_for(serving, 60)
    assert looks == list(range(0, 10 * (before + 1), 10))


@pytest.fixture
async def person(base, collector):
    """A browser that came in by a one-time link."""
    async with httpx2.AsyncClient(base_url=base, headers=OURS) as browser:
        await come_in(browser, collector, "duty")
        yield browser


async def come_in(browser, collector, name):
    now, wanted = SystemClock().now(), Wanted(name=name, by="test", link=True)
    made = await collector.db.write(lambda db: create_admin(db, wanted, now))
    answer = await browser.post("/api/v1/session/link", json={"code": made.code})
    assert answer.status_code == 200


class Sender:
    """A gateway's uplink: what it sealed goes over HTTP with its own token."""

    def __init__(self, base, clock, token):
        self.gateway = Gateway(clock, "gw-1")
        self.stream = self.gateway.open()
        self.http = httpx2.AsyncClient(base_url=f"{base}/api/v1/ingest")
        self.http.headers["Authorization"] = f"Bearer {token}"

    async def register(self):
        body, encoding = compress(self.gateway.manifest)
        headers = {"Content-Encoding": encoding}
        path = f"/manifests/{manifest_digest(self.gateway.manifest)}"
        manifest = await self.http.put(path, content=body, headers=headers)
        opening = await self.http.put(f"/streams/{self.stream.id}", content=self.stream.opening)
        return manifest.status_code, opening.status_code

    async def send(self, first=0, last=None):
        asked = self.gateway.request(self.stream, first, last)
        headers = {
            "Content-Type": CONTENT_TYPE,
            "Content-Encoding": asked.encoding,
            CONTENT_DIGEST: asked.content_digest,
            CHAIN: asked.chain,
            CLOCK: asked.clock,
            LANE: asked.lane,
            NONCE: asked.nonce,
        }
        path = f"/streams/{self.stream.id}/batches"
        answer = await self.http.post(path, content=asked.body, headers=headers)
        return answer.status_code, parse_answer(answer.content, self.stream.id, asked.nonce)

    def seal(self, *values, quality=Quality.GOOD):
        readings = [self.gateway.reading("level", value, quality) for value in values]
        return self.gateway.seal(self.stream, *readings)


@pytest.fixture
async def sender(base, person, clock):
    asked = {"name": "gw-1", "site": "site", "credential": "token"}
    made = (await person.post("/api/v1/gateways", json=asked)).json()
    uplink = Sender(base, clock, made["token"])
    yield uplink
    await uplink.http.aclose()


@asynccontextmanager
async def listening(person, **query):
    """Yield a function that waits for the next event of a kind."""
    async with person.stream("GET", "/api/v1/stream", params=query, timeout=10) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.aiter_lines()

        async def next_event(kind):
            event = None
            async for line in lines:
                if line.startswith("event:"):
                    event = line[6:].strip()
                elif line.startswith("data:") and event == kind:
                    return json.loads(line[5:])
            raise AssertionError("the stream ended")

        yield next_event


async def test_a_reading_travels_from_the_gateway_to_the_page(person, sender, clock):
    assert await sender.register() == (200, 200)
    sender.seal(50.0, 61.25)
    status, answer = await sender.send()
    assert (status, answer.committed, answer.code) == (200, 2, None)

    items = (await person.get("/api/v1/latest")).json()["items"]
    assert [(item["point"], item["value"]) for item in items] == [(POINT, 61.25)]
    points = (await person.get("/api/v1/points")).json()["items"]
    ladder = [(level["name"], level["colour"], level["active"]) for level in points[0]["limits"]]
    assert ladder[:2] == [("H", "yellow", True), ("HH", "red", True)]
    gateways = (await person.get("/api/v1/gateways")).json()["items"]
    assert [(g["name"], g["state"], g["points"]) for g in gateways] == [("gw-1", "online", 4)]
    overview = (await person.get("/api/v1/overview")).json()
    assert (overview["points"], overview["gateways"]) == (4, {"total": 1, "offline": 0})

    span = {"from": "2026-06-12T21:59:00+08:00", "to": "2026-06-12T22:01:00+08:00"}
    readings = await person.get(f"/api/v1/points/{POINT}/readings", params=span)
    assert sorted(readings.json()["columns"]["value"]) == [50.0, 61.25]
    buckets = await person.get(f"/api/v1/points/{POINT}/buckets", params={**span, "count": 1})
    columns = buckets.json()["columns"]
    assert (columns["min"], columns["max"], columns["count"]) == ([50.0], [61.25], [2])


async def test_told_twice_is_stored_once_and_a_gap_is_refused(person, sender):
    await sender.register()
    for value in (1.0, 2.0, 3.0):
        sender.seal(value)
    await sender.send(0, 0)
    again, answer = await sender.send(0, 0)
    assert (again, answer.committed) == (200, 1), answer
    status, answer = await sender.send(2, 2)
    assert (status, answer.code, answer.expected, answer.committed) == (409, "GAP", 2, 1)
    metrics = (await person.get("/metrics")).text
    assert "fengsui_ingest_duplicates_total 1.0" in metrics
    assert 'fengsui_ingest_refused_total{code="GAP"} 1.0' in metrics


async def test_an_alarm_is_seen_acknowledged_and_in_the_audit(person, sender, collector, base):
    await sender.register()
    async with listening(person) as next_event:
        assert (await next_event("clock"))["story"] is False
        sender.seal(93.0)
        await sender.send()
        alarm = await next_event("alarm")
        assert (alarm["point"], alarm["state"], alarm["level"]["colour"]) == (POINT, "UNACK", "red")
        values = await next_event("values")
        assert (values["point"], values["value"]) == ([POINT], [93.0])

        url = f"/api/v1/alarms/{alarm['id']}/acknowledge"
        key = {"Idempotency-Key": "the-first-key"}
        done = await person.post(url, json={"comment": "已派人"}, headers=key)
        assert (done.status_code, done.json()["state"]) == (200, "ACKED")
        told = await next_event("alarm")
        assert told["acknowledged"]["by"] == "duty"
        overview = await next_event("overview")
        assert (overview["levels"]["red"], overview["unacknowledged"]) == (1, 0)

    again = await person.post(url, json={"comment": "已派人"}, headers=key)
    assert again.status_code == 200
    other = await person.post(url, json={"comment": "另一句"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "KEY_USED")
    async with httpx2.AsyncClient(base_url=base, headers=OURS) as other:
        await come_in(other, collector, "second")
        late = await other.post(url, json={}, headers={"Idempotency-Key": "another-key"})
    assert (late.status_code, late.json()["code"]) == (409, "ALREADY_ACKNOWLEDGED")
    assert late.json()["params"]["by"] == "duty"
    assert late.json()["params"]["at"].endswith("+08:00")
    detail = (await person.get(f"/api/v1/alarms/{alarm['id']}")).json()
    assert any(line["actor"] == "duty" for line in detail["journal"])
    open_ones = (await person.get("/api/v1/alarms")).json()
    assert (open_ones["total"], open_ones["items"][0]["id"]) == (1, alarm["id"])
    lines = await collector.db.read(lambda conn: audit.page(conn, 9))
    assert [(line.actor, line.action) for line in lines if line.actor == "duty"] == [
        ("duty", "ALARM_ACKNOWLEDGED"),
        ("duty", "GATEWAY_CREATED"),
        ("duty", "LOGIN_BY_LINK"),
    ]
    assert (await collector.db.read(audit.verify)).broken is None


async def test_a_bad_reading_is_shown_with_its_reason(person, sender):
    await sender.register()
    sender.seal(None, quality=Quality.BAD_NO_COMMUNICATION)
    await sender.send()
    item = (await person.get("/api/v1/latest")).json()["items"][0]
    assert item["value"] is None
    assert item["quality"]["reason"] == "BAD_NO_COMMUNICATION"


async def test_another_gateways_token_writes_nothing_here(person, sender, base, clock):
    await sender.register()
    sender.seal(1.0)
    asked = {"name": "gw-2", "credential": "token"}
    made = (await person.post("/api/v1/gateways", json=asked)).json()
    sender.http.headers["Authorization"] = f"Bearer {made['token']}"
    status, answer = await sender.send()
    assert (status, answer.code, answer.committed) == (403, "FORBIDDEN", 0)
    assert (await person.get("/api/v1/latest")).json()["items"] == []
    assert (await sender.register()) == (403, 403)


async def test_a_revoked_gateway_is_out_at_its_next_request(person, sender):
    await sender.register()
    sender.seal(1.0)
    await sender.send()
    token = (await person.get("/api/v1/tokens")).json()["items"][0]
    assert (token["kind"], token["gateway"]) == ("gateway", "gw-1")
    await person.delete(f"/api/v1/tokens/{token['id']}")
    refused = await sender.http.post("/health", content=b"{}")
    assert refused.status_code == 401


async def test_an_unknown_manifest_is_asked_for(sender):
    answer = await sender.http.put(f"/streams/{sender.stream.id}", content=sender.stream.opening)
    assert (answer.status_code, answer.json()["code"]) == (428, "MANIFEST_UNKNOWN")


async def test_logging_out_ends_the_open_stream(person, sender):
    async with listening(person) as next_event:
        await next_event("clock")
        await person.delete("/api/v1/session")
        with pytest.raises(AssertionError, match="ended"):
            await next_event("nothing of this name")


async def test_every_cause_of_a_503_is_in_the_log_once_and_in_the_metrics(
    person, sender, collector, caplog, impatient
):
    await sender.register()
    sender.seal(1.0)
    with closing(sqlite3.connect(collector.db.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for _ in range(3):
            status, answer = await sender.send()
            assert (status, answer.code, answer.committed) == (503, "STORE_UNAVAILABLE", 0)
    status, answer = await sender.send()
    assert (status, answer.committed) == (200, 1)
    said = [r.getMessage() for r in caplog.records if "not written" in r.getMessage()]
    assert said == ["the database was not written: database is locked"]
    metrics = (await person.get("/metrics")).text
    assert 'fengsui_ingest_refused_total{code="STORE_UNAVAILABLE"} 3.0' in metrics
    assert 'fengsui_database_refused_total{act="write",cause="SQLITE_BUSY"} 3.0' in metrics
