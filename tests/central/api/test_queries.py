"""Questions about readings over HTTP: columns, scope, limits, what is unknown."""

import json
from functools import cache

import jsonschema
import pytest

from central.api.openapi import document
from central.api.raw import encode_page
from central.api.times import rfc3339
from central.store.parts import Part
from central.store.queries.ranges import RawPage
from tests.central.store.queries.list_source import columns, reading

LEVEL, OTHER = "qingyun/gw-qingyun/device/level", "honghaiwan/gw-honghaiwan/device/level"
NOWHERE = "qingyun/gw-qingyun/device/nothing"
SPAN = {"from": "2026-06-12T22:00:00+08:00", "to": "2026-06-12T22:00:20+08:00"}
START = "2026-06-12T22:00:00.000000+08:00"


@pytest.fixture
async def scoped(people):
    return await people.session("viewer", name="scoped", scope=("qingyun",))


@pytest.fixture
async def everywhere(people):
    return await people.session("viewer")


@cache
def described():
    return document()


def is_described(answer, name):
    """What is encoded by columns is what the document says, key by key."""
    schema = {**described(), "$ref": f"#/components/schemas/{name}"}
    jsonschema.validate(answer, schema)
    held = described()["components"]["schemas"][name]
    assert set(answer) == set(held["properties"])


async def ask(client, headers, path, status=200, **body):
    answer = await client.post(f"/api/v1/{path}", headers=headers, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_readings_are_columns_that_say_what_came_late(client, everywhere):
    url = f"/api/v1/points/{LEVEL}/readings"
    first = (await client.get(url, headers=everywhere, params={**SPAN, "limit": 4})).json()
    rest = await client.get(url, headers=everywhere, params={**SPAN, "cursor": first["next"]})
    shown = first["columns"]
    assert shown["time"][0] == START
    assert shown["received"][0] == "2026-06-12T22:00:00.500000+08:00"
    assert shown["value"] == [0.0, 1.0, 2.0, 3.0]
    assert shown["late"] == [False, False, False, True]
    assert rest.json()["columns"]["value"] == ["行", *map(float, range(5, 10))]
    assert rest.json()["columns"]["estimated"][0] is True
    assert rest.json()["next"] is None
    is_described(first, "Readings")


async def test_a_trend_leaves_out_what_is_empty(client, everywhere):
    url = f"/api/v1/points/{LEVEL}/buckets"
    answer = await client.get(url, headers=everywhere, params={**SPAN, "count": 4})
    assert answer.json()["columns"] == {
        "time": [START, "2026-06-12T22:00:05.000000+08:00"],
        "min": [0.0, 5.0],
        "max": [3.0, 9.0],
        "mean": [1.5, 7.0],
        "last": ["行", 9.0],
        "count": [5, 5],
        "quality": [0x80310000, 0],
        "late": [1, 0],
        "estimated": [1, 0],
    }
    is_described(answer.json(), "Buckets")


async def test_the_newest_of_many_names_what_is_unknown_or_out_of_scope(client, scoped):
    found = await ask(client, scoped, "latest", points=[LEVEL, OTHER, NOWHERE, LEVEL])
    assert [item["point"] for item in found["items"]] == [LEVEL]
    assert (found["unknown"], found["without"]) == ([OTHER, NOWHERE], [])
    is_described(found, "LatestOf")
    refused = await ask(client, scoped, "latest", 422, points=[LEVEL] * 5_001)
    assert (refused["code"], refused["params"]) == ("QUERY_POINTS", {"count": 5001, "limit": 5000})


async def test_periods_say_how_much_is_excluded(client, scoped):
    asked = {**SPAN, "points": [LEVEL, OTHER], "kind": "hour", "zone": "Asia/Shanghai"}
    out = {"from": SPAN["from"], "to": "2026-06-12T22:00:05+08:00"}
    found = await ask(client, scoped, "periods", **asked, exclude={"intervals": [out]})
    assert (found["start"], found["end"]) == ([START], ["2026-06-12T23:00:00.000000+08:00"])
    (item,) = found["items"]
    assert (item["point"], found["unknown"]) == (LEVEL, [OTHER])
    assert item["columns"] == {
        "count": [5],
        "good": [5],
        "min": [5.0],
        "max": [9.0],
        "mean": [7.0],
        "sum": [35.0],
        "first": [5.0],
        "first_time": ["2026-06-12T22:00:05.000000+08:00"],
        "last": [9.0],
        "last_time": ["2026-06-12T22:00:09.000000+08:00"],
        "quality": [0],
        "late": [0],
        "estimated": [0],
        "excluded_s": [5.0],
    }
    is_described(found, "Periods")


async def test_a_period_without_a_reading_is_null(client, scoped):
    asked = {"points": [LEVEL], "kind": "hour", "zone": "UTC"}
    span = {"from": "2026-06-12T21:30:00+08:00", "to": "2026-06-12T22:00:20+08:00"}
    (item,) = (await ask(client, scoped, "periods", **span, **asked))["items"]
    shown = item["columns"]
    assert shown["count"] == [0, 10]
    for name in ("min", "mean", "sum", "first", "first_time", "last_time", "quality"):
        assert shown[name][0] is None
        assert shown[name][1] is not None


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"zone": "Mars/Olympus"}, "ZONE_UNKNOWN"),
        ({"zone": "UTC", "kind": "hydrological_day"}, "ZONE_NOT_BEIJING"),
        ({"to": "2036-01-01T00:00:00Z"}, "QUERY_PERIODS"),
        ({"from": "2027-01-01T00:00:00Z", "to": "2027-02-01T00:00:00Z"}, "HOLIDAYS_UNKNOWN"),
        ({"from": SPAN["to"], "to": SPAN["from"]}, "SPAN_INVALID"),
        ({"from": "2026-06-12T22:00:00"}, "INVALID"),
        ({"points": []}, "INVALID"),
        ({"points": ["a/b/c/d"] * 501}, "QUERY_POINTS"),
        ({"kind": "week"}, "INVALID"),
        ({"exclude": {"named": ["weekends"]}}, "INVALID"),
        ({"exclude": {"intervals": [SPAN] * 1001}}, "QUERY_INTERVALS"),
    ],
)
async def test_what_makes_no_sense_is_refused_with_what_to_do(client, scoped, changed, code):
    asked = {**SPAN, "points": [NOWHERE], "kind": "hour", "zone": "Asia/Shanghai"}
    asked["exclude"] = {"named": ["holidays"]}
    if "points" in changed:
        asked["points"] = [LEVEL]
    refused = await ask(client, scoped, "periods", 422, **{**asked, **changed})
    assert refused["code"] == code


async def test_deliveries_tell_what_was_owed_until_now(client, scoped):
    asked = {**SPAN, "points": [LEVEL, OTHER], "every_s": 1, "gap_s": 5}
    found = await ask(client, scoped, "deliveries", **asked)
    (item,) = found["items"]
    assert found["to"] == "2026-06-12T22:00:10.000000+08:00"
    assert (item["count"], item["good"], item["bad"], item["late"]) == (10, 9, 1, 1)
    assert (item["slots_filled"], item["slots_owed"]) == (9, 10)
    assert (item["completeness_percent"], item["gap_count"], item["gaps"]) == (90.0, 0, [])
    # Half a second before the first had arrived, and 22:00:04 said that nobody answered.
    assert (item["online_s"], item["online_percent"]) == (8.5, 85.0)
    is_described(found, "Deliveries")
    bare = await ask(client, scoped, "deliveries", **SPAN, points=[LEVEL])
    assert bare["items"][0]["completeness_percent"] is None


async def test_the_state_of_a_site_then_or_as_it_was_known_then(client, scoped):
    asked = {"site": "qingyun", "at": "2026-06-12T22:00:03.900+08:00"}
    was = await client.get("/api/v1/state", headers=scoped, params=asked)
    knew = await client.get(
        "/api/v1/state", headers=scoped, params={**asked, "by": "received_time"}
    )
    assert was.json()["columns"]["value"] == [3.0]
    assert was.json()["columns"]["late"] == [True]
    assert knew.json()["columns"]["value"] == [2.0]
    away = await client.get("/api/v1/state", headers=scoped, params={**asked, "site": "honghaiwan"})
    assert away.status_code == 404
    of = await ask(client, scoped, "state", points=[LEVEL, OTHER], at="2026-06-12T21:00:00+08:00")
    assert (of["columns"]["point"], of["without"], of["unknown"]) == ([], [LEVEL], [OTHER])
    is_described(was.json(), "State")


async def test_all_points_in_scope_are_counted(client, scoped, everywhere):
    asked = {**SPAN, "to": "2026-06-12T22:00:04+08:00"}
    own = await client.get("/api/v1/counts", headers=scoped, params=asked)
    assert own.json() == {"columns": {"point": [LEVEL], "count": [4]}, "total": 4}
    is_described(own.json(), "Counts")
    all_of_them = (await client.get("/api/v1/counts", headers=everywhere, params=asked)).json()
    assert all_of_them["columns"] == {"point": [LEVEL, OTHER], "count": [4, 1]}
    assert all_of_them["total"] == 5
    one = {**asked, "site": "honghaiwan"}
    assert (await client.get("/api/v1/counts", headers=everywhere, params=one)).json()["total"] == 1
    for site in ("honghaiwan", "nowhere"):
        away = await client.get("/api/v1/counts", headers=scoped, params={**asked, "site": site})
        assert away.status_code == 404
    never = {"from": SPAN["to"], "to": SPAN["from"]}
    refused = await client.get("/api/v1/counts", headers=scoped, params=never)
    assert refused.json()["code"] == "SPAN_INVALID"


def test_a_page_of_raw_readings_is_what_the_document_says():
    times = [0, 1, 1_781_272_800_000_000, 253_402_214_399_999_999]
    values = [None, True, 2**64 - 1, 0.1]
    made = [
        reading(time, value, received=time, quality=quality)
        for time, value, quality in zip(times, values, [0, 0, 1, 2**32 - 1], strict=True)
    ]
    found = json.loads(encode_page(RawPage([Part(columns(made))], "1.2.3")))
    assert found["columns"]["time"] == [rfc3339(time) for time in times]
    assert found["columns"]["value"] == values
    assert found["next"] == "1.2.3"
    empty = json.loads(encode_page(RawPage([Part(columns([]))], None)))
    assert set(map(tuple, empty["columns"].values())) == {()}
