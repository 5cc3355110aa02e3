"""A flood begins and ends in the commits that make it one, and outlives a restart."""

import pytest

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
