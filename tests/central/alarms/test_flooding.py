"""A flood begins and ends in the commits that make it one, and outlives a restart."""

import pytest

from central.alarms.shown import own_floods
from central.alarms.shown.own_floods import FOLLOWING, SINCE, OwnFloods
from protocols.alarms.flood import Bounds
from protocols.words import Purpose
from tests.central.alarms.story import Story
from tests.central.builders import SECOND, START, PointSpec, level

POINTS = tuple(PointSpec(f"p{n}", limits=(level("H", 80.0),)) for n in range(24))


@pytest.fixture
async def story(tmp_path, clock):
    told = await Story.begin(tmp_path, clock, points=POINTS)
    yield told
    await told.collector.close()


async def said(story):
    rows = await story.collector.db.read(
        lambda conn: conn.execute(
            "SELECT event, time, value FROM alarm_journal WHERE rule = 'flood' ORDER BY id"
        ).fetchall()
    )
    return [(event, (time - START) / SECOND, count) for event, time, count in rows]


async def state(story):
    found = await story.collector.crowd.flood(story.clock.now())
    return found.flood.on, found.recent


async def test_ten_are_none_eleven_are_and_it_ends_with_fewer_than_five(story, tmp_path):
    for n in range(10):
        await story.at(10 * n, 95.0, point=f"p{n}")
    assert (await said(story), await state(story)) == ([], (False, 10))
    await story.at(100, 95.0, point="p10")
    assert await said(story) == [("FLOOD_ON", 100, 11)]
    await story.reopen(tmp_path)
    assert await state(story) == (True, 11)
    await story.at(200, 95.0, point="p11")
    await story.alive(669)
    await story.tick(669)
    assert await state(story) == (True, 5)
    await story.reopen(tmp_path)
    await story.tick(673)
    # Of the newest minutes four are left.
    assert (await said(story))[1:] == [("FLOOD_OFF", 670, 12)]
    assert await state(story) == (False, 4)


async def test_test_and_drill_and_what_is_over_flood_nobody(story):
    story.stream = story.gateway.open(purpose=Purpose.TEST)
    await story.collector.ingest.put_stream("gw", story.stream.id, story.stream.opening)
    for n in range(24):
        await story.at(n, 95.0, point=f"p{n}")
    assert await said(story) == []
    assert await state(story) == (False, 0)


HERE, ELSEWHERE, BOTH = frozenset({"site"}), frozenset({"t"}), frozenset({"site", "t"})


async def own(story, sites):
    return await story.collector.crowd.flood(story.clock.now(), sites)


def shown(found):
    """What people are told of it."""
    return found.flood[1:], found.recent, found.bounds, found.spans


@pytest.mark.parametrize("behind", [own_floods.BEHIND, 1])
async def test_of_one_s_own_sites_it_floods_as_of_the_room_and_of_others_never(
    story, monkeypatch, behind
):
    """Followed line by line, or begun anew each time: the same."""
    monkeypatch.setattr(own_floods, "BEHIND", behind)
    second = 0
    for nth in range(24):
        second += 900 if nth == 14 else 20
        await story.alive(second - 1)
        await story.tick(second - 1)
        await story.at(second, 95.0, point=f"p{nth}")
        if nth % 5 == 4:
            await story.at(second + 5, 50.0, point=f"p{nth - 2}")
            await story.at(second + 9, 95.0, point=f"p{nth - 2}")
        whole, mine = await own(story, None), await own(story, HERE)
        assert shown(mine) == shown(whole) == shown(await own(story, BOTH))
        other = await own(story, ELSEWHERE)
        assert (other.flood.on, other.recent, other.spans) == (False, 0, ())
    assert [span.ended is None for span in whole.spans] == [True, False]


async def test_one_s_own_flood_ends_with_the_time(story):
    for n in range(11):
        await story.at(n, 95.0, point=f"p{n}")
    found = await own(story, HERE)
    assert (found.flood.on, found.recent, found.spans[0].alarms) == (True, 11, 11)
    due = story.collector.crowd.own.due(HERE)
    assert due == START + 606 * SECOND
    story.clock.time = due
    found = await own(story, HERE)
    assert (found.flood.on, found.recent, found.spans[0].ended) == (False, 4, due)
    assert story.collector.crowd.own.due(HERE) is story.collector.crowd.own.due(ELSEWHERE) is None


async def test_what_calls_nobody_is_no_flood_of_one_s_own(story):
    story.stream = story.gateway.open(purpose=Purpose.DRILL)
    await story.collector.ingest.put_stream("gw", story.stream.id, story.stream.opening)
    for n in range(24):
        await story.at(n, 95.0, point=f"p{n}")
    assert (await own(story, HERE)).recent == 0


async def test_of_many_groups_of_sites_the_last_asked_for_are_remembered(story, monkeypatch):
    monkeypatch.setattr(own_floods, "SCOPES", 2)
    floods = OwnFloods(story.collector.db, Bounds())
    for sites in (HERE, ELSEWHERE, BOTH, ELSEWHERE):
        await floods.flood(sites, story.clock.now())
    assert list(floods._known) == [BOTH, ELSEWHERE]


@pytest.mark.parametrize(
    ("sql", "way"),
    [(SINCE, "alarm_journal_called (time>?)"), (FOLLOWING, "INTEGER PRIMARY KEY (rowid>?)")],
)
async def test_own_floods_read_only_what_is_new(story, sql, way):
    rows = await story.collector.db.read(
        lambda conn: conn.execute(f"EXPLAIN QUERY PLAN {sql}", (0, "[]", 9)).fetchall()
    )
    assert any("SEARCH j" in told and way in told for *_, told in rows), rows
