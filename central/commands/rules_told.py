"""Rules as lines of text: the library, the threshold sets, and what holds at a point and why."""

from collections.abc import Iterator
from typing import Any

from central.rules.alone import ReadBook
from central.rules.library import Library, LibraryRule
from central.rules.meant import Holding
from central.rules.threshold_sets import ThresholdSet
from protocols.alarms.attachment import Attachment
from protocols.alarms.ladder import DIRECTIONS
from protocols.alarms.rule import Level
from protocols.errors import FengsuiError
from protocols.texts import text
from protocols.words import Label


class RulesPointUnknown(FengsuiError):
    """No gateway has described that point."""

    code = "RULES_POINT_UNKNOWN"


def say_list(library: Library, domain: int | None, language: str) -> None:
    """Print a line for each rule: id, version, how much of it is in force, its name."""
    found = [rule for rule in library.rules.values() if domain in (None, rule.domain)]
    for rule in found:
        offers = rule.body.levels
        told: dict[str, Any] = {
            "id": rule.id,
            "version": rule.version.number,
            "active": 0 if rule.version.retired else sum(offer.active for offer in offers),
            "levels": len(offers),
            "label": _name(rule.body.label, language),
            "state": text(_state(rule), {}, language),
        }
        print(text("RULES_LINE", told, language))
    if not found:
        print(text("RULES_NONE", {}, language))


def say_sets(book: ReadBook, language: str) -> None:
    """Print a line for each threshold set: domain, name, rules, how many are in force."""
    for each in book.sets:
        print(text("RULES_SET_LINE", _set(each, book.library, language), language))
    if not book.sets:
        print(text("RULES_SETS_NONE", {}, language))


def say_why(book: ReadBook, point: str, language: str) -> None:
    """Print what holds at a point, from where, over which others and why. RulesPointUnknown."""
    place = next((each for each in book.everywhere if each.target.point == point), None)
    if place is None:
        raise RulesPointUnknown(point=point)
    resolver = book.resolver
    held = list(resolver.holdings(place))
    if resolver.any_several:
        of_object = resolver.several(book.everywhere)
        items = ("", place.target.quantity)
        near = [
            each.holding
            for each in of_object
            if each.target.object == place.target.object and each.holding.item in items
        ]
        held = [each for each in held if each.family not in {one.family for one in near}] + near
    for each in held:
        for line in _holding(each, book.limits.get(point, ()), place.unit, language):
            print(line)
    if not held:
        print(text("RULES_WHY_NONE", {"point": point}, language))


def _holding(held: Holding, own: tuple[Level, ...], unit: str, language: str) -> Iterator[str]:
    levels = held.figures.levels if held.figures is not None else ()
    if held.manifest:
        levels = tuple(each for each in own if each.active and DIRECTIONS[each.op] == held.family)
    told = {"family": held.family, **_from(held, language)}
    yield text(_source(held), told, language)
    for level in levels:
        shown = {
            "name": level.name,
            "colour": text(f"RULES_{level.colour.name}", {}, language),
            "limit": f"{level.op} {level.limit:.10g} {unit}".strip(),
        }
        yield text("RULES_WHY_LEVEL", shown, language)
    for each in held.passed:
        shown = {
            "rule": _ruled(each.attachment, language),
            "place": _place(each.attachment, language),
            "why": text(f"RULES_PASSED_{each.why.value.upper()}", {}, language),
        }
        yield text("RULES_WHY_PASSED", shown, language)


def _source(held: Holding) -> str:
    if held.attachment is None:
        return "RULES_WHY_NOTHING"
    if held.manifest:
        return "RULES_WHY_MANIFEST"
    return "RULES_WHY_ENDED" if held.attachment.rule is None else "RULES_WHY_RULE"


def _from(held: Holding, language: str) -> dict[str, Any]:
    if held.attachment is None:
        return {}
    told: dict[str, Any] = {
        "place": _place(held.attachment, language),
        "by": held.attachment.by,
        "reason": held.attachment.reason,
    }
    if held.rule is not None:
        told |= {"rule": held.rule.id, "version": held.rule.version.number}
        told["label"] = _name(held.rule.body.label, language)
    return told


def _place(each: Attachment, language: str) -> str:
    scope = text(f"RULES_SCOPE_{each.scope.name}", {}, language)
    return f"{scope} {each.at}"


def _ruled(each: Attachment, language: str) -> str:
    if each.rule is None:
        return text("RULES_SWITCHED_OFF", {}, language)
    return text("RULES_OWN_LIMITS", {}, language) if each.rule == "manifest" else each.rule


def _state(rule: LibraryRule) -> str:
    if rule.version.retired:
        return "RULES_STATE_RETIRED"
    return "RULES_STATE_ACTIVE" if rule.active else "RULES_STATE_SILENT"


def _set(each: ThresholdSet, library: Library, language: str) -> dict[str, Any]:
    known = [library.rules[body.id] for body in each.rules if body.id in library.rules]
    return {
        "domain": each.domain,
        "name": each.name,
        "version": each.version,
        "label": _name(each.label, language),
        "rules": len(each.rules),
        "active": sum(rule.active for rule in known),
    }


def _name(label: Label, language: str) -> str:
    return (label.en or label.zh) if language == "en" else label.zh
