"""In what the value of a rule is told: a rule need not be held against its point's own (pure)."""

from collections.abc import Iterable
from dataclasses import dataclass

from protocols.alarms.kinds.expression import Expression
from protocols.alarms.kinds.health import Bad, Frozen, Stale
from protocols.alarms.kinds.kind import Kind
from protocols.alarms.kinds.schedule import Schedule
from protocols.alarms.kinds.several import Interlock, Levels
from protocols.alarms.kinds.vote import Vote
from protocols.alarms.kinds.window import Aggregate, Window


@dataclass(frozen=True, slots=True)
class Measure:
    """As `protocols.alarms.wording.Told` has them; `silent`: the value itself says nothing."""

    unit: str
    decimals: int | None = None
    count: str = ""
    fact: bool = False
    silent: bool = False


def counts(weights: Iterable[float]) -> bool:
    """Return whether a sum of such weights is a number of places."""
    return all(weight in (0, 1) for weight in weights)


def measured(kind: Kind, unit: str, decimals: int | None) -> Measure:
    """Return it for a rule on a point of this unit and so many decimals."""
    match kind:
        case Levels(by_point=False, weights=weights) if not counts(weights):
            return Measure("", fact=True, silent=True)
        case Vote() | Levels():
            return Measure("", 0, "PLACES", fact=True)
        case Window(aggregate=Aggregate.COUNT):
            return Measure("", 0, "TIMES")
        case Stale() | Bad() | Frozen():
            return Measure("s", 0)
        case Interlock():
            return Measure("", fact=True, silent=True)
        case Expression():
            return Measure("")
        case Schedule():
            return Measure(unit, decimals, fact=True)
    return Measure(unit, decimals)
