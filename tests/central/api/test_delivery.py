"""What gateways deliver reaches the collector unchanged, under the gateway's own name."""

import pytest

from central.effects import CollectorEvent, Effects
from central.guidance.guidance import Guidance
from protocols.errors import IngestError
from protocols.wire.answer import parse_answer
from protocols.wire.cursors import Cursor, encode_question, parse_cursors
from protocols.wire.headers import CHAIN, CLOCK, CONTENT_DIGEST, LANE, NONCE
from tests.central.api.fake_collector import gap

STREAM, NONCE_SENT = "a" * 32, "b" * 32
URL = f"/api/v1/ingest/streams/{STREAM}/batches"
SAID = {
    CHAIN: "seq=1;h=00",
    CLOCK: "boot=0",
    LANE: "alarm",
    NONCE: NONCE_SENT,
    CONTENT_DIGEST: "sha-256=:x:",
    "Content-Encoding": "zstd",
}


@pytest.fixture
async def gateway(people):
    return {**await people.token("gateway", gateway="gw-qingyun"), **SAID}


async def test_bytes_and_headers_arrive_as_they_were(client, gateway, collector):
    body = bytes(range(256)) * 16
    answer = await client.post(URL, content=body, headers=gateway)
    found = parse_answer(answer.content, STREAM, NONCE_SENT)
    assert (answer.status_code, found.committed, found.code) == (200, 10, None)
    name, stream, request = collector.ingest.calls[0]
    assert (name, stream) == ("gw-qingyun", STREAM)
    assert (request.body, request.encoding, request.lane) == (body, "zstd", "alarm")
    assert (request.chain, request.clock) == (SAID[CHAIN], SAID[CLOCK])
    assert (request.content_digest, request.nonce) == (SAID[CONTENT_DIGEST], NONCE_SENT)


async def test_an_answer_hints_at_rules_that_changed(client, gateway, monkeypatch):
    quiet = await client.post(URL, content=b"x", headers=gateway)
    assert "fengsui-rules" not in quiet.headers
    monkeypatch.setattr(Guidance, "news", lambda _, name: f"news.{name}")
    other = {**gateway, NONCE: "c" * 32}
    answer = await client.post(URL, content=b"x", headers=other)
    assert (answer.status_code, answer.headers["fengsui-rules"]) == (200, "news.gw-qingyun")
    assert parse_answer(answer.content, STREAM, other[NONCE]).committed == 10


async def test_a_gap_says_what_is_expected(client, gateway, collector):
    collector.ingest.refusal = gap(7)
    collector.ingest.refusal.safe = 4
    answer = await client.post(URL, content=b"x", headers=gateway)
    found = parse_answer(answer.content, STREAM, NONCE_SENT)
    assert (answer.status_code, found.code, found.expected) == (409, "GAP", 7)
    assert (found.committed, found.safe) == (6, 4)


async def test_a_full_house_asks_to_wait(client, gateway, collector):
    collector.ingest.refusal = IngestError("BUSY", 503, retry_after_ms=1500, lane="live")
    answer = await client.post(URL, content=b"x", headers=gateway)
    found = parse_answer(answer.content, STREAM, NONCE_SENT)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert (found.retry_after_ms, found.committed) == (1500, 0)


async def test_without_a_nonce_a_refusal_is_no_answer(client, gateway, collector):
    collector.ingest.refusal = IngestError("WIRE", 400, reason="x")
    answer = await client.post(URL, content=b"x", headers={**gateway, NONCE: "no"})
    assert (answer.status_code, answer.json()["code"]) == (400, "WIRE")
    assert "committed" not in answer.json()


async def test_the_rest_of_the_wire_is_handed_on_too(client, gateway, collector):
    manifest = await client.put("/api/v1/ingest/manifests/d1", content=b"m", headers=gateway)
    opening = await client.put(f"/api/v1/ingest/streams/{STREAM}", content=b"o", headers=gateway)
    health = await client.post("/api/v1/ingest/health", content=b"{}", headers=gateway)
    assert [manifest.status_code, opening.status_code, health.status_code] == [200, 200, 200]
    assert collector.ingest.calls == [
        ("gw-qingyun", "d1", b"m", "zstd"),
        ("gw-qingyun", STREAM, b"o"),
        ("gw-qingyun", b"{}"),
    ]


async def test_a_gateway_asks_how_far_its_streams_are(client, gateway, collector):
    question = encode_question([STREAM])
    answer = await client.post("/api/v1/ingest/cursors", content=question, headers=gateway)
    said = parse_cursors(answer.content, gateway[NONCE], [STREAM])
    assert said.streams == {STREAM: Cursor(10, 7)}
    assert collector.ingest.calls == [("gw-qingyun", question, gateway[NONCE])]


async def test_deliveries_are_measured(client, gateway, people, collector):
    await client.post(URL, content=b"xyz", headers=gateway)
    collector.ingest.refusal = gap(7)
    await client.post(URL, content=b"xyz", headers={**gateway, LANE: "elsewhere"})
    collector.ingest.figures.readings = 1234
    collector.ingest.figures.refused["GAP"] = 5
    text = (await client.get("/metrics", headers=await people.session("viewer"))).text
    for line in (
        'fengsui_ingest_requests_total{lane="alarm"} 1.0',
        'fengsui_ingest_requests_total{lane="unknown"} 1.0',
        'fengsui_ingest_refused_total{code="GAP"} 5.0',
        "fengsui_ingest_bytes_total 6.0",
        "fengsui_ingest_readings_total 1234.0",
        'fengsui_gateway_online{gateway="gw-qingyun"} 1.0',
        'fengsui_gateway_backlog_readings{gateway="gw-qingyun"} 7.0',
        'fengsui_gateway_buffer_bytes{gateway="gw-qingyun"} 4096.0',
        'fengsui_gateway_buffer_hours_left{gateway="gw-qingyun"} 12.5',
        'fengsui_gateway_buffer_medium_ok{gateway="gw-qingyun"} 0.0',
        'fengsui_gateway_drops_total{gateway="gw-qingyun",reason="quota"} 3.0',
        "fengsui_sessions 1.0",
        "fengsui_stream_clients 0.0",
    ):
        assert line in text.splitlines()


async def test_codes_that_gateways_invent_share_one_label(rooms, client, people):
    made = [
        CollectorEvent(id=n, time=0, kind="fault", code=f"X{n}", subject="gw") for n in range(99)
    ]
    known = CollectorEvent(id=100, time=0, kind="fault", code="GATEWAY_OFFLINE", subject="gw")
    rooms.metrics.listen(Effects(events=[*made, known]))
    text = (await client.get("/metrics", headers=await people.session("viewer"))).text
    lines = [line for line in text.splitlines() if line.startswith("fengsui_events_total")]
    assert sorted(lines) == [
        'fengsui_events_total{code="GATEWAY_OFFLINE",kind="fault"} 1.0',
        'fengsui_events_total{code="OTHER",kind="fault"} 99.0',
    ]
