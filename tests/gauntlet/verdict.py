"""Holds what is stored against what was accepted and against the truth.

Accepted: the gateway reported the batch's commit. Lost: accepted and not stored, or a hole in a
point's samples longer than two seconds plus the restart around a kill. Duplicated: stored twice.
Wrong: the value is not f(point, time), or a point's samples are out of order.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from tests.gauntlet.processes import Killed
from tests.gauntlet.truth import fits

HOLE = 2_000_000
"""Microseconds without a sample of a point that need an excuse."""


@dataclass
class Verdict:
    """The figures of the last line; `reasons` names the first few of each kind."""

    readings: int = 0
    lost: int = 0
    duplicated: int = 0
    wrong: int = 0
    reasons: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not (self.lost or self.duplicated or self.wrong) and self.readings > 0

    def because(self, reason: str) -> None:
        if len(self.reasons) < 20:
            self.reasons.append(reason)


def judge_batches(
    verdict: Verdict,
    accepted: Iterable[tuple[str, int, int]],
    stored: Mapping[tuple[str, int], int],
) -> None:
    """Every accepted `(stream, seq0, n)` must be stored with as many readings as it had.

    Numbers reported twice are owed twice: a buffer that forgets a batch and gives its numbers to
    the next one has lost what it had accepted.
    """
    owed: Counter[tuple[str, int]] = Counter()
    for stream, seq0, n in accepted:
        owed[stream, seq0] += n
    for (stream, seq0), n in owed.items():
        there = stored.get((stream, seq0), 0)
        if there < n:
            verdict.lost += n - there
            verdict.because(f"lost: {stream[:8]} {seq0}+{n}, {there} stored")


def judge_point(
    verdict: Verdict,
    point: int,
    samples: Sequence[tuple[int, object]],
    kills: Sequence[Killed],
    period: int,
) -> None:
    """Judge one point's stored good samples, `(time µs UTC, value)` in stored order."""
    seen: set[int] = set()
    verdict.readings += len(samples)
    for time, value in samples:
        if time in seen:
            verdict.duplicated += 1
            verdict.because(f"duplicated: point {point} at {time}")
        seen.add(time)
        if not fits(point, time, value):
            verdict.wrong += 1
            verdict.because(f"wrong: point {point} at {time} is {value}")
    times = sorted(seen)
    for before, after in pairwise(times):
        excuse = sum(k.back - k.at for k in kills if before <= k.back and k.at <= after)
        hole = after - before - excuse
        if hole > HOLE:
            verdict.lost += max(1, hole // period)
            verdict.because(
                f"lost: point {point} has no sample for {hole / 1e6:.1f} s after {before}"
            )
