"""Deliveries of the past over HTTP and on the stream, within a scope."""

import json

import httpx2
import pytest

from central.identity.principal import Kind, Principal
from tests.central.alarms.story import Story
from tests.central.api.conftest import People
from tests.central.api.test_alarm_acts import Operator
from tests.central.api.test_crowd import at_one_time, house  # noqa: F401
from tests.central.backfills.test_backfills import BACK, CUT, cut, heard, seconds
from tests.central.builders import START, HandClock
from tests.central.identity.hands import HandClock as RealClock


@pytest.fixture
async def story(tmp_path):
    told = await Story.begin(tmp_path, HandClock())
    yield told
    await told.collector.close()


@pytest.fixture
async def ask(house, story):  # noqa: F811
    """Return a GET of somebody who sees these sites (None: all)."""

    async def get(path, scope=None, **query):
        people = People(story.collector.db, RealClock())
        name = "ann" if scope is None else f"ann-{len(scope)}"
        headers = await people.session("viewer", name=name, scope=scope)
        async with httpx2.AsyncClient(base_url=house[1], headers=headers) as http:
            return await Operator(http).get(path, **query)

    return get


def hot(second):
    return 95.0 if 640 <= second < 700 else 50.0


async def delivered(story, inside=hot):
    old, kept = await cut(story, inside)
    await story.gateway.send(story.collector, old, kept)
    await heard(story, BACK + 10)


async def test_it_is_listed_with_its_alarms_and_its_sentence(story, ask):
    await delivered(story)
    status, page = await ask("/api/v1/backfills")
    (one,) = page["items"]
    assert (status, page["next"]) == (200, None)
    assert (one["readings"], one["points"], one["lost"]) == (8, 1, 0)
    assert one["counts"] == {"blue": 0, "yellow": 0, "orange": 0, "red": 1}
    assert (one["total"], one["standing"]) == (1, 0)
    (alarm,) = one["alarms"]
    detail = (await ask(f"/api/v1/alarms/{alarm}"))[1]
    assert detail["late"]
    assert one["message"]["zh"] == (
        "【补传】22:10–22:12 场所(示例) 网关(示例)补传监测数据 8 条（1 个点位），缺失 0 条，"
        "触发报警 1 条（红色 1），均已恢复，未响铃。请核实原因并记录处置。"
    )


async def test_nobody_sees_what_other_sites_gateways_delivered(story, ask):
    await delivered(story)
    assert (await ask("/api/v1/backfills", scope=["site"]))[1]["items"]
    assert (await ask("/api/v1/backfills", scope=["elsewhere"]))[1]["items"] == []
    assert (await ask("/api/v1/backfills", gateway="gw", site="site"))[1]["items"]
    assert (await ask("/api/v1/backfills", gateway="other"))[1]["items"] == []


async def test_a_cursor_goes_on_and_is_good_for_its_question_only(story, ask):
    for nth in range(3):
        begin = nth * 1_000
        await story.at(begin, 50.0)
        old, kept = story.stream, len(story.stream.batches)
        story.until(begin + 10)
        story.gateway.seal(old, story.gateway.reading("level", 60.0))
        story.until(begin + 100)
        await story.new_stream()
        await story.at(begin + 100, 50.0)
        await story.gateway.send(story.collector, old, kept)
        await heard(story, begin + 110)
    first = (await ask("/api/v1/backfills", limit=2))[1]
    rest = (await ask("/api/v1/backfills", limit=2, cursor=first["next"]))[1]
    ids = [each["id"] for each in first["items"] + rest["items"]]
    assert ids == sorted(ids, reverse=True)
    assert (len(set(ids)), rest["next"]) == (3, None)
    status, refused = await ask("/api/v1/backfills", cursor=first["next"], gateway="gw")
    assert (status, refused["code"]) == (422, "CURSOR_ELSEWHERE")


async def test_pages_hear_of_it_within_their_scope(house, story):  # noqa: F811
    hub = house[0].hub
    people = {
        scope: await hub.subscribe(
            Principal(name="ann", kind=Kind.SESSION, scope=frozenset({scope})), frozenset({scope})
        )
        for scope in ("site", "elsewhere")
    }
    await delivered(story)
    await hub.beat(1)
    told = {scope: _told(page.queue) for scope, page in people.items()}
    assert told["elsewhere"] == []
    (body,) = told["site"]
    assert (body["gateway"], body["total"], body["readings"]) == ("gw", 1, 8)
    await hub.beat(2)
    assert _told(people["site"].queue) == []


async def test_the_times_are_those_of_the_readings(story, ask):
    await delivered(story)
    (one,) = (await ask("/api/v1/backfills"))[1]["items"]
    (record,) = (await story.collector.backfills.page(None, 1, None)).items
    assert (seconds(record.first), seconds(record.newest)) == (CUT + 20, BACK - 20)
    assert one["first"].startswith("2026-06-12T")
    assert one["first"] < one["newest"] < one["began"] <= one["ended"]
    assert record.began > START


def _told(queue):
    found = []
    while not queue.empty():
        message = queue.get_nowait()
        if message is not None and message.event == "backfill":
            found.append(json.loads(message.data))
    return found
