"""What means harm, over a real socket: the right status, nothing taken, an event and the audit.

The gateway's side of each (that it forgets nothing) is in tests/edge; the list of cases with both
sides is docs/decisions/024-guards.md.
"""

import asyncio
import zlib
from ipaddress import ip_network

import pytest

from central.api import body as body_module
from central.api.app import create_app
from central.api.cables import Cables
from central.api.server import Server, listen, settings
from central.commands.run import furnish
from central.guard import connections
from central.guard.buckets import Buckets
from central.guard.proxies import Proxies
from central.identity import audit
from central.identity.lockout import FREE_ADDRESS
from protocols.clock import SystemClock
from protocols.wire.bounds import INFLATED_BYTES, REQUEST_BYTES
from protocols.wire.headers import LANE, NONCE, content_digest
from tests.central.api.conftest import People
from tests.central.api.raw_line import RawLine, head
from tests.central.api.test_real_collector import Sender
from tests.central.builders import HandClock, open_collector
from tests.edge.waiting import eventually

NONCE_1 = "1" * 32


class Hand:
    def __init__(self):
        self.at = 1_000.0

    def __call__(self):
        return self.at


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def now():
    return Hand()


@pytest.fixture
async def collector(tmp_path, clock):
    made = await open_collector(tmp_path, clock)
    await made.registry.add_gateway("gw-1", "site", None)
    yield made
    await made.close()


@pytest.fixture
def rooms(collector, now):
    made = furnish(collector, Cables({}))
    made.guards.connections.now = now
    return made


@pytest.fixture
async def base(collector, rooms):
    server = Server(settings(create_app(rooms, with_demo=False)), rooms.hub.close)
    listener = listen("127.0.0.1", 0)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.stop()
    await asyncio.wait_for(serving, 60)


@pytest.fixture
async def token(collector):
    people = People(collector.db, SystemClock())
    return (await people.token("gateway", gateway="gw-1"))["Authorization"]


@pytest.fixture
async def sender(base, clock, token):
    uplink = Sender(base, clock, token.removeprefix("Bearer "))
    yield uplink
    await uplink.http.aclose()


@pytest.fixture
def told(collector, rooms):
    """Return the security events so far as (code, subject); each stands in the audit too."""

    async def ask():
        await rooms.guards.incidents.flush()
        page = await collector.events(kind="security")
        found = [(event.code, event.subject) for event in page.items]
        lines = await collector.db.read(lambda conn: audit.page(conn, 100))
        assert found == [(x.action, x.subject) for x in lines if x.actor == "collector"]
        assert (await collector.db.read(audit.verify)).broken is None
        return found

    return ask


async def ask(base, data):
    async with RawLine(base) as line:
        await line.send(data)
        return await line.hear()


def batches(sender, body=b"x"):
    return sender.http.post(
        f"/streams/{sender.stream.id}/batches", content=body, headers={NONCE: NONCE_1}
    )


# Who is speaking


async def test_a_replayed_request_changes_nothing(sender, collector, told):
    await sender.register()
    sender.seal(1.0)
    asked = sender.gateway.request(sender.stream)
    sender.gateway.request = lambda *_: asked
    for _ in range(3):
        status, answer = await sender.send()
        assert (status, answer.committed, answer.nonce) == (200, 1, asked.nonce)
    assert (collector.ingest.figures.duplicates, collector.ingest.figures.readings) == (2, 1)
    assert await told() == []  # a gateway that heard no answer does the same: counted only


async def test_the_same_numbers_with_other_data_keep_the_first(sender, told):
    await sender.register()
    sender.seal(1.0)
    await sender.send()
    first, sender.stream = sender.stream, sender.gateway.open()
    sender.stream.id, sender.stream.opening = first.id, first.opening
    sender.stream.number = first.number
    sender.seal(2.0)
    status, answer = await sender.send()
    assert (status, answer.committed) == (200, 1)
    assert await told() == [("STREAM_DIVERGES", f"gw-1/{sender.stream.id}")]


async def test_another_gateways_stream_is_refused(sender, base, clock, collector, told):
    await sender.register()
    sender.seal(1.0)
    await collector.registry.add_gateway("gw-2", "site", None)
    people = People(collector.db, SystemClock())
    sender.http.headers |= await people.token("gateway", gateway="gw-2")
    status, answer = await sender.send()
    assert (status, answer.code, answer.committed) == (403, "FORBIDDEN", 0)
    assert await told() == [("GATEWAY_OVERREACHES", "gw-2")]


@pytest.mark.parametrize("shown", ["fsg_" + "x" * 43, "", "not a token at all"])
async def test_a_wrong_token_is_refused_and_told(base, rooms, told, shown):
    field = f"Authorization: Bearer {shown}"
    heard = await ask(base, head("POST", "/api/v1/ingest/health", field, "Content-Length: 0"))
    assert (heard.status, heard.code) == (401, "UNAUTHENTICATED")
    assert await told() == [("PROOF_REFUSED", "127.0.0.1")]
    assert b'fengsui_refused_requests_total{code="UNAUTHENTICATED"} 1.0' in (
        await rooms.metrics.exposition()
    )


async def test_a_revoked_token_is_refused_at_the_next_request(sender, rooms, collector, told):
    await sender.register()
    await collector.db.write(
        lambda tables: tables.execute("UPDATE api_token SET revoked = 1 WHERE gateway = 'gw-1'")
    )
    rooms.desk.revoked()
    reply = await batches(sender)
    assert (reply.status_code, "committed" in reply.json()) == (401, False)
    assert await told() == [("PROOF_REFUSED", "127.0.0.1")]


async def test_a_storm_of_wrong_tokens_harms_no_gateway_beside_it(
    sender, base, told, rooms, monkeypatch
):
    monkeypatch.setattr(rooms.guards, "_strangers", Buckets(0.001, 20))
    wrong = head("POST", "/api/v1/ingest/health", "Authorization: Bearer x", "Content-Length: 0")
    statuses = []
    async with RawLine(base) as line:
        for _ in range(21):
            await line.send(wrong)
            heard = await line.hear()
            statuses.append(heard.status)
    assert statuses[0] == 401
    assert (heard.status, heard.code) == (429, "TOO_MANY")
    assert int(heard.headers["retry-after"]) >= 1
    assert await sender.register() == (200, 200)
    assert set(await told()) == {("PROOF_REFUSED", "127.0.0.1"), ("REQUESTS_TOO_MANY", "127.0.0.1")}


async def test_a_gateway_that_asks_in_a_circle_waits_and_the_next_does_not(
    sender, rooms, now, collector, told, monkeypatch
):
    monkeypatch.setattr(rooms.guards, "_machines", Buckets(0.001, 3))
    replies = [await sender.http.post("/health", content=b"{}") for _ in range(4)]
    assert [reply.status_code for reply in replies] == [200, 200, 200, 429]
    assert int(replies[-1].headers["retry-after"]) >= 1
    await collector.registry.add_gateway("gw-2", "site", None)
    people = People(collector.db, SystemClock())
    sender.http.headers |= await people.token("gateway", gateway="gw-2")
    assert (await sender.http.post("/health", content=b"{}")).status_code == 200
    assert await told() == [("REQUESTS_TOO_MANY", "gw-1")]


async def test_logins_of_one_address_are_counted(base, told, rooms, monkeypatch):
    monkeypatch.setattr(rooms.guards, "_logins", Buckets(0.001, 2))
    login = head("POST", "/api/v1/session/link", "Content-Length: 2") + b"{}"
    heard = [await ask(base, login) for _ in range(3)]
    assert [each.status for each in heard] == [422, 422, 429]
    assert (await ask(base, head("GET", "/healthz"))).status == 200
    assert await told() == [("REQUESTS_TOO_MANY", "127.0.0.1")]


# Bodies


async def test_an_oversized_body_is_refused_before_it_comes(sender, told, collector):
    reply = await batches(sender, bytes(REQUEST_BYTES + 1))
    assert (reply.status_code, reply.json()["code"], reply.json()["committed"]) == (
        413,
        "TOO_LARGE",
        0,
    )
    assert await told() == [("BODY_TOO_LARGE", "gw-1")]


async def test_a_bomb_is_refused_where_it_goes_off(sender, told, clock):
    await sender.register()
    sender.seal(1.0)
    body = zlib.compress(bytes(20 * INFLATED_BYTES), 9)
    fields = {"Content-Encoding": "deflate", "Content-Digest": content_digest(body)}
    asked = sender.gateway.request(sender.stream)
    fields |= {"Fengsui-Chain": asked.chain, "Fengsui-Clock": asked.clock, NONCE: asked.nonce}
    path = f"/streams/{sender.stream.id}/batches"
    reply = await sender.http.post(path, content=body, headers=fields)
    assert (reply.status_code, reply.json()["code"], reply.json()["committed"]) == (
        413,
        "TOO_LARGE",
        0,
    )
    assert await told() == [("BODY_BOMB", "gw-1")]


@pytest.mark.parametrize("lane", ["alarm", "live", "backfill"])
async def test_a_body_that_drips_gives_its_place_back(
    base, token, collector, told, monkeypatch, lane
):
    monkeypatch.setattr(body_module, "GRACE", 0.05)
    monkeypatch.setattr(body_module, "LOOK", 0.05)
    target = f"/api/v1/ingest/streams/{'2' * 32}/batches"
    fields = (f"Authorization: {token}", f"{LANE}: {lane}", f"{NONCE}: {NONCE_1}")
    async with RawLine(base) as line:
        await line.send(head("POST", target, *fields, "Content-Length: 900000") + b"abc")
        heard = await line.hear()
        assert (heard.status, heard.code, heard.json()["committed"]) == (408, "SLOW", 0)
        assert heard.headers["connection"] == "close"
        assert await line.ended()
    assert collector.ingest.figures.waiting[lane] == 0
    assert await told() == [("BODY_SLOW", "gw-1")]


async def test_a_persons_body_has_its_time_too(base, told, monkeypatch):
    monkeypatch.setattr(body_module, "GRACE", 0.05)
    async with RawLine(base) as line:
        await line.send(head("POST", "/api/v1/session", "Content-Length: 900") + b"{")
        heard = await line.hear()
        assert (heard.status, heard.code) == (408, "SLOW")
        assert await line.ended()
    assert await told() == [("BODY_SLOW", "127.0.0.1")]


async def test_a_body_that_is_cut_is_counted(base, token, rooms):
    async with RawLine(base) as line:
        fields = (f"Authorization: {token}", "Content-Length: 900")
        await line.send(head("POST", "/api/v1/ingest/health", *fields) + b"{")
        await eventually(lambda: any(not each.answered for each in rooms.guards.connections._all))
    await eventually(lambda: rooms.guards.refused["CUT"] == 1)
    assert len(rooms.guards.connections) == 0


# Paths


TRICKED = (
    "/api/v1/ingest%2fhealth",
    "/api/v1/ingest/../session",
    "/api/v1/%2e%2e/%2e%2e/etc/passwd",
    "//api/v1/session",
    "/api/v1/session%00",
    "/%c0%ae%c0%ae/etc/passwd",
    "/..\\..\\etc\\passwd",
)


async def test_a_path_with_a_second_meaning_is_refused(base, told, rooms):
    for target in TRICKED:
        heard = await ask(base, head("GET", target))
        assert (heard.status, heard.code) == (400, "TARGET_REFUSED"), target
        assert heard.headers["connection"] == "close"
    heard = await ask(base, head("GET", "/" + "a" * 9_000))
    assert (heard.status, heard.code) == (414, "TARGET_REFUSED")
    assert await told() == [("TARGET_TRICKED", "127.0.0.1")]
    assert rooms.guards.refused["TARGET_REFUSED"] == len(TRICKED) + 1


async def test_an_absolute_target_is_its_path(base, told):
    """As HTTP asks of every server: a proxy may send it so. What it names is judged the same."""
    assert (await ask(base, head("GET", "http://other/healthz"))).status == 200
    assert (await ask(base, head("GET", "http://other/api/v1/session"))).status == 401
    assert (await ask(base, head("GET", "http://other/api/../healthz"))).status == 400
    assert await told() == [("TARGET_TRICKED", "127.0.0.1")]


MALFORMED = (
    head("POST", "/healthz", "Content-Length: 3", "Transfer-Encoding: chunked") + b"0\r\n\r\n",
    head("POST", "/healthz", "Transfer-Encoding: chunked", "Content-Length: 3") + b"0\r\n\r\n",
    head("POST", "/healthz", "Content-Length: 3", "Content-Length: 4") + b"abcd",
    head("POST", "/healthz", "Content-Length: +3") + b"abc",
    head("POST", "/healthz", "Transfer-Encoding: chunked, identity") + b"abc",
    head("POST", "/healthz", "Transfer-Encoding : chunked") + b"0\r\n\r\n",
    head("POST", "/healthz", "Transfer-Encoding: chunked") + b"1 \r\nx\n0\r\n\r\n",
    b"GET /healthz HTTP/1.1\nHost: a\n\n",
    b"GET /healthz HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: a\r\nx\0y: b\r\n\r\n",
    b"CONNECT other:443 HTTP/1.1\r\nHost: other\r\n\r\n",
    b"GET\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40),
)


async def test_what_two_readers_would_read_differently_is_refused(base, told, rooms):
    for sent in MALFORMED:
        async with RawLine(base) as line:
            await line.send(sent)
            heard = await line.hear()
            # One whose header was in order is at work already: it is only broken off.
            assert heard is None or (heard.status, heard.code) == (400, "HTTP_MALFORMED"), sent
            assert await line.ended()
    assert await told() == [("HTTP_MALFORMED", "127.0.0.1")]
    assert rooms.guards.refused["HTTP_MALFORMED"] == len(MALFORMED)


async def test_a_trailer_says_nothing(base, token):
    """It comes after the request was judged: as a header it would give another's proof."""
    start = head("POST", "/api/v1/ingest/health", "Transfer-Encoding: chunked")
    async with RawLine(base) as line:
        await line.send(start + f"2\r\n{{}}\r\n0\r\nAuthorization: {token}\r\n\r\n".encode())
        assert (await line.hear()).status == 401


# Headers and silence


@pytest.mark.parametrize(
    "request_bytes",
    [
        head("GET", "/healthz", "X: " + "a" * 40_000),
        head("GET", "/healthz", *(f"X{number}: a" for number in range(150))),
        b"GET /healthz HTTP/1.1\r\n" + b"X: " + b"a" * 80_000,
        head("GET", "/healthz") * 200,
    ],
)
async def test_headers_have_a_bound(base, told, request_bytes):
    async with RawLine(base) as line:
        await line.send(request_bytes)
        while (heard := await line.hear()) is not None and heard.status == 200:
            pass
        assert heard is None or (heard.status, heard.code) == (431, "HEADERS_TOO_LARGE")
        assert await line.ended()
    assert await told() == [("HEADERS_TOO_LARGE", "127.0.0.1")]


@pytest.mark.parametrize("end", [b"0\r\nX: " + b"a" * 200_000, b"1;" + b"a" * 200_000])
async def test_what_wraps_a_body_has_a_bound(base, told, end):
    start = head("POST", "/api/v1/session", "Transfer-Encoding: chunked")
    async with RawLine(base) as line:
        await line.send(start + end)
        assert await line.ended()
    assert await told() == [("HTTP_MALFORMED", "127.0.0.1")]


@pytest.mark.parametrize("begun", [b"", b"G", b"GET /healthz HTTP/1.1\r\nHost: c\r\nX: a"])
async def test_a_header_that_does_not_come_loses_its_place(base, rooms, now, told, begun):
    async with RawLine(base) as line:
        await line.send(begun)
        await eventually(lambda: len(rooms.guards.connections) == 1)
        now.at += connections.HEADER_TIME + 1
        heard = await line.hear()
        assert (heard.status, heard.code) == (408, "HEADERS_SLOW")
        assert await line.ended()
    assert await told() == [("HEADERS_SLOW", "127.0.0.1")]


async def test_so_does_the_next_request_of_a_kept_connection(base, rooms, now):
    async with RawLine(base) as line:
        await line.send(head("GET", "/healthz"))
        assert (await line.hear()).status == 200
        now.at += connections.HEADER_TIME + 1  # idle is no fault
        await line.send(head("GET", "/healthz"))
        assert (await line.hear()).status == 200
        await line.send(b"\r\n")
        (connection,) = rooms.guards.connections._all
        await eventually(lambda: connection.stage is connections.Stage.HEAD)
        now.at += connections.HEADER_TIME + 1
        assert (await line.hear()).status == 408


async def test_a_body_sent_after_its_refusal_ends_too(base, rooms, now):
    async with RawLine(base) as line:
        fields = ("Authorization: Bearer x", "Content-Length: 900000")
        await line.send(head("POST", "/api/v1/ingest/health", *fields) + b"{")
        assert (await line.hear()).status == 401
        now.at += connections.DRAIN_TIME + 1
        assert await line.ended()
    assert rooms.guards.refused["DRAINED_SLOWLY"] == 1


async def test_who_proved_himself_keeps_his_connection_in_a_crowd(sender, base, rooms, now, told):
    await sender.register()
    watch = rooms.guards.connections
    watch._unproven = 5
    crowd = [RawLine(base) for _ in range(12)]
    for line in crowd:
        await line.__aenter__()
        now.at += 2
    await eventually(lambda: rooms.guards.refused["CONNECTIONS_TOO_MANY"] == 7)
    assert await sender.register() == (200, 200)
    assert len(watch) == 6
    assert await told() == [("CONNECTIONS_TOO_MANY", "127.0.0.1")]
    for line in crowd:
        await line.__aexit__()


async def test_the_page_can_ask_for_matters_of_security_alone(base, collector, rooms):
    people = People(collector.db, SystemClock())
    rooms.guards.incidents.note("BODY_SLOW", "10.0.0.9", address="10.0.0.9")
    await rooms.guards.incidents.flush()
    cookie = await people.session("operator")
    fields = [f"{name}: {value}" for name, value in cookie.items()]
    for question, count in (("kind=security", 1), ("code=BODY_SLOW", 1), ("kind=loss", 0)):
        heard = await ask(base, head("GET", f"/api/v1/events?{question}", *fields))
        assert (heard.status, len(heard.json()["items"])) == (200, count)


async def test_guessing_is_told_when_it_is_locked_with_all_its_attempts(
    base, told, collector, rooms, clock
):
    rooms.desk.clock = clock  # it stands still: the wait does not end
    content = b'{"code": "guess"}'
    fields = ("Content-Type: application/json", f"Content-Length: {len(content)}")
    line = head("POST", "/api/v1/session/link", *fields) + content
    statuses = [(await ask(base, line)).status for _ in range(FREE_ADDRESS)]
    assert statuses == [401] * FREE_ADDRESS
    assert await told() == [("LOGIN_GUESSED", "127.0.0.1")], "before anybody tries again"
    event = (await collector.events(kind="security")).items[0]
    assert event.params == {"address": "127.0.0.1", "count": FREE_ADDRESS}
    assert (await ask(base, line)).status == 429
    assert len(await told()) == 1, "further ones once a minute, with their number"


async def test_strangers_behind_a_trusted_proxy_are_counted_by_their_own_addresses(
    base, told, rooms, monkeypatch
):
    monkeypatch.setattr(rooms.guards, "_logins", Buckets(0.001, 2))

    async def login(address):
        fields = (f"X-Forwarded-For: 203.0.113.1, {address}", "Content-Length: 2")
        return (await ask(base, head("POST", "/api/v1/session/link", *fields) + b"{}")).status

    assert [await login("192.0.2.9") for _ in range(3)] == [422, 422, 429]
    assert await login("192.0.2.10") == 422, "another one behind the same proxy"
    assert await told() == [("REQUESTS_TOO_MANY", "192.0.2.9")]


async def test_the_connections_of_a_trusted_proxy_do_not_count_for_one_address(
    base, rooms, monkeypatch
):
    monkeypatch.setattr(rooms.guards.connections, "_unproven", 1)
    monkeypatch.setattr(connections, "YOUNG", -1.0)
    rooms.guards.proxies = Proxies([ip_network("127.0.0.0/8")])
    async with RawLine(base) as first, RawLine(base) as second:
        for line in (second, first):
            await line.send(head("GET", "/healthz"))
            assert (await line.hear()).status == 200
    assert rooms.guards.refused == {}
