"""How long what is kept is seen within the scope, with its source; and what has gone."""

import pytest

from central.keep import DAY
from central.store.tiers import tiers
from central.store.tiers.due import SiteSize
from central.store.tiers.tiers import Gone
from protocols.texts import catalogue

DAYS = {"qingyun": "flood_drought", "tanks": "hazardous_chemicals"}


@pytest.fixture
async def scoped(people):
    return await people.session("enterprise", scope=["qingyun"])


@pytest.fixture
async def everywhere(people):
    return await people.session("viewer")


async def get(client, path, headers, **query):
    answer = await client.get(f"/api/v1/store/{path}", headers=headers, params=query or None)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_each_site_says_how_long_and_whose_setting_it_is(client, everywhere, collector):
    collector.store_retention.sizes = {"qingyun": SiteSize(2, 900, 2_500, 40)}
    items = (await get(client, "keeping", everywhere))["items"]
    assert [item["site"] for item in items] == ["honghaiwan", "qingyun"]
    one = items[1]
    assert one["readings_kept"] == {"days": 400, "whose": "general"}
    assert one["hours_kept"] == {"days": None, "whose": "general"}
    assert (one["readings"], one["bytes"], one["rollup_bytes"]) == (900, 2_500, 40)
    assert one["least"] is None


async def test_the_floor_names_its_source(client, everywhere, collector):
    retention = collector.store_retention
    retention.sizes = {"tanks": SiteSize()}
    retention._domain = DAYS.get
    (one,) = [
        i for i in (await get(client, "keeping", everywhere))["items"] if i["site"] == "tanks"
    ]
    assert one["least"] == {
        "days": 30,
        "source": "STORE_FLOOR_HAZARDOUS_CHEMICALS",
        "status": "V",
    }
    assert "30 天" in catalogue("zh")[one["least"]["source"]]


async def test_the_ledger_comes_page_by_page_and_within_the_scope(client, everywhere, scoped, db):
    lines = [
        Gone(site, tier, day, 10, 100, day * DAY, day * DAY, "general:400d")
        for site in ("honghaiwan", "qingyun")
        for tier in ("raw", "1min")
        for day in (20_000, 20_001)
    ]

    def put(t):
        for line in (*lines, lines[0]):
            tiers.note(t.conn, line)

    await db.write(put)
    found, cursor = [], None
    while True:
        page = await get(
            client, "removed", everywhere, limit=3, **({"cursor": cursor} if cursor else {})
        )
        found += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(found) == 8
    assert [line["day"] for line in found] == ["2024-10-05"] * 4 + ["2024-10-04"] * 4
    assert {line["readings"] for line in found if line["site"] == "qingyun"} == {10}
    assert max(line["readings"] for line in found) == 20
    own = (await get(client, "removed", scoped))["items"]
    assert {line["site"] for line in own} == {"qingyun"}
    assert (await get(client, "removed", scoped, site="honghaiwan"))["items"] == []


async def test_a_cursor_of_somebody_else_is_refused(client, everywhere):
    answer = await client.get("/api/v1/store/removed?cursor=x", headers=everywhere)
    assert (answer.status_code, answer.json()["code"]) == (422, "CURSOR_UNKNOWN")


async def test_what_went_is_in_the_metrics(client, everywhere, collector, rooms):
    collector.store_retention.sizes = {"qingyun": SiteSize(2, 900, 2_500, 40)}
    collector.store_retention.figures.readings["raw"] = 7
    shown = (await rooms.metrics.exposition()).decode()
    assert 'fengsui_store_bytes{site="qingyun"} 2500.0' in shown
    assert 'fengsui_store_removed_readings_total{tier="raw"} 7.0' in shown
