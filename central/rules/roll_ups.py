"""Roll-ups over the points of an object: which rules they count, each quantity apart (pure).

A roll-up that names no inputs counts the points there of one quantity (同一项目) by what their own
rules stand at, whoever set these; so there is one for each quantity that has such rules. What only
watches the data (silence, bad quality, stillness) says nothing of the quantity and is not counted.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby

from central.rules.figures import fitted
from central.rules.library import Library, LibraryRule
from central.rules.meant import Holding, Place, Why
from central.rules.several import Several
from protocols.alarms.attachment import Attachment, Target
from protocols.alarms.kinds.health import Bad, Frozen, Stale
from protocols.alarms.kinds.several import Levels


def counts_points(rule: LibraryRule | None) -> bool:
    """Return whether it counts the points of a quantity, not rules that it names."""
    return rule is not None and isinstance(rule.body.kind, Levels) and not rule.body.inputs


def by_quantity(places: Iterable[Place]) -> list[tuple[str, list[Place]]]:
    """Return the points of each quantity, as they are ordered."""
    ordered = sorted(places, key=_quantity)
    return [(quantity, list(found)) for quantity, found in groupby(ordered, _quantity)]


def is_of(library: Library, each: Attachment, quantity: str) -> bool:
    """Return whether an attachment is for a quantity: one that names none is for all."""
    rule = library.rules.get(each.rule or "")
    body = rule.body if rule is not None and counts_points(rule) else None
    own = body is None or not body.quantities or quantity in body.quantities
    return own and (not each.quantities or quantity in each.quantities)


def judged_by(place: Place, holdings: Iterable[Holding]) -> list[str]:
    """Return the ids of the rules that judge a point's values, as the engine has them."""
    return [
        f"{place.target.point}:{each.family}"
        for each in holdings
        if each.manifest or _of_values(each)
    ]


def rolled_up(
    library: Library, rule: LibraryRule, target: Target, counted: Sequence[str]
) -> Several | Why:
    """Return a roll-up on the object `target` over the rules `counted`."""
    if not counted:
        return Why.INPUTS
    body = rule.body
    figures = fitted(replace(body, unit=""), library.named, target, "")
    if figures is None or not figures.levels or not isinstance(figures.kind, Levels):
        return Why.UNCONFIRMED
    kind = replace(figures.kind, by_point=True)
    return Several(replace(figures, kind=kind), tuple((0, each) for each in counted))


def _of_values(held: Holding) -> bool:
    figures = held.figures
    watching = figures is None or isinstance(figures.kind, Stale | Bad | Frozen)
    return figures is not None and bool(figures.levels) and not watching


def _quantity(place: Place) -> str:
    return place.target.quantity
