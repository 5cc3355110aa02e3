"""A cut of twenty minutes through the whole collector: over inside it, or still standing after it.

For a limit of the point, and beside it for rules of the library that remember: a rate and a sum.
"""

import pytest

from central.alarms.rules.wanted import LIBRARY, Wanted
from protocols.alarms.definition import Definition
from protocols.alarms.kinds.rate import Rate
from protocols.alarms.kinds.window import Aggregate, Window
from protocols.alarms.rule import Rule
from tests.central.builders import SECOND, START, level

CUT, BACK, SCAN = 600, 1_800, 60
POINT = "site/gw/tank/level"
CALM, INSIDE = 50.0, 95.0
KINDS = {
    "limit": None,
    "rate": (Rate(per=60.0), 10.0),
    "window": (Window(aggregate=Aggregate.MAX, seconds=300.0), 90.0),
    "sum": (Window(aggregate=Aggregate.SUM, seconds=180.0), 200.0),
}


async def begin(story, kind):
    """Let the rule of that kind judge the point, alone but for the point's own limits."""
    if KINDS[kind] is None:
        return f"{POINT}:high"
    made, limit = KINDS[kind]
    rule = Rule(id=f"{POINT}:own", subject=POINT, levels=(level("HH", limit),))
    number = story.collector.registry.point(POINT).number
    wanted = [Wanted(Definition(rule=rule, kind=made), ((number, ""),), LIBRARY)]
    engine, now = story.collector._engine, story.clock.now()
    await story.collector.db.write(lambda tables: engine.take_rules(tables, wanted, now))
    return rule.id


async def lived_through(story, before, after):
    """Readings a minute apart, none from the cut to its end; returns the older stream."""
    for second in range(0, CUT + 1, SCAN):
        await story.at(second, before)
    story.until(BACK)
    old = await story.new_stream()
    for nth, value in enumerate(after):
        await story.at(BACK + nth * SCAN, value)
    return old


async def told(story, rule):
    return [
        (e.state, (e.raised - START) / SECOND, e.returned and (e.returned - START) / SECOND, e.late)
        for e in await story.episodes()
        if e.rule == rule
    ]


def gap(value_at):
    """Return what the gap brings: a reading a minute."""
    return [(second, value_at(second)) for second in range(CUT + SCAN, BACK, SCAN)]


WITHIN = {
    "limit": (900, 1_200),
    "rate": (900, 960),
    "window": (900, 1_440),
    "sum": (960, 1_260),
}
"""When each stands where the value is at HH from 900 s to 1,200 s."""


@pytest.mark.parametrize("kind", KINDS)
async def test_over_inside_the_cut_is_one_complete_late_episode(story, kind):
    rule = await begin(story, kind)
    old = await lived_through(story, CALM, [CALM, CALM, CALM])
    before = await standing(story, rule)
    readings = gap(lambda second: INSIDE if 900 <= second < 1_200 else CALM)
    await story.late(BACK + 125, old, *readings)
    raised, returned = WITHIN[kind]
    assert await told(story, rule) == [("NORMAL", raised, returned, True)]
    assert await story.episodes("open") == []
    assert await standing(story, rule) == before


@pytest.mark.parametrize("kind", KINDS)
async def test_still_standing_at_its_end_is_one_live_alarm(story, kind):
    rule = await begin(story, kind)
    climbing = kind == "rate"
    after = [100.0 + 20 * nth for nth in range(3)] if climbing else [INSIDE] * 3
    old = await lived_through(story, CALM, after)
    readings = gap(
        (lambda second: 100.0 - (BACK - second) / SCAN * 20 if second >= 1_500 else CALM)
        if climbing
        else (lambda second: INSIDE if second >= 1_500 else CALM)
    )
    await story.late(BACK + 125, old, *readings)
    live = [each for each in await told(story, rule) if each[0] != "NORMAL"]
    assert [(state, returned, late) for state, _, returned, late in live] == [
        ("UNACK", None, False)
    ]
    assert live[0][1] < BACK


async def standing(story, rule):
    """Return the live machine of a rule, without the readings it knows."""
    engine = story.collector._engine
    tracked = await story.collector.db.write(lambda tables: engine.tracked(tables.conn, rule))
    return tracked.condition, tracked.alarm, tracked.episode, tracked.machine.newest
