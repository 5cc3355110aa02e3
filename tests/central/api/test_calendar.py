"""Filings, platform faults and holidays over HTTP: who may, whose they are, what is kept."""

import pytest

from tests.central.api.fake_collector import SITES, point_id

FILING = {
    "site": "qingyun",
    "category": "maintenance",
    "from": "2026-06-12T22:00:00+08:00",
    "to": "2026-06-12T22:00:05+08:00",
    "reason": "检修",
    "reference": "QY-2026-07",
}
FAULT = {"category": "network", "from": "2026-06-12T22:00:00+08:00", "reason": "专线中断"}
PERIODS = {
    "points": [point_id("qingyun")],
    "from": "2026-06-12T22:00:00+08:00",
    "to": "2026-06-12T23:00:00+08:00",
    "kind": "hour",
    "zone": "Asia/Shanghai",
}


@pytest.fixture(autouse=True)
async def points(db):
    def enter(tables):
        for number, site in enumerate(SITES):
            tables.execute("INSERT INTO gateway(name, label, created) VALUES (?, '{}', 0)", [site])
            tables.execute("INSERT INTO point VALUES (?, ?, ?)", [number, point_id(site), site])

    await db.write(enter)


@pytest.fixture
async def engineer(people):
    return await people.session("engineer", name="gong", scope=("qingyun",))


@pytest.fixture
async def administrator(people):
    return await people.session("administrator", name="an")


async def post(client, headers, path, status, body=None):
    answer = await client.post(f"/api/v1/{path}", headers=headers, json=body or {})
    assert answer.status_code == status, answer.text
    return answer.json()


async def listed(client, headers, path, **params):
    answer = await client.get(f"/api/v1/{path}", headers=headers, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def counted(client, headers, *named):
    asked = {**PERIODS, "exclude": {"named": list(named)}}
    (item,) = (await post(client, headers, "periods", 200, asked))["items"]
    return item["columns"]["count"][0], item["columns"]["excluded_s"][0]


async def test_what_is_filed_does_not_count_until_it_is_withdrawn(client, engineer, administrator):
    made = await post(client, engineer, "filings", 201, FILING)
    assert (made["created_by"], made["from"]) == ("gong", "2026-06-12T22:00:00.000000+08:00")
    assert await counted(client, engineer, "filings") == (5, 5.0)
    assert await counted(client, engineer, "platform_faults") == (10, 0.0)
    gone = await post(client, engineer, f"filings/{made['id']}/withdraw", 200)
    assert gone["withdrawn_by"] == "gong"
    assert await counted(client, engineer, "filings") == (10, 0.0)
    again = await post(client, engineer, f"filings/{made['id']}/withdraw", 409)
    assert again["code"] == "EXEMPTION_OVER"
    lines = (await listed(client, administrator, "audit"))["items"]
    acts = [(line["actor"], line["action"], line["subject"]) for line in lines]
    name = f"filing/{made['id']}"
    assert ("gong", "FILING_ENTERED", name) in acts
    assert ("gong", "FILING_WITHDRAWN", name) in acts


async def test_an_open_fault_counts_for_everyone_until_it_is_ended(client, engineer, administrator):
    refused = await post(client, engineer, "platform-faults", 403, FAULT)
    assert refused["code"] == "FORBIDDEN"
    made = await post(client, administrator, "platform-faults", 201, FAULT)
    assert await counted(client, engineer, "platform_faults") == (0, 3600.0)
    path = f"platform-faults/{made['id']}/end"
    assert (await post(client, engineer, path, 404, {"at": FILING["to"]}))["code"]
    early = await post(client, administrator, path, 422, {"at": FAULT["from"]})
    assert early["code"] == "EXEMPTION_NOT_BEGUN"
    await post(client, administrator, path, 200, {"at": FILING["to"]})
    assert await counted(client, engineer, "platform_faults") == (5, 5.0)
    assert len((await listed(client, engineer, "platform-faults"))["items"]) == 1


async def test_each_sees_and_files_for_the_sites_in_scope_only(client, engineer, administrator):
    theirs = await post(client, administrator, "filings", 201, {**FILING, "site": "honghaiwan"})
    mine = await post(client, engineer, "filings", 201, {**FILING, "points": PERIODS["points"]})
    assert [one["id"] for one in (await listed(client, engineer, "filings"))["items"]] == [
        mine["id"]
    ]
    assert (await listed(client, engineer, "filings", site="honghaiwan"))["items"] == []
    for body in (
        {**FILING, "site": "honghaiwan"},
        {**FILING, "points": [point_id("honghaiwan")]},
        {**FILING, "site": "nowhere"},
    ):
        assert (await post(client, engineer, "filings", 404, body))["code"] == "NOT_FOUND"
    await post(client, engineer, f"filings/{theirs['id']}/end", 404, {"at": FILING["to"]})
    backwards = {**FILING, "to": FILING["from"]}
    assert (await post(client, engineer, "filings", 422, backwards))["code"] == "SPAN_INVALID"


async def test_a_list_goes_on_where_a_page_ended(client, engineer):
    made = [(await post(client, engineer, "filings", 201, FILING))["id"] for _ in range(3)]
    first = await listed(client, engineer, "filings", limit=2)
    rest = await listed(client, engineer, "filings", limit=2, cursor=first["next"])
    shown = [one["id"] for one in (*first["items"], *rest["items"])]
    assert (shown, rest["next"]) == (made[::-1], None)
    later = {"from": "2026-06-13T00:00:00+08:00"}
    assert (await listed(client, engineer, "filings", **later))["items"] == []


async def test_holidays_name_their_notice(client, engineer):
    years = (await listed(client, engineer, "holidays"))["years"]
    assert [(year["year"], year["working_days"]) for year in years] == [(2025, 248), (2026, 248)]
    assert "国务院办公厅" in years[1]["source"]
    assert years[1]["off"][1]["name"]["zh"] == "春节"
