"""Sums over a gap: what went on live before the gap came knows afterwards what was in it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central.alarms.rules.wanted import LIBRARY, Wanted
from protocols.alarms.definition import Definition
from protocols.alarms.kinds.window import Aggregate, Window
from protocols.alarms.rule import Rule
from tests.central.alarms.plant import Plant, high, wanted
from tests.central.builders import SECOND, START, level

POINT = "site/gw/tank/level"
HOUR, SCAN, BACK = 3_600, 60, 3_000
METER = Window(aggregate=Aggregate.SUM, seconds=float(HOUR), counter=True)
ADDED = Window(aggregate=Aggregate.SUM, seconds=float(HOUR))
RISE = Window(aggregate=Aggregate.CHANGE, seconds=float(HOUR))


async def judge(story, kind, *limits):
    levels = tuple(level(f"L{nth}", limit) for nth, limit in enumerate(limits or (50.0,), 1))
    rule = Rule(id=f"{POINT}:own", subject=POINT, levels=levels)
    made = Definition(rule=rule, kind=kind)
    number = story.collector.registry.point(POINT).number
    engine, now = story.collector._engine, story.clock.now()
    wanted = [Wanted(made, ((number, ""),), LIBRARY)]
    await story.collector.db.write(lambda tables: engine.take_rules(tables, wanted, now))


async def own(story, state="all"):
    return [each for each in await story.episodes(state) if each.rule == f"{POINT}:own"]


async def present_first(story, value):
    """The gateway is heard for the first time: what it is now first, and then what it kept."""
    story.until(BACK)
    old = await story.new_stream()
    for nth in range(3):
        await story.at(BACK + nth * SCAN, value)
    return old


@pytest.mark.parametrize("kind", [METER, RISE], ids=["meter", "rise"])
async def test_what_rained_before_it_was_heard_still_counts_after_it(story, kind):
    await judge(story, kind)
    old = await present_first(story, 100.0)
    assert await own(story) == []
    fallen = [(second, second / 30) for second in range(0, BACK, SCAN)]
    await story.late(BACK + 125, old, *fallen)
    (alarm,) = await own(story)
    assert alarm.returned is None
    assert (alarm.raised - START) / SECOND == 1_500
    assert alarm.value_at_raise == 50.0  # what the hour came to then, not the meter's last step
    await story.at(BACK + 180, 100.0)
    await story.at(BACK + 240, 100.5)
    assert [each.returned for each in await own(story, "open")] == [None]


async def test_what_fell_in_a_gap_counts_with_what_falls_after_it(story):
    await judge(story, ADDED)
    await story.at(0, 10.0)
    story.until(1_200)
    old = await story.new_stream()
    await story.at(1_200, 10.0)
    await story.late(1_230, old, *[(second, 10.0) for second in (300, 600)])
    assert await own(story) == []
    await story.at(1_260, 10.0)
    (alarm,) = await own(story)
    assert ((alarm.raised - START) / SECOND, alarm.value_at_raise) == (1_260, 50.0)


def test_it_is_known_after_a_restart():
    it = Plant(wanted("it", high(40.0), kind=METER))
    for nth in range(3):
        it.say(BACK + nth * SCAN, (1, 100.0), stream=2)
    before = [(1, second / 30, True, BACK + 125 - second) for second in range(0, 2_700, SCAN)]
    it.say(BACK + 125, *before, stream=1)
    known = it.told()
    it.restart()
    assert it.told() == known
    since = [(1, second / 30, True, BACK + 130 - second) for second in range(2_700, BACK, SCAN)]
    it.say(BACK + 130, *since, stream=1)
    known = it.told()
    it.restart()
    assert it.told() == known
    it.say(BACK + 180, (1, 100.5), stream=2)
    assert it.engine.tracked(it.tables.conn, "site/it").shown == 100.5
    it.close()


async def test_a_whole_episode_of_the_past_says_what_the_sum_was(story):
    await judge(story, Window(aggregate=Aggregate.SUM, seconds=600.0, counter=True))
    old = await present_first(story, 1_060.0)
    rained = [(second, 1_000 + min(second, 600) / 10) for second in range(0, BACK, SCAN)]
    await story.late(BACK + 125, old, *rained)
    (alarm,) = await own(story)
    assert (alarm.late, alarm.state) == (True, "NORMAL")
    assert alarm.value_at_raise == 54.0


async def test_a_level_reached_in_a_later_part_of_the_gap_says_what_it_was_reached_with(story):
    await judge(story, METER, 20.0, 80.0)
    old = await present_first(story, 100.0)
    for since, to in ((0, 1_500), (1_500, BACK)):
        fallen = [(second, second / 30) for second in range(since, to, SCAN)]
        await story.late(BACK + 125, old, *fallen)
    (alarm,) = await own(story)
    lines = (await story.collector.alarms.episode(alarm.id)).journal
    told = [(line.event, (line.time - START) / SECOND, line.value) for line in lines]
    assert told == [("RAISE", 600, 20.0), ("LEVEL", 2_400, 80.0)]


KINDS = st.builds(
    Window,
    aggregate=st.sampled_from([Aggregate.SUM, Aggregate.MEAN, Aggregate.CHANGE, Aggregate.MAX]),
    seconds=st.sampled_from([45.0, 95.0, 1_000.0]),
    counter=st.booleans(),
)
VALUES = st.lists(st.sampled_from([0.0, 1.0, 5.0, 20.0, 60.0]), min_size=6, max_size=20)


@settings(max_examples=40, deadline=None)
@given(KINDS, VALUES, st.data())
def test_what_stands_in_the_end_is_what_stands_without_a_gap(kind, values, data):
    """A reading every ten seconds; those of the gap come some readings after it, in two parts."""
    since = data.draw(st.integers(0, len(values) - 3))
    to = data.draw(st.integers(since + 1, len(values) - 2))
    told = data.draw(st.integers(to, len(values) - 2))
    parts = data.draw(st.integers(since, to))
    cut, whole = (
        Plant(wanted("it", high(25.0), kind=kind)),
        Plant(wanted("it", high(25.0), kind=kind)),
    )
    for nth, value in enumerate(values):
        whole.say(10 * nth, (1, value))
        if not since <= nth < to:
            cut.say(10 * nth, (1, value), stream=1 if nth < since else 2)
        if nth == told:
            for first, last in ((since, parts), (parts, to)):
                kept = [(1, values[each], True, 10 * (nth - each)) for each in range(first, last)]
                if kept:
                    cut.say(10 * nth, *kept, stream=1, now=10 * nth + 1)
    rules = [each.engine.tracked(each.tables.conn, "site/it") for each in (cut, whole)]
    there, truth = (each.machine for each in rules)
    assert (there.memory, there.values, there.condition) == (
        truth.memory,
        truth.values,
        truth.condition,
    )
    assert cut.states("it").count("UNACK") == bool(truth.condition.level)
    cut.close()
    whole.close()
