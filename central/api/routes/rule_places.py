"""Where rules are meant, and the figures of places: attached and ended with a reason.

A place of one site is for those who see it; a domain or a profile is everyone's.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Query

from central.api import rule_shape
from central.api.errors import ApiError
from central.api.models import rules as models
from central.api.rooms import House
from central.api.routes.rules import Keeper, Reader, person, seen, site_of
from central.identity.principal import Principal
from central.identity.roles import Permission
from central.rules import acts, records
from central.rules.acts import AttachmentUnknown, RuleRefused, RuleUnknown
from central.rules.library import Library, NamedLevel
from central.rules.placing import check_attachment, check_named
from protocols.alarms.attachment import Attachment, Scope
from protocols.errors import Problem
from protocols.words import Label

router: Final = APIRouter(prefix="/api/v1", tags=["rules"])
Ended = Annotated[bool, Query(default_factory=bool, description="those that ended too")]


@router.get("/attachments")
async def attachments(who: Reader, house: House, ended: Ended) -> models.RuleAttachments:
    """Return where rules are meant, the newest first: everyone's, and those of sites in scope."""
    found = await house.collector.db.read(lambda conn: records.attachments(conn, ended=ended))
    return models.RuleAttachments(
        items=[
            rule_shape.attachment(each.attachment, each)
            for each in found
            if seen(who, each.attachment.scope, each.attachment.at)
        ]
    )


@router.post("/attachments", status_code=201)
async def attach(who: Keeper, house: House, asked: models.NewAttachment) -> models.RuleAttachment:
    """Attach a rule, or end a family, at a place: what follows holds at once."""
    scope = Scope[asked.scope.upper()]
    _may(who, scope, asked.at)
    book = house.collector.rules
    rule = None if asked.rule is None else book.library.rules.get(asked.rule)
    if asked.rule is not None and rule is None:
        raise RuleUnknown(rule=asked.rule)
    family = rule.body.family if rule is not None else asked.family
    if family is None:
        raise RuleRefused([Problem("ATTACHMENT_FAMILY", "", 0, "family")])
    by = person(who, house, asked.reason)
    each = Attachment(
        id=0,
        family=family,
        scope=scope,
        at=asked.at,
        rule=asked.rule,
        quantities=frozenset(asked.quantities),
        since=by.now,
        by=by.name,
        reason=by.reason,
    )
    check_attachment(each, rule, book.places())
    number = await book.act(lambda tables, library: acts.attach(tables, library, each))
    return rule_shape.attachment(_standing(book.library, number))


@router.post("/attachments/{number}/end")
async def detach(
    who: Keeper, house: House, number: int, asked: models.Ending
) -> models.RuleAttachments:
    """End an attachment; return those of the same family and place that stand."""
    book = house.collector.rules
    known = _standing(book.library, number)
    _may(who, known.scope, known.at)
    by = person(who, house, asked.reason)
    await book.act(lambda tables, _: acts.detach(tables, number, by))
    left = book.library.at(known.scope, [known.at])
    return models.RuleAttachments(
        items=[rule_shape.attachment(each) for each in left if each.family == known.family]
    )


@router.get("/named-levels")
async def named_levels(who: Reader, house: House, ended: Ended) -> models.NamedLevels:
    """Return the figures of places, the newest first: everyone's, and those of sites in scope."""
    found = await house.collector.db.read(lambda conn: records.named_levels(conn, ended=ended))
    return models.NamedLevels(
        items=[rule_shape.named_level(each) for each in found if seen(who, each.scope, each.at)]
    )


@router.post("/named-levels", status_code=201)
async def name_level(who: Keeper, house: House, asked: models.NewNamedLevel) -> models.NamedLevel:
    """Give a place a figure, for a season or for good; the caller answers for it."""
    scope = Scope[asked.scope.upper()]
    _may(who, scope, asked.at)
    book, by = house.collector.rules, person(who, house, asked.reason)
    each = NamedLevel(
        id=0,
        name=asked.name,
        scope=scope,
        at=asked.at,
        value=asked.value,
        unit=asked.unit,
        label=Label(asked.label.zh, asked.label.en),
        valid_from=asked.valid_from,
        valid_to=asked.valid_to,
        source=asked.source,
        clause=asked.clause,
        since=by.now,
        by=by.name,
        reason=by.reason,
    )
    check_named(each, book.library, book.places())
    number = await book.act(lambda tables, library: acts.name_level(tables, library, each))
    return rule_shape.named_level(_named(book.library, number))


@router.post("/named-levels/{number}/end")
async def end_named(
    who: Keeper, house: House, number: int, asked: models.Ending
) -> models.NamedLevels:
    """End a figure; return those of the same name and place that stand."""
    book = house.collector.rules
    known = _named(book.library, number)
    _may(who, known.scope, known.at)
    by = person(who, house, asked.reason)
    await book.act(lambda tables, _: acts.end_named(tables, number, by))
    left = [
        each
        for each in book.library.named
        if (each.name, each.scope, each.at) == (known.name, known.scope, known.at)
    ]
    return models.NamedLevels(items=[rule_shape.named_level(each) for each in left])


def _may(who: Principal, scope: Scope, at: str) -> None:
    site = site_of(scope, at)
    if not (who.sees_all if site is None else who.sees(site)):
        raise ApiError(403, "FORBIDDEN", permission=Permission.RULES.value)


def _standing(library: Library, number: int) -> Attachment:
    found = next((each for each in library.attached if each.id == number), None)
    if found is None:
        raise AttachmentUnknown(id=number)
    return found


def _named(library: Library, number: int) -> NamedLevel:
    found = next((each for each in library.named if each.id == number), None)
    if found is None:
        raise AttachmentUnknown("NAMED_UNKNOWN", id=number)
    return found
