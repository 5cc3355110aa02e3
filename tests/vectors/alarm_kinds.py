"""A case's rule as one of the product's kinds."""

from collections.abc import Callable
from typing import Any, Final

from protocols.alarms.kinds.expression import Expression
from protocols.alarms.kinds.health import Bad, Frozen, Stale
from protocols.alarms.kinds.kind import Kind
from protocols.alarms.kinds.limit import Limit
from protocols.alarms.kinds.rate import Rate
from protocols.alarms.kinds.schedule import Hours, Schedule
from protocols.alarms.kinds.several import Clause, Deviation, Interlock, Levels
from protocols.alarms.kinds.vote import Vote
from protocols.alarms.kinds.window import Aggregate, Counted, Window
from protocols.alarms.rule import Colour

OPERATORS: Final = {"==": "=", "<>": "!="}
AGGREGATES: Final = {"avg": "mean"}
Spec = dict[str, Any]


def kind_of(spec: Spec) -> Kind:
    """Return the kind. Raises KeyError for one that is not known."""
    return KINDS[spec["kind"]](spec)


def _rate(spec: Spec) -> Kind:
    return Rate(
        per=spec.get("per", 60),
        absolute=bool(spec.get("abs")),
        max_gap=spec.get("max_gap"),
        consecutive=spec.get("consecutive", 1),
    )


def _window(spec: Spec) -> Kind:
    return Window(
        aggregate=Aggregate(AGGREGATES.get(spec["agg"], spec["agg"])),
        seconds=spec.get("window", 3600),
        counter=bool(spec.get("counter")),
        counted=Counted(*spec["counted"]) if "counted" in spec else None,
        allowed_lateness=spec.get("allowed_lateness", 0),
        min_samples=spec.get("min_samples", 1),
    )


def _schedule(spec: Spec) -> Kind:
    return Schedule(
        allowed=tuple(Hours(*each) for each in spec["allowed"]),
        holidays=frozenset(spec.get("holidays", ())),
        working=frozenset(spec.get("working", ())),
    )


def _clauses(spec: Spec) -> tuple[Clause, ...]:
    return tuple(
        Clause(name, OPERATORS.get(op, op), limit) for name, (op, limit) in spec["when"].items()
    )


KINDS: Final[dict[str, Callable[[Spec], Kind]]] = {
    "limit": lambda spec: Limit(),
    "digital": lambda spec: Limit(),
    "rate": _rate,
    "window": _window,
    "interlock": lambda spec: Interlock(clauses=_clauses(spec)),
    "vote": lambda spec: Vote(clauses=_clauses(spec), within=spec.get("within")),
    "deviation": lambda spec: Deviation(input=spec["input"], reference=spec["reference"]),
    "levels": lambda spec: Levels(
        weights=tuple(spec.get("weights", (1, 1, 1, 1))),
        counts=tuple(None if each is None else Colour(each) for each in spec.get("counts", ())),
        by_point=spec.get("by_point", False),
    ),
    "schedule": _schedule,
    "expression": lambda spec: Expression(spec["text"]),
    "stale": lambda spec: Stale(),
    "bad": lambda spec: Bad(),
    "frozen": lambda spec: Frozen(tolerance=spec.get("tolerance", 0.0)),
}
