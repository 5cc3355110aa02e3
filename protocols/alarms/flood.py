"""When alarms are so many that nobody can take them in (pure).

A flood begins with more than `on_above` alarms announced to one operator within `window` and ends
when fewer than `off_below` are left in it: 10 and 5 in ten minutes by ISA-18.2 and EEMUA 191, from
memory, not re-read ([K] in the reference).
"""

from dataclasses import dataclass, replace

from protocols.alarms.word import Word
from protocols.clock import SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """`window` in seconds."""

    window: float = 600.0
    on_above: int = 10
    off_below: int = 5


@dataclass(frozen=True, slots=True)
class Flood:
    """Times (µs UTC, in order) of what was announced within the window, and whether it floods."""

    times: tuple[int, ...] = ()
    on: bool = False


Outcome = tuple[Flood, list[tuple[int, Word]]]


def announced(bounds: Bounds, flood: Flood, time: int) -> Outcome:
    """Take one more alarm that was announced at `time`, no earlier than the last."""
    flood, said = advance(bounds, flood, time)
    flood = replace(flood, times=(*flood.times, time))
    if not flood.on and len(flood.times) > bounds.on_above:
        return replace(flood, on=True), [*said, (time, Word.FLOOD_ON)]
    return flood, said


def due(bounds: Bounds, flood: Flood) -> int | None:
    """Return when the flood ends if nothing more is announced; None: there is none."""
    if not flood.on:
        return None
    left = max(0, bounds.off_below - 1)
    return flood.times[-1 - left] + round(bounds.window * SECOND)


def advance(bounds: Bounds, flood: Flood, now: int) -> Outcome:
    """Let time pass."""
    said = []
    end = due(bounds, flood)
    if end is not None and end <= now:
        flood = replace(flood, on=False)
        said.append((end, Word.FLOOD_OFF))
    since = now - round(bounds.window * SECOND)
    return replace(flood, times=tuple(time for time in flood.times if time > since)), said
