"""Live alarms, told through ingest: levels, acknowledging, delays, quality, order, restarts."""

import asyncio

import pytest

from central.alarms.acts.acting import EpisodeUnknown
from central.effects import Effects
from protocols.errors import IllegalTransition
from protocols.quality import Quality
from protocols.words import Purpose
from tests.central.alarms.story import Story
from tests.central.builders import SECOND, START, PointSpec, level

DELAYED = (PointSpec("level", limits=(level("H", 80.0, on_delay=5.0, off_delay=10.0),)),)


async def test_raise_rise_acknowledge_return(story):
    await (await story.at(0, 79.9)).is_("NORMAL")
    await (await story.at(10, 80.0)).is_("UNACK", "H")
    await (await story.at(20, 91.0)).is_("UNACK", "HH")
    await story.ack()
    await story.is_("ACKED", "HH")
    await (await story.at(30, 85.0)).is_("ACKED", "H")
    await (await story.at(40, 78.5)).is_("ACKED", "H")
    await (await story.at(50, 77.9)).is_("NORMAL")
    assert await story.journal() == [
        [10, "RAISE:H"],
        [20, "LEVEL:HH"],
        [20, "ACK:HH"],
        [30, "LEVEL:H"],
        [50, "RTN"],
    ]
    episode = await story.one()
    assert episode.id == "A-20260612-0001"
    assert (episode.raised, episode.returned) == (START + 10 * SECOND, START + 50 * SECOND)
    assert episode.closed == episode.returned
    assert episode.value_at_raise == 80.0
    assert not episode.late


async def test_a_rise_after_the_acknowledgement_calls_again(story):
    await story.at(0, 85.0)
    await story.ack()
    await (await story.at(10, 95.0)).is_("UNACK", "HH")
    assert (await story.one()).acknowledged is None
    assert (await story.journal())[-2:] == [[10, "LEVEL:HH"], [10, "REALARM:HH"]]
    await story.ack("bob")
    assert (await story.one()).acknowledged.by == "bob"


async def test_unseen_and_back_is_the_same_episode(story):
    await story.at(0, 85.0)
    await (await story.at(10, 70.0)).is_("RTN_UNACK")
    await (await story.at(20, 85.0)).is_("UNACK")
    assert (await story.one()).occurrence == 2
    assert (await story.one()).returned is None
    await story.at(30, 70.0)
    await story.ack()
    await story.is_("NORMAL")
    await story.at(40, 85.0)
    assert [e.id[-4:] for e in await story.episodes()] == ["0001", "0002"]


async def test_low_and_high_are_alarms_of_their_own(story):
    await story.at(0, 15.0)
    await story.at(10, 85.0)
    low, high = await story.episodes()
    assert (low.rule, low.state) == ("site/gw/tank/level:low", "RTN_UNACK")
    assert (high.rule, high.state) == ("site/gw/tank/level:high", "UNACK")


async def test_a_switch_is_told_as_true(story):
    await story.at(0, False, point="smoke")
    await story.at(5, True, point="smoke")
    episode = await story.one()
    assert episode.value_at_raise is True
    assert episode.level.name == "fire"


@pytest.mark.parametrize("quality", [Quality.BAD_SENSOR_FAILURE, Quality.UNCERTAIN])
async def test_quality_that_is_not_good_neither_raises_nor_clears(story, quality):
    await (await story.at(0, 99.0, quality)).is_("NORMAL")
    await (await story.at(10, 85.0)).is_("UNACK")
    await (await story.at(20, 1.0, quality)).is_("UNACK")
    await (await story.at(30, None, Quality.BAD_NO_COMMUNICATION)).is_("UNACK")
    await (await story.at(40, 70.0)).is_("RTN_UNACK")


async def test_a_delay_fires_by_the_clock_with_its_own_time(tmp_path, clock):
    story = await Story.begin(tmp_path, clock, points=DELAYED)
    await (await story.at(0, 90.0)).is_("NORMAL")
    # A reading of 4.9 s may still be on its way: the clock waits two seconds for it.
    await (await story.tick(6.9)).is_("NORMAL")
    await (await story.tick(7)).is_("UNACK")
    await story.at(20, 70.0)
    await (await story.tick(31.9)).is_("UNACK")
    # Nothing was heard of the gateway since the reading that began it: it may be gone.
    await (await story.tick(32)).is_("UNACK")
    await story.alive(33)
    await (await story.tick(34)).is_("RTN_UNACK")
    assert await story.journal() == [[5, "RAISE:H"], [30, "RTN"]]
    await story.collector.close()


async def test_a_reading_on_its_way_undoes_the_delay(tmp_path, clock):
    story = await Story.begin(tmp_path, clock, points=DELAYED)
    await story.at(0, 90.0)
    await story.late(6, story.stream, (4.9, 70.0))
    await (await story.tick(60)).is_("NORMAL")
    await story.collector.close()


async def test_a_delay_survives_a_restart(tmp_path, clock):
    story = await Story.begin(tmp_path, clock, points=DELAYED)
    await story.at(0, 90.0)
    story.until(100)
    await story.reopen(tmp_path)
    assert await story.journal() == [[5, "RAISE:H"]]
    await story.collector.close()


async def test_everything_survives_a_restart_at_every_step(story, tmp_path):
    steps = [(0, 85.0), (10, 95.0), (20, 85.0), (30, 70.0), (40, 90.0), (50, 10.0)]
    for second, value in steps:
        await story.at(second, value)
        await story.reopen(tmp_path)
    high = (await story.episodes())[0]
    assert await story.journal(high.id) == [
        [0, "RAISE:H"],
        [10, "LEVEL:HH"],
        [20, "LEVEL:H"],
        [30, "RTN"],
        [40, "RERAISE:HH"],
        [50, "RTN"],
    ]


async def test_the_clock_task_fires_timers_and_sleeps_between(tmp_path, clock):
    story = await Story.begin(tmp_path, clock, points=DELAYED)
    told = asyncio.Queue()
    story.collector.listeners.append(told.put_nowait)
    task = asyncio.create_task(story.collector.run())
    await story.at(0, 90.0)
    for _ in range(50):  # the task falls asleep
        await asyncio.sleep(0)
    clock.move(7)
    async with asyncio.timeout(60):
        while not (await told.get()).episodes:
            pass
    await story.is_("UNACK")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await story.collector.close()


async def test_the_same_key_is_the_same_acknowledgement(story):
    await story.at(0, 85.0)
    first = await story.ack("ann", key="key-0001")
    again = await story.ack("ann", key="key-0001", episode=first.id)
    assert again == first
    assert (await story.ack("ann", key="key-0002", episode=first.id)) == first
    assert [word for _, word in await story.journal()] == ["RAISE:H", "ACK:H"]


async def test_another_persons_acknowledgement_is_refused_and_kept(story):
    await story.at(0, 85.0)
    episode = await story.ack("ann")
    story.until(5)
    with pytest.raises(IllegalTransition) as refused:
        await story.ack("bob", episode=episode.id)
    assert refused.value.code == "ALREADY_ACKNOWLEDGED"
    assert refused.value.params == {"by": "ann", "at": START}
    detail = await story.collector.alarms.episode(episode.id)
    assert (detail.journal[-1].event, detail.journal[-1].actor) == ("ACK_REJECTED", "bob")
    assert detail.episode.acknowledged.by == "ann"


async def test_what_cannot_be_acknowledged_says_so(story):
    with pytest.raises(EpisodeUnknown):
        await story.ack(episode="A-20260612-9999")
    await story.at(0, 85.0)
    first = await story.ack("ann", key="key-0001")
    await story.at(10, 15.0)
    low = (await story.episodes("open"))[-1]
    with pytest.raises(IllegalTransition) as refused:
        await story.ack("ann", key="key-0001", episode=low.id)
    assert refused.value.code == "KEY_USED"
    assert first.id != low.id


async def test_a_stray_older_reading_never_moves_the_live_alarm(story):
    await story.at(0, 70.0)
    await story.at(20, 70.0)
    await story.late(21, story.stream, (10, 95.0))
    await story.is_("NORMAL")
    await story.at(30, 85.0)
    await story.late(31, story.stream, (25, 60.0))
    await story.is_("UNACK")
    notes = await story.collector.db.read(
        lambda conn: conn.execute(
            "SELECT event, level, (time - ?) / 1000000 FROM alarm_journal WHERE episode IS NULL",
            (START,),
        ).fetchall()
    )
    assert notes == [("LATE_ALARM", "HH", 10)]


async def test_the_same_moment_with_another_value_is_a_conflict(story):
    await story.at(0, 85.0)
    await story.late(1, story.stream, (0, 70.0))
    await story.late(2, story.stream, (0, 85.0))
    await story.is_("UNACK")
    assert await story.journal() == [[0, "RAISE:H"], [0, "CONFLICT"]]


async def test_readings_nobody_can_place_raise_nothing(tmp_path, clock):
    story = await Story.begin(tmp_path, clock, boot="c0" * 16)
    old = story.gateway.open()
    await story.collector.ingest.put_stream("gw", old.id, old.opening)
    story.gateway.boot = "d0" * 16  # sent after a reboot, by a boot of its own
    story.gateway.seal(old, story.gateway.reading("level", 99.0), state=0)
    await story.gateway.send(story.collector, old)
    await story.is_("NORMAL")
    (head,) = story.collector.store.latest()
    assert head.estimated
    await story.collector.close()


async def test_test_data_go_the_whole_way_and_count_in_no_figure(story):
    story.stream = story.gateway.open(purpose=Purpose.TEST)
    await story.collector.ingest.put_stream("gw", story.stream.id, story.stream.opening)
    await story.at(0, 95.0)
    assert (await story.one()).purpose is Purpose.TEST
    overview = await story.collector.overview()
    assert overview.unacknowledged == 0
    assert overview.levels.red == 0


async def test_listeners_hear_values_and_episodes_of_a_commit(story):
    heard: list[Effects] = []
    story.collector.listeners.append(heard.append)
    await story.at(0, 85.0)
    (effects,) = [told for told in heard if len(told.values)]
    heads = [story.collector.store.head(number) for number in effects.values.tolist()]
    assert [(v.point, v.value, v.late) for v in heads] == [("site/gw/tank/level", 85.0, False)]
    assert [(e.state, e.level.name, e.value) for e in effects.episodes] == [("UNACK", "H", 85.0)]


async def test_the_time_to_the_next_threshold_follows_the_rate(story):
    for second in range(0, 130, 10):
        await story.at(second, 80.0 + second * 0.05)
    ahead = (await story.one()).time_to_next
    assert (ahead.level, ahead.limit) == ("HH", 90.0)
    assert ahead.seconds == pytest.approx(80, abs=1)
    for second in range(130, 800, 10):
        await story.at(second, 86.0 - (second - 130) * 0.001)
    assert (await story.one()).time_to_next is None


@pytest.mark.parametrize("quality", [Quality.BAD_NO_COMMUNICATION, Quality.BAD_SENSOR_FAILURE])
async def test_a_device_that_dies_before_its_return_was_seen_has_not_returned(
    tmp_path, clock, quality
):
    story = await Story.begin(tmp_path, clock, points=DELAYED)
    await story.at(0, 90.0)
    await story.tick(10)
    await story.at(20, 0.0)  # the sensor falls, and is gone
    await story.at(22, None, quality)
    await story.tick(100)
    await story.is_("UNACK")
    await story.reopen(tmp_path)
    await story.tick(200)
    await story.is_("UNACK")
    await story.at(300, 0.0)
    await story.tick(309)
    await story.is_("UNACK")
    await story.alive(316)
    await story.tick(320)
    assert await story.journal() == [[5, "RAISE:H"], [310, "RTN"]]
    await story.collector.close()


async def test_bad_quality_does_not_take_back_what_was_due_nor_what_is_to_be_raised(
    tmp_path, clock
):
    story = await Story.begin(tmp_path, clock, points=DELAYED)
    await story.at(0, 90.0)
    await story.at(2, None, Quality.BAD_NO_COMMUNICATION)
    await story.tick(10)
    await story.is_("UNACK")
    await story.at(20, 0.0)
    await story.at(31, None, Quality.BAD_NO_COMMUNICATION)
    assert await story.journal() == [[5, "RAISE:H"], [30, "RTN"]]
    await story.collector.close()


async def test_a_device_that_died_in_the_gap_had_not_returned_either(tmp_path, clock):
    story = await Story.begin(tmp_path, clock, points=DELAYED)
    await story.at(0, 90.0)
    await story.tick(10)
    await story.ack()
    old = await story.new_stream()
    await story.at(200, 0.0)
    await story.alive(211)
    await story.tick(220)
    gateway = story.gateway
    told = [
        gateway.reading("level", 0.0, ago=200),
        gateway.reading("level", None, Quality.BAD_NO_COMMUNICATION, ago=198),
        gateway.reading("level", 90.0, ago=110),
        gateway.reading("level", 90.0, ago=100),
    ]
    await gateway.deliver(story.collector, old, *told)
    assert await story.journal() == [[5, "RAISE:H"], [10, "ACK:H"], [210, "RTN"]]
    await story.collector.close()
