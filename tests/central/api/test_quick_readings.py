"""Readings past the framework are answered as the framework's own way answers them."""

import json

import httpx2
import pytest
from fastapi import FastAPI

from central.api.app import create_app
from central.door.virtual import NewReadingsToken, make_token
from tests.central.api.conftest import People, furnish
from tests.central.builders import HandClock, open_collector
from tests.central.door.plant import LEVEL, NAME, PLENTY, Enterprise, at

URL = "/api/v1/readings"
COLUMNS = {"point": [LEVEL, "nowhere"], "time_us": [at(), at()], "value": [50, 1]}
GOOD = {"columns": COLUMNS}
HUGE = b'{"rows": [' + b" " * (1 << 20) + b"]}"
CASES = [
    (GOOD, {}, "", 200),
    (GOOD, {}, "?purpose=test", 200),
    (GOOD, {}, "?purpose=fun", 400),
    (b"{", {}, "", 400),
    (HUGE, {}, "", 413),
    (GOOD, {"Content-Type": "text/xml"}, "", 415),
    (GOOD, {"Content-Encoding": "gzip"}, "", 415),
    (GOOD, {"Idempotency-Key": "two words"}, "", 400),
    (GOOD, {"Authorization": "Bearer nobody"}, "", 401),
    (GOOD, {"Authorization": ""}, "", 401),
    ({"columns": {**COLUMNS, "manifest": "x"}}, {}, "", 409),
]
DIFFER = ("request", "stream", "accepted", "known")


@pytest.fixture
async def served(tmp_path):
    clock = HandClock()
    collector = await open_collector(tmp_path, clock)
    app = create_app(furnish(collector, clock), with_demo=False, dist=tmp_path / "dist")
    yield app, collector, clock
    await collector.close()


def caller(way):
    transport = httpx2.ASGITransport(way, raise_app_exceptions=False, client=("10.0.0.1", 5))
    return httpx2.AsyncClient(transport=transport, base_url="http://collector")


async def test_both_ways_answer_alike(served):
    app, collector, _ = served
    await Enterprise(collector).begin()
    wanted = NewReadingsToken(gateway=NAME, name="t", allowance=PLENTY, by="ann")
    _, secret = await collector.db.write(lambda tables: make_token(tables, wanted, 1))
    ways = {"quick": app, "slow": lambda *asgi: FastAPI.__call__(app, *asgi)}
    for nth, (body, fields, query, status) in enumerate(CASES):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        answers = []
        for name, way in ways.items():
            said = {"Content-Type": "application/json", "Idempotency-Key": f"{name}-{nth}"}
            said |= {"Authorization": f"Bearer {secret}", **fields}
            async with caller(way) as client:
                answer = await client.post(URL + query, content=content, headers=said)
            held, shown = answer.json(), dict(answer.headers)
            held |= dict.fromkeys(DIFFER)
            shown |= dict.fromkeys(("x-request-id", "content-length"))
            answers.append((answer.status_code, held, shown))
        assert answers[0] == answers[1]
        assert answers[0][0] == status


async def test_who_may_not_is_told_so(served):
    app, collector, clock = served
    headers = await People(collector.db, clock).session("administrator")
    async with caller(app) as client:
        answer = await client.post(URL, json=GOOD, headers={**headers, "Idempotency-Key": "k"})
        assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")
        assert answer.headers["x-frame-options"] == "DENY"
        assert (await client.get(URL)).status_code != 200
