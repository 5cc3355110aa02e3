"""Test and drill data go the whole way, and neither hide a real alarm nor end one."""

import pytest

from protocols.words import Purpose
from tests.central.alarms.test_acting import Deed, do

ASIDE = pytest.mark.parametrize("purpose", [Purpose.TEST, Purpose.DRILL])


async def begin(story, purpose):
    story.stream = story.gateway.open(purpose=purpose)
    await story.collector.ingest.put_stream("gw", story.stream.id, story.stream.opening)


async def told(story):
    episodes = await story.episodes()
    return [
        (each.purpose.name, each.state)
        for each in episodes
        if each.rule == "site/gw/tank/level:high"
    ]


@ASIDE
@pytest.mark.parametrize("restarted", [False, True])
async def test_what_a_test_raised_hides_no_real_alarm(story, tmp_path, purpose, restarted):
    await begin(story, purpose)
    await story.at(0, 95.0)
    if restarted:
        await story.reopen(tmp_path)
    await begin(story, Purpose.PRODUCTION)
    await story.at(10, 96.0)
    assert await told(story) == [(purpose.name, "NORMAL"), ("PRODUCTION", "UNACK")]
    ended, real = await story.episodes()
    assert await story.journal(ended.id) == [[0, "RAISE:HH"], [10, "RTN:HH"]]
    detail = await story.collector.alarms.episode(ended.id)
    assert detail.journal[-1].comment == "purpose_changed"
    assert await story.journal(real.id) == [[10, "RAISE:HH"]]


@ASIDE
async def test_what_a_test_left_unseen_is_not_gone_on_with(story, purpose):
    await begin(story, purpose)
    await story.at(0, 95.0)
    await story.at(5, 50.0)
    await begin(story, Purpose.PRODUCTION)
    await story.at(10, 50.0)
    await story.at(20, 95.0)
    assert await told(story) == [(purpose.name, "NORMAL"), ("PRODUCTION", "UNACK")]


@ASIDE
async def test_no_test_ends_a_real_alarm(story, tmp_path, purpose):
    await story.at(0, 85.0)
    await begin(story, purpose)
    for second, value in ((10, 50.0), (20, 95.0), (30, 50.0)):
        await story.at(second, value)
    await story.reopen(tmp_path)
    await story.at(40, 50.0)
    assert await told(story) == [("PRODUCTION", "UNACK")]
    (episode,) = await story.episodes()
    assert episode.level.name == "H"
    await begin(story, Purpose.PRODUCTION)
    await story.at(50, 50.0)
    assert await told(story) == [("PRODUCTION", "RTN_UNACK")]


@ASIDE
async def test_older_readings_of_production_end_no_test(story, purpose):
    before = story.stream
    await begin(story, purpose)
    await story.at(100, 95.0)
    await story.late(110, before, (40, 50.0))
    assert await told(story) == [(purpose.name, "UNACK")]


@ASIDE
async def test_a_shelf_stays_over_what_comes_after_the_test(story, purpose):
    await begin(story, purpose)
    await story.at(0, 95.0)
    rule = "site/gw/tank/level:high"
    await do(story, Deed.SHELVE, rule=rule, seconds=600.0, text="检修")
    await begin(story, Purpose.PRODUCTION)
    await story.at(10, 96.0)
    real = (await story.episodes())[-1]
    assert await story.journal(real.id) == [[10, "SHADOW_RAISE:HH"]]
    assert [layer.name for layer in real.overlays] == ["SHELVED"]
