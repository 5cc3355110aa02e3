"""One reading on one rule: the live machine's, the past's, or a stray that is only noted.

A `plain` rule knows of its point what the arrays and the store know: the newest good reading.
Whatever else its machine would remember of readings is left out, so that one that passed in arrays,
and one that was read again, is the same machine as one that saw every reading itself.
"""

from dataclasses import replace

from central.alarms.moves import Moves
from central.alarms.pasts import backfill
from central.alarms.pasts import several as pasts_several
from central.alarms.pasts import single as pasts
from central.alarms.tracked import Tracked
from protocols.alarms import steps
from protocols.alarms.condition import NOWHERE, late
from protocols.alarms.definition import UNWATCHED
from protocols.alarms.kinds.limit import Limit
from protocols.alarms.machine import AHEAD, Machine, Sample
from protocols.alarms.watching import UNHEARD, Health


def take(moves: Moves, tracked: Tracked, stream: int, time: int, value: float | None) -> bool:
    """Take the value of a plain rule's point or, with None, that it is not known.

    Returns whether more than the newest sample may have changed.
    """
    if value is None:
        return _lose(moves, tracked, stream, time)
    newest = tracked.newest
    if newest is None or time > newest:
        return _take_live(moves, tracked, stream, time, value)
    if stream != tracked.stream:
        backfill.take(moves, tracked, stream, time, value)
        return True
    before = tracked.machine
    _feed(moves, tracked, Sample(time, value, _arrival(moves, time)), value)
    tracked.machine = tracked.machine._replace(recent=before.recent)
    return tracked.machine != before


def _take_live(moves: Moves, tracked: Tracked, stream: int, time: int, value: float) -> bool:
    switched = tracked.stream != stream
    if switched:
        backfill.hand_over(moves, tracked, stream, time)
    lagging = late(time, moves.now)
    caught_up = tracked.machine.lagging and not lagging
    low, high = tracked.calm or NOWHERE
    watched = tracked.definition.watch is not UNWATCHED
    if low < value < high and not caught_up and not (watched and lagging):
        tracked.move(time, value, lagging=lagging)
        return switched
    _feed(moves, tracked, Sample(time, value, _arrival(moves, time)), value)
    after = tracked.machine
    tracked.machine = after._replace(recent=after.recent[-1:], health=_silence(after.health))
    if caught_up:
        moves.caught_up(tracked)
    tracked.bounds()
    return True


def _lose(moves: Moves, tracked: Tracked, stream: int, time: int) -> bool:
    """The value is not known from `time` on; return whether that changed anything."""
    before = tracked.machine
    if tracked.newest is not None and time < tracked.newest:
        return stream != tracked.stream and backfill.lose(moves, tracked, stream, time)
    tracked.machine = before._replace(newest=())
    sample = Sample(time, 0.0, _arrival(moves, time), good=False)
    _feed(moves, tracked, sample, tracked.value)
    after = tracked.machine
    health = _silence(after.health)
    tracked.machine = after._replace(
        newest=before.newest, recent=before.recent, lagging=before.lagging, health=health
    )
    return tracked.machine != before


def _silence(health: Health) -> Health:
    """Return what a plain rule knows of its input: nothing but when it was heard."""
    if health is UNHEARD:
        return health
    return replace(health, bad_since=None, value=None, changed=None)


def _feed(moves: Moves, tracked: Tracked, sample: Sample, value: float) -> None:
    machine, entries = steps.feed(tracked.definition, tracked.machine, sample, moves.clock)
    tracked.machine = machine
    tracked.calm = None
    if entries:
        limit = type(tracked.definition.kind) is Limit
        moves.entries(tracked, entries, value if limit else tracked.shown)


def _arrival(moves: Moves, time: int) -> int:
    """What claims to be further ahead was put aside where it came in."""
    return max(moves.now, time - AHEAD)


def take_each(moves: Moves, tracked: Tracked, stream: int, heard: list[Sample]) -> None:
    """Take readings of the inputs of any other rule: each in its turn, by event time."""
    before, whole, late = tracked.lagging, pasts.applies(tracked), list[Sample]()
    if not whole and tracked.points:
        heard, late = pasts_several.parted(moves, tracked, stream, heard)
    for sample in sorted_by_input(heard):
        newest = newest_of(tracked.machine, sample.input)
        newer = newest is None or sample.time > newest
        if not whole and newer and tracked.stream != stream:
            tracked.stream, tracked.since = stream, sample.time
        sample = sample._replace(arrival=_arrival(moves, sample.time))
        if whole:
            pasts.take(moves, tracked, stream, sample)
        else:
            _feed(moves, tracked, sample, sample.value)
    if whole:
        pasts.settle(moves, tracked, stream)
    elif late:
        pasts_several.take(moves, tracked, stream, sorted_by_input(late))
    if before and not tracked.lagging:
        moves.caught_up(tracked)


def sorted_by_input(heard: list[Sample]) -> list[Sample]:
    """Return readings by event time; what strays behind its own input stays behind it."""
    reached: dict[str, int] = {}
    keyed = []
    for place, sample in enumerate(heard):
        at = reached[sample.input] = max(sample.time, reached.get(sample.input, sample.time))
        keyed.append((at, place, sample))
    return [sample for _, _, sample in sorted(keyed, key=lambda each: each[:2])]


def newest_of(machine: Machine, name: str) -> int | None:
    """Return the time of the newest reading of an input."""
    return next((time for known, time in machine.newest if known == name), None)


def advance(moves: Moves, tracked: Tracked) -> bool:
    """Let the clock fire what is due; return whether anything was."""
    before = tracked.machine
    tracked.machine, entries = steps.advance(tracked.definition, before, moves.clock)
    if entries:
        moves.entries(tracked, entries, tracked.shown)
    tracked.calm = None
    return tracked.machine != before
