"""Bodies of gateways' requests: bombs, too much, too slow, in pieces; none is held."""

import asyncio
import json
import zlib

import httpx2
import pytest
import zstandard

from central.api import body as body_module
from central.api.app import create_app
from central.ingest.request import prepare
from protocols.errors import IngestError
from protocols.wire.bounds import INFLATED_BYTES, RECORD_BYTES, REQUEST_BYTES
from protocols.wire.headers import LANE, NONCE, content_digest
from tests.central.api.conftest import People
from tests.central.api.conftest import furnish as furnish_rooms
from tests.central.builders import HandClock, open_collector
from tests.central.identity.hands import HandClock as DeskClock

NONCE_1 = "1" * 32
STREAM = "2" * 32


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
async def collector(tmp_path, clock):
    made = await open_collector(tmp_path, clock)
    await made.registry.add_gateway("gw")
    yield made
    await made.close()


def zeros(size):
    return bytes(size)


BOMBS = {
    "deflate": ("deflate", lambda: zlib.compress(zeros(20 * INFLATED_BYTES), 9)),
    "zstd": ("zstd", lambda: zstandard.ZstdCompressor(19).compress(zeros(20 * INFLATED_BYTES))),
}


@pytest.mark.parametrize("bomb", BOMBS)
async def test_a_bomb_is_refused_where_it_goes_off(collector, gateway, stream, bomb):
    encoding, made = BOMBS[bomb]
    body = made()
    assert len(body) <= REQUEST_BYTES
    gateway.seal(stream, gateway.reading("level", 1.0))
    asked = gateway.request(
        stream, body=body, encoding=encoding, content_digest=content_digest(body)
    )
    with pytest.raises(IngestError) as refusal:
        prepare(asked)
    assert (refusal.value.code, refusal.value.status) == ("TOO_LARGE", 413)
    assert refusal.value.params["limit"] == INFLATED_BYTES


async def test_a_frame_that_hides_its_size_is_refused(gateway, stream, collector):
    engine = zstandard.ZstdCompressor().compressobj()
    body = engine.compress(zeros(INFLATED_BYTES * 2)) + engine.flush()
    gateway.seal(stream, gateway.reading("level", 1.0))
    asked = gateway.request(stream, body=body, encoding="zstd", content_digest=content_digest(body))
    with pytest.raises(IngestError) as refusal:
        prepare(asked)
    assert (refusal.value.code, refusal.value.status) == ("WIRE", 400)


@pytest.fixture
async def site(collector):
    """The collector's own application, a token of its gateway, and a client."""
    clock = DeskClock()
    rooms = furnish_rooms(collector, clock)
    headers = await People(collector.db, clock).token("gateway", gateway="gw")
    app = create_app(rooms, with_demo=False)
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://collector", headers=headers
    ) as client:
        yield app, client, headers


async def pieces(size, piece=64 * 1024):
    for _ in range(-(-size // piece)):
        yield bytes(piece)


@pytest.mark.parametrize("lane", ["alarm", "live", "backfill"])
async def test_more_than_a_request_in_chunks_is_refused(site, collector, lane):
    _, client, _ = site
    said = {LANE: lane, NONCE: NONCE_1}
    reply = await client.post(
        f"/api/v1/ingest/streams/{STREAM}/batches", content=pieces(2 * REQUEST_BYTES), headers=said
    )
    assert (reply.status_code, reply.json()["code"]) == (413, "TOO_LARGE")
    assert collector.ingest.figures.waiting[lane] == 0


async def test_an_opening_has_a_bound_of_its_own(site):
    _, client, _ = site
    reply = await client.put(f"/api/v1/ingest/streams/{STREAM}", content=bytes(RECORD_BYTES + 1))
    assert (reply.status_code, reply.json()["code"]) == (413, "TOO_LARGE")
    assert reply.json()["params"]["limit"] == RECORD_BYTES


async def test_a_body_that_stops_coming_is_broken_off(site, collector, monkeypatch):
    monkeypatch.setattr(body_module, "SILENCE", 0.01)
    app, _, headers = site
    sent, never = [], asyncio.Event()
    came = [{"type": "http.request", "body": b"abc", "more_body": True}]

    async def receive():
        if not came:
            await never.wait()
        return came.pop()

    async def send(message):
        sent.append(message)

    fields = {**headers, LANE: "backfill", NONCE: NONCE_1, "content-length": "900"}
    scope = {
        "type": "http",
        "method": "POST",
        "path": f"/api/v1/ingest/streams/{STREAM}/batches",
        "raw_path": b"",
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "http_version": "1.1",
        "client": ("127.0.0.1", 1),
        "server": ("collector", 80),
        "headers": [(name.lower().encode(), value.encode()) for name, value in fields.items()],
    }
    async with asyncio.timeout(60):
        await app(scope, receive, send)
    assert sent[0]["status"] == 408
    answer = json.loads(b"".join(part.get("body", b"") for part in sent[1:]))
    assert (answer["code"], answer["committed"], answer["nonce"]) == ("SLOW", 0, NONCE_1)
    assert collector.ingest.figures.waiting["backfill"] == 0
    assert collector.ingest.figures.refused["SLOW"] == 1


async def test_what_is_refused_by_its_lane_is_not_received(site, collector, monkeypatch):
    """Backfill that does not fit is told so before a byte of it was asked for."""
    collector.ingest.figures.waiting["live"] = 1_000
    _, client, _ = site
    asked = []

    async def body():
        asked.append(1)
        yield b"x"

    said = {LANE: "backfill", NONCE: NONCE_1}
    reply = await client.post(
        f"/api/v1/ingest/streams/{STREAM}/batches", content=body(), headers=said
    )
    assert (reply.status_code, reply.json()["code"]) == (503, "BUSY")
    assert int(reply.headers["retry-after"]) >= 2
    assert "nonce" not in reply.json()  # told at the door, before anything was looked at
    put = await client.put(f"/api/v1/ingest/streams/{STREAM}", content=b"{}")
    assert put.status_code == 503
    urgent = await client.put(
        f"/api/v1/ingest/streams/{STREAM}", content=b"{}", headers={LANE: "alarm"}
    )
    assert urgent.status_code == 400


async def test_every_refusal_of_a_body_is_counted(site, collector):
    _, client, _ = site
    for path in ("cursors", "health", f"streams/{STREAM}/batches"):
        for content in (pieces(2 * REQUEST_BYTES), bytes(REQUEST_BYTES + 1)):
            reply = await client.post(
                f"/api/v1/ingest/{path}", content=content, headers={NONCE: NONCE_1}
            )
            assert (reply.status_code, reply.json()["code"]) == (413, "TOO_LARGE")
    assert reply.json()["nonce"] == NONCE_1
    assert collector.ingest.figures.refused["TOO_LARGE"] == 6


async def test_what_has_no_answers_shape_asks_for_the_same_wait(site, collector, monkeypatch):
    """An opening is refused as long as its error says: not all come back after a second."""
    _, client, _ = site

    async def busy(*_):
        raise IngestError("BUSY", 503, retry_after_ms=6_100, lane="live")

    monkeypatch.setattr(collector.ingest, "put_stream", busy)
    reply = await client.put(f"/api/v1/ingest/streams/{STREAM}", content=b"{}")
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "7")
