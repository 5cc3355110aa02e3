"""What people change: acknowledging, gateways, tokens; each act is in the audit."""

import pytest

from central.identity import audit
from central.identity.principal import Kind

ACK = "/api/v1/alarms/alarm-qingyun/acknowledge"


async def actions(db):
    lines = await db.read(lambda conn: audit.page(conn, 100))
    return [(line.actor, line.action, line.subject) for line in reversed(lines)]


@pytest.fixture
async def admin(people):
    return await people.session("administrator", name="admin")


async def test_acknowledging_says_who_and_when(client, people, db):
    ann = {**await people.session("operator", name="ann"), "Idempotency-Key": "ann-key-1"}
    answer = await client.post(ACK, json={"comment": "已派人"}, headers=ann)
    assert answer.json()["state"] == "ACKED"
    assert answer.json()["acknowledged"]["by"] == "ann"
    assert await actions(db) == [("ann", "ALARM_ACKNOWLEDGED", "alarm/alarm-qingyun")]
    again = await client.post(ACK, json={"comment": "已派人"}, headers=ann)
    assert again.status_code == 200
    assert len(await actions(db)) == 1


async def test_the_second_person_learns_who_was_first(client, people, clock):
    ann = {**await people.session("operator", name="ann"), "Idempotency-Key": "ann-key-1"}
    bob = {**await people.session("operator", name="bob"), "Idempotency-Key": "bob-key-1"}
    await client.post(ACK, json={}, headers=ann)
    answer = await client.post(ACK, json={}, headers=bob)
    assert (answer.status_code, answer.json()["code"]) == (409, "ALREADY_ACKNOWLEDGED")
    assert answer.json()["params"] == {"by": "ann", "at": "2026-05-29T04:26:40.000000+08:00"}


@pytest.mark.parametrize(
    ("body", "key"), [({}, None), ({}, "short"), ({"comment": "x" * 501}, "a-good-key")]
)
async def test_an_incomplete_acknowledgement_is_refused(client, people, body, key):
    headers = {**await people.session("operator"), **({"Idempotency-Key": key} if key else {})}
    assert (await client.post(ACK, json=body, headers=headers)).status_code == 422


async def test_a_new_gateway_gets_a_token_that_is_its_own(client, admin, db, collector):
    body = {"name": "gw-new", "label": {"zh": "新网关"}, "site": "qingyun"}
    body["credential"] = "token"
    answer = await client.post("/api/v1/gateways", json=body, headers=admin)
    assert answer.status_code == 201
    token = answer.json()["token"]
    bearer = {"Authorization": f"Bearer {token}"}
    sent = await client.post("/api/v1/ingest/health", content=b"{}", headers=bearer)
    assert sent.status_code == 200
    assert collector.ingest.calls == [("gw-new", b"{}")]
    assert await actions(db) == [("admin", "GATEWAY_CREATED", "gateway/gw-new")]
    again = await client.post("/api/v1/gateways", json=body, headers=admin)
    assert (again.status_code, again.json()["code"]) == (409, "GATEWAY_EXISTS")


async def test_a_new_gateway_gets_a_code_and_no_token(client, admin, db):
    body = {"name": "gw-new", "label": {"zh": "新网关"}, "site": "qingyun"}
    made = await client.post("/api/v1/gateways", json=body, headers=admin)
    assert made.status_code == 201
    assert (made.json()["token"], made.json()["code"]["gateway"]) == (None, "gw-new")
    assert made.json()["code"]["text"].startswith("FENGSUI1|http://collector|")
    assert await actions(db) == [
        ("admin", "GATEWAY_CREATED", "gateway/gw-new"),
        ("admin", "ENROLMENT_CODE_MADE", "gateway/gw-new"),
    ]
    taken = {**body, "name": "gw-qingyun"}
    again = await client.post("/api/v1/gateways", json=taken, headers=admin)
    assert (again.status_code, again.json()["code"]) == (409, "GATEWAY_EXISTS")


async def test_an_interrupted_creation_is_finished_by_the_next_try(client, admin, collector):
    await collector.registry.add_gateway("gw-half")
    answer = await client.post(
        "/api/v1/gateways", json={"name": "gw-half", "credential": "token"}, headers=admin
    )
    assert answer.status_code == 201


@pytest.mark.parametrize("name", ["", "GW", "a/b", "网关", "x" * 64, "-a", 5, None])
async def test_a_gateway_has_a_logical_name(client, admin, name):
    answer = await client.post("/api/v1/gateways", json={"name": name}, headers=admin)
    assert answer.status_code == 422


async def test_a_token_works_until_it_is_revoked(client, admin, db):
    body = {"name": "prometheus", "kind": "system", "roles": ["viewer"]}
    made = (await client.post("/api/v1/tokens", json=body, headers=admin)).json()
    bearer = {"Authorization": f"Bearer {made['token']}"}
    assert (await client.get("/metrics", headers=bearer)).status_code == 200
    listed = (await client.get("/api/v1/tokens", headers=admin)).json()["items"]
    assert [(item["id"], item["name"], item["revoked"]) for item in listed] == [
        (made["id"], "prometheus", None)
    ]
    assert made["token"] not in str(listed)
    gone = await client.delete(f"/api/v1/tokens/{made['id']}", headers=admin)
    assert gone.status_code == 204
    assert (await client.get("/metrics", headers=bearer)).status_code == 401
    assert [action for _, action, _ in await actions(db)] == ["TOKEN_CREATED", "TOKEN_REVOKED"]


async def test_a_persons_token_holds_no_role_the_person_lacks(client, admin):
    body = {"name": "mine", "kind": "person", "roles": ["administrator", "auditor"]}
    answer = await client.post("/api/v1/tokens", json=body, headers=admin)
    assert (answer.status_code, answer.json()["code"]) == (403, "ROLES_BEYOND_OWN")
    body["roles"] = ["administrator"]
    made = (await client.post("/api/v1/tokens", json=body, headers=admin)).json()
    who = await client.get("/api/v1/session", headers={"Authorization": f"Bearer {made['token']}"})
    assert who.json()["person"]["name"] == "admin"


async def test_a_token_may_see_some_sites_only(client, admin):
    body = {"name": "plant", "kind": "system", "roles": ["viewer"], "sites": ["qingyun"]}
    made = (await client.post("/api/v1/tokens", json=body, headers=admin)).json()
    bearer = {"Authorization": f"Bearer {made['token']}"}
    items = (await client.get("/api/v1/latest", headers=bearer)).json()["items"]
    assert len(items) == 1
    # Figures of all sites are not for one who sees some.
    assert (await client.get("/metrics", headers=bearer)).status_code == 403


@pytest.mark.parametrize("kind", [kind.value for kind in Kind if kind not in ("person", "system")])
async def test_other_kinds_of_token_are_not_made_here(client, admin, kind):
    body = {"name": "x", "kind": kind, "roles": ["viewer"]}
    assert (await client.post("/api/v1/tokens", json=body, headers=admin)).status_code == 422


async def test_the_audit_is_read_page_by_page(client, admin):
    for number in range(5):
        body = {"name": f"t{number}", "kind": "system", "roles": ["viewer"]}
        await client.post("/api/v1/tokens", json=body, headers=admin)
    found, cursor = [], ""
    while cursor is not None:
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = (await client.get("/api/v1/audit", headers=admin, params=query)).json()
        found += [line["id"] for line in page["items"]]
        cursor = page["next"]
    assert found == [5, 4, 3, 2, 1]


@pytest.mark.parametrize("cursor", ["0", "-1", "9" * 30, "x"])
async def test_a_cursor_of_the_audit_that_is_not_ours_is_refused(client, admin, cursor):
    answer = await client.get("/api/v1/audit", headers=admin, params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "INVALID")
