"""Rules as the API shows them."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import zip_longest
from typing import Any, Literal, cast

from central.api.models import rules as models
from central.api.models import words
from central.api.shapes import label
from central.rules.figures import figure_unit
from central.rules.library import MANIFEST, Attached, Library, LibraryRule, NamedLevel, Version
from central.rules.meant import Holding, Place, Why
from central.rules.reading import body_document
from central.rules.resolving import Resolver
from central.rules.threshold_sets import ThresholdSet
from protocols.alarms.attachment import Attachment, Scope
from protocols.alarms.document import level_document
from protocols.alarms.kinds.several import Levels
from protocols.alarms.ladder import DIRECTIONS
from protocols.alarms.rule import Level
from protocols.words import Label

ScopeName = Literal["domain", "profile", "site", "object", "point"]


def scope_name(scope: Scope) -> ScopeName:
    """Return how a scope is called."""
    return cast(ScopeName, scope.name.lower())


def threshold_set(each: ThresholdSet, library: Library) -> models.ThresholdSet:
    """Return a set and how much of it may raise as it stands."""
    known = [library.rules[rule.id] for rule in each.rules if rule.id in library.rules]
    return models.ThresholdSet(
        name=each.name,
        version=each.version,
        domain=each.domain,
        label=label(each.label),
        rules=len(each.rules),
        active=sum(rule.active for rule in known),
    )


def version(each: Version) -> models.RuleVersion:
    """Return one version."""
    return models.RuleVersion(
        version=each.number,
        retired=each.retired,
        made=each.made,
        made_by=each.made_by,
        reason=each.reason,
        rule=body_document(each.body),
    )


def library_rule(rule: LibraryRule, library: Library) -> models.LibraryRule:
    """Return a rule as it is now."""
    return models.LibraryRule(
        id=rule.id,
        origin=rule.origin,
        domain=rule.domain,
        created=rule.created,
        created_by=rule.created_by,
        active=rule.active,
        attached=sum(each.rule == rule.id for each in library.attached),
        outdated=rule.outdated,
        current=version(rule.version),
    )


def attachment(each: Attachment, ended: Attached | None = None) -> models.RuleAttachment:
    """Return where a rule is meant."""
    return models.RuleAttachment(
        id=each.id,
        family=each.family,
        scope=scope_name(each.scope),
        at=each.at,
        rule=each.rule,
        quantities=sorted(each.quantities),
        since=each.since,
        by=each.by,
        reason=each.reason,
        ended=None if ended is None else ended.ended,
        ended_by=None if ended is None else ended.ended_by,
        ended_reason=None if ended is None else ended.ended_reason,
    )


def named_level(each: NamedLevel) -> models.NamedLevel:
    """Return a figure of a place."""
    return models.NamedLevel(
        id=each.id,
        name=each.name,
        scope=scope_name(each.scope),
        at=each.at,
        value=each.value,
        unit=each.unit,
        label=label(each.label),
        valid_from=each.valid_from,
        valid_to=each.valid_to,
        source=each.source,
        clause=each.clause,
        since=each.since,
        by=each.by,
        reason=each.reason,
        ended=each.ended,
        ended_by=each.ended_by,
        ended_reason=each.ended_reason,
    )


def point_rules(
    place: Place, limits: Iterable[Level], resolver: Resolver, everywhere: Iterable[Place]
) -> models.PointRules:
    """Return what holds for a point; `limits`: its manifest's."""
    point, own = place.target.point, list(limits)
    several = _several(place, resolver, everywhere) if resolver.any_several else []
    told = {each.family for each in several}
    found = [
        _holding(each, place, point, own)
        for each in resolver.holdings(place)
        if not (each.family in told and _for_objects(each))
    ]
    return models.PointRules(point=point, unit=place.unit, rules=found + several)


def _for_objects(held: Holding) -> bool:
    """Whether all that is meant here judges the object, where it is told of, and not the point."""
    return held.attachment is None and all(each.why is Why.SEVERAL for each in held.passed)


def _several(
    place: Place, resolver: Resolver, everywhere: Iterable[Place]
) -> list[models.HoldingRule]:
    shown = []
    for target, holding, inputs in resolver.several(everywhere):
        if holding.item not in ("", place.target.quantity):
            continue  # a roll-up of points of something else
        near = place.target.point in (target.point,) or place.target.object == target.object
        if near or place.number in {one for one, _ in inputs}:
            shown.append(_holding(holding, place, target.point, []))
    return shown


def _holding(held: Holding, place: Place, subject: str, own: list[Level]) -> models.HoldingRule:
    rule = held.rule
    levels = held.figures.levels if held.figures is not None else ()
    if held.manifest:
        levels = tuple(
            level for level in own if level.active and DIRECTIONS[level.op] == held.family
        )
    elif rule is not None:  # a level that names no source of its own has the rule's
        levels = tuple(replace(each, source=each.source or rule.body.source) for each in levels)
    return models.HoldingRule(
        family=held.family,
        source=_source(held),
        engine_rule=f"{subject}:{held.name}",
        rule=None if rule is None else rule.id,
        version=None if rule is None else rule.version.number,
        label=None if rule is None else _label(rule.body.label),
        attachment=None if held.attachment is None else attachment(held.attachment),
        unit=place.unit if held.figures is None else figure_unit(held.figures.kind, place.unit),
        levels=_levels(held, levels),
        passed_over=[
            models.PassedOver(attachment=attachment(each.attachment), why=each.why.value)
            for each in held.passed
        ],
    )


def _levels(held: Holding, levels: Iterable[Level]) -> list[dict[str, Any]]:
    """Return levels as JSON; of a roll-up with the colour each counts."""
    kind = None if held.figures is None else held.figures.kind
    counts = kind.counts if isinstance(kind, Levels) else ()
    pairs = zip_longest(levels, counts)
    return [
        level_document(level) | ({} if colour is None else {"counts": colour.name.lower()})
        for level, colour in pairs
    ]


def _source(held: Holding) -> Literal["library", "manifest", "ended", "none"]:
    if held.attachment is None:
        return "none"
    if held.attachment.rule == MANIFEST:
        return "manifest"
    return "ended" if held.attachment.rule is None else "library"


def _label(source: Label) -> words.Label:
    return label(source)
