"""Whether a rule can be attached where somebody wants it: the place is there, the units fit.

What cannot be said beforehand (points that are yet to come) is said where it shows: which rules
hold for a point.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from central.rules.acts import RuleRefused
from central.rules.checking import dayless
from central.rules.library import Library, LibraryRule, NamedLevel
from central.rules.meant import Place
from protocols.alarms.attachment import Attachment, Scope
from protocols.alarms.document import DAY_FORMS
from protocols.alarms.document_kinds import day_is_one
from protocols.errors import Problem
from protocols.units import conversion
from protocols.words import Value

UNKNOWN_PLACE: Final = "ATTACHMENT_PLACE"
DOMAINS = tuple(str(number) for number in range(1, 16))


def check_attachment(
    each: Attachment, rule: LibraryRule | None, everywhere: Sequence[Place]
) -> None:
    """Raise RuleRefused with what is wrong; `rule` None: a family ends there."""
    problems = attachment_problems(each, rule, everywhere)
    if problems:
        raise RuleRefused(problems)


def attachment_problems(
    each: Attachment, rule: LibraryRule | None, everywhere: Sequence[Place]
) -> list[Problem]:
    """Return what is wrong with an attachment; `rule` None: a family ends there."""
    problems = place_problems(each.scope, each.at, everywhere)
    if problems or rule is None:
        return problems
    return _rule_problems(each, rule, everywhere)


def check_named(each: NamedLevel, library: Library, everywhere: Sequence[Place]) -> None:
    """Raise RuleRefused with what is wrong with a figure of a place."""
    problems = named_problems(each, library, everywhere)
    if problems:
        raise RuleRefused(problems)


def named_problems(
    each: NamedLevel, library: Library, everywhere: Iterable[Place]
) -> list[Problem]:
    """Return what is wrong with a figure of a place."""
    problems = place_problems(each.scope, each.at, everywhere)
    rules = [rule.body for rule in library.rules.values()]
    names = {offer.named: body.unit for body in rules for offer in body.levels if offer.named}
    if each.name not in names:
        allowed = tuple(sorted(names))
        problems.append(Problem("NAMED_UNUSED", "", 0, "name", {"value": each.name}, allowed))
    elif conversion(each.unit, names[each.name]) is None:
        allowed = (names[each.name],)
        problems.append(Problem("VALUE_CHOICE", "", 0, "unit", {"value": each.unit}, allowed))
    for key, day in (("valid_from", each.valid_from), ("valid_to", each.valid_to)):
        if day is not None and not day_is_one(day):
            problems.append(Problem("DAY_FORMAT", "", 0, key, {"value": day}, DAY_FORMS))
    if (each.valid_from is None) != (each.valid_to is None):
        missing = "valid_to" if each.valid_to is None else "valid_from"
        problems.append(Problem("KEY_MISSING", "", 0, missing, {"value": missing}))
    if not problems and dayless(each.valid_from, each.valid_to):
        span = f"{each.valid_from} … {each.valid_to}"
        problems.append(Problem("SEASON_NO_DAY", "", 0, "valid_to", {"value": span}))
    return problems


def place_problems(scope: Scope, at: str, everywhere: Iterable[Place]) -> list[Problem]:
    """Return what is wrong with a place: it is not there."""
    if scope is Scope.DOMAIN:
        known = at in DOMAINS
    else:
        known = any(place.target.at(scope) == at for place in everywhere)
    if known:
        return []
    return [_problem(UNKNOWN_PLACE, "at", value=at, scope=scope.name.lower())]


def _rule_problems(
    each: Attachment, rule: LibraryRule, everywhere: Iterable[Place]
) -> list[Problem]:
    body = rule.body
    if rule.version.retired:
        return [_problem("RULE_RETIRED", "rule", value=rule.id, rule=rule.id)]
    if body.several:
        return []
    here = [place for place in everywhere if place.target.at(each.scope) == each.at]
    meant = [place for place in here if place.target.quantity in body.quantities]
    if each.scope is Scope.POINT and not meant:
        point = here[0].target
        return [
            _problem(
                "ATTACHMENT_QUANTITY",
                "at",
                value=point.quantity,
                point=point.point,
                quantity=point.quantity,
            )
        ]
    refused = [place for place in meant if conversion(body.unit, place.unit) is None]
    if not refused or len(refused) < len(meant):
        return []
    first = refused[0]
    return [
        _problem(
            "ATTACHMENT_UNIT",
            "at",
            value=first.unit,
            given=body.unit,
            wanted=first.unit,
            point=first.target.point,
        )
    ]


def _problem(code: str, key: str, **params: Value) -> Problem:
    return Problem(code, "", 0, key, params)
