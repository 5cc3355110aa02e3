"""What people are told of an episode, as the list and the live stream say it."""

from central.alarms.episode import EpisodeFilter
from protocols.alarms.wording import tell


async def message(story, language="zh"):
    page = await story.collector.alarms.episodes(EpisodeFilter(state="all", limit=1))
    return tell(page.items[0].told, story.clock.now(), language)


async def test_a_raise_a_rise_an_acknowledgement_and_a_return(story):
    await story.at(0, 85.0)
    raised = await message(story)
    assert raised.startswith("【黄色报警】22:00 场所")
    assert "储罐 点位 level 85.00 %" in raised
    await story.at(60, 95.0)
    risen = await message(story)
    assert risen.startswith("【红色报警】22:01 ")
    assert "等级升高" in risen
    await story.ack()
    assert await message(story) == risen
    await story.at(120, 85.0)
    assert (await message(story)).startswith("【降为黄色】22:02 ")
    await story.at(180, 10.5)
    page = await story.collector.alarms.episodes(EpisodeFilter(state="history"))
    told = tell(page.items[0].told, story.clock.now())
    assert told.startswith("【恢复】22:03 ")
    assert "历时 3 min" in told
    assert tell(page.items[0].told, story.clock.now(), "en").isascii()


async def test_what_was_over_before_it_was_known(story):
    await story.at(0, 50.0)
    old = await story.new_stream()
    await story.at(600, 50.0)
    await story.late(610, old, (100, 95.0), (200, 50.0))
    told = await message(story)
    assert told.startswith("【补传】22:01–22:03 ")
    assert "未响铃" in told


async def test_the_live_stream_says_the_same(story):
    heard = []
    story.collector.listeners.append(heard.append)
    await story.at(0, 85.0)
    await story.at(60, 95.0)
    (changed,) = heard[-1].episodes
    live = story.collector.alarms.with_told(changed)
    assert tell(live.told, story.clock.now()) == await message(story)
