"""Cases of `alarm-streams.json`: one rule whose readings come by several streams.

What one stream brings at one moment is one delivery.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from protocols.alarms import streams
from protocols.alarms.definition import Definition
from protocols.alarms.machine import Sample, due
from protocols.alarms.past import Passed, Telling, Told
from protocols.clock import SECOND

Tell = Any
Events = list[list[Any]]
LATE = ("RAISE", "LEVEL")


def of_streams(case: dict[str, Any]) -> bool:
    """Return whether a sample of the case names its stream."""
    return any(len(sample) > 4 for sample in case["samples"])


def journal_of(definition: Definition, case: dict[str, Any], tell: Tell) -> tuple[Events, str]:
    """Return what happened, and the live state at the end; `tell` writes a live entry."""
    line = _Line(definition, tell)
    for (at, stream), samples in groupby(came(case), key=lambda each: each[:2]):
        line.clock(at, strictly=True)
        for _, _, sample in samples:
            line.after(streams.feed(definition, line.streams, stream, sample))
        line.after(streams.settle(definition, line.streams, stream, at))
    line.clock(_us(case["end_t"]), strictly=False)
    return line.events, line.streams.machine.alarm.state


def came(case: dict[str, Any]) -> Iterator[tuple[int, int, Sample]]:
    """Yield samples by when they come, those of one moment as they are listed."""
    for each in sorted(case["samples"], key=_arrival):
        at, (time, value, quality) = _us(_arrival(each)), each[:3]
        stream = each[4] if len(each) > 4 else 1
        yield at, stream, Sample(_us(time), value, at, quality == "good")


def _arrival(sample: list[Any]) -> float:
    return sample[0] if len(sample) < 4 or sample[3] is None else sample[3]


class _Line:
    """A rule on its way along a line of time."""

    def __init__(self, definition: Definition, tell: Tell) -> None:
        self.definition = definition
        self.streams = streams.start(definition)
        self.events: Events = []
        self._tell = tell

    def clock(self, now: int, *, strictly: bool) -> None:
        """Fire each timer at its time."""
        while (at := due(self.definition, self.streams.machine)) is not None:
            if at > now or (strictly and at == now):
                return
            self.after(streams.advance(self.definition, self.streams, at))

    def after(self, outcome: streams.Outcome) -> None:
        """Write what is said of the live alarm and told of a past."""
        self.streams, entries, told = outcome
        self.events += [self._tell(entry, self.definition) for entry in entries]
        for each in told:
            self.events += self._told(each)

    def _told(self, told: Told) -> Events:
        name = self.definition.rule.levels[told.level - 1].name if told.level else ""
        match told.what:
            case Telling.WHOLE | Telling.LASTED:
                return [*self._path(told.path), [told.time / SECOND, "LATE:RTN"]]
            case Telling.RETURNED:
                return [[told.time / SECOND, "LATE:RTN"]]
            case Telling.BACKDATED:
                return [[told.time / SECOND, "BACKDATED"]]
            case Telling.STRAY:
                return [[told.time / SECOND, f"LATE_ALARM:{name}" if name else "LATE_ALARM"]]
            case Telling.CONFLICT:
                return [[told.time / SECOND, "CONFLICT"]]
            case Telling.BECOMES | Telling.ENDS:
                return []  # the live alarm's own entries say it

    def _path(self, path: tuple[Passed, ...]) -> Events:
        levels = self.definition.rule.levels
        words = [LATE[0], *[LATE[1]] * (len(path) - 1)]
        names = [levels[level - 1].name for _, level, _ in path]
        return [
            [time / SECOND, f"LATE:{word}:{name}" if name else f"LATE:{word}"]
            for (time, _, _), word, name in zip(path, words, names, strict=True)
        ]


def _us(seconds: float) -> int:
    return round(seconds * SECOND)
