"""What a rule missed while it was suppressed or out of service is no alarm afterwards either."""

import pytest

from central.alarms.acts.asked import Deed
from tests.central.alarms.story import Story
from tests.central.alarms.test_acting import RULE, do
from tests.central.alarms.test_backfill import BACK, cut, told

RESTS = {
    Deed.SUPPRESS: (Deed.UNSUPPRESS, {}),
    Deed.OUT_OF_SERVICE: (Deed.IN_SERVICE, {"reference": "permit"}),
}


@pytest.fixture
async def story(tmp_path, clock):
    made = await Story.begin(tmp_path, clock)
    yield made
    await made.collector.close()


async def rests(story, second, deed):
    story.until(second)
    await do(story, deed, rule=RULE, text="检修", **RESTS.get(deed, (None, {}))[1])


@pytest.mark.parametrize("deed", RESTS)
@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize("whole", [False, True])
async def test_nothing_is_told_of_the_time_of_rest(story, tmp_path, deed, ended, whole):
    await story.at(0, 50.0)
    await rests(story, 300, deed)
    old = await cut(story, before=50.0, after=50.0)
    if ended:
        await rests(story, BACK + 1, RESTS[deed][0])
    # Its end comes with it, or later, over a restart.
    readings = ((610, 70.0), (660, 85.0), (700, 95.0))
    await story.late(BACK + 2, old, *readings, *([(720, 70.0)] if whole else []))
    if not whole:
        await story.reopen(tmp_path)
        await story.late(BACK + 3, old, (720, 70.0))
    assert await told(story) == []
    await story.late(BACK + 4, old, (800, 90.0), (810, 50.0))
    assert await told(story) == []


@pytest.mark.parametrize("deed", RESTS)
async def test_what_began_before_it_rested_or_after_is_told(story, deed):
    await story.at(0, 50.0)
    old = await cut(story, before=50.0, after=50.0)
    await rests(story, BACK + 1, deed)
    await story.late(BACK + 2, old, (660, 85.0), (700, 50.0))
    assert await told(story) == [("NORMAL", 660, 700, True)]
    await rests(story, BACK + 10, RESTS[deed][0])
    older = await story.new_stream()
    await story.at(BACK + 100, 50.0)
    await story.late(BACK + 101, old, (BACK + 20, 85.0), (BACK + 50, 50.0))
    assert older is not old
    assert (await told(story))[-1] == ("NORMAL", BACK + 20, BACK + 50, True)
