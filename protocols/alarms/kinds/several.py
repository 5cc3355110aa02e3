"""Several inputs as one number: interlocks, deviations and counts of levels (votes: `vote`).

An input whose quality is bad is unknown until it is good again; what that means is said by each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from protocols.alarms.condition import COMPARE
from protocols.alarms.kinds.kind import Reading, Taken
from protocols.alarms.ladder import subject_of
from protocols.alarms.rule import Colour, Level

Known = tuple[tuple[str, float | None], ...]
"""The last good value of each input that was heard of, by name; None: not known any more."""


class Clause(NamedTuple):
    """`input` <op> `limit`."""

    input: str
    op: str
    limit: float

    def holds(self, known: Mapping[str, float | None]) -> bool | None:
        """Return whether it does; None: the input is not known."""
        value = known.get(self.input)
        return None if value is None else COMPARE[self.op](value, self.limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interlock:
    """1 while every clause holds, 0 while one surely does not; else there is no verdict.

    "The pump runs, and there is no flow": with `on_delay` what B is given to follow A.
    """

    clauses: tuple[Clause, ...]
    lateness: float = 0.0

    def begin(self) -> Known:
        """Return that no input is known."""
        return ()

    def take(self, memory: Known, reading: Reading, levels: tuple[Level, ...]) -> Taken:
        """Take one input."""
        return self._held(put(memory, reading.input, reading.value), levels)

    def again(
        self, before: "Interlock", held: Taken, levels: tuple[Level, ...], time: int
    ) -> Taken:
        """Judge what is known by these clauses."""
        return self._held(held.memory, levels)

    def lose(self, memory: Known, name: str, time: int) -> Known:
        """Forget one input: what is not known neither raises nor ends."""
        return put(memory, name, None)

    def _held(self, known: Known, levels: tuple[Level, ...]) -> Taken:
        values = dict(known)
        held = [clause.holds(values) for clause in self.clauses]
        verdict = 0.0 if False in held else None if None in held else 1.0
        return Taken(known, (verdict,) * len(levels))


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """By how much one input lies above another; `absolute`: either way."""

    input: str
    reference: str
    absolute: bool = True
    lateness: float = 0.0

    def begin(self) -> Known:
        """Return that no input is known."""
        return ()

    def take(self, memory: Known, reading: Reading, levels: tuple[Level, ...]) -> Taken:
        """Take one input; there is a verdict while both are known."""
        return self._held(put(memory, reading.input, reading.value), levels)

    def again(
        self, before: "Deviation", held: Taken, levels: tuple[Level, ...], time: int
    ) -> Taken:
        """Hold every level against what is known."""
        return self._held(held.memory, levels)

    def lose(self, memory: Known, name: str, time: int) -> Known:
        """Forget one input."""
        return put(memory, name, None)

    def _held(self, known: Known, levels: tuple[Level, ...]) -> Taken:
        values = dict(known)
        one, other = values.get(self.input), values.get(self.reference)
        if one is None or other is None:
            return Taken(known, (None,) * len(levels))
        apart = abs(one - other) if self.absolute else one - other
        return Taken(known, (apart,) * len(levels))


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """Standing levels of other rules counted: so many blue ones are a yellow one, and so on.

    An input is a rule by its id, its value the colour it stands at (0: normal); what is not known
    counts as it stood. `counts` says of each level, by its place, which colour it counts, each
    that stands there or worse as one; for None, and beyond its end, `weights` says how much a
    colour counts, from blue to red. `by_point`: the rules of one point are one, the worst of them.
    """

    weights: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    counts: tuple[Colour | None, ...] = ()
    by_point: bool = False
    lateness: float = 0.0

    def begin(self) -> Known:
        """Return that no rule stands."""
        return ()

    def take(self, memory: Known, reading: Reading, levels: tuple[Level, ...]) -> Taken:
        """Take where one rule stands."""
        return self._held(put(memory, reading.input, reading.value), levels)

    def again(self, before: "Levels", held: Taken, levels: tuple[Level, ...], time: int) -> Taken:
        """Count by these weights and colours."""
        return self._held(held.memory, levels)

    def lose(self, memory: Known, name: str, time: int) -> Known:
        """Return the same: a rule is never unknown."""
        return memory

    def _held(self, known: Known, levels: tuple[Level, ...]) -> Taken:
        standing = self._standing(known)
        return Taken(known, tuple(self._counted(standing, at) for at in range(len(levels))))

    def _standing(self, known: Known) -> list[float]:
        """Return the colours that stand, of each rule or of each point."""
        if not self.by_point:
            return [value for _, value in known if value]
        worst: dict[str, float] = {}
        for name, value in known:
            if value:
                point = subject_of(name)
                worst[point] = max(value, worst.get(point, 0.0))
        return list(worst.values())

    def _counted(self, standing: Sequence[float], place: int) -> float:
        least = self.counts[place] if place < len(self.counts) else None
        if least is None:
            return sum(self._weight(value) for value in standing)
        return float(sum(value >= least for value in standing))

    def _weight(self, value: float) -> float:
        """Return what a colour counts; no number is none, and beyond red is red."""
        if not value >= Colour.BLUE:
            return 0.0
        return self.weights[int(min(value, Colour.RED)) - 1]


def put(known: Known, name: str, value: float | None) -> Known:
    """Return what is known after one input said something; None: it is not known any more."""
    return tuple(sorted({**dict(known), name: value}.items()))
