"""Rules of several inputs on an object: which points they are, each in its own unit (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from central.rules.body import Body, Input
from central.rules.figures import Figures, fitted
from central.rules.library import Library, LibraryRule
from central.rules.meant import Place, Why
from protocols.alarms.attachment import Target
from protocols.alarms.kinds.expression import Expression
from protocols.alarms.kinds.kind import Kind
from protocols.alarms.kinds.several import Clause, Deviation, Interlock, Levels
from protocols.alarms.kinds.vote import Vote
from protocols.units import conversion

Bound = tuple[tuple[int, str], ...]
"""Numbers of points, and what the rule calls each; 0: another rule, called by its id."""


@dataclass(frozen=True, slots=True)
class Several:
    """A rule's figures on its object, and its inputs; the first is where episodes are shown."""

    figures: Figures
    inputs: Bound


def bound(
    library: Library,
    rule: LibraryRule,
    target: Target,
    here: Sequence[Place],
    everywhere: Mapping[str, Place],
) -> Several | Why:
    """Return a rule on the object `target`; `here`: its points, in order of their ids."""
    body = rule.body
    if isinstance(body.kind, Levels):
        return _counted(library, body, target)
    found = _found(body, here, everywhere)
    if isinstance(found, Why):
        return found
    figures = _figures(body, library, target, found)
    if isinstance(figures, Why):
        return figures
    inputs = tuple(
        (point.number, name)
        for each in body.inputs
        for name, point in _named(each, found[each.name])
    )
    return Several(figures, inputs)


def _found(
    body: Body, here: Sequence[Place], everywhere: Mapping[str, Place]
) -> dict[str, list[Place]] | Why:
    found: dict[str, list[Place]] = {}
    for each in body.inputs:
        points = _points(each, here, everywhere)
        if not points or (len(points) > 1 and not each.many):
            return Why.INPUTS
        if any(conversion(each.unit, point.unit) is None for point in points):
            return Why.UNIT
        found[each.name] = points
    return found


def _figures(
    body: Body, library: Library, target: Target, found: Mapping[str, Sequence[Place]]
) -> Figures | Why:
    figures = fitted(replace(body, unit=""), library.named, target, "")
    if figures is None or not figures.levels:
        return Why.UNCONFIRMED
    kind = _kind(body, found)
    if kind is None:
        return Why.INPUTS
    if not isinstance(kind, Deviation):
        return replace(figures, kind=kind)
    change = conversion(body.unit, found[kind.input][0].unit)
    if change is None:
        return Why.UNIT
    apart = [
        replace(each, limit=change.span(each.limit), deadband=change.span(each.deadband))
        for each in figures.levels
    ]
    return replace(figures, levels=tuple(apart), kind=kind)


def _counted(library: Library, body: Body, target: Target) -> Several | Why:
    rules = [each.rule for each in body.inputs if each.rule is not None]
    if not rules or len(rules) < len(body.inputs):
        return Why.INPUTS
    figures = fitted(replace(body, unit=""), library.named, target, "")
    if figures is None or not figures.levels:
        return Why.UNCONFIRMED
    return Several(figures, tuple((0, rule) for rule in rules))


def _points(each: Input, here: Sequence[Place], everywhere: Mapping[str, Place]) -> list[Place]:
    if each.point is not None:
        found = everywhere.get(each.point)
        return [] if found is None else [found]
    return [place for place in here if place.target.quantity == each.quantity]


def _named(each: Input, points: Sequence[Place]) -> list[tuple[str, Place]]:
    if not each.many:
        return [(each.name, points[0])]
    return [(f"{each.name}.{number}", point) for number, point in enumerate(points, 1)]


def _kind(body: Body, found: Mapping[str, Sequence[Place]]) -> Kind | None:
    """Return the kind with its inputs as they are called here; None: it cannot be."""
    kind = body.kind
    if isinstance(kind, Interlock | Vote):
        return replace(kind, clauses=_clauses(body, kind.clauses, found))
    if isinstance(kind, Deviation):
        units = {found[name][0].unit for name in (kind.input, kind.reference) if name in found}
        # Two values are taken from each other as they are.
        return kind if len(units) == 1 and not any(each.many for each in body.inputs) else None
    if isinstance(kind, Expression):
        # A formula reckons with values as they are.
        same = all(each.unit == found[each.name][0].unit for each in body.inputs)
        return kind if same and not any(each.many for each in body.inputs) else None
    return None


def _clauses(
    body: Body, clauses: Sequence[Clause], found: Mapping[str, Sequence[Place]]
) -> tuple[Clause, ...]:
    inputs = {each.name: each for each in body.inputs}
    made = []
    for clause in clauses:
        each = inputs[clause.input]
        for name, point in _named(each, found[each.name]):
            change = conversion(each.unit, point.unit)
            limit = clause.limit if change is None else change.value(clause.limit)
            made.append(Clause(name, clause.op, limit))
    return tuple(made)
