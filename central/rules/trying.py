"""What a rule would hold for, and what it would say now, before anybody makes it (pure).

Every level that has a figure is taken as answered for: that is what the person wants to see first.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from central.rules.body import Body
from central.rules.library import Library, LibraryRule, Version
from central.rules.meant import Holding, Place, Why
from central.rules.resolving import Resolver
from central.rules.several import Bound
from protocols.alarms.attachment import Attachment, Target
from protocols.alarms.condition import COMPARE
from protocols.alarms.definition import Definition
from protocols.alarms.kinds.health import Stale
from protocols.alarms.kinds.kind import Values
from protocols.alarms.priming import Primed
from protocols.alarms.rule import Level
from protocols.alarms.season import in_season

BY: Final = "trial"
"""Who answers for the levels of a trial: nobody outside of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A point or an object that a rule is meant for; `why` it would not hold there.

    `before` is what holds there today of the same family; of several inputs `inputs` are those.
    """

    target: Target
    unit: str
    definition: Definition | None
    inputs: Bound
    why: Why | None
    before: Holding | None


class Verdict(NamedTuple):
    """What the levels are held against now, and the worst that it meets; None: none does."""

    against: float | None
    level: Level | None


def as_rule(body: Body, attachment: Attachment) -> LibraryRule:
    """Return a rule that is only tried as the library would have it."""
    levels = tuple(offer.confirmed(BY, "", None) if offer.known else offer for offer in body.levels)
    version = Version(
        number=1,
        body=replace(body, levels=levels),
        retired=False,
        made=attachment.since,
        made_by=BY,
        reason="",
    )
    return LibraryRule(
        id=body.id,
        origin=None,
        domain=None,
        created=attachment.since,
        created_by=BY,
        version=version,
    )


def tried(
    library: Library, rule: LibraryRule, attachment: Attachment, everywhere: Sequence[Place]
) -> list[Tried]:
    """Return every point or object the rule would be meant for if it were attached."""
    with_it = replace(
        library,
        rules={**library.rules, rule.id: rule},
        attached=(*library.attached, attachment),
    )
    today, then = Resolver(library), Resolver(with_it)
    if rule.body.several:
        return list(_objects(today, then, attachment, everywhere))
    return list(_points(today, then, rule.body, attachment, everywhere))


def verdict(definition: Definition, known: Primed | None, silent: int | None, now: int) -> Verdict:
    """Return what the rule says at `now` (µs UTC) of what is known; delays are not waited for.

    `silent`: since when nothing good was heard, for rules that count its seconds.
    """
    values = _values(definition, known, silent, now)
    against, worst = None, None
    for level, value in zip(definition.rule.levels, values, strict=True):
        if value is None:
            continue
        if in_season(level, now) and COMPARE[level.op](value, level.limit):
            against, worst = value, level
        elif worst is None:
            against = value
    return Verdict(against, worst)


def _values(definition: Definition, known: Primed | None, silent: int | None, now: int) -> Values:
    levels, timed = definition.rule.levels, definition.timed
    if isinstance(definition.kind, Stale) and timed is not None and silent is not None:
        return timed.look(timed.listen(timed.begin(), silent), now, levels).values
    if known is None:
        return (None,) * len(levels)
    if timed is None:
        return known.taken.values
    return timed.look(known.taken.memory, now, levels).values


def _points(
    today: Resolver,
    then: Resolver,
    body: Body,
    attachment: Attachment,
    everywhere: Iterable[Place],
) -> Iterator[Tried]:
    for place in everywhere:
        if not attachment.meets(place.target) or place.target.quantity not in body.quantities:
            continue
        held = _of_family(then.holdings(place), body.family)
        if held is not None:
            yield Tried(
                target=place.target,
                unit=place.unit,
                definition=held.definition(place.target.point) if _ours(held, attachment) else None,
                inputs=((place.number, ""),),
                why=_why(held, attachment),
                before=_of_family(today.holdings(place), body.family),
            )


def _objects(
    today: Resolver, then: Resolver, attachment: Attachment, everywhere: Sequence[Place]
) -> Iterator[Tried]:
    before = {
        (each.target.point, each.holding.name): each.holding
        for each in (today.several(everywhere) if today.any_several else ())
    }
    for each in then.several(everywhere):
        held = each.holding
        if _ours(held, attachment) or _why(held, attachment) is not None:
            yield Tried(
                target=each.target,
                unit="",
                definition=held.definition(each.target.point) if _ours(held, attachment) else None,
                inputs=each.inputs,
                why=_why(held, attachment),
                before=before.get((each.target.point, held.name)),
            )


def _of_family(holdings: Iterable[Holding], family: str) -> Holding | None:
    return next((each for each in holdings if each.family == family), None)


def _ours(held: Holding, attachment: Attachment) -> bool:
    return held.attachment == attachment


def _why(held: Holding, attachment: Attachment) -> Why | None:
    passed = (each.why for each in held.passed if each.attachment == attachment)
    return next(passed, None)
