"""What a rule that begins now, or means something else now, has to know of what was said before.

Pure. A sum over three hours stands at what fell in them, whenever somebody asked for it first.
"""

from collections.abc import Iterable
from typing import NamedTuple

from protocols.alarms.definition import Definition
from protocols.alarms.kinds.health import Bad, Frozen, Stale
from protocols.alarms.kinds.kind import Kind, Reading, Taken, Values
from protocols.alarms.kinds.rate import Rate
from protocols.alarms.kinds.several import Levels
from protocols.alarms.kinds.vote import Vote
from protocols.alarms.kinds.window import Window
from protocols.alarms.machine import RECENT, Machine, Sample, Seen
from protocols.alarms.rule import Level


class Reach(NamedTuple):
    """How far back readings count: so many `seconds`, and so many good `readings` at least.

    `before`: the last good one before these `seconds`, too.
    """

    seconds: float = 0.0
    readings: int = 1
    before: bool = False


class Primed(NamedTuple):
    """What is known now of a rule's inputs: as a machine that heard it all would have it."""

    taken: Taken
    newest: tuple[tuple[str, int], ...]
    recent: tuple[Seen, ...]


def reach(kind: Kind, levels: tuple[Level, ...]) -> Reach | None:
    """Return how far back a kind's memory goes; None: it is not made of readings that are kept."""
    match kind:
        case Window():
            longest = max((level.window or kind.seconds for level in levels), default=kind.seconds)
            # Of a counter, and of what is counted, the reading before the first says what it adds.
            before = kind.counter or kind.counted is not None
            return Reach(longest + kind.lateness, before=before)
        case Rate():
            return Reach(readings=kind.consecutive + 1)
        case Vote():
            return Reach(kind.within or 0.0)
        case Frozen() | Bad():
            return Reach(max((level.limit for level in levels), default=0.0))
        case Stale() | Levels():
            return None
    return Reach()


def still_counted(machine: Machine, names: Iterable[str]) -> Primed:
    """Return what a roll-up knows of the rules it goes on counting: of others nothing stands."""
    kept = frozenset(names)
    memory = tuple(each for each in machine.memory if each[0] in kept)
    newest = tuple(each for each in machine.newest if each[0] in kept)
    recent = tuple(each for each in machine.recent if each[1] in kept)
    return Primed(Taken(memory, machine.values), newest, recent)


def primed(definition: Definition, samples: Iterable[Sample]) -> Primed | None:
    """Return what is known after these readings, in order of time; None: nothing is."""
    kind, levels = definition.kind, definition.rule.levels
    memory, values = kind.begin(), _blank(levels)
    newest: dict[str, int] = {}
    recent: list[Seen] = []
    for sample in samples:
        good = sample.good and definition.watch.within(sample.value)
        newest[sample.input] = max(sample.time, newest.get(sample.input, sample.time))
        recent.append((sample.time, sample.input, sample.value, good))
        if good:
            reading = Reading(sample.time, sample.value, sample.time, sample.input)
            memory, values, _ = kind.take(memory, reading, levels)
        else:
            memory = kind.lose(memory, sample.input, sample.time)
    if not recent:
        return None
    taken = Taken(memory, values)
    return Primed(taken, tuple(sorted(newest.items())), tuple(recent[-RECENT:]))


def _blank(levels: tuple[Level, ...]) -> Values:
    return (None,) * len(levels)
