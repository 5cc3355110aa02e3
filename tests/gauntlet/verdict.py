"""Holds what is stored against what was accepted and against what the plants served.

Lost: accepted and neither stored nor in the loss ledger where that is permitted; or served to a
gateway and not stored, though a later reading of the same process was. What a process had not yet
made durable when it was killed was never accepted: its age is measured, not excused for ever.
Duplicated: one measurement stored twice. Wrong: a value that was never served, of another point, at
another time, or out of order.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from tests.gauntlet.processes import Life
from tests.gauntlet.stored import Samples
from tests.gauntlet.truth import POINTS, TICK, TOLERANCE, tick_of

TAIL: Final = 30_000_000
"""Microseconds of unaccepted readings that a kill may take along, however busy the machine is: a
second is promised and the worst is printed."""
UNANSWERED: Final = 6_000_000
"""An answer that came too late is not used: the point is told to be silent within this time, once,
until it is heard again."""
SLACK: Final = 6_000_000
"""How far placing may be out when a time is looked up in the loss ledger (see TOLERANCE)."""
MOST_REASONS: Final = 6
NOBODY: Final = Life("nobody", 0)


@dataclass
class Verdict:
    """The figures of the last line; `reasons` names the first few of each kind."""

    readings: int = 0
    losses: Counter[str] = field(default_factory=Counter)
    """Witness (`batches`, `reads`, `rows`, `ledger`, `power`) to how many it misses."""
    duplicated: int = 0
    wrong: int = 0
    unexplained: int = 0
    """Events that must not have happened, or did not though they must."""
    permitted: int = 0
    """Readings given up by policy, with a line in the loss ledger."""
    served: int = 0
    unplaced: int = 0
    """Readings in the loss ledger of which it does not say which points they were of."""
    unsealed: int = 0
    """Microseconds: the oldest reading that a kill took along before it was accepted."""
    reasons: list[str] = field(default_factory=list)

    @property
    def lost(self) -> int:
        """Return what the witness says that misses most: they speak of the same readings."""
        return max(self.losses.values(), default=0)

    @property
    def clean(self) -> bool:
        faults = self.lost or self.duplicated or self.wrong or self.unexplained
        return not faults and self.readings > 0

    def because(self, reason: str) -> None:
        kind = reason.partition(" ")[0]
        if sum(each.startswith(kind) for each in self.reasons) < MOST_REASONS:
            self.reasons.append(reason)


def judge_batches(
    verdict: Verdict,
    accepted: Iterable[tuple[str, int, int]],
    stored: Mapping[tuple[str, int], int],
    skips: Mapping[str, Sequence[tuple[int, int, str]]],
    permitted: frozenset[str] = frozenset(),
) -> None:
    """Every accepted `(stream, seq0, n)` must be stored with as many readings as it had, or skipped
    for a permitted reason.

    Numbers reported twice are owed twice: a buffer that forgets a batch and gives its numbers to
    the next one has lost what it had accepted.
    """
    owed: Counter[tuple[str, int]] = Counter()
    for stream, seq0, n in accepted:
        owed[stream, seq0] += n
    for (stream, seq0), n in owed.items():
        missing = n - stored.get((stream, seq0), 0)
        if missing <= 0:
            continue
        skip = next((s for s in skips.get(stream, ()) if s[0] <= seq0 <= s[1]), None)
        if skip is not None and skip[2] in permitted and seq0 + n - 1 <= skip[1]:
            verdict.permitted += missing
            continue
        verdict.losses["batches"] += missing
        why = f"skipped ({skip[2]})" if skip else f"{n - missing} stored"
        verdict.because(f"lost: {stream[:8]} {seq0}+{n}, {why}")


def judge_point(
    verdict: Verdict,
    point: int,
    samples: Samples,
    served: Any,
    lives: Sequence[Life],
    loss: Sequence[tuple[int, int]] = (),
) -> None:
    """Judge one point's stored readings; `served` are the times (µs UTC) the plant answered."""
    verdict.readings += len(samples.times)
    ticks = tick_of(samples.times, samples.values)
    _judge_values(verdict, point, samples, ticks, served // TICK)
    once, counts = np.unique(ticks, return_counts=True)
    if extra := int((counts - 1).sum()):
        verdict.duplicated += extra
        verdict.because(f"duplicated: point {point} of {_when(once[counts > 1][0] * TICK)}")
    _judge_order(verdict, point, samples, ticks, lives)
    missing = served[~np.isin(served // TICK, once)]
    if len(missing):
        _judge_missing(verdict, point, missing, once * TICK, samples, lives, loss)


def _judge_values(verdict: Verdict, point: int, samples: Samples, ticks: Any, served: Any) -> None:
    wrong = samples.values % POINTS != point
    wrong |= np.abs(samples.times // TICK - ticks) > TOLERANCE
    wrong |= ~np.isin(ticks, served)
    if count := int(wrong.sum()):
        verdict.wrong += count
        at = int(np.argmax(wrong))
        verdict.because(
            f"wrong: point {point} at {_when(samples.times[at])} is {samples.values[at]}"
        )


def _judge_order(
    verdict: Verdict, point: int, samples: Samples, ticks: Any, lives: Sequence[Life]
) -> None:
    """Within one process what was measured later is stored under a later time."""
    starts = np.array([life.start for life in lives], dtype=np.int64)
    life = np.searchsorted(starts, ticks * TICK, side="right")
    order = np.lexsort((samples.times, life))
    back = (np.diff(ticks[order]) < 0) & (np.diff(life[order]) == 0)
    if count := int(back.sum()):
        verdict.wrong += count
        at = samples.times[order][1:][back][0]
        verdict.because(f"wrong: point {point} goes back in time at {_when(at)}")


def _judge_missing(
    verdict: Verdict,
    point: int,
    missing: Any,
    there: Any,
    samples: Samples,
    lives: Sequence[Life],
    loss: Sequence[tuple[int, int]],
) -> None:
    """What was served and is not stored must have died with its process before it was accepted, or
    have come too late for the gateway, or stand in the loss ledger."""
    starts = np.array([life.start for life in lives], dtype=np.int64)
    for time in missing.tolist():
        number = int(np.searchsorted(starts, time, side="right")) - 1
        life = lives[number] if number >= 0 else NOBODY
        end = life.end or int(time) + TAIL
        later = there[np.searchsorted(there, time, side="right") :][:1]
        tail = not len(later) or int(later[0]) > end
        if tail and end - time <= TAIL:
            verdict.unsealed = max(verdict.unsealed, end - time if life.end else 0)
        elif not (_was_silent(time, there, samples.bad) or _given_up(time, loss)):
            if verdict.unplaced > 0:
                verdict.unplaced -= 1
                continue
            verdict.losses["reads"] += 1
            verdict.because(f"lost: point {point} was read at {_when(time)} and is not stored")


def _was_silent(time: int, there: Any, bad: Any) -> bool:
    told = bad[bad <= time + UNANSWERED]
    heard = there[there <= time]
    return len(told) > 0 and (not len(heard) or bool(told.max() >= heard[-1]))


def _given_up(time: int, loss: Sequence[tuple[int, int]]) -> bool:
    return any(start - SLACK <= time <= end + SLACK for start, end in loss)


def _when(time: Any) -> str:
    return f"{int(time) / 1e6:.3f}"
