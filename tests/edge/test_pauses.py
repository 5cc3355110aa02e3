"""A gateway that did not run: noticed once, told under its beginning, doubt where doubt is due."""

import asyncio
from contextlib import suppress

import pytest

from edge.pauses import LIMIT, SETTLING, Pauses
from protocols.quality import Quality
from protocols.words import Reading, TimeMark

SECOND = 1_000_000
GOOD, DOUBTED = int(Quality.GOOD), int(Quality.UNCERTAIN_LAST_USABLE_VALUE)


class Machine:
    """A clock and its real times, moved by hand."""

    state = None

    def __init__(self):
        self.real = self.awake = 100 * SECOND
        self.told = []

    def mono(self):
        return self.real

    def times(self):
        return self.real, self.awake

    def run(self, seconds, slept=0.0):
        self.real += round(seconds * SECOND)
        self.awake += round((seconds - slept) * SECOND)


@pytest.fixture
async def watched():
    machine = Machine()
    pauses = Pauses(machine, machine.told.append, machine.times)
    task = asyncio.create_task(pauses.watch())
    await asyncio.sleep(0)
    yield machine, pauses
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def reading(machine, point=0, ago=0.0, mark=TimeMark.GATEWAY, quality=GOOD):
    return Reading(point, 1.0, quality, machine.real - round(ago * SECOND), mark)


async def test_a_busy_moment_is_no_pause(watched):
    machine, pauses = watched
    machine.run(LIMIT / SECOND)
    assert not pauses.since(0)
    assert machine.told == []


@pytest.mark.parametrize(("slept", "suspended"), [(0.0, False), (600.0, True), (0.5, False)])
async def test_a_pause_is_told_once_with_its_cause(watched, slept, suspended):
    machine, pauses = watched
    begun = machine.real
    machine.run(600, slept)
    pauses.look()
    pauses.look()
    (pause,) = machine.told
    assert (pause.start, pause.end, pause.real) == (begun, machine.real, 600 * SECOND)
    assert pause.suspended is suspended
    assert (pauses.count, pauses.total) == (1, 600 * SECOND)


async def test_what_was_asked_before_its_end_is_as_old_as_the_pause(watched):
    machine, pauses = watched
    before = machine.real
    machine.run(600)
    assert pauses.since(before)
    machine.run(0.1)
    assert pauses.since(before)
    assert not pauses.since(machine.real)


async def test_what_arrives_unasked_right_after_is_doubted(watched):
    machine, pauses = watched
    machine.run(600)
    pauses.look()
    own = reading(machine, mark=TimeMark.SOURCE)
    bad = reading(machine, quality=int(Quality.BAD))
    told = pauses.doubted([reading(machine), own, bad, reading(machine, point=1)], [False, True])
    assert [item.quality for item in told] == [DOUBTED, GOOD, int(Quality.BAD), GOOD]
    machine.run(SETTLING / SECOND + 0.1)
    assert pauses.doubted([reading(machine)], [False])[0].quality == GOOD


async def test_nothing_is_seen_before_anyone_watches():
    machine = Machine()
    pauses = Pauses(machine, machine.told.append, machine.times)
    machine.run(600)
    assert not pauses.since(0)
    assert machine.told == []
