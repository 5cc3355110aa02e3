"""One record for each gateway and delivery of the past (补传), by its counts and its alarms."""

import json

import pytest

from central.backfills import records
from protocols.alarms.rule import Colour
from protocols.words import Purpose
from tests.central.builders import SECOND, START

CUT, BACK = 600, 780
"""Seconds after 22:00 between which the line is down."""


async def cut(story, inside, scan=20):
    """Live until the cut; what is `inside` by the second waits at the gateway; live again."""
    for second in range(540, CUT + 1, scan):
        await story.at(second, 50.0)
    old, kept = story.stream, len(story.stream.batches)
    for second in range(CUT + scan, BACK, scan):
        story.until(second)
        story.gateway.seal(old, story.gateway.reading("level", inside(second)))
    story.until(BACK)
    await story.new_stream()
    await story.at(BACK, inside(BACK))
    return old, kept


async def heard(story, second, oldest=None):
    """The gateway says what waits at it: since when the oldest does (None: nothing does)."""
    story.until(second)
    said = {"gateway": "gw", "backlog": {"readings": 0, "oldest": oldest}}
    await story.collector.ingest.post_health("gw", json.dumps(said).encode())


async def told(story):
    page = await story.collector.backfills.page(None, 100, None)
    return page.items


def seconds(time):
    return (time - START) / SECOND


async def test_a_cut_without_alarms_is_told_once_with_its_span_and_counts(story):
    effects = []
    story.collector.listeners.append(lambda each: effects.extend(each.backfills))
    old, kept = await cut(story, lambda _: 60.0)
    await story.gateway.send(story.collector, old, kept)
    assert await told(story) == []
    await heard(story, BACK + 10)
    (one,) = await told(story)
    assert (seconds(one.first), seconds(one.newest)) == (CUT + 20, BACK - 20)
    assert (one.gateway, one.purpose) == ("gw", "production")
    assert (one.readings, one.points, one.lost, one.raised, one.peak) == (8, 1, 0, (), None)
    assert effects == [one]
    await heard(story, BACK + 20)
    assert await told(story) == [one]


async def test_alarms_are_counted_by_colour_and_named(story):
    old, kept = await cut(story, lambda second: 95.0 if 640 <= second < 700 else 50.0)
    await story.gateway.send(story.collector, old, kept)
    await heard(story, BACK + 10)
    (one,) = await told(story)
    assert [(each.colour, each.standing, each.n) for each in one.raised] == [(Colour.RED, False, 1)]
    episode = await story.one()
    assert episode.late
    assert [each.id for each in one.named] == [episode.id]


async def test_what_began_inside_and_still_stands_is_said_to_stand(story):
    old, kept = await cut(story, lambda second: 85.0 if second >= 700 else 50.0)
    await story.gateway.send(story.collector, old, kept)
    await heard(story, BACK + 10)
    (one,) = await told(story)
    episode = await story.one()
    assert seconds(episode.raised) == 700
    assert not episode.late
    assert [(each.colour, each.standing, each.n) for each in one.raised] == [
        (Colour.YELLOW, True, 1)
    ]


async def test_the_peak_of_what_stood_before_the_cut_is_told(story):
    await story.at(500, 85.0)
    for second in range(520, CUT + 1, 20):
        await story.at(second, 86.0)
    old, kept = story.stream, len(story.stream.batches)
    for second, value in ((640, 87.5), (680, 89.0), (720, 88.0)):
        story.until(second)
        story.gateway.seal(old, story.gateway.reading("level", value))
    story.until(BACK)
    await story.new_stream()
    await story.at(BACK, 86.5)
    await story.gateway.send(story.collector, old, kept)
    await heard(story, BACK + 10)
    (one,) = await told(story)
    assert one.raised == ()
    assert (one.peak.value, seconds(one.peak.time)) == (89.0, 680)


async def test_it_goes_on_while_the_gateway_has_more(story):
    old, kept = await cut(story, lambda _: 60.0)
    await story.gateway.send(story.collector, old, kept, kept + 3)
    await heard(story, BACK + 10, oldest=START + (CUT + 100) * SECOND)
    assert await told(story) == []
    await story.gateway.send(story.collector, old, kept + 4)
    await heard(story, BACK + 20)
    (one,) = await told(story)
    assert one.readings == 8


async def test_it_is_over_when_nothing_more_came_for_five_minutes(story):
    old, kept = await cut(story, lambda _: 60.0)
    await story.gateway.send(story.collector, old, kept)
    story.until(BACK + 299)
    await story.collector.backfills.look()
    assert await told(story) == []
    story.until(BACK + 300)
    await story.collector.backfills.look()
    assert len(await told(story)) == 1


async def test_one_that_goes_on_is_told_hour_by_hour(story):
    old, kept = await cut(story, lambda _: 60.0)
    await story.gateway.send(story.collector, old, kept)
    for minute in range(4, 60, 4):
        story.until(BACK + minute * 60)
        place = story.gateway.seal(old, story.gateway.reading("level", 60.0))
        await story.at(BACK + minute * 60 + 90, 60.0)
        await story.gateway.send(story.collector, old, place)
        await story.collector.backfills.look()
    assert await told(story) == []
    story.until(BACK + 3_600)
    await story.collector.backfills.look()
    (one,) = await told(story)
    assert one.readings == len(old.batches) - kept
    assert await story.collector.db.read(records.going_on) == []


async def test_a_restart_in_its_middle_counts_nothing_twice_and_loses_nothing(story, tmp_path):
    old, kept = await cut(story, lambda second: 95.0 if 640 <= second < 700 else 50.0)
    await story.gateway.send(story.collector, old, kept, kept + 4)
    await story.reopen(tmp_path)
    await story.gateway.send(story.collector, old, kept + 2)
    await heard(story, BACK + 10)
    (one,) = await told(story)
    assert (one.readings, one.points) == (8, 1)
    assert (seconds(one.first), seconds(one.newest)) == (CUT + 20, BACK - 20)
    assert len(one.named) == 1
    await story.reopen(tmp_path)
    assert await told(story) == [one]


async def test_the_same_delivered_again_is_no_second_one(story):
    old, kept = await cut(story, lambda _: 60.0)
    await story.gateway.send(story.collector, old, kept)
    await heard(story, BACK + 10)
    await story.gateway.send(story.collector, old, kept)
    await heard(story, BACK + 20)
    assert len(await told(story)) == 1


async def test_what_comes_a_little_late_and_raises_nothing_is_not_told(story):
    await story.at(0, 50.0)
    old, kept = story.stream, len(story.stream.batches)
    for second in (10, 20, 30):
        story.until(second)
        story.gateway.seal(old, story.gateway.reading("level", 55.0))
    story.until(40)
    await story.new_stream()
    await story.at(40, 50.0)
    await story.gateway.send(story.collector, old, kept)
    await heard(story, 50)
    assert await told(story) == []
    rows = await story.collector.db.read(
        lambda conn: conn.execute("SELECT count(*) FROM backfill").fetchone()[0]
    )
    assert rows == 0


async def test_what_comes_a_little_late_and_raised_something_is_told(story):
    await story.at(0, 50.0)
    old, kept = story.stream, len(story.stream.batches)
    for second, value in ((10, 95.0), (20, 95.0), (30, 50.0)):
        story.until(second)
        story.gateway.seal(old, story.gateway.reading("level", value))
    story.until(40)
    await story.new_stream()
    await story.at(40, 50.0)
    await story.gateway.send(story.collector, old, kept)
    await heard(story, 50)
    (one,) = await told(story)
    assert (one.readings, len(one.named)) == (3, 1)


async def test_live_readings_are_none_of_it(story):
    for second in range(0, 120, 10):
        await story.at(second, 95.0 if second > 60 else 50.0)
    await heard(story, 121)
    assert await told(story) == []


async def test_a_test_is_told_apart(story):
    await story.at(0, 50.0)
    proof = story.gateway.open(purpose=Purpose.TEST)
    await story.collector.ingest.put_stream("gw", proof.id, proof.opening)
    story.gateway.seal(proof, story.gateway.reading("level", 95.0))
    story.until(200)
    await story.gateway.send(story.collector, proof)
    await heard(story, 210)
    assert [each.purpose for each in await told(story)] == ["test"]


@pytest.mark.parametrize("limit", [1, 2, 5])
async def test_pages_hold_each_once_newest_first(story, limit):
    for nth in range(5):
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
    found, before = [], None
    while True:
        page = await story.collector.backfills.page(frozenset({"gw"}), limit, before)
        found += page.items
        before = page.next
        if before is None:
            break
    assert [seconds(each.first) for each in found] == [4_010, 3_010, 2_010, 1_010, 10]
    nobody = await story.collector.backfills.page(frozenset(), limit, None)
    assert nobody.items == []


async def test_a_transaction_that_is_undone_leaves_nothing_counted(story):
    old, kept = await cut(story, lambda _: 60.0)
    await story.gateway.send(story.collector, old, kept, kept + 2)
    noting = story.collector._committer.backfills
    noting.forget()
    await story.gateway.send(story.collector, old, kept + 3)
    await heard(story, BACK + 10)
    (one,) = await told(story)
    assert (one.readings, one.points) == (8, 1)
