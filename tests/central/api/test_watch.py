"""What is asked comes back, and nothing beyond the scope."""

from dataclasses import replace

import pytest

from central.effects import CollectorEvent
from tests.central.api.fake_collector import NOW, gateway_record, point_id

QINGYUN = ("qingyun",)
SPAN = {"from": "2026-06-12T22:00:00+08:00", "to": "2026-06-12T15:00:00Z"}
POINT = "/api/v1/points/qingyun/gw-qingyun/device/level"
OTHER = "/api/v1/points/honghaiwan/gw-honghaiwan/device/level"


@pytest.fixture
async def scoped(people):
    return await people.session("enterprise", scope=QINGYUN)


@pytest.fixture
async def everywhere(people):
    return await people.session("operator")


async def get(client, path, headers, **query):
    answer = await client.get(path, headers=headers, params=query or None)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_value_comes_with_quality_reason_and_times(client, everywhere):
    items = (await get(client, "/api/v1/latest", everywhere, site="qingyun"))["items"]
    assert items == [
        {
            "point": point_id("qingyun"),
            "value": 92.4,
            "quality": {"code": 0, "class": "good", "reason": None},
            "source_time": "2026-06-12T21:59:48.000000+08:00",
            "received_time": "2026-06-12T22:00:00.000000+08:00",
            "late": False,
            "estimated": False,
        }
    ]


@pytest.mark.parametrize(
    ("code", "kind", "reason"),
    [
        (0x80310000, "bad", "BAD_NO_COMMUNICATION"),
        (0x40940000, "uncertain", "UNCERTAIN_ENGINEERING_UNITS_EXCEEDED"),
        (0x80AB0000, "bad", "0x80AB0000"),
    ],
)
async def test_a_bad_quality_says_why(client, everywhere, collector, code, kind, reason):
    collector.store.become("qingyun", None, code)
    item = (await get(client, "/api/v1/latest", everywhere))["items"][0]
    assert item["quality"] == {"code": code, "class": kind, "reason": reason}
    assert item["value"] is None


@pytest.mark.parametrize("value", [True, 0, 2**53, -0.5, "停", None])
async def test_values_keep_their_kind(client, everywhere, collector, value):
    collector.store.become("qingyun", value)
    found = (await get(client, "/api/v1/latest", everywhere))["items"][0]["value"]
    assert (found, type(found)) == (value, type(value))


async def test_the_scope_holds_on_every_list(client, scoped):
    latest = await get(client, "/api/v1/latest", scoped)
    points = await get(client, "/api/v1/points", scoped)
    gateways = await get(client, "/api/v1/gateways", scoped)
    alarms = await get(client, "/api/v1/alarms", scoped)
    events = await get(client, "/api/v1/events", scoped)
    overview = await get(client, "/api/v1/overview", scoped)
    assert [item["point"] for item in latest["items"]] == [point_id("qingyun")]
    assert [item["site"] for item in points["items"]] == ["qingyun"]
    assert [item["name"] for item in gateways["items"]] == ["gw-qingyun"]
    assert [item["site"] for item in alarms["items"]] == ["qingyun"]
    assert [item["subject"] for item in events["items"]] == ["gw-qingyun"]
    assert [item["name"] for item in overview["sites"]] == ["qingyun"]


@pytest.mark.parametrize(
    "path",
    [f"{OTHER}/readings", f"{OTHER}/buckets", "/api/v1/alarms/alarm-honghaiwan"],
)
async def test_what_is_out_of_scope_is_as_if_it_were_not(client, scoped, everywhere, path):
    out = await client.get(path, headers=scoped, params=SPAN)
    none = await client.get(path.replace("honghaiwan", "nowhere"), headers=scoped, params=SPAN)
    assert (out.status_code, none.status_code) == (404, 404)
    assert out.json()["code"] == none.json()["code"] == "NOT_FOUND"
    assert (await client.get(path, headers=everywhere, params=SPAN)).status_code == 200


async def test_asking_for_another_site_gives_nothing(client, scoped):
    for path in ("/api/v1/latest", "/api/v1/points", "/api/v1/alarms"):
        assert (await get(client, path, scoped, site="honghaiwan"))["items"] == []


async def test_an_alarm_out_of_scope_cannot_be_acknowledged(client, people, collector):
    headers = await people.session("operator", name="away", scope=QINGYUN)
    headers["Idempotency-Key"] = "a-key-of-mine"
    url = "/api/v1/alarms/alarm-honghaiwan/acknowledge"
    answer = await client.post(url, json={}, headers=headers)
    assert answer.status_code == 404
    assert collector.alarms.found["alarm-honghaiwan"].acknowledged is None


async def test_times_may_come_in_any_offset_and_with_a_bare_plus(client, everywhere, collector):
    await get(client, f"{POINT}/readings", everywhere, **SPAN)
    assert collector.source.asked[:2] == (NOW, NOW + 3_600_000_000)
    bare = f"{POINT}/readings?from=2026-06-12T22:00:00+08:00&to=2026-06-12T23:00:00.5+08:00"
    await get(client, bare, everywhere)
    assert collector.source.asked[:2] == (NOW, NOW + 3_600_500_000)


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"from": SPAN["from"]},
        {"from": "2026-06-12T22:00:00", "to": SPAN["to"]},  # no offset
        {"from": SPAN["to"], "to": SPAN["from"]},
        {"from": "0001-01-01T00:00:00Z", "to": "9999-12-31T23:59:59Z"},
        {**SPAN, "limit": "0"},
        {**SPAN, "limit": "99999999999999999999"},
        {**SPAN, "cursor": "theirs"},
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(client, everywhere, query):
    answer = await client.get(f"{POINT}/readings", headers=everywhere, params=query)
    assert answer.status_code == 422
    assert answer.json()["code"] in {"INVALID", "SPAN_INVALID", "CURSOR_UNKNOWN"}


async def test_events_go_on_where_a_short_page_ended(client, everywhere, scoped):
    first = await get(client, "/api/v1/events", everywhere, limit=2)
    rest = await get(client, "/api/v1/events", everywhere, limit=2, cursor=first["next"])
    assert [item["id"] for item in (*first["items"], *rest["items"])] == ["3", "2", "1"]
    assert rest["next"] is None
    assert [i["id"] for i in (await get(client, "/api/v1/events", scoped, limit=1))["items"]] == [
        "1"
    ]


@pytest.mark.parametrize("since", [True, -(2**63), 2**63, "soon", None, 1.5])
async def test_an_event_with_nonsense_in_it_hides_no_other(client, everywhere, collector, since):
    odd = replace(collector.happened[0], params={"since": since, "at": 2**64 - 1})
    collector.happened = (odd, *collector.happened[1:])
    answer = await client.get("/api/v1/events", headers=everywhere)
    assert answer.status_code == 200
    assert answer.json()["items"][0]["params"] == {"since": since, "at": 2**64 - 1}


async def test_a_shared_gateway_tells_nothing_of_other_peoples_sites(client, scoped, collector):
    ours, theirs = gateway_record("qingyun"), gateway_record("honghaiwan").buses[0]
    there = replace(theirs.devices[0], name="crane")
    shared = replace(
        ours,
        site="honghaiwan",
        sites=("honghaiwan", "qingyun"),
        buses=(*ours.buses, replace(theirs, name="mqtt", devices=(there,))),
    )
    collector.registry._gateways = {shared.name: shared}
    subjects = ["", "/device", "/bus", "/crane", "/mqtt", "/honghaiwan/crane", "/qingyun/device"]
    collector.happened = tuple(
        CollectorEvent(id=9 - n, time=NOW, kind="fault", code="X", subject=f"gw-qingyun{subject}")
        for n, subject in enumerate(subjects)
    )
    (gateway,) = (await get(client, "/api/v1/gateways", scoped))["items"]
    assert (gateway["site"], [bus["name"] for bus in gateway["buses"]]) == (None, ["bus"])
    told = (await get(client, "/api/v1/events", scoped))["items"]
    assert [item["subject"].removeprefix("gw-qingyun") for item in told] == [
        "",
        "/device",
        "/bus",
        "/qingyun/device",
    ]
