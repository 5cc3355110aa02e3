"""When alarms are so many that nobody can take them in (pure).

A flood begins with more than `on_above` alarms announced to one operator within `window` and ends
when fewer than `off_below` are left in it: 10 and 5 in ten minutes by ISA-18.2 and EEMUA 191, from
memory, not re-read ([K] in the reference). Only as many times are remembered as that takes, however
many alarms there are. No alarm is lost or kept back by a flood: it says how the list is shown.
"""

from dataclasses import dataclass
from typing import NamedTuple

from protocols.alarms.word import Word
from protocols.clock import SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """`window` in seconds; a flood does not end by more alarms than it begins with."""

    window: float = 600.0
    on_above: int = 10
    off_below: int = 5

    @property
    def remembered(self) -> int:
        """How many of the newest times tell whether it floods."""
        return max(self.on_above + 1, 1)

    @property
    def left(self) -> int:
        """How many may be left within the window when it is over."""
        return max(0, min(self.off_below, self.remembered) - 1)


class Flood(NamedTuple):
    """Times (µs UTC, in order) of the newest announced, no more than tell whether it floods.

    `began`: when the flood that is on began; `alarms`: how many were announced from its first on.
    """

    times: tuple[int, ...] = ()
    on: bool = False
    began: int | None = None
    alarms: int = 0


Outcome = tuple[Flood, list[tuple[int, Word]]]


def announced(bounds: Bounds, flood: Flood, time: int) -> Outcome:
    """Take one more alarm that was announced at `time`; earlier than the last counts as then."""
    if flood.times:
        time = max(time, flood.times[-1])
    flood, said = advance(bounds, flood, time)
    times = (*flood.times, time)[-bounds.remembered :]
    if flood.on:
        return flood._replace(times=times, alarms=flood.alarms + 1), said
    if len(times) > bounds.on_above:
        flood = Flood(times, on=True, began=time, alarms=len(times))
        return flood, [*said, (time, Word.FLOOD_ON)]
    return Flood(times), said


def due(bounds: Bounds, flood: Flood) -> int | None:
    """Return when the flood ends if nothing more is announced; None: there is none."""
    if not flood.on:
        return None
    return flood.times[-1 - bounds.left] + round(bounds.window * SECOND)


def advance(bounds: Bounds, flood: Flood, now: int) -> Outcome:
    """Let time pass."""
    said = []
    end = due(bounds, flood)
    if end is not None and end <= now:
        flood = Flood(flood.times)
        said.append((end, Word.FLOOD_OFF))
    since = now - round(bounds.window * SECOND)
    if flood.on or not flood.times or flood.times[0] > since:
        return flood, said
    return Flood(tuple(time for time in flood.times if time > since)), said
