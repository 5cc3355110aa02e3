"""Ids, limits, headers and the one shape of every error."""

import contextlib
import logging
import sqlite3

import pytest

from central.api.headers import JSON_LIMIT
from central.health import HEALTH_BYTES

CSP = "default-src 'none'"


async def chunks(total, size=65536):
    while total > 0:
        yield b" " * min(size, total)
        total -= size


@pytest.mark.parametrize("path", ["/", "/healthz", "/api/v1/session", "/none", "/api/v1/none"])
async def test_every_answer_carries_the_headers_and_its_own_id(client, path):
    first, second = await client.get(path), await client.get(path)
    for answer in (first, second):
        assert answer.headers["content-security-policy"].startswith(CSP)
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert "strict-transport-security" not in first.headers
    secure = await client.get(f"https://collector{path}")
    assert "strict-transport-security" in secure.headers


async def test_an_error_carries_the_id_of_its_answer(client):
    answer = await client.get("/api/v1/session")
    assert answer.json() == {
        "code": "UNAUTHENTICATED",
        "params": {},
        "request": answer.headers["x-request-id"],
    }
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_unknown_paths_and_methods_have_the_same_shape(client):
    missing = await client.get("/api/v1/none")
    wrong = await client.put("/api/v1/overview")
    assert (missing.status_code, missing.json()["code"]) == (404, "NOT_FOUND")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "METHOD_NOT_ALLOWED")


@pytest.mark.parametrize(
    ("path", "limit"),
    [("/api/v1/session", JSON_LIMIT), ("/api/v1/ingest/health", HEALTH_BYTES)],
)
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_beyond_its_limit_is_refused(client, people, path, limit, chunked):
    headers = await people.token("gateway", gateway="gw-qingyun")
    headers["Content-Type"] = "application/json"

    async def post(size):
        content = chunks(size) if chunked else b" " * size
        return await client.post(path, content=content, headers=headers)

    within, beyond = await post(limit), await post(limit + 1)
    assert within.status_code != 413
    assert beyond.status_code == 413
    assert beyond.json()["code"] == "TOO_LARGE"
    assert beyond.json()["params"]["limit"] == limit
    assert beyond.json()["params"]["size"] > limit
    assert beyond.headers["content-security-policy"].startswith(CSP)


async def test_a_gateway_is_sent_no_byte_that_is_for_browsers(client, people):
    headers = await people.token("gateway", gateway="gw-qingyun")
    taken = await client.post("/api/v1/ingest/health", content=b"{}", headers=headers)
    assert taken.status_code == 200
    assert set(taken.headers) == {"content-length", "fengsui-rules"}


async def test_an_unexpected_error_is_told_without_a_trace(client, people, collector, caplog):
    def broken(site=None):
        raise LookupError("the secret inside")

    collector.registry.points = broken
    headers = await people.session("viewer")
    with caplog.at_level(logging.CRITICAL):
        answer = await client.get("/api/v1/points", headers=headers)
    assert answer.status_code == 500
    assert answer.json() == {
        "code": "INTERNAL",
        "params": {},
        "request": answer.headers["x-request-id"],
    }
    assert answer.headers["content-security-policy"].startswith(CSP)


async def test_a_database_that_fails_is_a_503_and_unhealthy(client, db):
    async def broken(work):
        raise sqlite3.OperationalError("disk I/O error")

    db.glance = broken
    answer = await client.get("/healthz")
    assert (answer.status_code, answer.json()["code"]) == (503, "STORE_UNAVAILABLE")
    assert answer.headers["retry-after"] == "5"


async def test_health_is_open_and_says_nothing_else(client):
    answer = await client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_garbage_is_not_an_internal_error(client, people):
    headers = await people.session("administrator")
    headers["Content-Type"] = "application/json"
    for content in (b"", b"{", b"[]", b"\xff\xfe", b"null", b'"x"', b"1e999"):
        answer = await client.post("/api/v1/gateways", content=content, headers=headers)
        assert answer.status_code == 422, content


async def test_a_request_that_is_cut_leaves_no_traceback(app, people, caplog):
    headers = await people.token("gateway", gateway="gw-qingyun")
    messages = [
        {"type": "http.request", "body": b"abc", "more_body": True},
        {"type": "http.disconnect"},
    ]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/v1/ingest/health",
        "query_string": b"",
        "scheme": "http",
        "headers": [(b"authorization", headers["Authorization"].encode())],
    }

    async def receive():
        return messages.pop(0)

    async def send(_):
        pass

    await app(scope, receive, send)
    assert not messages
    assert not [record for record in caplog.records if record.exc_info]


async def test_a_database_that_cannot_be_written_is_unhealthy(client, db, impatient):
    with contextlib.closing(sqlite3.connect(db.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError):
            await db.write(lambda tables: tables.conn.execute("DELETE FROM session"))
        assert (await client.get("/healthz")).status_code == 503
    await db.write(lambda tables: tables.conn.execute("DELETE FROM session"))
    assert (await client.get("/healthz")).status_code == 200
