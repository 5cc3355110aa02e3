"""A cut and its catching up: the past is told as it was, late, without touching what is live."""

import pytest

from tests.central.alarms.story import Story
from tests.central.builders import SECOND, START, Gateway, PointSpec, level

CUT = 600
BACK = 840
"""The cable is out from 22:10 to 22:14."""


async def cut(story, *, before, after):
    """Live until the cut, then live again on a new stream; returns the sealed one."""
    await story.at(CUT, before)
    story.until(BACK)
    old = await story.new_stream()
    await story.at(BACK, after)
    return old


async def told(story):
    return [
        (e.state, (e.raised - START) / SECOND, e.returned and (e.returned - START) / SECOND, e.late)
        for e in await story.episodes()
    ]


async def test_a_whole_episode_in_the_gap_is_written_closed_and_late(story):
    old = await cut(story, before=70.0, after=70.0)
    await story.late(BACK + 1, old, (660, 85.0), (700, 95.0), (720, 70.0))
    assert await told(story) == [("NORMAL", 660, 720, True)]
    assert await story.journal() == [[660, "RAISE:H"], [700, "LEVEL:HH"], [720, "RTN"]]
    assert (await story.one()).level.name == "HH"
    assert await story.episodes("open") == []


async def test_a_peak_across_two_deliveries_is_one_episode(story):
    old = await cut(story, before=70.0, after=70.0)
    await story.late(BACK + 1, old, (660, 85.0))
    # It may have lasted till the cable was back: told so until more is known.
    assert await told(story) == [("NORMAL", 660, BACK, True)]
    await story.late(BACK + 2, old, (700, 86.0), (720, 70.0))
    assert await told(story) == [("NORMAL", 660, 720, True)]


async def test_the_raise_of_a_standing_alarm_is_moved_back(story):
    old = await cut(story, before=70.0, after=85.0)
    assert await told(story) == [("UNACK", BACK, None, False)]
    await story.late(BACK + 1, old, (660, 85.0), (720, 86.0))
    assert await told(story) == [("UNACK", 660, None, False)]
    assert await story.journal() == [[BACK, "RAISE:H"], [660, "BACKDATED:H"]]


async def test_a_raise_moved_back_too_early_is_put_right(story):
    old = await cut(story, before=70.0, after=85.0)
    await story.late(BACK + 1, old, (660, 85.0))
    await story.late(BACK + 2, old, (700, 70.0), (800, 85.0))
    assert await told(story) == [("NORMAL", 660, 700, True), ("UNACK", 800, None, False)]
    live = (await story.episodes("open"))[0]
    assert await story.journal(live.id) == [
        [BACK, "RAISE:H"],
        [660, "BACKDATED:H"],
        [BACK, "BACKDATED:H"],
        [800, "BACKDATED:H"],
    ]


async def test_an_alarm_that_stood_before_the_cut_stays_one(story):
    await story.at(0, 85.0)
    await story.ack()
    old = await cut(story, before=85.0, after=86.0)
    await story.late(BACK + 1, old, (660, 87.0), (720, 88.0))
    assert await told(story) == [("ACKED", 0, None, False)]
    assert [word for _, word in await story.journal()] == ["RAISE:H", "ACK:H"]


async def test_backfill_that_returned_does_not_return_the_live_alarm(story):
    await story.at(0, 85.0)
    old = await cut(story, before=85.0, after=85.0)
    await story.late(BACK + 1, old, (660, 70.0), (661, 70.0))
    assert (await story.one()).state == "UNACK"


async def test_a_later_alarm_is_not_the_one_from_the_gap(story):
    old = await cut(story, before=70.0, after=70.0)
    await story.at(BACK + 100, 85.0)
    await story.late(BACK + 101, old, (660, 85.0), (800, 85.0))
    assert await told(story) == [
        ("NORMAL", 660, BACK, True),
        ("UNACK", BACK + 100, None, False),
    ]


async def test_without_a_newer_live_reading_backfill_is_the_live_alarm(story):
    await story.at(CUT, 70.0)
    story.until(BACK)
    old = await story.new_stream()
    await story.late(BACK + 1, old, (660, 85.0), (720, 86.0))
    assert await told(story) == [("UNACK", 660, None, True)]
    await story.at(BACK + 2, 70.0)
    assert await told(story) == [("RTN_UNACK", 660, BACK + 2, True)]


async def test_several_restarts_in_one_outage_are_one_past(story):
    """Three streams wait; the alarm begins in the first and returns in the third."""
    await story.at(CUT, 70.0)
    first = await story.new_stream()
    second = await story.new_stream()
    third = await story.new_stream()
    await story.at(BACK, 70.0)
    await story.late(BACK + 1, first, (660, 85.0))
    await story.late(BACK + 2, second, (700, 86.0))
    await story.late(BACK + 3, third, (720, 87.0), (730, 70.0))
    assert await told(story) == [("NORMAL", 660, 730, True)]


async def test_history_before_the_first_contact(story):
    """What was buffered before anybody listened comes after the first live reading."""
    old = story.stream
    await story.new_stream()
    await story.at(0, 85.0)
    await story.late(1, old, (-3600, 70.0), (-1800, 85.0), (-900, 70.0), (-600, 85.0), (-60, 86.0))
    assert await told(story) == [
        ("NORMAL", -1800, -900, True),
        ("UNACK", -600, None, False),
    ]


async def test_a_restart_of_the_collector_in_the_middle_changes_nothing(story, tmp_path):
    await story.at(0, 85.0)
    await story.ack()
    await story.at(300, 70.0)
    old = await cut(story, before=70.0, after=85.0)
    await story.reopen(tmp_path)
    await story.late(BACK + 1, old, (610, 70.0), (660, 85.0))
    await story.reopen(tmp_path)
    await story.late(BACK + 2, old, (700, 70.0))
    await story.reopen(tmp_path)
    await story.late(BACK + 3, old, (710, 71.0), (760, 85.0))
    assert await told(story) == [
        ("NORMAL", 0, 300, False),
        ("NORMAL", 660, 700, True),
        ("UNACK", 760, None, False),
    ]


async def test_delays_of_the_past_run_on_its_own_time(tmp_path, clock):
    ladder = (level("H", 80.0, on_delay=30.0),)
    story = await Story.begin(tmp_path, clock, points=(PointSpec("level", limits=ladder),))
    old = await cut(story, before=70.0, after=70.0)
    await story.late(BACK + 1, old, (660, 85.0))
    assert await told(story) == []
    await story.late(BACK + 100, old, (680, 70.0), (700, 85.0), (731, 85.0), (740, 70.0))
    assert await told(story) == [("NORMAL", 730, 740, True)]
    await story.collector.close()


async def test_old_data_never_replace_newer_values(story):
    old = await cut(story, before=70.0, after=71.0)
    await story.late(BACK + 1, old, (660, 50.0))
    (head,) = story.collector.store.latest()
    assert (head.value, head.late) == (71.0, False)


@pytest.mark.parametrize("deliveries", [1, 2, 4, 12])
async def test_how_the_past_is_cut_into_deliveries_changes_no_episode(
    story, tmp_path, clock, deliveries
):
    past = [
        (610 + 10 * n, v) for n, v in enumerate([70, 85, 95, 70, 81, 79, 77, 90, 91, 70, 85, 85])
    ]
    old = await cut(story, before=70.0, after=85.0)
    size = -(-len(past) // deliveries)
    for nth in range(deliveries):
        part = [(second, float(value)) for second, value in past[nth * size : (nth + 1) * size]]
        await story.late(BACK + 1 + nth, old, *part)
    assert await told(story) == [
        ("NORMAL", 620, 640, True),
        ("NORMAL", 650, 670, True),
        ("NORMAL", 680, 700, True),
        ("UNACK", 710, None, False),
    ]


async def test_two_gateways_do_not_know_of_each_other(story, clock):
    await story.collector.registry.add_gateway("gw2")
    other = Gateway(clock, "gw2", boot="e0" * 16)
    stream = other.open()
    await other.register(story.collector, stream)
    await story.at(0, 85.0)
    await other.deliver(story.collector, stream, other.reading("level", 70.0))
    assert [(e.point, e.state) for e in await story.episodes()] == [("site/gw/tank/level", "UNACK")]


async def test_a_past_that_still_stands_when_live_data_comes_is_a_live_alarm(story):
    """The whole backlog comes first and in order; the alarm it leaves standing sounds now."""
    await story.late(0, story.stream, (-1800, 70.0), (-900, 85.0), (-300, 86.0))
    assert await told(story) == [("UNACK", -900, None, True)]
    old = await story.new_stream()
    await story.at(1, 87.0)
    assert await told(story) == [("UNACK", -900, None, False)]
    assert old is not story.stream


async def test_a_past_that_is_over_when_live_data_comes_stays_late(story):
    await story.late(0, story.stream, (-1800, 70.0), (-900, 85.0), (-300, 70.0))
    await story.new_stream()
    await story.at(1, 70.0)
    assert [late for *_, late in await told(story)] == [True]
