"""What lay over an alarm while its gateway was cut off: who saw it there counts here, and a shelf
doubles nothing.
"""

import pytest

from central.alarms.acts.asked import Deed
from central.alarms.gateways.settling import WITHIN
from tests.central.alarms.test_acting import RULE, do
from tests.central.alarms.test_joining import Joint
from tests.central.builders import SECOND, START

WAIT = WITHIN / SECOND + 2
RAISED = ("RAISE", "HH", 300, 300)


@pytest.fixture
async def story(tmp_path, clock):
    told = await Joint.begin(tmp_path, clock)
    await told.at(0, 50.0)
    told.old = await told.new_stream()
    told.until(1200)
    yield told
    await told.collector.close()


async def readings(story):
    await story.at(story.second + 1, 95.0)


async def stands(story):
    now = story.second + 1
    await story.say(now, ("STANDS", "HH", now, 300))


async def backfill(story):
    await story.late(story.second + 1, story.old, (250, 50.0), (300, 95.0), (600, 96.0))


async def seen(story, second=400):
    await story.say(story.second + 1, RAISED)
    await story.say(story.second + 1, ("ACK", "HH", second, 300), by="王")


STEPS = {"seen": seen, "readings": readings, "stands": stands, "backfill": backfill}


@pytest.mark.parametrize("first", STEPS)
@pytest.mark.parametrize("second", STEPS)
@pytest.mark.parametrize("again", [False, True])
async def test_an_alarm_that_stands_is_acknowledged(tmp_path, story, first, second, again):
    for step in dict.fromkeys((first, second, *STEPS)):
        await STEPS[step](story)
        if again:
            await story.reopen(tmp_path)
    await story.tick(1200 + WAIT)
    (shown,) = await story.shown()
    assert shown[:3] == ("ACKED", "HH", False)
    (row,) = await story.rows()
    assert (row.acknowledged.by, row.acknowledged.at) == ("gw: 王", START + 400 * SECOND)
    words = [word for _, word in await story.journal()]
    assert sum(word.startswith("ACK") for word in words) == 1


async def test_an_alarm_that_is_over_was_acknowledged(story):
    await seen(story)
    await story.say(1210, ("RTN", "HH", 600, 300))
    await story.tick(1210 + WAIT)
    assert [each[:3] for each in await story.shown()] == [("NORMAL", "HH", True)]
    (row,) = await story.rows()
    assert (row.acknowledged.by, row.acknowledged.at) == ("gw: 王", START + 400 * SECOND)


async def test_who_saw_it_before_it_became_worse_has_not_seen_that(story):
    await story.say(1201, ("RAISE", "H", 300, 300))
    await story.say(1202, ("ACK", "H", 400, 300), by="王")
    await story.say(1203, ("LEVEL", "HH", 500, 300))
    await stands(story)
    assert [each[:3] for each in await story.shown()] == [("UNACK", "HH", False)]
    await story.say(1205, ("ACK", "HH", 600, 300), by="李")
    assert [each[:3] for each in await story.shown()] == [("ACKED", "HH", False)]
    (row,) = await story.rows()
    assert row.acknowledged.by == "gw: 李"


async def test_of_both_sides_the_earlier_counts_however_it_comes(story):
    await readings(story)
    await story.ack("ann")
    await seen(story)
    await stands(story)
    (row,) = await story.rows()
    assert row.acknowledged.by == "gw: 王"
    assert [word for _, word in await story.journal()][-1] == "ACK:HH"


@pytest.mark.parametrize("one_shot", [True, False])
async def test_a_shelf_over_a_past_that_comes_as_if_it_were_live_doubles_nothing(story, one_shot):
    """A quiet point: no live reading was heard before what the cut kept."""
    await do(story, Deed.SHELVE, rule=RULE, text="检修", seconds=3_600.0, one_shot=one_shot)
    await story.say(1201, RAISED, ("RTN", "HH", 600, 300))
    await story.late(1202, story.old, (300, 95.0), (600, 50.0))
    await story.tick(1202 + WAIT)
    assert [each[:3] for each in await story.shown()] == [("NORMAL", "HH", True)]
    assert [word for _, word in await story.journal()][-2:] == ["JOINED:HH", "SHADOW_RTN"]
