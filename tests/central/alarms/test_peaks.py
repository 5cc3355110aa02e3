"""The worst value of an alarm is told with its return, wherever it lay."""

from dataclasses import replace

from central.alarms.journal.peaks import wanted
from central.alarms.journal.records import episode_by_number
from central.reader import QueryTooLong
from protocols.alarms.wording import tell
from tests.central.builders import SECOND, START


async def looked_up(story):
    """Let what waits be looked up."""
    while await story.collector.alarms.peaks.once():
        pass


async def message(story):
    return tell((await story.one()).told, story.clock.now())


async def test_a_return_says_the_worst_and_when_also_where_it_passed_inside_a_level(story):
    for second, value in ((0, 82.0), (60, 88.25), (120, 84.0), (180, 50.0)):
        await story.at(second, value)
    assert "最高" not in await message(story)
    await looked_up(story)
    assert "历时 3 min，最高 88.25 %（22:01）。" in await message(story)
    peak = (await story.collector.alarms.episode((await story.one()).id)).peak
    assert (peak.value, peak.time, peak.quality) == (88.25, START + 60 * SECOND, 0)


async def test_a_page_hears_of_it_once(story):
    heard = []
    story.collector.listeners.append(heard.append)
    await story.at(0, 82.0)
    await story.at(60, 50.0)
    before = len(heard)
    await looked_up(story)
    again = heard[before:]
    assert [len(each.episodes) for each in again] == [1]
    (returned,) = again[0].episodes
    (told,) = await story.collector.alarms.with_told([returned])
    assert "最高 82.00 %" in tell(told.told, 0)
    await looked_up(story)
    assert len(heard) == before + 1


async def test_an_acknowledgement_meanwhile_is_not_told_away(story, monkeypatch):
    peaks = story.collector.alarms.peaks
    asked = peaks._ask

    async def slowly(work):
        found = await asked(work)
        await story.ack()
        return found

    await story.at(0, 82.0)
    await story.at(60, 50.0)
    heard = []
    story.collector.listeners.append(heard.append)
    monkeypatch.setattr(peaks, "_ask", slowly)
    await looked_up(story)
    states = [each.state for effects in heard for each in effects.episodes]
    assert states == ["NORMAL", "NORMAL"]


async def test_a_low_alarm_has_a_lowest_and_a_second_return_a_new_one(story):
    for second, value in ((0, 15.0), (60, 13.5), (120, 50.0)):
        await story.at(second, value)
    await looked_up(story)
    assert "最低 13.50 %（22:01）" in await message(story)
    await story.at(180, 11.0)
    await story.at(240, 50.0)
    await looked_up(story)
    assert "最低 11.00 %（22:03）" in await message(story)


async def test_while_it_stands_the_detail_says_how_bad_it_was_so_far(story):
    await story.at(0, 82.0)
    await story.at(60, 89.0)
    await story.at(120, 85.0)
    detail = await story.collector.alarms.episode((await story.one()).id)
    assert (detail.peak.value, detail.peak.time) == (89.0, START + 60 * SECOND)
    assert "最高" not in tell(detail.episode.told, START)


async def test_what_is_silent_has_no_worst_value(story):
    await story.at(0, 82.0)
    row = await story.collector.db.read(lambda conn: episode_by_number(conn, 1))
    assert wanted(row, "limit", START) is not None
    assert wanted(replace(row, rule="fault:gw"), "limit", START) is None
    assert wanted(row, "window", START) is None


async def test_what_was_not_looked_up_is_at_the_next_start(story, tmp_path):
    await story.at(0, 82.0)
    await story.at(60, 50.0)
    await story.reopen(tmp_path)
    await looked_up(story)
    assert "最高 82.00 %" in await message(story)


async def test_what_the_store_cannot_answer_in_time_is_left_out(story, monkeypatch):
    async def slow(work):
        raise QueryTooLong(seconds=2.0)

    await story.at(0, 82.0)
    await story.at(60, 50.0)
    monkeypatch.setattr(story.collector.alarms.peaks, "_ask", slow)
    await looked_up(story)
    detail = await story.collector.alarms.episode((await story.one()).id)
    assert detail.peak is None
    assert "最高" not in await message(story)
