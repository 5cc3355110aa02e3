"""Every route asks for a permission, and every role gets exactly what the table says."""

import pytest
from fastapi import APIRouter, FastAPI, Request, Response

from central.api.access import OPEN, bare_routes, every_route, permission_of
from central.api.app import create_app
from central.api.machine_route import MachineRoute
from central.identity.roles import Permission, Role
from tests.central.api.fake_collector import RULE, episode

R, A = ("viewer", "operator", "engineer", "administrator", "auditor", "enterprise"), ()
OPERATE = ("operator", "engineer", "administrator")
APPROVE = ("engineer", "administrator")
METRICS = ("viewer", "operator", "engineer", "administrator", "auditor")
KEYS = "/api/v1/enrolment/gateways/gw-qingyun"
ALARM = "/api/v1/alarms/alarm-qingyun"
POINT = "/api/v1/points/qingyun/gw-qingyun/device/level"
SPAN = "?from=2026-06-12T22:00:00%2B08:00&to=2026-06-12T23:00:00%2B08:00"
RULE_QUESTION = {"boot": "b" * 32, "have": {"acts": "0" * 64, "rules": "0" * 64}, "want": None}
STREAM = "/api/v1/ingest/streams/" + "a" * 32
POINT_ID = POINT.removeprefix("/api/v1/points/")
AT = "2026-06-12T22:00:00%2B08:00"
HOUR = {"from": "2026-06-12T22:00:00+08:00", "to": "2026-06-12T23:00:00+08:00"}
PERIODS = {"points": [POINT_ID], "kind": "hour", "zone": "Asia/Shanghai", **HOUR}
FILING = {"site": "qingyun", "category": "maintenance", "reason": "检修", **HOUR}
FAULT = {"category": "network", "reason": "专线中断", **HOUR}
KEEPERS = ("engineer", "administrator")
LEVELS = [{"name": "H"}]
ENDING = {"reason": "停用"}
ATTACHMENT = {"rule": "none", "scope": "site", "at": "qingyun", "reason": "试点"}
FIGURE = {"name": "x", "scope": "site", "at": "qingyun", "value": 1, "unit": "m", "reason": "核定"}
RULE_PATH = "/api/v1/rules/{rule}"
VERSIONED = {"version": 1, "reason": "核定"}
RULE_ROWS = [
    ("GET", "/api/v1/threshold-sets", None, None, 200, R),
    ("GET", "/api/v1/rules", None, None, 200, R),
    ("GET", RULE_PATH, "/api/v1/rules/none", None, 404, R),
    (
        "GET",
        "/api/v1/points/{site}/{gateway}/{device}/{point}/rules",
        f"{POINT}/rules",
        None,
        404,
        R,
    ),
    ("POST", "/api/v1/rules", None, {"rule": {}, "reason": "新建"}, 422, KEEPERS),
    ("POST", "/api/v1/rules/trial", None, {"rule": {}, "scope": "site", "at": "s"}, 422, KEEPERS),
    ("GET", "/api/v1/profiles", None, None, 200, R),
    ("PUT", RULE_PATH, "/api/v1/rules/none", {"rule": {}, **VERSIONED}, 404, KEEPERS),
    *(
        ("POST", f"{RULE_PATH}/{act}", f"/api/v1/rules/none/{act}", body, 404, KEEPERS)
        for act, body in (("confirm", {"levels": LEVELS, **VERSIONED}), ("retire", VERSIONED))
    ),
    ("GET", "/api/v1/attachments", None, None, 200, R),
    ("POST", "/api/v1/attachments", None, ATTACHMENT, 404, KEEPERS),
    ("GET", "/api/v1/rule-file", None, None, 200, METRICS),  # whoever sees everything
    ("POST", "/api/v1/rule-file", None, None, 422, KEEPERS),
    ("GET", "/api/v1/named-levels", None, None, 200, R),
    ("POST", "/api/v1/named-levels", None, FIGURE, 422, KEEPERS),
    *(
        ("POST", f"/api/v1/{what}/{{number}}/end", f"/api/v1/{what}/9/end", ENDING, 404, KEEPERS)
        for what in ("attachments", "named-levels")
    ),
]
EXEMPTION_ACTS = [
    ("POST", f"/api/v1/{what}/{{number}}/{act}", f"/api/v1/{what}/9/{act}", body, 404, KEEPERS)
    for what in ("filings", "platform-faults")
    for act, body in (("end", {"at": HOUR["to"]}), ("withdraw", None))
]

OVERLAY = {"rule": RULE, "act": "shelve", "reason": "检修", "seconds": 60}
ALARM_ACTS = [
    ("POST", f"/api/v1/alarms/{{alarm}}/{act}", f"{ALARM}/{act}", body, 200, roles)
    for act, body, roles in (
        ("acknowledge", {}, OPERATE),
        ("reset", {}, OPERATE),
        ("verify", {"result": "real"}, OPERATE),
        ("comment", {"text": "已到现场"}, OPERATE),
        ("shelve", {"seconds": 60, "reason": "检修"}, OPERATE),
        ("unshelve", {"reason": "检修"}, OPERATE),
        ("suppress", {"reason": "检修"}, APPROVE),
        ("unsuppress", {"reason": "检修"}, APPROVE),
        ("out-of-service", {"reason": "检修", "permit": "DH-7"}, APPROVE),
        ("in-service", {"reason": "检修"}, APPROVE),
    )
]
REQUESTS = "/api/v1/alarms/shelf-requests"
SHELF_ACTS = [
    ("POST", f"{REQUESTS}/{{number}}/{act}", f"{REQUESTS}/9/{act}", None, 404, OPERATE)
    for act in ("confirm", "refuse")
]
ASIDE = "/api/v1/store/set-aside"
ADMIN = ("administrator",)

# (method, route, url, body, status for whom it is allowed, roles)
TABLE = [
    ("GET", "/api/v1/session", None, None, 200, R),
    ("DELETE", "/api/v1/session", None, None, 204, R),
    ("GET", "/api/v1/overview", None, None, 200, R),
    ("GET", "/api/v1/gateways", None, None, 200, R),
    ("GET", "/api/v1/gateways/{gateway}/rules", "/api/v1/gateways/none/rules", None, 404, R),
    ("POST", "/api/v1/gateways", None, {"name": "gw-new"}, 201, ("administrator",)),
    ("GET", "/api/v1/enrolment", None, None, 200, R),
    ("POST", "/api/v1/enrolment/codes", None, {"gateway": "gw-late"}, 201, ("administrator",)),
    (
        "DELETE",
        "/api/v1/enrolment/codes/{number}",
        "/api/v1/enrolment/codes/9",
        None,
        404,
        ("administrator",),
    ),
    (
        "POST",
        "/api/v1/enrolment/gateways/{gateway}/approve",
        f"{KEYS}/approve",
        {"answer": "123456"},
        409,
        APPROVE,
    ),
    ("POST", "/api/v1/enrolment/gateways/{gateway}/refuse", f"{KEYS}/refuse", {}, 409, APPROVE),
    (
        "POST",
        "/api/v1/enrolment/gateways/{gateway}/revoke",
        f"{KEYS}/revoke",
        None,
        409,
        ("administrator",),
    ),
    ("GET", "/api/v1/points", None, None, 200, R),
    ("GET", "/api/v1/latest", None, None, 200, R),
    (
        "GET",
        "/api/v1/points/{site}/{gateway}/{device}/{point}/readings",
        f"{POINT}/readings{SPAN}",
        None,
        200,
        R,
    ),
    (
        "GET",
        "/api/v1/points/{site}/{gateway}/{device}/{point}/buckets",
        f"{POINT}/buckets{SPAN}",
        None,
        200,
        R,
    ),
    ("GET", "/api/v1/export", f"/api/v1/export{SPAN}&site=nowhere", None, 404, R),
    ("POST", "/api/v1/latest", None, {"points": [POINT_ID]}, 200, R),
    ("POST", "/api/v1/periods", None, PERIODS, 200, R),
    ("POST", "/api/v1/deliveries", None, {"points": [POINT_ID], **HOUR}, 200, R),
    ("GET", "/api/v1/counts", f"/api/v1/counts{SPAN}", None, 200, R),
    ("GET", "/api/v1/state", f"/api/v1/state?site=qingyun&at={AT}", None, 200, R),
    ("POST", "/api/v1/state", None, {"points": [POINT_ID], "at": HOUR["to"]}, 200, R),
    ("GET", "/api/v1/holidays", None, None, 200, R),
    ("GET", "/api/v1/filings", None, None, 200, R),
    ("POST", "/api/v1/filings", None, FILING, 201, KEEPERS),
    *EXEMPTION_ACTS,
    *RULE_ROWS,
    ("GET", "/api/v1/platform-faults", None, None, 200, R),
    ("POST", "/api/v1/platform-faults", None, FAULT, 201, KEEPERS),
    ("GET", "/api/v1/store/keeping", None, None, 200, R),
    ("GET", "/api/v1/store/removed", None, None, 200, R),
    ("GET", ASIDE, None, None, 200, METRICS),  # whoever sees everything
    ("POST", f"{ASIDE}/{{number}}/rebuild", f"{ASIDE}/9/rebuild", None, 404, ADMIN),
    ("POST", f"{ASIDE}/{{number}}/dismiss", f"{ASIDE}/9/dismiss", {"reason": "x"}, 404, ADMIN),
    ("GET", "/api/v1/backups", None, None, 200, R),
    ("GET", "/api/v1/alarms", None, None, 200, R),
    ("GET", "/api/v1/alarms/{alarm}", ALARM, None, 200, R),
    ("GET", "/api/v1/alarms/{alarm}/rule", f"{ALARM}/rule", None, 404, R),
    ("GET", "/api/v1/alarms/kpis", f"/api/v1/alarms/kpis{SPAN}", None, 200, R),
    ("GET", "/api/v1/alarms/flood", None, None, 200, R),
    ("GET", "/api/v1/alarms/grouped", None, None, 200, R),
    ("GET", "/api/v1/faults", None, None, 200, R),
    ("GET", "/api/v1/backfills", None, None, 200, R),
    ("GET", "/api/v1/faults/{fault}/places", "/api/v1/faults/A-20260612-0001/places", None, 404, R),
    ("GET", "/api/v1/alarms/overlays", None, None, 200, R),
    ("GET", "/api/v1/alarms/journal", None, None, 200, R),
    ("POST", "/api/v1/alarms/journal/place", None, {"reader": "sms", "position": 0}, 200, R),
    ("GET", "/api/v1/alarms/shelf-requests", None, None, 200, R),
    ("POST", "/api/v1/alarms/acknowledge", None, {"alarms": ["alarm-qingyun"]}, 200, OPERATE),
    ("POST", "/api/v1/alarms/overlays", None, OVERLAY, 200, OPERATE),
    *ALARM_ACTS,
    *SHELF_ACTS,
    ("GET", "/api/v1/events", None, None, 200, R),
    ("GET", "/api/v1/stream", None, None, 200, R),
    ("GET", "/api/v1/tokens", None, None, 200, ("administrator",)),
    (
        "POST",
        "/api/v1/tokens",
        None,
        {"name": "t", "kind": "system", "roles": ["viewer"]},
        201,
        ("administrator",),
    ),
    ("DELETE", "/api/v1/tokens/{token}", "/api/v1/tokens/none", None, 404, ("administrator",)),
    ("GET", "/api/v1/audit", None, None, 200, ("administrator", "auditor")),
    ("PUT", "/api/v1/ingest/manifests/{digest}", "/api/v1/ingest/manifests/d", None, 200, A),
    ("PUT", "/api/v1/ingest/streams/{stream}", STREAM, None, 200, A),
    ("POST", "/api/v1/ingest/streams/{stream}/batches", f"{STREAM}/batches", None, 200, A),
    ("POST", "/api/v1/ingest/health", None, None, 200, A),
    ("POST", "/api/v1/ingest/cursors", None, None, 200, A),
    ("POST", "/api/v1/ingest/rules", None, RULE_QUESTION, 200, A),
    ("GET", "/api/v1/virtual-gateways", None, None, 200, R),
    (
        "PUT",
        "/api/v1/virtual-gateways/{name}/points",
        "/api/v1/virtual-gateways/none/points",
        {},
        404,
        ("administrator",),
    ),
    (
        "POST",
        "/api/v1/virtual-gateways",
        None,
        {"name": "acme", "sites": ["qingyun"]},
        201,
        ("administrator",),
    ),
    (
        "POST",
        "/api/v1/virtual-gateways/{name}/tokens",
        "/api/v1/virtual-gateways/none/tokens",
        {"name": "t"},
        404,
        ("administrator",),
    ),
    (
        "PUT",
        "/api/v1/virtual-gateways/{name}/manifest",
        "/api/v1/virtual-gateways/acme/manifest",
        None,
        200,
        A,
    ),
    ("POST", "/api/v1/readings", None, None, 200, A),
    ("GET", "/metrics", None, None, 200, METRICS),
    ("GET", "/api/v1/demo", None, None, 200, R),
    (
        "POST",
        "/api/v1/demo/cables/{gateway}",
        "/api/v1/demo/cables/none",
        {"connected": True},
        404,
        OPERATE,
    ),
]
VIRTUAL = "/api/v1/virtual-gateways"
SESSION_ONLY = {
    VIRTUAL,
    f"{VIRTUAL}/{{name}}/points",
    f"{VIRTUAL}/{{name}}/tokens",
    "/api/v1/gateways",
    "/api/v1/tokens",
    "/api/v1/tokens/{token}",
}


def mints(row):
    """Acts on identity need a session."""
    named = row[1] in SESSION_ONLY and row[5] == ("administrator",)
    return named or "/enrolment/" in row[1]


def scope(role):
    return ("qingyun",) if role is Role.ENTERPRISE else None


async def status(client, row, headers):
    method, route, url, body, *_ = row
    alarms = client._transport.app.state.rooms.collector.alarms
    alarms.found["alarm-qingyun"] = episode("qingyun")
    if route == "/api/v1/stream":
        return await head_of_stream(client, headers)
    headers = {"Idempotency-Key": "key-of-a-test", "Fengsui-Nonce": "b" * 32, **headers}
    answer = await client.request(method, url or route, json=body, headers=headers)
    if answer.status_code >= 400:
        assert set(answer.json()) == {"code", "params", "request"}
    return answer.status_code


async def head_of_stream(client, headers):
    """The stream has no end: ended from within as soon as it is there."""
    rooms = client._transport.app.state.rooms
    subscribe = rooms.hub.subscribe

    async def subscribe_and_close(who, sites):
        subscriber = await subscribe(who, sites)
        rooms.hub.close()
        return subscriber

    rooms.hub.subscribe = subscribe_and_close
    return (await client.get("/api/v1/stream", headers=headers)).status_code


def test_every_route_asks_for_a_permission(app):
    assert bare_routes(app.routes) == []


def test_the_open_list_is_what_it_is():
    assert sorted(OPEN) == [
        ("GET", "/"),
        ("GET", "/api/v1/enrolment/state"),
        ("GET", "/api/v1/trust"),
        ("GET", "/healthz"),
        ("GET", "/{path:path}"),
        ("POST", "/api/v1/enrolment/hello"),
        ("POST", "/api/v1/enrolment/proof"),
        ("POST", "/api/v1/enrolment/warrant"),
        ("POST", "/api/v1/session"),
        ("POST", "/api/v1/session/link"),
    ]


def test_a_bare_route_is_found_also_in_an_included_router():
    inner, outer, app = APIRouter(), APIRouter(), FastAPI(openapi_url=None)

    @inner.get("/bare")
    async def bare():
        return None

    @outer.post("/api/v1/session")
    async def opened():
        return None

    outer.include_router(inner)
    app.include_router(outer)
    assert bare_routes(app.routes) == ["GET /bare"]


def test_a_machines_route_without_a_permission_is_refused_at_once():
    async def handler(request: Request) -> Response:
        return Response()

    router = APIRouter(route_class=MachineRoute)
    with pytest.raises(RuntimeError, match="/bare asks for no permission"):
        router.add_api_route("/bare", handler)


def test_the_table_knows_every_route(app):
    routes = {
        (method, route.path)
        for route in every_route(app.routes)
        for method in route.methods - {"HEAD"}
    }
    assert routes - OPEN == {(row[0], row[1]) for row in TABLE}


def test_every_permission_is_asked_for_somewhere(app):
    asked = {permission_of(route) for route in every_route(app.routes)} - {None}
    assert asked == set(Permission)


async def statuses(client, headers):
    """Walk the whole table; the row that logs out comes last."""
    rows = sorted(TABLE, key=lambda row: row[0] == "DELETE" and row[1] == "/api/v1/session")
    return {f"{row[0]} {row[1]}": await status(client, row, headers) for row in rows}


def expected(allowed):
    return {f"{row[0]} {row[1]}": row[4] if allowed(row) else 403 for row in TABLE}


@pytest.mark.parametrize("role", Role)
async def test_each_role_gets_what_the_table_says(client, people, role):
    headers = await people.session(role, scope=scope(role))
    assert await statuses(client, headers) == expected(lambda row: role in row[5])


@pytest.mark.parametrize("role", Role)
async def test_each_system_token_gets_the_same_but_mints_nothing(client, people, role):
    headers = await people.token("system", role, scope=scope(role))
    assert await statuses(client, headers) == expected(
        lambda row: role in row[5] and not mints(row)
    )


async def test_a_gateway_delivers_and_nothing_else(client, people):
    headers = await people.token("gateway", gateway="gw-qingyun")
    assert await statuses(client, headers) == expected(lambda row: "/ingest/" in row[1])


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer fsg_" + "x" * 43},
        {"Authorization": "Basic YTpi"},
        {"Cookie": "fengsui_session=" + "x" * 43, "X-Requested-With": "fengsui"},
    ],
    ids=["nothing", "bearer", "basic", "cookie"],
)
async def test_nobody_and_strangers_get_nothing(client, rooms, headers):
    # The table has more routes than one address may ask for at once with nothing to show.
    rooms.guards.stranger = lambda scope: 0.0
    assert set((await statuses(client, headers)).values()) == {401}


async def test_one_without_a_role_may_nothing(client, people):
    assert set((await statuses(client, await people.session())).values()) == {403}


async def test_a_cookie_alone_changes_nothing(client, people):
    headers = await people.session("administrator")
    del headers["X-Requested-With"]
    for row in TABLE:
        if row[0] != "GET" and "/ingest/" not in row[1]:
            assert await status(client, row, headers) == 403, row[1]


async def test_a_wrong_token_is_refused_beside_a_good_cookie(client, people):
    headers = await people.session("administrator")
    headers["Authorization"] = "Bearer nothing"
    assert (await client.get("/api/v1/session", headers=headers)).status_code == 401


def test_a_route_of_the_demonstration_exists_only_there(rooms, dist):
    paths = {r.path for r in every_route(create_app(rooms, with_demo=False, dist=dist).routes)}
    assert not any("demo" in path for path in paths)
