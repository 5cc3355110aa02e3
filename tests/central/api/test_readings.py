"""The readings door over HTTP: who may, what is refused as a whole, limits, revocation."""

import json

import httpx2
import pytest

from central.api.app import create_app
from central.door.limits import Limits
from central.identity import audit
from tests.central.api.conftest import People, furnish
from tests.central.builders import HandClock, open_collector
from tests.central.door.plant import DESCRIPTION, LEVEL, SITE, at

URL = "/api/v1/readings"
VIRTUAL = "/api/v1/virtual-gateways"
MANIFEST = f"{VIRTUAL}/acme/manifest"
STAMP = "2026-06-12T22:00:00+08:00"


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
async def collector(tmp_path, clock):
    made = await open_collector(tmp_path, clock)
    yield made
    await made.close()


@pytest.fixture
async def client(collector, clock, tmp_path):
    app = create_app(furnish(collector, clock), with_demo=False, dist=tmp_path / "dist")
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False, client=("10.0.0.1", 5))
    async with httpx2.AsyncClient(transport=transport, base_url="http://collector") as made:
        yield made


@pytest.fixture
async def administrator(collector, clock):
    return await People(collector.db, clock).session("administrator")


class System:
    """An enterprise's program with its token."""

    def __init__(self, client, made):
        self.client = client
        self.id = made["id"]
        self.headers = {"Authorization": f"Bearer {made['token']}"}

    async def describe(self, body=DESCRIPTION, url=MANIFEST):
        return await self.client.put(url, content=json.dumps(body), headers=self.headers)

    async def post(self, body, key="k1", kind="application/json", url=URL):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        said = {"Content-Type": kind, "Idempotency-Key": key}
        said = {name: value for name, value in said.items() if value is not None}
        return await self.client.post(url, content=content, headers={**self.headers, **said})


async def make_token(client, administrator, **limits):
    asked = {"name": "DCS", **limits}
    made = await client.post(f"{VIRTUAL}/acme/tokens", json=asked, headers=administrator)
    assert made.status_code == 201
    return System(client, made.json())


@pytest.fixture
async def system(client, administrator):
    asked = {"name": "acme", "label": {"zh": "示例企业"}, "sites": [SITE]}
    made = await client.post(VIRTUAL, json=asked, headers=administrator)
    assert made.status_code == 201
    found = await make_token(client, administrator)
    assert (await found.describe()).status_code == 200
    return found


def one(value=50, time=STAMP):
    return {"rows": [{"point": LEVEL, "time": time, "value": value}]}


async def test_from_nothing_to_the_first_value_and_its_page(system, client, administrator):
    answer = await system.post(one())
    assert answer.status_code == 200
    assert answer.json() == {
        "stream": answer.json()["stream"],
        "received": "2026-06-12T22:00:00.000000+08:00",
        "duplicate": False,
        "accepted": 1,
        "known": 0,
        "quarantined": 0,
        "reasons": {},
        "items": [],
    }
    latest = (await client.get("/api/v1/latest", headers=administrator)).json()
    assert [(item["point"], item["value"]) for item in latest["items"]] == [(LEVEL, 50.0)]
    shown = (await client.get(VIRTUAL, headers=administrator)).json()["items"]
    assert [(item["name"], item["sites"]) for item in shown] == [("acme", [SITE])]
    again = await system.post(one())
    assert again.json() == {**answer.json(), "duplicate": True}


async def test_what_is_wrong_is_listed_and_the_rest_goes_in(system):
    rows = [
        {"point": LEVEL, "time": STAMP, "value": 50},
        {"point": "elsewhere", "time": STAMP, "value": 50},
        {"point": LEVEL, "time": "2026-06-12T22:05:01+08:00", "value": 50},
    ]
    answer = (await system.post({"rows": rows})).json()
    assert (answer["accepted"], answer["quarantined"]) == (1, 2)
    assert answer["items"] == [
        {"index": 1, "reason": "UNKNOWN_POINT"},
        {"index": 2, "reason": "CLOCK_AHEAD"},
    ]


async def test_a_description_holds_from_the_next_reading_on(system, collector):
    assert (await system.describe()).json()["changed"] is False
    more = {**DESCRIPTION["points"][4], "name": "later"}
    changed = {**DESCRIPTION, "points": [*DESCRIPTION["points"], more]}
    point = f"{SITE}/tank/later"
    assert (await system.post({"rows": [_row(point)]}, "k1")).json()["quarantined"] == 1
    told = (await system.describe(changed)).json()
    assert (told["changed"], told["points"]) == (True, 6)
    assert (await system.post({"rows": [_row(point)]}, "k2")).json()["accepted"] == 1
    assert collector.registry.point(f"{SITE}/acme/tank/later") is not None


def _row(point, value=1):
    return {"point": point, "time": STAMP, "value": value}


async def test_a_person_describes_points_on_the_systems_behalf(client, administrator, collector):
    asked = {"name": "acme", "label": {"zh": "示例企业"}, "sites": [SITE]}
    await client.post(VIRTUAL, json=asked, headers=administrator)
    url = f"{VIRTUAL}/acme/points"
    done = await client.put(url, json=DESCRIPTION, headers=administrator)
    assert (done.status_code, done.json()["changed"]) == (200, True)
    wrong = await client.put(url, json={"points": [{}]}, headers=administrator)
    assert (wrong.status_code, wrong.json()["code"]) == (400, "WIRE")
    listed = (await client.get(VIRTUAL, headers=administrator)).json()["items"]
    assert [one["points"] for one in listed] == [5]
    lines = await collector.db.read(lambda conn: audit.page(conn, 9))
    assert "VIRTUAL_GATEWAY_DESCRIBED" in {line.action for line in lines}


async def test_what_a_system_brought_is_told_of_it_alone(client, administrator, system):
    await system.post({"rows": [{"point": LEVEL, "time": STAMP, "value": 50}]})
    await system.post({"rows": [{"point": "no/such/point", "time": STAMP, "value": 1}]}, key="k2")
    taken = (await client.get(VIRTUAL, headers=administrator)).json()["items"][0]["taken"]
    assert (taken["accepted"], taken["quarantined"]) == (1, 1)
    assert sum(taken["reasons"].values()) == 1


async def test_a_description_names_what_is_wrong_in_it(system):
    point = {**DESCRIPTION["points"][0], "type": "double"}
    answer = await system.describe({**DESCRIPTION, "points": [point]})
    assert (answer.status_code, answer.json()["code"]) == (400, "WIRE")
    assert answer.json()["params"]["key"] == "type"
    nothing = await system.describe([])
    assert (nothing.status_code, nothing.json()["code"]) == (400, "DOOR_BODY")


async def test_a_description_may_not_speak_of_others_sites(system):
    theirs = json.loads(json.dumps(DESCRIPTION).replace(SITE, "qingyun"))
    answer = await system.describe(theirs)
    assert (answer.status_code, answer.json()["code"]) == (403, "SITE_FORBIDDEN")
    other = await system.describe(url=f"{VIRTUAL}/rival/manifest")
    assert (other.status_code, other.json()["code"]) == (403, "FORBIDDEN")


async def test_a_token_does_nothing_else(system, client):
    for method, path in (("GET", "/api/v1/latest"), ("GET", VIRTUAL), ("GET", "/api/v1/tokens")):
        answer = await client.request(method, path, headers=system.headers)
        assert answer.status_code == 403
    sent = await client.post("/api/v1/ingest/cursors", content=b"{}", headers=system.headers)
    assert sent.status_code == 403


async def test_nobody_else_comes_in(system, client, administrator, collector, clock):
    gateway = await People(collector.db, clock).token("gateway", gateway="gw-1")
    for headers, status in ((administrator, 403), (gateway, 403), ({}, 401)):
        more = {"Idempotency-Key": "k", "Content-Type": "application/json"}
        answer = await client.post(URL, content=json.dumps(one()), headers={**headers, **more})
        assert answer.status_code == status


async def test_a_revoked_token_is_refused_at_its_next_request(system, client, administrator):
    assert (await system.post(one())).status_code == 200
    url = f"/api/v1/tokens/{system.id}"
    assert (await client.delete(url, headers=administrator)).status_code == 204
    assert (await system.post(one(), "k2")).status_code == 401
    assert (await system.post(one(), "k1")).status_code == 401
    audit = (await client.get("/api/v1/audit", headers=administrator)).json()["items"]
    assert [line["action"] for line in audit] == [
        "TOKEN_REVOKED",
        "TOKEN_CREATED",
        "VIRTUAL_GATEWAY_CREATED",
    ]


async def test_a_virtual_gateway_gets_no_gateways_token(system, client, administrator):
    for name in ("acme", "bare"):
        asked = {"name": name, "sites": [SITE]}
        made = await client.post(VIRTUAL, json=asked, headers=administrator)
        assert made.status_code == (409 if name == "acme" else 201)
        again = await client.post("/api/v1/gateways", json={"name": name}, headers=administrator)
        assert (again.status_code, again.json()["code"]) == (409, "GATEWAY_EXISTS")


REFUSED = [
    (b"{", "k", "application/json", 400, "DOOR_BODY"),
    (b"[" * 100_000, "k", "application/json", 400, "DOOR_BODY"),
    (b'{"rows": [], "columns": {}}', "k", "application/json", 400, "DOOR_BODY"),
    (b'{"rows": [], "rows": []}', "k", "application/json", 400, "DOOR_BODY"),
    (b'{"rows": [' + b"9" * 5_000 + b"]}", "k", "application/json", 200, None),
    (b"\xff\xfe", "k", "application/json", 400, "DOOR_BODY"),
    (b'{"rows": []}', None, "application/json", 400, "DOOR_KEY"),
    (b'{"rows": []}', "a b", "application/json", 400, "DOOR_KEY"),
    (b'{"rows": []}', "k" * 129, "application/json", 400, "DOOR_KEY"),
    (b'{"rows": []}', "k", "text/plain", 415, "DOOR_TYPE"),
    (b'{"rows": []}', "k", None, 415, "DOOR_TYPE"),
    (b" " * (1 << 20) + b"{}", "k", "application/json", 413, "TOO_LARGE"),
    (b'{"rows": [' + b"1," * 10_000 + b"1]}", "k", "application/json", 413, "DOOR_TOO_MANY"),
    (b"point,value\n", "k", "text/csv", 400, "DOOR_BODY"),
    (b"point,time,value\n\xff", "k", "text/csv", 400, "DOOR_BODY"),
    (b"point,time,value\n", "k", "text/csv; charset=utf-16", 400, "DOOR_BODY"),
]


@pytest.mark.parametrize(("body", "key", "kind", "status", "code"), REFUSED)
async def test_what_cannot_be_read_is_refused_whole(system, body, key, kind, status, code):
    answer = await system.post(body, key, kind)
    assert (answer.status_code, answer.json().get("code")) == (status, code)


async def test_two_keys_are_none(system, client):
    headers = [*system.headers.items(), ("Content-Type", "application/json")]
    headers += [("Idempotency-Key", "k1"), ("Idempotency-Key", "k2")]
    answer = await client.post(URL, content=b'{"rows": []}', headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "DOOR_KEY")


async def test_bytes_of_any_encoding_name_no_compression(system, client):
    headers = {**system.headers, "Idempotency-Key": "k", "Content-Type": "application/json"}
    headers["Content-Encoding"] = "gzip"
    answer = await client.post(URL, content=b"x", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "DOOR_TYPE")


async def test_a_token_that_is_too_fast_waits(client, administrator, system, collector):
    clock = [0.0]
    collector.door.limits = Limits(lambda: clock[0])
    slow = await make_token(client, administrator, readings_per_minute=60, requests_per_minute=6)
    rows = {"rows": [_row(LEVEL, value) for value in range(120)]}
    assert (await slow.post(rows, "k1")).json()["accepted"] == 120
    answer = await slow.post(one(), "k2")
    assert (answer.status_code, answer.json()["code"]) == (429, "DOOR_RATE")
    assert int(answer.headers["retry-after"]) == 61
    assert (await slow.post(rows, "k1")).json()["duplicate"] is True
    clock[0] = 62.0
    assert (await slow.post(one(200), "k2")).json()["accepted"] == 1
    for _ in range(6):
        await slow.post(rows, "k1")
    assert (await slow.post(rows, "k1")).status_code == 429
    assert (await system.post(one(201), "k3")).status_code == 200


async def test_everything_is_counted(system, client, administrator):
    await system.post({"rows": [_row(LEVEL), _row("x"), _row(LEVEL)]}, "k1")
    await system.post({"rows": [_row(LEVEL), _row("x"), _row(LEVEL)]}, "k1")
    await system.post({"rows": [_row(LEVEL)]}, "k1")
    text = (await client.get("/metrics", headers=administrator)).text.splitlines()
    for line in (
        "fengsui_door_requests_total 4.0",
        "fengsui_door_duplicates_total 1.0",
        "fengsui_door_readings_total 1.0",
        "fengsui_door_known_total 1.0",
        'fengsui_door_quarantined_total{reason="UNKNOWN_POINT"} 1.0',
        'fengsui_door_refused_total{code="KEY_REUSED"} 1.0',
        "fengsui_door_under_way 0.0",
        'fengsui_gateway_online{gateway="acme"} 1.0',
        "fengsui_ingest_readings_total 1.0",
    ):
        assert line in text, line
    events = (await client.get("/api/v1/events", headers=administrator)).json()["items"]
    assert [(item["code"], item["subject"]) for item in events] == [("UNKNOWN_POINT", "acme")]


async def test_purpose_is_said_in_the_address(system):
    assert (await system.post(one(), url=f"{URL}?purpose=test")).status_code == 200
    answer = await system.post(one(), "k2", url=f"{URL}?purpose=play")
    assert (answer.status_code, answer.json()["code"]) == (400, "DOOR_BODY")


async def test_limits_of_a_token_and_a_gateway_have_bounds(client, administrator, system):
    for url, body in (
        (f"{VIRTUAL}/acme/tokens", {"name": "t", "readings_per_minute": 0}),
        (f"{VIRTUAL}/acme/tokens", {"name": "t", "requests_per_minute": 1e9}),
        (VIRTUAL, {"name": "b", "sites": []}),
        (VIRTUAL, {"name": "b", "sites": ["s"], "offline_after_s": 1}),
    ):
        assert (await client.post(url, json=body, headers=administrator)).status_code == 422


async def test_the_newest_time_is_that_of_the_data(system, collector):
    await system.post(one())
    assert collector.store.latest([LEVEL])[0].source_time == at()
