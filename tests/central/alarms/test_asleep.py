"""Rules that sleep after they were read are what they would be awake."""

import pytest
from hypothesis import given, settings

from central.alarms.memory import Memory
from central.alarms.rules.asleep import Asleep
from central.alarms.rules.wanted import Wanted, source_of
from protocols.alarms.definition import Definition
from protocols.alarms.ladder import ladders
from protocols.quality import Quality
from tests.central.alarms.test_arrays import CONNECTED, STEPS, Played, known, scan
from tests.central.builders import level

ARRAYS = ("streams", "times", "values", "arrived", "low", "high", "stands", "free", "since")
POINTS = (1, 2, 3)


def read(played):
    memory = Memory(played.shelf)
    memory.load(played.tables.conn)
    return memory


def read_awake(played):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Asleep, "lay", lambda *_: False)
        return read(played)


def pasts(memory):
    """Return what is known of older streams, by stream and point."""
    found = {}
    for stream in range(6):
        past = memory.past(stream)
        if past is not None:
            told = zip(past.points, past.times, past.low, past.high, past.moved, strict=True)
            found[stream] = past.changed, sorted(row for row in told if row[0])
    return found


def played(steps):
    made = Played()
    for step in steps:
        if isinstance(step, str):
            for word in step.split():
                getattr(made, word)()
        elif callable(step):
            step(made)
        elif len(step) == 2:
            made.rules(*step)
        else:
            made.deliver(*step)
    return made


def assert_alike(made):
    """Hold both against each other: the arrays, then each rule once somebody asked for it."""
    asleep, awake = read(made), read_awake(made)
    for name in ARRAYS:
        mine, theirs = (getattr(memory.live, name)[list(POINTS)] for memory in (asleep, awake))
        assert mine.tolist() == theirs.tolist(), name
    assert asleep.live.watched.tolist() == awake.live.watched.tolist()
    assert pasts(asleep) == pasts(awake)
    assert asleep.ladders() == awake.ladders()
    assert asleep.timed().keys() == awake.timed().keys()
    for rule in awake.ladders():
        one, other = asleep.rule(rule), awake.rule(rule)
        told = [(each.rule, each.saved, each.turn, each.site, known(each)) for each in (one, other)]
        assert told[0] == told[1]
    assert asleep.here.keys() == awake.here.keys()
    for memory in (asleep, awake):
        memory.wake(made.tables.conn, POINTS)
    assert [known(asleep.rule(rule)) for rule in awake.ladders()] == [
        known(awake.rule(rule)) for rule in awake.ladders()
    ]


@settings(max_examples=60, deadline=None)
@given(CONNECTED, STEPS)
def test_what_sleeps_is_what_it_would_be_awake(connected, steps):
    made = played([scan(stream, 1) for stream in connected] + steps)
    assert_alike(made)
    made.close()


def raised(value, point=1):
    return 2, 1, [(point, value, Quality.GOOD, 0, 1)]


def upwards_alone(made):
    """Leave point 3 one rule."""
    made.rules(3, 4)
    (rule,) = ladders("site/gw/tank/p3", [level("H", 80.0)])
    wanted = [Wanted(Definition(rule=rule), ((3, ""),), source_of("gw"))]
    made.engine.take_rules(made.tables, wanted, made.now)


CAUGHT_UP = [scan(4, 1), scan(2, 1), scan(1, 1), scan(2, 1)]
"""Of all points what older streams still bring, and nothing is the matter."""


@pytest.mark.parametrize(
    ("steps", "awake"),
    [
        ([scan(2, 1)], set()),
        ([], set()),
        ([scan(2, 1), scan(3, 1), "seal"], set()),
        ([scan(2, 90)], set()),  # late
        ([scan(2, 1), raised(95.0)], {1}),
        ([scan(2, 1), raised(95.0), (3, 4)], {1}),  # no rule is left of another
        ([upwards_alone, scan(2, 1)], set()),
        ([upwards_alone, scan(2, 1), raised(95.0, 3)], {3}),
        ([scan(2, 1), raised(95.0), scan(3, 1, 2, 3), raised(50.0)], {1}),  # rows of two turns
        ([scan(2, 1), raised(81.0)], {1}),  # a timer runs
        ([scan(2, 1), (2, 2)], {2}),  # its bounds depend on the value
        ([scan(2, 1), raised(2**53 + 1)], {1}),
        (CAUGHT_UP, set()),
        ([*CAUGHT_UP, "seal", scan(2, 1), scan(1, 1)], set()),
        ([*CAUGHT_UP, scan(1, 1), scan(4, 1), scan(3, 1), "seal", scan(3, 1)], set()),
        ([*CAUGHT_UP, (1, 1, [(1, 95.0, Quality.GOOD, 0, 1)])], {1}),  # a past that stands
    ],
)
def test_only_what_the_arrays_say_whole_sleeps(steps, awake):
    made = played(steps)
    assert read(made).here.keys() == awake
    assert_alike(made)
    made.close()


def test_what_is_quiet_wakes_nothing_and_a_point_wakes_alone(monkeypatch):
    woken, rise = [], Asleep.rise

    def noted(self, point, live):
        woken.append(point)
        return rise(self, point, live)

    monkeypatch.setattr(Asleep, "rise", noted)
    made = played([scan(2, 1), "again", scan(2, 1), "seal tick"])
    assert woken == []
    made.deliver(*raised(95.0))
    assert woken == [1]
    made.close()
